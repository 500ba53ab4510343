"""The schema changes while customers are served: nothing is held up, and the release before goes on working."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from online_ddl import objections
from sqlalchemy import Column, Connection, MetaData, Table, event, insert, inspect, text
from sqlalchemy.exc import DBAPIError
from store_rows import ROWS

from bot.service import NotReady, require_current_schema
from store import schema
from store.database import Database
from store.models import Base
from store.schema import MIGRATIONS, current_revision, downgrade, head_revision, is_current, is_usable, upgrade

RELEASED = "0004"
"""The revision of the last release: what came later must be safe beside its code."""


def later_revisions() -> list[Script]:
    return list(ScriptDirectory(str(MIGRATIONS)).walk_revisions(RELEASED, "head"))[-2::-1]


async def at_release(database: Database) -> dict[str, set[str]]:
    """Take an empty database to the last release; the columns of each of its tables."""
    async with database.engine.connect() as connection:
        await connection.run_sync(alembic, RELEASED)
        await connection.commit()
        return await connection.run_sync(columns)


def alembic(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def columns(connection: Connection) -> dict[str, set[str]]:
    found = inspect(connection)
    tables = set(found.get_table_names()) - {"alembic_version"}
    return {table: {column["name"] for column in found.get_columns(table)} for table in tables}


async def write_as_released(database: Database, known: dict[str, set[str]]) -> None:
    """A row in every table as the code of the last release writes them: without what came later."""
    released = MetaData()
    async with database.writing() as session:
        for name in [each for each in ROWS if each in known]:
            today = Base.metadata.tables[name].columns
            own = [Column(each.name, each.type, default=_default(each)) for each in today if each.name in known[name]]
            await session.execute(insert(Table(name, released, *own)).values(ROWS[name]))


def _default(column: Column[Any]) -> Any:
    """What our code fills in, where the database does not."""
    return None if column.server_default is not None else getattr(column.default, "arg", None)


async def counted(database: Database, tables: dict[str, set[str]]) -> dict[str, int]:
    async with database.reading() as session:
        return {table: await session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables}


async def test_each_revision_since_the_release_is_safe_beside_running_code(empty_database: Database) -> None:
    existing = set(await at_release(empty_database))
    found: dict[str, list[str]] = {}
    for revision in later_revisions():
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, sql: str, *_rest: Any, into: list[str] = statements) -> None:
            into.append(sql)

        event.listen(empty_database.engine.sync_engine, "before_cursor_execute", note)
        async with empty_database.engine.connect() as connection:
            await connection.run_sync(alembic, revision.revision)
            await connection.commit()
            tables = set(await connection.run_sync(columns))
        event.remove(empty_database.engine.sync_engine, "before_cursor_execute", note)
        takes_away = getattr(revision.module, "compatible_since", None) == revision.revision
        relevant = [sql for sql in statements if not (empty_database.is_sqlite and "INDEX" in sql)]
        wrong = [each for sql in relevant for each in objections(sql, existing, may_take_away=takes_away)]
        if wrong:
            found[revision.revision] = wrong
        existing = tables
    assert found == {}


async def test_the_last_release_with_data_is_brought_to_the_newest_revision(empty_database: Database) -> None:
    known = await at_release(empty_database)
    await write_as_released(empty_database, known)
    before = await counted(empty_database, known)

    await upgrade(empty_database)

    assert await is_current(empty_database)
    assert await counted(empty_database, known) == before
    assert set(before.values()) == {1}


async def test_the_code_of_the_last_release_writes_on_the_newest_schema(empty_database: Database) -> None:
    known = await at_release(empty_database)
    await upgrade(empty_database)

    await write_as_released(empty_database, known)

    assert set((await counted(empty_database, known)).values()) == {1}


async def test_a_process_stays_ready_when_a_newer_release_has_upgraded_the_database(database: Database) -> None:
    await require_current_schema(database)

    async with database.writing() as session:  # what an upgrade by newer code leaves
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    await require_current_schema(database)
    assert not await is_current(database)


@pytest.mark.parametrize("marks", [["9998"], []], ids=["its older code is excluded", "it does not say"])
async def test_a_process_is_not_ready_on_a_newer_schema_that_older_code_cannot_use(
    database: Database, marks: list[str]
) -> None:
    async with database.writing() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await session.execute(text("DELETE FROM schema_mark"))
        for mark in marks:
            await session.execute(text("INSERT INTO schema_mark VALUES (:mark)"), {"mark": mark})

    with pytest.raises(NotReady, match="revision 9999, of a newer Relève"):
        await require_current_schema(database)


async def test_a_process_is_not_ready_on_a_schema_that_lacks_something(database: Database) -> None:
    await downgrade(database, RELEASED)

    assert not await is_usable(database)
    with pytest.raises(NotReady, match="releve db upgrade"):
        await require_current_schema(database)


async def test_an_upgrade_waits_for_a_table_that_is_in_use_without_stopping_those_who_use_it(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if empty_database.is_sqlite:
        pytest.skip("one writer at a time: there are no locks on tables")
    await at_release(empty_database)
    await upgrade(empty_database)
    await downgrade(empty_database, RELEASED)
    monkeypatch.setattr(schema, "LOCK_TIMEOUT", "20ms")
    monkeypatch.setattr(schema, "LOCK_TRIES", 1000)
    monkeypatch.setattr(schema, "LOOK_AGAIN_SECONDS", 0.01)
    async with empty_database.engine.connect() as busy:
        await busy.execute(text("LOCK TABLE message IN SHARE ROW EXCLUSIVE MODE"))
        upgrading = asyncio.create_task(upgrade(empty_database))
        await asyncio.sleep(0.1)
        assert not upgrading.done()
        await busy.rollback()
    await upgrading
    assert await current_revision(empty_database) == head_revision()


async def test_an_index_whose_building_was_interrupted_is_built_again(empty_database: Database) -> None:
    if empty_database.is_sqlite:
        pytest.skip("an index is built or not")
    known = await at_release(empty_database)
    await write_as_released(empty_database, known)
    async with empty_database.engine.connect() as connection:
        # A unique index on a value that two rows share fails half-way and leaves what has the name.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(
            text(
                "INSERT INTO message SELECT 9, conversation_id, channel, direction, 'SM9', state,"
                " body, payload, language, understood, answers_id, attempts, due_at, doubts,"
                " delivery, error, parts, created_at, settled_at, bulk, user_id FROM message"
            )
        )
        with pytest.raises(DBAPIError, match="could not create unique index"):
            await connection.execute(text("CREATE UNIQUE INDEX CONCURRENTLY ix_message_answers_id ON message (body)"))

    await upgrade(empty_database)

    async with empty_database.engine.connect() as connection:
        query = "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = 'ix_message_answers_id'::regclass"
        assert tuple((await connection.execute(text(query))).one()) == (True, False)
