"""Messages that fail: a turn that raises or hangs, and one that ends the process and leaves nobody to count."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from stage import Stage

from bot.engine.local_action import LocalAction
from bot.turns.attempts import ENDED_THE_PROCESS, MAX_ATTEMPTS, Attempts
from bot.turns.handled import Handled, Outcome
from bot.turns.pace import Pace, Tempo
from bot.turns.turn import Turns
from store.models import Conversation, Holder, Message, MessageState

LONGEST_TURN = timedelta(seconds=20)


@pytest.fixture
def attempts(stage: Stage) -> Attempts:
    return Attempts(stage.database, stage.assistant, stage.operator, LONGEST_TURN, stage.clock)


async def waiting(stage: Stage) -> int:
    """A conversation whose one message waits; its id."""
    await stage.receive("bonjour")
    return (await stage.conversation()).id


async def test_a_message_that_is_found_is_counted_before_it_is_tried(stage: Stage) -> None:
    conversation = await waiting(stage)
    handled = await stage.turns.handle_next(conversation, found=True)
    assert handled.outcome is Outcome.HANDLED
    (message,) = await stage.messages()
    assert (message.state, message.attempts) == (MessageState.HANDLED, 1)


async def test_a_message_that_is_announced_costs_no_count(stage: Stage) -> None:
    await stage.turns.handle_next(await waiting(stage))
    (message,) = await stage.messages()
    assert (message.state, message.attempts) == (MessageState.HANDLED, 0)


async def test_a_message_that_ends_the_process_each_time_is_set_aside(stage: Stage, attempts: Attempts) -> None:
    conversation = await waiting(stage)
    for _ in range(MAX_ATTEMPTS):
        assert isinstance(await attempts.begin(conversation), int)  # and nothing is heard of it any more
        stage.later(minutes=1)
    handled = await attempts.begin(conversation)
    assert isinstance(handled, Handled)
    assert (handled.outcome, handled.queued) == (Outcome.FAILED, True)
    (message,) = await stage.messages()
    assert (message.state, message.error) == (MessageState.SET_ASIDE, ENDED_THE_PROCESS)
    assert (await stage.conversation()).holder is Holder.AGENT
    assert (await stage.hand_over()).reason == "poisoned"


async def test_a_turn_that_was_cut_off_once_it_was_committed_did_not_fail(stage: Stage, attempts: Attempts) -> None:
    conversation = await waiting(stage)
    await stage.turns.handle_next(conversation)
    (message,) = await stage.messages()
    for _ in range(MAX_ATTEMPTS):
        handled = await attempts.failed(conversation, message.id, TimeoutError(), counted=False)
        assert (handled.outcome, handled.queued) == (Outcome.NOTHING, False)
    (message,) = await stage.messages()
    assert (message.state, message.attempts, message.error) == (MessageState.HANDLED, 0, None)
    assert (await stage.conversation()).holder is Holder.ASSISTANT


async def test_two_processes_that_find_a_message_count_it_once(stage: Stage, attempts: Attempts) -> None:
    conversation = await waiting(stage)
    begun = await attempts.begin(conversation)
    second = await attempts.begin(conversation)
    assert isinstance(begun, int)
    assert isinstance(second, Handled)
    assert second.outcome is Outcome.LATER
    (message,) = await stage.messages()
    assert message.attempts == 1


async def test_what_the_database_did_is_not_counted(stage: Stage, attempts: Attempts) -> None:
    conversation = await waiting(stage)
    begun = await attempts.begin(conversation)
    assert isinstance(begun, int)
    await attempts.spare(begun)
    (message,) = await stage.messages()
    assert (message.state, message.attempts) == (MessageState.RECEIVED, 0)
    stage.later(seconds=10)
    assert (await stage.turns.handle_next(conversation)).outcome is Outcome.HANDLED


async def raises(*_: Any) -> None:
    raise ZeroDivisionError


async def hangs(*_: Any) -> None:
    await asyncio.sleep(3600)


@pytest.mark.parametrize("misbehaves", [raises, hangs])
@pytest.mark.parametrize("found", [True, False])
async def test_an_action_that_fails_is_tried_three_times_and_then_a_person_is_called(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, misbehaves: Any, found: bool
) -> None:
    monkeypatch.setitem(LocalAction.executor.actions, "action_greet", misbehaves)
    turns = Turns(stage.database, stage.assistant, stage.operator, stage.clock, longest_turn=timedelta(seconds=0.3))
    conversation = await waiting(stage)
    for _ in range(MAX_ATTEMPTS):
        assert (await turns.handle_next(conversation, found=found)).outcome is Outcome.FAILED
        assert (await turns.handle_next(conversation, found=found)).outcome in (Outcome.LATER, Outcome.NOTHING)
        stage.later(minutes=1)
    assert (await turns.handle_next(conversation, found=found)).outcome is Outcome.NOTHING
    (message,) = await stage.messages()
    assert message.state is MessageState.SET_ASIDE
    async with stage.database.reading() as session:
        replies = await session.scalar(select(func.count()).where(Message.answers_id == message.id))
    assert replies == 1


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_jumps_keeps_no_message_waiting(stage: Stage, attempts: Attempts, hours: int) -> None:
    conversation = await waiting(stage)
    await attempts.begin(conversation)  # which puts it off for a moment
    stage.later(hours=hours)
    assert (await stage.turns.handle_next(conversation, found=True)).outcome is Outcome.HANDLED


@pytest.mark.parametrize("hours", [-1, -24])
def test_a_clock_that_went_back_makes_nobody_write_too_fast(hours: int) -> None:
    conversation, pace = Conversation(channel="sms", address="+212600000001"), Pace(burst=3, per_hour=60)
    now = datetime(2026, 11, 23, 10, tzinfo=UTC)
    for _ in range(9):
        pace.tempo(conversation, now)
    assert pace.tempo(conversation, now) is Tempo.STILL_TOO_FAST
    assert pace.tempo(conversation, now + timedelta(hours=hours)) is Tempo.STEADY


async def test_messages_are_answered_in_the_order_in_which_they_came(stage: Stage) -> None:
    """Also when the carrier brings an earlier one late: it is answered when it comes, and undoes nothing."""
    await stage.receive("merci", carrier_id="SM2")
    await stage.receive("bonjour", carrier_id="SM1")
    await stage.receive("bonjour", carrier_id="SM1")
    conversation = (await stage.conversation()).id
    while (await stage.turns.handle_next(conversation)).outcome is Outcome.HANDLED:
        pass
    inbound = await stage.messages()
    assert [message.carrier_id for message in inbound] == ["SM2", "SM1"]
    async with stage.database.writing() as session:
        await session.execute(update(Message).where(Message.id == inbound[0].id).values(error=None))
    async with stage.database.reading() as session:
        query = select(Message.answers_id).where(Message.answers_id.is_not(None)).order_by(Message.id)
        assert list(await session.scalars(query)) == [message.id for message in inbound]
