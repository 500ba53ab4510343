"""What a caller hears while the database is away: 503, soon, and nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from stage import Stage

import bot.inbox
from bot.edge.unavailable import answer_unavailable
from bot.inbox import NotStored
from bot.turns.handled import Outcome
from store.database import Database, is_of_the_database


def of_postgresql(error: asyncpg.PostgresError) -> DBAPIError:
    return DBAPIError("INSERT …", {}, error)


@pytest.mark.parametrize(
    ("error", "is_its"),
    [
        (of_postgresql(asyncpg.DiskFullError("could not extend file")), True),
        (of_postgresql(asyncpg.TooManyConnectionsError("sorry, too many clients already")), True),
        (of_postgresql(asyncpg.AdminShutdownError("terminating connection")), True),
        (of_postgresql(asyncpg.CannotConnectNowError("the database system is starting up")), True),
        (of_postgresql(asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT")), True),
        (of_postgresql(asyncpg.DeadlockDetectedError("deadlock detected")), True),
        (of_postgresql(asyncpg.IdleInTransactionSessionTimeoutError("terminating connection")), True),
        (ConnectionRefusedError(), True),
        (of_postgresql(asyncpg.UniqueViolationError("duplicate key")), False),
        (of_postgresql(asyncpg.UndefinedTableError("no such table")), False),
        (TimeoutError(), False),
        (ValueError(), False),
    ],
    ids=lambda value: type(getattr(value, "orig", value)).__name__ if isinstance(value, Exception) else None,
)
def test_which_errors_are_the_databases_own(error: Exception, is_its: bool) -> None:
    assert is_of_the_database(error) is is_its


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotStored(), 503),
        (of_postgresql(asyncpg.DiskFullError("no space left")), 503),
        (ConnectionRefusedError(), 503),
        (of_postgresql(asyncpg.UniqueViolationError("duplicate key")), 500),
        (ValueError("ours"), 500),
    ],
)
async def test_callers_are_asked_to_come_back(error: Exception, status: int) -> None:
    app = FastAPI()
    answer_unavailable(app)

    @app.get("/")
    async def fails() -> None:
        raise error

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/")
    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) is (status == 503)


async def test_a_message_that_takes_too_long_to_store_is_refused_and_not_lost(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not stage.database.is_sqlite:
        pytest.skip("locked as only SQLite's file can be")
    monkeypatch.setattr(bot.inbox, "ANSWER_SECONDS", 0.1)
    other = sqlite3.connect(Path(str(stage.database.url.database)), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(NotStored):
        await stage.receive("bonjour", carrier_id="SM1")
    other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(10):
        while not await stage.messages():  # noqa: ASYNC110 - the task that stores is nobody's to wait for
            await asyncio.sleep(0.01)
    await stage.receive("bonjour", carrier_id="SM1")  # as the carrier does, that was told to
    assert len(await stage.messages()) == 1
    assert (await stage.turns.handle_next((await stage.conversation()).id)).outcome is Outcome.HANDLED


async def test_a_statement_of_a_server_that_does_not_answer_ends(database_url: str) -> None:
    database = Database(database_url, patience=0.2)
    if database.is_sqlite:
        pytest.skip("a file always answers")
    try:
        with pytest.raises(TimeoutError):
            async with database.reading() as session:
                await (await session.connection()).exec_driver_sql("SELECT pg_sleep(30)")
        async with database.reading() as session:
            assert (await (await session.connection()).exec_driver_sql("SELECT 1")).scalar() == 1
    finally:
        await database.close()
