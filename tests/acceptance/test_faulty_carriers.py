"""What carriers do wrong: too many requests, connections cut before or after accepting, refusals for good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from house import House, open_house
from sqlalchemy import select

import bot.sending.outbox
import bot.sending.outgoing
from store.models import Direction, Message, MessageState

KNOWN = "+212600000001"


@pytest_asyncio.fixture
async def house(
    model: Path, assistant: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    monkeypatch.setattr(bot.sending.outgoing, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(bot.sending.outbox, "FIRST_RETRY", timedelta(seconds=0.2))
    async with open_house(model, f"sqlite+aiosqlite:///{tmp_path / 'house.db'}", assistant) as house:
        yield house


async def replies(house: House) -> list[Message]:
    async with house.service.database.reading() as session:
        query = select(Message).where(Message.direction == Direction.OUT).order_by(Message.id)
        return list(await session.scalars(query))


async def settled(house: House, count: int = 1) -> list[Message]:
    """The replies once none is waiting any more."""
    for _ in range(150):
        found = await replies(house)
        open_states = (MessageState.QUEUED, MessageState.SENDING)
        if len(found) == count and all(each.state not in open_states for each in found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError([(each.state, each.error) for each in await replies(house)])


@pytest.mark.parametrize(("carrier", "channel"), [("twilio", "sms"), ("telegram", "telegram")])
async def test_too_many_requests_only_delay_a_reply(house: House, carrier: str, channel: str) -> None:
    await house.fault(carrier, queue=[{"kind": "refuse", "status": 429, "times": 2, "retry_after": 1}])
    await house.phone(channel, KNOWN).does(text="bonjour")
    (reply,) = await settled(house)
    assert (reply.state, reply.attempts) == (MessageState.SENT, 3)
    assert len(await house.ledger()) == 1


async def test_a_reply_in_doubt_is_not_sent_twice_by_twilio(house: House) -> None:
    await house.fault("twilio", queue=[{"kind": "accept_then_drop"}])
    await house.phone("sms", KNOWN).does(text="bonjour")
    (reply,) = await settled(house)
    assert (reply.state, reply.doubts) == (MessageState.SENT, 1)
    assert [entry["id"] for entry in await house.ledger()] == [reply.carrier_id]


async def test_a_reply_that_never_reached_twilio_is_sent(house: House) -> None:
    await house.fault("twilio", queue=[{"kind": "drop"}])
    await house.phone("sms", KNOWN).does(text="bonjour")
    (reply,) = await settled(house)
    assert reply.state is MessageState.SENT
    assert len(await house.ledger()) == 1


async def test_a_reply_in_doubt_is_rather_sent_twice_than_lost_by_telegram(house: House) -> None:
    await house.fault("telegram", queue=[{"kind": "accept_then_drop"}])
    await house.phone("telegram", KNOWN).does(text="bonjour")
    (reply,) = await settled(house)
    assert (reply.state, reply.doubts) == (MessageState.SENT, 1)
    assert len(await house.ledger()) == 2


async def test_a_customer_who_opted_out_at_the_carrier_is_not_written_to_again(house: House) -> None:
    phone = house.phone("sms", KNOWN)
    await phone.does(text="STOP")  # which the carrier confirms itself
    await phone.does(text="bonjour")
    (reply,) = await settled(house)
    assert reply.state is MessageState.REFUSED
    assert "21610" in (reply.error or "")
    assert await house.ledger() == []


async def test_replies_keep_their_order_when_the_first_must_wait(house: House) -> None:
    await house.fault("twilio", queue=[{"kind": "refuse", "status": 429}])
    phone = house.phone("sms", KNOWN)
    for text in ("bonjour", "merci", "comment lire mon compteur"):
        await phone.does(text=text)
    found = await settled(house, 3)
    assert [entry["id"] for entry in await house.ledger()] == [each.carrier_id for each in found]


async def test_delivery_states_only_move_forward(house: House) -> None:
    await house.phone("whatsapp", KNOWN).says("bonjour")
    for _ in range(100):
        (reply,) = await replies(house)
        if reply.delivery == "read":
            break
        await asyncio.sleep(0.05)
    assert reply.delivery == "read"
    from bot.channels.carrier import Channel, DeliveryState, StatusUpdate

    late = StatusUpdate(Channel.WHATSAPP, str(reply.carrier_id), DeliveryState.SENT)
    await house.service.inbox.advance(late)
    (reply,) = await replies(house)
    assert reply.delivery == "read"
