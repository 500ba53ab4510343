"""The database's schema and its revisions: Alembic, run on our own engine, configured here and nowhere else.

Revisions are in `store/migrations/versions`; a test holds them against `store.models`. A new one is drafted
by Alembic's command line: `uv run alembic -x url=sqlite+aiosqlite:///draft.db upgrade head`, then the same with
`revision --autogenerate --rev-id 0002 -m "…"`.

A revision only adds, so that processes of the release before go on working on the new schema while they are replaced
one by one. One that takes something away comes a release later, and says `compatible_since = "its own number"`: code
that is older is then not ready. `schema_mark` keeps the newest of these for code that does not know the revision.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, delete, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Database
from store.upkeep_models import SchemaMark

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = 0x52656C657665
"""PostgreSQL's advisory lock held by an upgrade ("Releve" in ASCII: far above any row id used as a key)."""
LOOK_AGAIN_SECONDS = 0.2
"""Between looks whether another process has finished upgrading. Waiting inside PostgreSQL would be a transaction,
which an index that is being built concurrently waits for in turn."""
LOCK_TIMEOUT = "2s"
"""How long an upgrade waits for a table that somebody uses: everybody who comes later waits behind it."""
LOCK_TRIES = 30
LOCK_NOT_AVAILABLE = "55P03"


class UnknownRevision(RuntimeError):
    """The database was made by another version of Relève, most likely a newer one."""


class TablesInUse(RuntimeError):
    """An upgrade did not get the locks that it needs: something holds a table for minutes."""


def head_revision() -> str:
    """The newest revision that this code knows."""
    head = _scripts().get_current_head()
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


async def is_usable(database: Database) -> bool:
    """Whether this code can work on `database`: at its own newest revision, or at a later one that allows it."""
    async with database.engine.connect() as connection:
        await connection.execution_options(reading=True)
        current = await connection.run_sync(_revision_of)
        if current is None or is_known(current):
            return current == head_revision()
        if not await connection.run_sync(_has_mark):
            return False
        marks = (await connection.scalars(select(SchemaMark.compatible_since))).all()
    return bool(marks) and all(is_known(since) for since in marks)


async def upgrade(database: Database) -> None:
    """Bring `database` to the newest revision; nothing to do is done without a lock.

    Any number of processes may call it at once: one works, the others wait and find it done. On SQLite it is one
    transaction, on PostgreSQL one for each revision. Raises `UnknownRevision`, `TablesInUse`, and what the driver
    raises when the database cannot be reached.
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
    if database.is_sqlite:  # its BEGIN IMMEDIATE is a lock already
        async with database.engine.begin() as connection:
            await connection.run_sync(_run, to)
        return
    async with _alone(database) as connection:
        await connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        await connection.commit()
        for _ in range(LOCK_TRIES):
            try:
                await connection.run_sync(_run, to)
                return
            except DBAPIError as error:
                # What was committed of the upgrade stays; the rest is begun again when the table is free.
                await connection.rollback()
                if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                    raise
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        raise TablesInUse("a transaction holds a table that the upgrade changes; end it and run the upgrade again")


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection that holds PostgreSQL's lock on upgrades, and is closed with it."""
    async with database.engine.connect() as connection:
        while not await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": UPGRADE_LOCK}):
            await connection.rollback()
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        await connection.commit()
        try:
            yield connection
        finally:
            await connection.invalidate()  # gives the lock and its settings back, whatever state it is in


def _run(connection: Connection, to: str | None) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    current = _revision_of(connection)
    if current is not None and not is_known(current):
        raise UnknownRevision(f"the database is at revision {current}, which this version of Relève does not know")
    is_postgresql = connection.dialect.name == "postgresql"
    if to is None:
        _mark(connection, head_revision())  # before anything is taken away that older code needs
    if is_postgresql:
        connection.commit()  # Alembic begins a transaction for each revision
    if to is None:
        command.upgrade(config, "head")
    else:
        command.downgrade(config, to)
    _mark(connection, _revision_of(connection))
    if is_postgresql:
        connection.commit()


def _mark(connection: Connection, revision: str | None) -> None:
    """Write down how old the code may be that works on `revision`; before 0008 there is no place for it."""
    if revision is not None and _has_mark(connection):
        connection.execute(delete(SchemaMark))
        connection.execute(insert(SchemaMark).values(compatible_since=compatible_since(revision)))


def compatible_since(revision: str) -> str:
    """The oldest revision whose code may run on `revision`: the last up to it that took something away."""
    revisions = _scripts().walk_revisions("base", revision)  # the newest first
    return next(str(since) for each in revisions if (since := getattr(each.module, "compatible_since", None)))


def is_known(revision: str) -> bool:
    """Whether this code has the revision."""
    try:
        return _scripts().get_revision(revision) is not None
    except CommandError:
        return False


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _has_mark(connection: Connection) -> bool:
    return inspect(connection).has_table(SchemaMark.__tablename__)


def _revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
