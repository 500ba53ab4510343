"""SQLite for SQLAlchemy's `sqlite+aiosqlite` dialect, called where it stands instead of in a thread.

aiosqlite passes every call to a thread and waits for its answer: four round trips for a statement that SQLite
answers in ten microseconds, and most of a turn's time was spent in them. Here only what may wait for the disk or
for another process goes to a thread: a commit, and the beginning of a transaction while somebody else writes.
Everything else is index look-ups in the page cache; a statement that reads a whole table belongs in the commands,
not in the service. The interface is aiosqlite's, as far as the dialect uses it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Self

WAITS = "BEGIN IMMEDIATE"
"""The one statement that another process may hold up: in WAL mode readers never wait, nor does a commit."""
BUSY_MS = 10_000


class Cursor:
    """A `sqlite3.Cursor` whose methods can be awaited."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self.arraysize = cursor.arraysize

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        try:
            self._cursor.execute(statement, parameters)
        except sqlite3.OperationalError as error:
            if not (statement.startswith(WAITS) and error.sqlite_errorcode == sqlite3.SQLITE_BUSY):
                raise
            await asyncio.to_thread(self._wait_for_the_writer, statement)
        return self

    def _wait_for_the_writer(self, statement: str) -> None:
        """Begin once the process that is writing has ended. Raises `sqlite3.OperationalError` after `BUSY_MS`."""
        self._cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        try:
            self._cursor.execute(statement)
        finally:
            self._cursor.connection.execute("PRAGMA busy_timeout = 0")

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> Self:
        self._cursor.executemany(statement, parameters)
        return self

    async def fetchone(self) -> Any:
        return self._cursor.fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        return self._cursor.fetchmany(size or self.arraysize)

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def close(self) -> None:
        self._cursor.close()

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._cursor.lastrowid


class Connection:
    """A `sqlite3.Connection` in autocommit mode: transactions are begun by statement, see `store.database`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection

    @classmethod
    async def open(cls, database: str, **options: Any) -> Connection:
        """As `sqlite3.connect`. Raises what it raises."""
        options |= {"isolation_level": None, "check_same_thread": False, "timeout": 0}
        return cls(await asyncio.to_thread(lambda: sqlite3.connect(database, **options)))

    def cursor(self) -> Cursor:
        return Cursor(self._open.cursor())

    async def commit(self) -> None:
        connection = self._open
        if connection.in_transaction:
            # Reaches the disk; a reader's end does too little to be worth a thread, but cannot be told apart.
            await asyncio.to_thread(connection.commit)

    async def rollback(self) -> None:
        self._open.rollback()

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await asyncio.to_thread(connection.close)

    def stop(self) -> None:
        """Close without waiting, when there is no event loop any more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def create_function(self, name: str, arguments: int, function: Callable[..., Any], **options: Any) -> None:
        self._open.create_function(name, arguments, function, **options)

    @property
    def isolation_level(self) -> str | None:
        return self._open.isolation_level

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("no active connection")
        return self._connection
