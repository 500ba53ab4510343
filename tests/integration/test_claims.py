"""A process that stood still for longer than its claim: another one may have taken its message over meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
import structlog
from test_bulk import House, house, worker_of

from bot.sending.outbox import After
from bot.sending.outgoing import LEASE, Claimed, outbound, take
from store.models import Conversation, Message, MessageState

__all__ = ["house"]


async def claimed_by_a_process(house: House, message: int) -> Claimed:
    """As the process has it in hand before it stands still."""
    async with house.database.writing() as session:
        row = await session.get_one(Message, message)
        conversation = await session.get_one(Conversation, row.conversation_id)
        take(row, house.now)
        return Claimed(outbound(row, conversation.address), row.attempts, row.doubts, False, house.now)


@pytest.mark.parametrize("channel", ["sms", "telegram"])
async def test_what_another_process_has_sent_is_not_sent_again(house: House, channel: str) -> None:
    conversation = await house.conversation(channel)
    keys = [await house.queue(conversation, text, channel) for text in ("un", "deux")]
    held = await claimed_by_a_process(house, keys[0])
    house.now += LEASE + timedelta(seconds=1)
    await house.new_outbox().drain(conversation)
    with structlog.testing.capture_logs() as logs:
        assert await house.outbox.deliver([held]) is After.WAIT
    assert await house.sent() == ["un", "deux"]
    assert [(log["event"], log["message"]) for log in logs] == [("outbox.taken_over", keys[0])]


@pytest.mark.parametrize("late", [LEASE - timedelta(seconds=5), LEASE + timedelta(seconds=30)])
async def test_a_claim_that_nobody_took_over_is_renewed_before_the_message_goes(
    house: House, late: timedelta
) -> None:
    message = await house.queue(await house.conversation(), "un")
    held = await claimed_by_a_process(house, message)
    house.now += late
    assert await house.outbox.deliver([held]) is After.NOTHING
    row = await house.row(message)
    assert (row.state, row.attempts) == (MessageState.SENT, 1)
    assert row.due_at == house.now + LEASE, "while it went, no other process could doubt it"
    assert await house.sent() == ["un"]


@pytest.mark.parametrize("status", [429, 400, 500], ids=["busy", "refused", "in doubt"])
async def test_what_a_late_process_hears_of_the_carrier_does_not_undo_what_another_did(
    house: House, status: int
) -> None:
    message = await house.queue(await house.conversation(), "un")
    held = await claimed_by_a_process(house, message)
    async with house.database.writing() as session:  # another process, while this one's request was on its way
        row = await session.get_one(Message, message)
        row.state, row.attempts, row.carrier_id = MessageState.SENT, 2, "SM2"
    await house.fault("twilio", kind="refuse", status=status)
    await house.outbox.deliver([held])
    row = await house.row(message)
    assert (row.state, row.attempts, row.carrier_id, row.error) == (MessageState.SENT, 2, "SM2", None)


async def test_who_sends_a_reply_learns_of_the_next_that_another_process_queued(house: House) -> None:
    """Which leaves it alone while ours is on its way, and would look again only when it next looks over the store."""
    conversation = await house.conversation()
    first = await house.queue(conversation, "un")
    held = await claimed_by_a_process(house, first)
    second = await house.queue(conversation, "deux")
    await house.new_outbox().drain(conversation)
    assert await house.sent() == []
    assert await house.outbox.deliver([held]) is After.MORE
    assert (await house.row(second)).state is MessageState.QUEUED


async def test_a_campaigns_message_is_not_what_follows_a_reply(house: House) -> None:
    conversation = await house.conversation()
    held = await claimed_by_a_process(house, await house.queue(conversation, "un"))
    await house.queue(conversation, "rappel", bulk=True)
    await house.queue(await house.conversation(number="+212600000099"), "ailleurs")
    assert await house.outbox.deliver([held]) is After.NOTHING


async def test_what_another_process_queued_meanwhile_follows_at_once(house: House) -> None:
    conversation = await house.conversation()
    held = await claimed_by_a_process(house, await house.queue(conversation, "un"))
    await house.queue(conversation, "deux")
    worker = worker_of(house)  # not started: it does not look over the store
    worker.send(conversation, (held,))
    await worker.idle()
    assert await house.sent() == ["un", "deux"]
