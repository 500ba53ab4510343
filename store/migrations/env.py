"""What Alembic runs: on the connection of `store.schema`, or from its command line with `-x url=…`."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection

from store.database import Database
from store.models import Base


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        render_as_batch=True,  # SQLite changes a table by copying it
        transactional_ddl=True,  # on SQLite too: `store.database` begins its transactions itself
        transaction_per_migration=True,  # where the caller began none: an index may be built outside of them
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_url(url: str) -> None:
    database = Database(url)
    try:
        async with database.engine.begin() if database.is_sqlite else database.engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await database.close()


connection = context.config.attributes.get("connection")
if connection is not None:
    migrate(connection)
else:
    asyncio.run(migrate_url(context.get_x_argument(as_dictionary=True)["url"]))
