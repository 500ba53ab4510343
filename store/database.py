"""One door to the database, the same code on SQLite and PostgreSQL.

A *writing* block is one transaction: all of it is committed or none. On SQLite there is one writer at a time,
so writers of this process queue on a lock here instead of polling the file's lock, and nothing slow may
happen inside; other processes are waited for by SQLite's own busy timeout.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from time import monotonic
from typing import Any, TypeVar
from weakref import ref

from sqlalchemy import URL, Connection, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

import store.desk_models
import store.exchange_models
import store.followed
import store.helpdesk_models
import store.photo_models
import store.upkeep_models  # noqa: F401 - tables that those of store.models refer to, and what follows them
from store import sqlite_driver
from store.group_commit import GroupCommit
from store.sqlite_session import SqliteSession

T = TypeVar("T")
Used = TypeVar("Used", AsyncSession, AsyncConnection)
CHANGES = "changed conversations"
"""What a session's `info` keeps until its transaction is committed."""
HIDE_PARAMETERS = True
"""Errors go into the log: with the statement, without customers' words and numbers."""


class Database:
    """The engine and its transactions. Create one per process; `close` it at the end."""

    def __init__(self, url: str, *, pool_size: int = 10, patience: float | None = None) -> None:
        """`patience` is how many seconds PostgreSQL may take over one statement: a server that is gone without a
        word would keep us waiting for ever. None for work that is long, such as building an index.
        """
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = (
            _sqlite_engine(self.url) if self.is_sqlite else _postgresql_engine(self.url, pool_size, patience)
        )
        kind = SqliteSession if self.is_sqlite else AsyncSession
        self._sessions = async_sessionmaker(self.engine, class_=kind, expire_on_commit=False, autoflush=False)
        self._at_once = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._group = GroupCommit(self._committed)
        self._writer: asyncio.Lock | None = asyncio.Lock() if self.is_sqlite else None
        self._last_writer: ref[asyncio.Task[Any]] | None = None
        self._listeners: list[Callable[[int], None]] = []
        self._timed: Callable[[float], None] = lambda seconds: None

    @property
    def address(self) -> str:
        """Where the database is, without the password."""
        return self.url.render_as_string(hide_password=True)

    def cannot_be_used(self, error: BaseException) -> str:
        """One line for the operator: which database, and what it or its driver says."""
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return f"cannot use the database {self.address}: {reason}"

    def connect_options(self) -> dict[str, Any]:
        """What a connection of asyncpg's own to the same PostgreSQL is made with."""
        _, options = self.engine.dialect.create_connect_args(self.url)
        return {**options, "timeout": CONNECT_SECONDS, **PRIMARY}

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction that may change things: committed at the end, rolled back on an exception."""
        if self.is_sqlite:
            await self._give_way()
        async with self._writer or nullcontext(), _put_back(self._sessions()) as session:
            began = monotonic()
            async with session.begin():
                if self.is_sqlite:  # whose statements cannot wait for another process any more
                    await session.connection()
                yield session
        self._timed(monotonic() - began)
        for conversation_id in session.info.get(CHANGES, ()):
            for listener in self._listeners:
                listener(conversation_id)

    async def _give_way(self) -> None:
        """Let others have a turn between two transactions of one task: on SQLite neither need have waited for
        anything, and batch after batch would hold up all else that the process does. After each transaction it would
        cost a tenth of the speed: fewer webhooks come together for one commit.
        """
        task = asyncio.current_task()
        if task is not None and self._last_writer is not None and self._last_writer() is task:
            await asyncio.sleep(0)
        self._last_writer = None if task is None else ref(task)

    def on_change(self, listener: Callable[[int], None]) -> None:
        """Call `listener` with each conversation that `note_change` named, once that is committed; for as long as
        this database is open. It must return at once and raise nothing.
        """
        self._listeners.append(listener)

    def on_commit(self, timed: Callable[[float], None]) -> None:
        """Tell `timed` how many seconds each transaction took that was committed."""
        self._timed = timed

    async def grouped(self, work: Callable[[Connection], T], *, in_no_hurry: bool = False) -> T:
        """Run `work` in a transaction and commit; on SQLite one commit serves all who ask at the same time, and what
        is `in_no_hurry` waits a moment for company.

        `work` may run twice and must touch nothing but the connection: it has no session, which would cost as much
        as its statements. On PostgreSQL commits go on side by side anyway, and each statement is a transaction of
        its own: one round trip, not three. So `work` is one statement, or several that may stop after any.
        """
        if self.is_sqlite:
            return await self._group(work, in_no_hurry=in_no_hurry)
        async with _put_back(await self._at_once.connect()) as connection:
            return await connection.run_sync(work)

    async def _committed(self, work: Callable[[Connection], T]) -> T:
        """As `writing`, without a session, and on one change of stacks for all of it."""

        def transaction() -> T:
            with self.engine.sync_engine.begin() as connection:
                return work(connection)

        async with self._writer or nullcontext():
            began = monotonic()
            result = await greenlet_spawn(transaction)
        self._timed(monotonic() - began)
        return result

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A consistent look that never waits for a writer."""
        async with self._sessions() as session:
            await session.connection(execution_options={"reading": True})
            yield session

    async def close(self) -> None:
        await self.engine.dispose()


@asynccontextmanager
async def _put_back(used: Used) -> AsyncIterator[Used]:
    """As `async with used`, which leaves the closing to a task of its own, lest whoever is cancelled leave a
    connection in the middle of it. After a commit closing waits for nothing, and needs no task: three fewer a turn.
    """
    try:
        yield used
    except BaseException:
        await asyncio.shield(asyncio.create_task(used.close()))
        raise
    await used.close()


def note_change(session: AsyncSession, conversation_id: int) -> None:
    """Have those who listen to the session's `Database` told of a conversation, if the transaction is committed."""
    session.info.setdefault(CHANGES, {})[conversation_id] = None  # each once, in order


USED_AT = "used at"
IDLE_SECONDS = 20.0
"""A connection that was not used for longer is asked whether it still stands."""
CONNECT_SECONDS = 5.0
PRIMARY = {"target_session_attrs": "read-write"}
"""Of several hosts, the one that is the primary now."""
POOL_SECONDS = 10.0
ABANDONED = {
    # What a process left behind that is gone without a word: its locks would keep a conversation for hours.
    "idle_in_transaction_session_timeout": "120s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""PostgreSQL's settings for our connections."""


def _postgresql_engine(url: URL, pool_size: int, patience: float | None) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=5,
        pool_timeout=POOL_SECONDS,
        hide_parameters=HIDE_PARAMETERS,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": patience,
            "server_settings": ABANDONED,
            **PRIMARY,
        },
    )

    @event.listens_for(engine.sync_engine, "checkin")
    def _note_use(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[USED_AT] = monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def _make_sure(connection: Any, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        """Instead of `pool_pre_ping`, three round trips before each transaction: a connection whose end was seen is
        known to be closed, and only one that was idle, and may have been cut off without a word, is asked.
        """
        if connection.driver_connection.is_closed():
            raise DisconnectionError("closed by the server")
        if monotonic() - record.info.get(USED_AT, monotonic()) > IDLE_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:  # asyncpg's, or a time-out: any says the same
                raise DisconnectionError("does not answer") from error

    @event.listens_for(engine.sync_engine, "handle_error")
    def _leave_a_standby(context: ExceptionContext) -> None:
        # Its connections answer, and would be kept for ever: new ones find the primary.
        if _sqlstate(context.original_exception) == READ_ONLY:
            context.is_disconnect = True

    return engine


def _sqlite_engine(url: URL) -> AsyncEngine:
    # SQLite forgets the pages that it holds for a connection when another one writes: so the same again. What is in
    # memory has one connection only.
    order = {"pool_use_lifo": True} if url.database not in (None, "", ":memory:") else {}
    engine = create_async_engine(sqlite_driver.address(url), hide_parameters=HIDE_PARAMETERS, **order)

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
        statement = "BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE"
        # Past SQLAlchemy's machinery for statements, which costs ten times what SQLite does.
        cursor = connection.connection.cursor()
        try:
            cursor.execute(statement)
        except sqlite3.OperationalError as error:
            raise OperationalError(statement, None, error, HIDE_PARAMETERS) from error
        finally:
            cursor.close()

    return engine


READ_ONLY = "25006"
NO_FAULT_OF_OURS = ("08", "40", "53", "57", "58", "55P03", "25P03", READ_ONLY)
"""SQLSTATEs, or their classes: no connection, rolled back for another's sake, no resources (a full disk, too many
connections), the server is stopping or starting, an error of its system, a lock not had in time, a transaction
abandoned, a standby. https://www.postgresql.org/docs/current/errcodes-appendix.html
"""


def is_of_the_database(error: BaseException) -> bool:
    """Whether it failed because the database could not be reached, was too busy or full: no fault of what was
    written.
    """
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return True
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return True  # no connection; work that hung is a TimeoutError, which is an OSError too, and counts
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or (_sqlstate(error.orig) or "").startswith(NO_FAULT_OF_OURS)


def _sqlstate(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None)
