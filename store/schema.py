"""The database's schema and its revisions: Alembic, run on our own engine, configured here and nowhere else.

Revisions are in `store/migrations/versions`; a test holds them against `store.models`. A new one is drafted
by Alembic's command line: `uv run alembic -x url=sqlite+aiosqlite:///draft.db upgrade head`, then the same with
`revision --autogenerate --rev-id 0002 -m "…"`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from store.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = 0x52656C657665
"""PostgreSQL's advisory lock held by an upgrade ("Releve" in ASCII: far above any row id used as a key)."""


class UnknownRevision(RuntimeError):
    """The database was made by another version of Relève, most likely a newer one."""


def head_revision() -> str:
    """The newest revision that this code knows."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None, "no migrations"
    return head


async def current_revision(database: Database) -> str | None:
    """The revision that `database` is at; None when it is empty. Waits for no writer."""
    async with database.engine.connect() as connection:
        await connection.execution_options(reading=True)
        return await connection.run_sync(_revision_of)


async def is_current(database: Database) -> bool:
    """Whether `database` is at the newest revision."""
    return await current_revision(database) == head_revision()


async def upgrade(database: Database) -> None:
    """Bring `database` to the newest revision, in one transaction; nothing to do is done without a lock.

    Any number of processes may call it at once: one works, the others wait and find it done. Raises
    `UnknownRevision`, and what the driver raises when the database cannot be reached.
    """
    if not await is_current(database):
        await _migrate(database, to=None)


async def downgrade(database: Database, revision: str) -> None:
    """Take `database` back to `revision`, `base` for nothing at all. Loses what older revisions cannot hold.

    Raises as `upgrade` does.
    """
    await _migrate(database, to=revision)


async def _migrate(database: Database, to: str | None) -> None:
    """To the newest revision, or back to `to`."""
    async with database.engine.begin() as connection:
        if not database.is_sqlite:  # SQLite's BEGIN IMMEDIATE is such a lock already
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        await connection.run_sync(_run, to)


def _run(connection: Connection, to: str | None) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    current = _revision_of(connection)
    if current is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(current)
        except CommandError as error:
            raise UnknownRevision(
                f"the database is at revision {current}, which this version of Relève does not know"
            ) from error
    if to is None:
        command.upgrade(config, "head")
    else:
        command.downgrade(config, to)


def _revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
