"""SQLite for SQLAlchemy's asyncio engine, called where it stands instead of in a thread.

aiosqlite passes every call to a thread and waits for its answer: four round trips for a statement that SQLite
answers in ten microseconds, and most of a turn's time was spent in them. Here only what waits for the disk or for
another process goes to a thread: a commit where the disk is slow, as handing it over and taking it back costs half a
millisecond of computing, and the beginning of a transaction while somebody else writes. Everything else is index
look-ups in the page cache; a statement that reads a whole table belongs in the commands, not in the service.

SQLAlchemy runs a driver in a greenlet, where plain methods may wait (`await_`). So connection and cursor are those of
the standard library with the few methods replaced that do, and nothing lies between SQLAlchemy and them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from threading import local
from time import perf_counter
from types import ModuleType
from typing import Any, ParamSpec, Self, TypeVar, cast

from sqlalchemy import URL
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import await_
from sqlalchemy.util.concurrency import in_greenlet

T = TypeVar("T")
P = ParamSpec("P")

DRIVER = "sqlite+releve"
WAITS = "BEGIN IMMEDIATE"
"""The one statement that another process may hold up: in WAL mode readers never wait, nor does a commit."""
BUSY_MS = 10_000
QUICK_SECONDS = 0.005
"""A commit that takes no longer is not worth a thread: whatever else is to be written waits for it anyway."""
SLOW_IN_A_ROW = 16
"""After so many slow commits the disk is a slow one; fewer are checkpoints, or others that have the core."""
IN_THREADS = 200
"""Commits that go to a thread then, until one is timed again."""


def _in_a_thread(work: Callable[[], T]) -> T:
    if not in_greenlet():  # cleaning up, perhaps with no event loop any more
        return work()
    return await_(asyncio.get_running_loop().run_in_executor(None, work))


class _Thread(local):
    """What is so of a thread, each with an event loop of its own: a context variable costs more."""

    here = False


_thread = _Thread()


def here(work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """Run statements without a greenlet. Only in a transaction that has begun: nothing can be waited for."""
    _thread.here = True
    try:
        return work(*args, **more)
    finally:
        _thread.here = False


class _Done:
    """What need not be waited for. SQLAlchemy insists that a statement of an asyncio driver waits for something."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_DONE = _Done()


class Streamed(sqlite3.Cursor):
    """Rows are fetched as they are asked for."""

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:  # type: ignore[override]
        if not _thread.here:
            await_(_DONE)
        try:
            return super().execute(statement, parameters)
        except sqlite3.OperationalError as error:
            if not (statement.startswith(WAITS) and error.sqlite_errorcode == sqlite3.SQLITE_BUSY):
                raise
        _in_a_thread(lambda: self._wait_for_the_writer(statement))
        return self

    def executemany(self, statement: str, parameters: Iterable[Any]) -> Self:
        if not _thread.here:
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

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._slow = 0
        self._to_threads = 0

    def cursor(self, server_side: bool = False) -> Streamed:  # type: ignore[override]
        return super().cursor(Streamed if server_side else Cursor)

    def commit(self) -> None:
        if not self.in_transaction:
            return
        if self._to_threads:
            self._to_threads -= 1
            _in_a_thread(super().commit)
            return
        began = perf_counter()
        super().commit()
        self._slow = self._slow + 1 if perf_counter() - began > QUICK_SECONDS else 0
        if self._slow == SLOW_IN_A_ROW:
            self._slow -= 1  # the one that is timed next decides alone
            self._to_threads = IN_THREADS

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
