"""SQLite for SQLAlchemy's asyncio engine, called where it stands instead of in a thread.

aiosqlite passes every call to a thread and waits for its answer: four round trips for a statement that SQLite
answers in ten microseconds, and most of a turn's time was spent in them. Here only what may wait for the disk or
for another process goes to a thread: a commit, and the beginning of a transaction while somebody else writes.
Everything else is index look-ups in the page cache; a statement that reads a whole table belongs in the commands,
not in the service.

SQLAlchemy runs a driver in a greenlet, where plain methods may wait (`await_`). So connection and cursor are those of
the standard library with the few methods replaced that do, and nothing lies between SQLAlchemy and them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from types import ModuleType
from typing import Any, Self, TypeVar, cast

from sqlalchemy import URL
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import await_
from sqlalchemy.util.concurrency import in_greenlet

T = TypeVar("T")

DRIVER = "sqlite+releve"
WAITS = "BEGIN IMMEDIATE"
"""The one statement that another process may hold up: in WAL mode readers never wait, nor does a commit."""
BUSY_MS = 10_000


def _in_a_thread(work: Callable[[], T]) -> T:
    if not in_greenlet():  # cleaning up, perhaps with no event loop any more
        return work()
    return await_(asyncio.get_running_loop().run_in_executor(None, work))


class _Done:
    """What need not be waited for. SQLAlchemy insists that a statement of an asyncio driver waits for something."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_DONE = _Done()


class Streamed(sqlite3.Cursor):
    """Rows are fetched as they are asked for."""

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:  # type: ignore[override]
        await_(_DONE)
        try:
            return super().execute(statement, parameters)
        except sqlite3.OperationalError as error:
            if not (statement.startswith(WAITS) and error.sqlite_errorcode == sqlite3.SQLITE_BUSY):
                raise
        _in_a_thread(lambda: self._wait_for_the_writer(statement))
        return self

    def executemany(self, statement: str, parameters: Iterable[Any]) -> Self:
        await_(_DONE)
        return super().executemany(statement, parameters)

    def _wait_for_the_writer(self, statement: str) -> None:
        """Begin once the process that is writing has ended. Raises `sqlite3.OperationalError` after `BUSY_MS`."""
        super().execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        try:
            super().execute(statement)
        finally:
            self.connection.execute("PRAGMA busy_timeout = 0")

    async def _async_soft_close(self) -> None:
        """SQLAlchemy's, before it hands over a result to where nothing may wait: nothing here does."""


class Cursor(Streamed):
    """All rows are fetched with the statement: what is written while they are looked at does not change them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._rows: deque[Any] = deque()

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:  # type: ignore[override]
        super().execute(statement, parameters)
        if self.description is not None:
            self._rows = deque(super().fetchall())
        return self

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return [self._rows.popleft() for _ in range(min(size or self.arraysize, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, deque()
        return list(rows)


class Connection(sqlite3.Connection):
    """In autocommit mode: transactions are begun by statement, see `store.database`."""

    def cursor(self, server_side: bool = False) -> Streamed:  # type: ignore[override]
        return super().cursor(Streamed if server_side else Cursor)

    def commit(self) -> None:
        if self.in_transaction:
            # Reaches the disk; a reader's end does too little to be worth a thread, but cannot be told apart.
            _in_a_thread(super().commit)

    def close(self) -> None:
        _in_a_thread(super().close)

    terminate = close


class _Module:
    """The standard library's module, as SQLAlchemy wants a driver's."""

    has_stop = True
    """A connection can be closed where there is no event loop any more."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)

    def connect(self, database: str, **options: Any) -> Connection:
        """As `sqlite3.connect`, in a thread: it looks at the file. Raises what it raises."""
        options |= {"isolation_level": None, "check_same_thread": False, "timeout": 0, "factory": Connection}
        return _in_a_thread(lambda: cast(Connection, sqlite3.connect(database, **options)))


class Dialect(SQLiteDialect_aiosqlite):
    """SQLAlchemy's dialect for a driver with an event loop, without aiosqlite."""

    driver = "releve"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> ModuleType:  # type: ignore[override]
        return _Module()  # type: ignore[return-value]

    def get_driver_connection(self, connection: Any) -> Any:
        return connection


registry.register("sqlite.releve", __name__, Dialect.__name__)


def address(url: URL) -> URL:
    """`url` of a SQLite database, with this driver."""
    return url.set(drivername=DRIVER)
