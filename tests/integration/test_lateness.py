"""Customers who wait because of us are told, once per delay and conversation."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from stage import KNOWN, Stage

from bot.channels.carrier import Channel
from bot.sending.outgoing import NEXT_REPLY
from bot.turns.handled import Outcome
from bot.turns.lateness import Delays, Lateness
from bot.turns.turn import Turns
from store.models import Conversation, Direction, Holder, Message, MessageState

SORRY = {
    "fr": "Pardon pour l'attente.",
    "en": "Sorry for the wait.",
    "ar": "عذراً على الانتظار.",
    "ary": "سمحو لينا على التعطيل.",
    "ary-Latn": "Sm7o lina 3la t3til.",
}
PLEASE_WAIT = "Nous avons votre message."


@pytest.fixture
def lateness(stage: Stage) -> Lateness:
    return Lateness(stage.assistant.texts, timedelta(minutes=2))


@pytest.fixture
def turns(stage: Stage, lateness: Lateness) -> Turns:
    return Turns(stage.database, stage.assistant, stage.operator, stage.clock, lateness=lateness)


@pytest.fixture
def delays(stage: Stage) -> Delays:
    channels = frozenset({Channel.SMS.value})
    return Delays(stage.database, stage.assistant.texts, channels, lambda _: None, timedelta(minutes=5), stage.clock)


async def answers(stage: Stage, turns: Turns) -> list[str]:
    """Handle all that waits in the known phone's conversation; everything sent there so far."""
    conversation = (await stage.conversation()).id
    while (await turns.handle_next(conversation)).outcome is Outcome.HANDLED:
        await stage.sent(conversation)
    return [message.body for message in await stage.messages(Direction.OUT)]


async def test_an_answer_in_time_begins_with_no_apology(stage: Stage, turns: Turns) -> None:
    await stage.receive("bonjour")
    stage.later(seconds=119)
    (answer,) = await answers(stage, turns)
    assert SORRY["fr"] not in answer


@pytest.mark.parametrize(("language", "sorry"), SORRY.items())
async def test_a_late_answer_begins_with_an_apology(stage: Stage, turns: Turns, language: str, sorry: str) -> None:
    await stage.receive("48213")  # which tells no language
    async with stage.database.writing() as session:
        await session.execute(update(Conversation).values(language=language))
    stage.later(minutes=3)
    (answer,) = await answers(stage, turns)
    assert answer.startswith(f"{sorry}\n")


async def test_one_delay_is_one_apology_and_the_next_delay_another(stage: Stage, turns: Turns) -> None:
    for _ in range(3):
        await stage.receive("bonjour")
    stage.later(minutes=10)
    assert [SORRY["fr"] in answer for answer in await answers(stage, turns)] == [True, False, False]
    stage.later(seconds=1)
    await stage.receive("bonjour")
    stage.later(minutes=10)
    assert [SORRY["fr"] in answer for answer in (await answers(stage, turns))[3:]] == [True]


async def test_who_waits_for_long_is_told_once_and_the_answer_needs_no_apology(
    stage: Stage, turns: Turns, delays: Delays
) -> None:
    await stage.receive("bonjour")
    await stage.receive("merci")
    await delays.look()
    assert await stage.messages(Direction.OUT) == [], "not yet"
    stage.later(minutes=6)
    await asyncio.gather(*(delays.look() for _ in range(3)))
    stage.later(minutes=6)
    await delays.look()
    notice, *rest = await answers(stage, turns)
    assert notice.startswith(PLEASE_WAIT)
    assert not any(PLEASE_WAIT in answer or SORRY["fr"] in answer for answer in rest)


async def test_who_is_with_people_hears_nothing_of_our_delays(stage: Stage, delays: Delays) -> None:
    await stage.receive("bonjour")
    async with stage.database.writing() as session:
        await session.execute(update(Conversation).values(holder=Holder.AGENT))
    stage.later(minutes=6)
    await delays.look()
    assert await stage.messages(Direction.OUT) == []


async def test_a_reply_that_waited_for_its_carrier_begins_with_an_apology(stage: Stage, lateness: Lateness) -> None:
    await stage.receive("bonjour")
    conversation = (await stage.conversation()).id
    await stage.turns.handle_next(conversation)
    stage.later(minutes=30)
    for _ in range(2):  # said once
        async with stage.database.writing() as session:
            message, _address = (await session.execute(NEXT_REPLY, {"conversation_id": conversation})).one()
            await lateness.excuse(session, message, stage.now)
    (reply,) = await stage.messages(Direction.OUT)
    assert reply.body.count(SORRY["fr"]) == 1


async def test_what_an_agent_wrote_stays_as_it_is(stage: Stage, lateness: Lateness) -> None:
    await stage.receive("bonjour")
    conversation = await stage.conversation()
    async with stage.database.writing() as session:
        session.add(
            Message(
                conversation_id=conversation.id,
                channel=conversation.channel,
                direction=Direction.OUT,
                state=MessageState.QUEUED,
                body="Je regarde.",
                due_at=stage.now,
                created_at=stage.now,
            )
        )
    stage.later(hours=1)
    async with stage.database.writing() as session:
        message = await session.scalar(select(Message).where(Message.direction == Direction.OUT))
        assert message is not None
        await lateness.excuse(session, message, stage.now)
        assert message.body == "Je regarde."


# -- webhooks that come days after the message was written ----------------------------------------------


async def test_a_reading_that_was_days_on_its_way_has_the_day_on_which_it_was_written(stage: Stage) -> None:
    written = stage.now - timedelta(days=3)
    await stage.write("48213", sent_at=written)
    (reading,) = await stage.readings()
    assert reading.taken_on == written.date()


async def test_yesterday_is_the_day_before_a_message_was_written(stage: Stage) -> None:
    written = stage.now - timedelta(days=3)
    await stage.write("hier le compteur affichait 48213", sent_at=written)
    (reading,) = await stage.readings()
    assert reading.taken_on == written.date() - timedelta(days=1)


async def test_so_does_one_that_we_left_waiting_for_days(stage: Stage) -> None:
    await stage.receive("48213")
    written = stage.now
    stage.later(days=2)
    await stage.turns.handle_next((await stage.conversation()).id)
    (reading,) = await stage.readings()
    assert reading.taken_on == written.date()


async def test_the_days_window_counts_from_when_the_customer_wrote(stage: Stage) -> None:
    written = stage.now - timedelta(hours=30)
    await stage.write("bonjour", phone=KNOWN, channel=Channel.WHATSAPP, sent_at=written)
    assert (await stage.conversation(channel=Channel.WHATSAPP)).last_inbound_at == written
    await stage.write("bonjour", phone=KNOWN, channel=Channel.WHATSAPP)
    await stage.write("merci", phone=KNOWN, channel=Channel.WHATSAPP, sent_at=written)
    assert (await stage.conversation(channel=Channel.WHATSAPP)).last_inbound_at == stage.now
