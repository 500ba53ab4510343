"""One door to the database, the same code on SQLite and PostgreSQL.

A *writing* block is one transaction: all of it is committed or none. On SQLite there is one writer at a time,
so writers of this process queue on a lock here instead of polling the file's lock, and nothing slow may
happen inside; other processes are waited for by SQLite's own busy timeout.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

import store.desk_models  # noqa: F401 - tables that those of store.models refer to
from store import sqlite_driver

T = TypeVar("T")
Work = Callable[[AsyncSession], Awaitable[Any]]
CHANGES = "changed conversations"
"""What a session's `info` keeps until its transaction is committed."""
HIDE_PARAMETERS = True
"""Errors go into the log: with the statement, without customers' words and numbers."""


class Database:
    """The engine and its transactions. Create one per process; `close` it at the end."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url, pool_size)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._group: asyncio.Task[None] | None = None
        self._writer: asyncio.Lock | None = asyncio.Lock() if self.is_sqlite else None
        self._listeners: list[Callable[[int], None]] = []

    @property
    def address(self) -> str:
        """Where the database is, without the password."""
        return self.url.render_as_string(hide_password=True)

    def cannot_be_used(self, error: BaseException) -> str:
        """One line for the operator: which database, and what it or its driver says."""
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return f"cannot use the database {self.address}: {reason}"

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction that may change things: committed at the end, rolled back on an exception."""
        async with self._writer or nullcontext(), self._sessions() as session, session.begin():
            yield session
        for conversation_id in session.info.get(CHANGES, ()):
            for listener in self._listeners:
                listener(conversation_id)

    def on_change(self, listener: Callable[[int], None]) -> None:
        """Call `listener` with each conversation that `note_change` named, once that is committed; for as long as
        this database is open. It must return at once and raise nothing.
        """
        self._listeners.append(listener)

    async def grouped(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Run `work` in a transaction and commit; on SQLite one commit serves all who ask at the same time.

        A commit reaches the disk, which takes longer than the writes of a webhook. When one of a group fails they
        are done again one by one, so `work` may run twice and must touch nothing but the session. On PostgreSQL
        commits go on side by side anyway.
        """
        if not self.is_sqlite:
            async with self.writing() as session:
                return await work(session)
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._group is None or self._group.done():
            self._group = asyncio.create_task(self._commit_groups(), name="group commit")
        return await done

    async def _commit_groups(self) -> None:
        while self._waiting:
            group: list[tuple[Work, asyncio.Future[Any]]] = []
            try:
                async with self.writing() as session:
                    group, self._waiting = self._waiting, []  # whoever came while we waited for the writer
                    results = [await work(session) for work, _ in group]
                for (_, done), result in zip(group, results, strict=True):
                    _settle(done, result)
            except Exception:
                # Rare: then each for itself, so that one failure is only its own.
                if not group:
                    group, self._waiting = self._waiting, []
                for work, done in group:
                    try:
                        async with self.writing() as session:
                            result = await work(session)
                        _settle(done, result)
                    except Exception as error:
                        _settle(done, error=error)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A consistent look that never waits for a writer."""
        async with self._sessions() as session:
            await session.connection(execution_options={"reading": True})
            yield session

    async def close(self) -> None:
        await self.engine.dispose()


def note_change(session: AsyncSession, conversation_id: int) -> None:
    """Have those who listen to the session's `Database` told of a conversation, if the transaction is committed."""
    session.info.setdefault(CHANGES, {})[conversation_id] = None  # each once, in order


def _settle(done: asyncio.Future[Any], result: Any = None, error: Exception | None = None) -> None:
    if done.done():  # whoever asked has gone
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)


def _postgresql_engine(url: str, pool_size: int) -> AsyncEngine:
    return create_async_engine(
        url, pool_size=pool_size, max_overflow=5, pool_pre_ping=True, hide_parameters=HIDE_PARAMETERS
    )


def _sqlite_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(
        url, connect_args={"async_creator_fn": sqlite_driver.Connection.open}, hide_parameters=HIDE_PARAMETERS
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(dbapi_connection: Any, _record: Any) -> None:
        cursor = dbapi_connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        # The driver's own transactions start too late and break SAVEPOINT; one that turns from reading to writing
        # fails at once when another writer came between.
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def is_of_the_database(error: BaseException) -> bool:
    """Whether it failed because the database could not be reached or was too busy: no fault of what was written."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return True
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return True  # no connection; work that hung is a TimeoutError, which is an OSError too, and counts
    return isinstance(error, DBAPIError) and error.connection_invalidated
