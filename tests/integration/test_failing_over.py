"""A database with several addresses: whichever server is the primary is written to, and listened to."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from bot.wake import Listener, announce
from store.database import Database


def with_two_hosts(url: str) -> str:
    """The same database under two addresses, the first of which nobody answers at."""
    parsed = make_url(url)
    socket = parsed.query.get("host", parsed.host)
    port = parsed.port or 5432
    parsed = parsed.set(host=None, port=None)
    return parsed.set(query={"host": (f"127.0.0.1:{9}", f"{socket}:{port}")}).render_as_string(hide_password=False)


@pytest.fixture
def url(database_url: str) -> str:
    if database_url.startswith("sqlite"):
        pytest.skip("a file has one place")
    return with_two_hosts(database_url)


async def test_the_server_that_answers_is_written_to_and_listened_to(url: str) -> None:
    database = Database(url)
    heard: asyncio.Queue[int] = asyncio.Queue()
    listening = asyncio.Event()
    listener = Listener(database, heard.put_nowait, connected=listening.set)
    listener.start()
    try:
        async with asyncio.timeout(20):
            await listening.wait()
            async with database.writing() as session:
                await announce(session, 7)
            assert await heard.get() == 7
    finally:
        await listener.stop()
        await database.close()


async def write_as_on_a_standby(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(text("SET TRANSACTION READ ONLY"))
        await session.execute(text("CREATE TABLE refused ()"))


async def test_connections_to_a_server_that_is_a_standby_now_are_given_up(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("a file has no standby")
    database = Database(database_url, pool_size=1)
    try:
        async with database.writing() as session:
            before = await session.scalar(text("SELECT pg_backend_pid()"))
        with pytest.raises(DBAPIError, match="read-only"):
            await write_as_on_a_standby(database)
        async with database.writing() as session:
            assert await session.scalar(text("SELECT pg_backend_pid()")) != before
    finally:
        await database.close()
