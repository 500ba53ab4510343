"""What a turn leaves out to be cheap, and that nothing is missed by it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from stage import KNOWN, Stage

import store.database
from bot.channels.carrier import Channel, Inbound, Kind
from bot.turns.handled import Outcome
from store.database import Database
from store.models import Direction, MessageState
from store.waiting import oldest_waiting


async def test_a_turn_knows_whether_more_waits(stage: Stage) -> None:
    await stage.receive("bonjour")
    await stage.receive("merci")
    conversation = (await stage.conversation()).id
    first, second = [await stage.turns.handle_next(conversation) for _ in range(2)]
    assert (first.more, second.more) == (True, False)
    assert (await stage.turns.handle_next(conversation)).outcome is Outcome.NOTHING


async def test_a_second_reply_waits_for_the_first(stage: Stage) -> None:
    await stage.receive("bonjour")
    await stage.receive("merci")
    conversation = (await stage.conversation()).id
    first, second = [await stage.turns.handle_next(conversation) for _ in range(2)]
    assert len(first.claimed) == 1
    assert second.claimed == ()
    assert second.queued
    states = [reply.state for reply in await stage.messages(Direction.OUT)]
    assert states == [MessageState.SENDING, MessageState.QUEUED]


async def test_what_another_process_has_is_looked_at_again(stage: Stage) -> None:
    if stage.database.is_sqlite:
        pytest.skip("one writer at a time")
    await stage.receive("bonjour")
    conversation = (await stage.conversation()).id
    async with stage.database.writing() as session:
        assert await oldest_waiting(session, conversation) is not None
        assert (await stage.turns.handle_next(conversation)).outcome is Outcome.HELD
    assert (await stage.turns.handle_next(conversation)).outcome is Outcome.HANDLED


async def test_a_message_is_announced_only_where_others_handle_it(stage: Stage) -> None:
    statements: list[str] = []
    event.listen(
        stage.database.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    await stage.receive("bonjour")
    assert stage.woken
    assert not any("pg_notify" in each for each in statements)
    stage.woken.clear()
    stage.inbox.hands_on = True
    await stage.receive("merci")
    assert stage.woken == []
    assert any("pg_notify" in each for each in statements) is not stage.database.is_sqlite


async def test_a_message_is_stored_with_one_statement(stage: Stage) -> None:
    await stage.receive("bonjour")
    await stage.receive("merci")  # whose sender is known by now
    statements: list[str] = []
    event.listen(
        stage.database.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    message = Inbound(Channel.SMS, carrier_id="SM-one", address=KNOWN, kind=Kind.TEXT, text="merci")
    await stage.inbox.accept([message])
    assert [each.split()[0] for each in statements if not each.startswith("BEGIN")] == ["INSERT"]


async def _backend(database: Database) -> int:
    async with database.writing() as session:
        found: int = await session.scalar(text("SELECT pg_backend_pid()"))
        return found


async def test_a_connection_that_the_server_closed_is_not_used(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("no connections to lose")
    first = await _backend(database)
    other = Database(database.url.render_as_string(hide_password=False))
    try:
        async with other.writing() as session:
            await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": first})
    finally:
        await other.close()
    await asyncio.sleep(0.1)
    assert await _backend(database) != first


async def test_a_connection_that_was_idle_is_asked_first(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.is_sqlite:
        pytest.skip("no connections to lose")
    asked: list[object] = []
    dialect = database.engine.dialect
    ping = dialect.do_ping
    monkeypatch.setattr(dialect, "do_ping", lambda connection: asked.append(connection) or ping(connection))
    await _backend(database)
    await _backend(database)
    assert asked == []
    monkeypatch.setattr(store.database, "IDLE_SECONDS", -1.0)
    await _backend(database)
    assert len(asked) == 1


async def test_a_group_of_statements_that_fails_is_told_to_who_asked(database: Database) -> None:
    with pytest.raises(DBAPIError):
        await database.grouped(lambda session: session.execute(text("SELECT * FROM no_such_table")))
    assert await database.grouped(lambda session: session.scalar(text("SELECT 1"))) == 1


async def test_what_is_in_no_hurry_goes_with_the_next_commit(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("commits go on side by side")
    commits: list[float] = []
    database.on_commit(commits.append)
    patient = asyncio.create_task(
        database.grouped(lambda connection: connection.scalar(text("SELECT 1")), in_no_hurry=True)
    )
    await asyncio.sleep(0)
    assert await database.grouped(lambda connection: connection.scalar(text("SELECT 2"))) == 2
    assert await patient == 1
    assert len(commits) == 1


async def test_what_is_in_no_hurry_goes_alone_when_nobody_comes(database: Database) -> None:
    for expected in (1, 2):
        query = text(f"SELECT {expected}")
        assert (
            await database.grouped(lambda connection, query=query: connection.scalar(query), in_no_hurry=True)
            == expected
        )
    with pytest.raises(DBAPIError):
        await database.grouped(
            lambda connection: connection.execute(text("SELECT * FROM no_such_table")), in_no_hurry=True
        )
