"""Migrations on both engines: they make exactly what the models declare, once, whoever comes first."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import CommandLine
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from store.database import Database
from store.models import Base
from store.schema import (
    MIGRATIONS,
    UnknownRevision,
    current_revision,
    downgrade,
    head_revision,
    is_current,
    upgrade,
)

SQLITE_CATALOGUE = """
    SELECT type || ' ' || name, sql FROM sqlite_master
    WHERE name NOT LIKE 'sqlite_%' AND tbl_name <> 'alembic_version'
"""
BETWEEN_PARTS = re.compile(r",\s+(?![^(]*\))|\n")
"""The commas between a table's columns and constraints, not those within parentheses."""
POSTGRESQL_CATALOGUE = """
    SELECT 'column ' || table_name || '.' || column_name,
           concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    UNION ALL
    SELECT 'constraint ' || conname, conrelid::regclass || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
    UNION ALL
    SELECT 'index ' || indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


async def catalogue(database: Database) -> dict[str, frozenset[str]]:
    """Everything in the schema as the database itself describes it: columns, constraints, indexes."""
    query = SQLITE_CATALOGUE if database.is_sqlite else POSTGRESQL_CATALOGUE
    async with database.engine.connect() as connection:
        rows = (await connection.execute(text(query))).all()
    # SQLite keeps the statement as typed, its columns and constraints in whatever order; a column that was added
    # stands right before the last parenthesis, and a table that was copied has its name in quotes.
    return {
        name: frozenset(
            part.strip(" ,")
            for part in BETWEEN_PARTS.split(sql.replace('"', "").removesuffix(")"))
            if part.strip(" ,")
        )
        for name, sql in rows
    }


def difference(connection: Connection) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


async def tables(database: Database) -> set[str]:
    async with database.engine.connect() as connection:
        return set(await connection.run_sync(lambda c: inspect(c).get_table_names()))


async def test_migrations_leave_nothing_that_the_models_declare_otherwise(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(difference) == []


async def test_migrations_make_the_same_constraints_and_indexes_as_the_models(
    database: Database, empty_database: Database
) -> None:
    async with empty_database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    migrated, declared = await catalogue(database), await catalogue(empty_database)

    assert migrated == declared
    assert len(declared) > len(Base.metadata.tables)  # the query found tables and indexes


async def test_an_empty_database_is_brought_to_the_newest_revision(empty_database: Database) -> None:
    assert await current_revision(empty_database) is None
    assert not await is_current(empty_database)

    await upgrade(empty_database)

    assert await current_revision(empty_database) == head_revision()
    assert await is_current(empty_database)
    assert await tables(empty_database) == {*Base.metadata.tables, "alembic_version"}


async def test_upgrading_again_changes_nothing(database: Database) -> None:
    before = await catalogue(database)

    await upgrade(database)

    assert await catalogue(database) == before


async def test_downgrading_takes_everything_away_and_upgrading_brings_it_back(database: Database) -> None:
    before = await catalogue(database)

    await downgrade(database, "base")
    assert await tables(database) == {"alembic_version"}

    await upgrade(database)
    assert await catalogue(database) == before


async def test_processes_that_start_together_upgrade_once(empty_url: str) -> None:
    databases = [Database(empty_url) for _ in range(6)]

    await asyncio.gather(*(upgrade(each) for each in databases))

    assert all(await asyncio.gather(*(is_current(each) for each in databases)))
    for each in databases:
        await each.close()


async def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(UnknownRevision, match="revision 9999"):
        await upgrade(database)

    assert not await is_current(database)
    assert "customer" in await tables(database)


async def test_an_upgrade_that_fails_leaves_nothing_behind(empty_database: Database) -> None:
    async with empty_database.writing() as session:
        await session.execute(text("CREATE TABLE bill (id INTEGER)"))  # in the way of the first revision

    with pytest.raises(Exception, match="bill"):
        await upgrade(empty_database)

    assert await current_revision(empty_database) is None
    assert await tables(empty_database) == {"bill"}


async def test_alembics_own_command_line_finds_nothing_to_draft(empty_url: str, tmp_path: Path) -> None:
    configuration = tmp_path / "alembic.ini"
    configuration.write_text(f"[alembic]\nscript_location = {MIGRATIONS}\n")
    alembic = CommandLine(prog="alembic")

    for command in ("upgrade head", "check"):  # check fails where revision --autogenerate would write something
        arguments = ["-c", str(configuration), "-x", f"url={empty_url}", *command.split()]
        await asyncio.to_thread(alembic.main, arguments)
