"""A campaign's messages beside replies: real outbox, worker and carriers, against the emulators over sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import structlog
from accounts import emulators_for, settings_for
from fastapi import FastAPI
from serving import serving
from sqlalchemy import select

from bot.channels.carrier import Carrier, Channel, Intake
from bot.channels.configured import carriers
from bot.inbox import Inbox
from bot.sending.attachments import Attachments
from bot.sending.files import FileLinks
from bot.sending.outbox import MAX_ATTEMPTS, NOT_SENT_AGAIN, After, Outbox
from bot.sending.outgoing import LEASE, has_open
from bot.settings import Settings
from bot.tryit import demo_customers, tryit_app
from bot.tryit.customer import chat_id_for
from bot.tryit.faults import AbortingProtocol
from bot.tryit.twilio_content import APPROVED
from bot.turns.turn import Turns
from bot.worker import Worker
from store.database import Database
from store.models import Conversation, Direction, Message, MessageState

CUSTOMER = "+212600000001"


def phone(number: int) -> str:
    return f"+2126{number:08}"


@dataclass
class House:
    """Our side without turns: rows in, messages out."""

    database: Database
    settings: Settings
    carriers: list[Carrier]
    intake: Intake
    phones: httpx.AsyncClient
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.outbox = self.new_outbox()

    def new_outbox(self) -> Outbox:
        attachments = Attachments(workers=1, seconds=5)
        return Outbox(
            self.database, self.carriers, attachments, FileLinks(self.settings), self.clock, self.settings.bulk_share
        )

    def clock(self) -> datetime:
        return self.now

    async def conversation(self, channel: str = "sms", number: str = CUSTOMER) -> int:
        address = chat_id_for(number) if channel == "telegram" else number
        async with self.database.writing() as session:
            conversation = Conversation(channel=channel, address=address, created_at=self.now)
            session.add(conversation)
            await session.flush()
            return conversation.id

    async def queue(self, conversation: int, text: str, channel: str = "sms", **fields: Any) -> int:
        async with self.database.writing() as session:
            message = Message(
                conversation_id=conversation,
                channel=channel,
                direction=Direction.OUT,
                body=text,
                language="fr",
                created_at=self.now,
                **({"state": MessageState.QUEUED, "due_at": self.now} | fields),
            )
            session.add(message)
            await session.flush()
            return message.id

    async def row(self, message: int) -> Message:
        async with self.database.reading() as session:
            return await session.get_one(Message, message)

    async def send_bulk(self, channel: str = "sms") -> bool:
        """What a lane does, once."""
        claimed = await self.outbox.claim_bulk(Channel(channel))
        return claimed is not None and await self.outbox.deliver([claimed]) is not After.WAIT

    async def sent(self) -> list[str]:
        return [json.loads(line)["body"] for line in (await self.phones.get("/ledger")).text.splitlines()]

    async def fault(self, carrier: str, **order: Any) -> None:
        (await self.phones.post("/faults", json={"carrier": carrier, "queue": [order]})).raise_for_status()


@asynccontextmanager
async def open_house(database: Database, **more: Any) -> AsyncIterator[House]:
    ours = FastAPI()
    async with serving(ours, lifespan="off") as base:
        config = emulators_for(base, "http://emulators.invalid", receipt_pause=0.01)
        emulators = tryit_app(config, demo_customers())
        async with (
            serving(emulators, lifespan="off", http=AbortingProtocol) as theirs,
            httpx.AsyncClient(base_url=theirs) as phones,
        ):
            settings = settings_for(base, theirs, **more)
            inbox = Inbox(database, lambda _conversation: None)
            house = House(database, settings, carriers(settings), Intake(inbox.accept, inbox.advance), phones)
            for carrier in house.carriers:
                ours.include_router(carrier.router(house.intake))
                await carrier.start(house.intake)
            yield house
            for carrier in house.carriers:
                await carrier.stop()
        await emulators.state.emulators.aclose()


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as house:
        yield house


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in a server
            await asyncio.sleep(0.05)


# -- within a conversation -------------------------------------------------------------------------


async def test_a_reply_overtakes_the_bulk_messages_before_it_and_no_other_reply(house: House) -> None:
    conversation = await house.conversation()
    await house.queue(conversation, "rappel 1", bulk=True)
    for text in ("reponse 1", "reponse 2"):
        await house.queue(conversation, text)
    await house.queue(conversation, "rappel 2", bulk=True)
    assert not await house.send_bulk(), "the replies go first"
    await house.outbox.drain(conversation)
    assert await house.sent() == ["reponse 1", "reponse 2"]
    assert await house.send_bulk()
    assert await house.send_bulk()
    assert await house.sent() == ["reponse 1", "reponse 2", "rappel 1", "rappel 2"]
    assert not await house.send_bulk()


@pytest.mark.parametrize(
    "fields",
    [
        {"state": MessageState.SENDING},
        {"due_at": datetime(2100, 1, 1, tzinfo=UTC)},
        {"state": MessageState.SENDING, "due_at": datetime(2100, 1, 1, tzinfo=UTC)},
    ],
    ids=["in doubt", "waiting for its next try", "in hand"],
)
async def test_a_bulk_message_waits_for_a_reply_that_is_not_settled(house: House, fields: dict[str, Any]) -> None:
    conversation = await house.conversation()
    await house.queue(conversation, "rappel", bulk=True)
    await house.queue(conversation, "reponse", **fields)
    assert not await house.send_bulk()


async def test_a_new_reply_need_not_queue_behind_a_bulk_message(house: House) -> None:
    conversation = await house.conversation()
    await house.queue(conversation, "rappel", bulk=True)
    async with house.database.reading() as session:
        assert not await has_open(session, conversation)
    await house.queue(conversation, "reponse")
    async with house.database.reading() as session:
        assert await has_open(session, conversation)


async def test_the_oldest_that_is_due_goes_first_and_other_channels_keep_theirs(house: House) -> None:
    numbers = [await house.conversation(number=phone(n)) for n in range(3)]
    on_telegram = await house.conversation("telegram")
    await house.queue(numbers[0], "demain", bulk=True, due_at=house.now + timedelta(days=1))
    await house.queue(on_telegram, "ailleurs", "telegram", bulk=True)
    await house.queue(numbers[1], "premier", bulk=True)
    await house.queue(numbers[2], "second", bulk=True)
    assert [await house.send_bulk() for _ in range(3)] == [True, True, False]
    assert await house.sent() == ["premier", "second"]


async def test_what_was_found_but_may_not_go_any_more_is_left_alone(house: House) -> None:
    messages = [
        await house.queue(await house.conversation(number=phone(n)), f"rappel {n}", bulk=True) for n in range(4)
    ]
    assert await house.send_bulk()  # found all of them
    async with house.database.writing() as session:
        (await session.get_one(Message, messages[1])).due_at = house.now + timedelta(days=1)  # a campaign that pauses
    await house.queue((await house.row(messages[2])).conversation_id, "reponse")
    assert [await house.send_bulk() for _ in range(2)] == [True, False]
    assert await house.sent() == ["rappel 0", "rappel 3"]


async def test_two_processes_never_claim_the_same_bulk_message(house: House) -> None:
    for n in range(20):
        await house.queue(await house.conversation(number=phone(n)), f"rappel {n}", bulk=True)
    claimed = await asyncio.gather(*(house.new_outbox().claim_bulk(Channel.SMS) for _ in range(30)))
    keys = [each.outbound.key for each in claimed if each]
    assert len(set(keys)) == len(keys)
    while more := await house.outbox.claim_bulk(Channel.SMS):
        keys.append(more.outbound.key)
    assert len(set(keys)) == len(keys) == 20


async def test_while_another_process_claims_the_first_reply_the_second_is_not_sent(house: House) -> None:
    conversation = await house.conversation()
    first = await house.queue(conversation, "reponse 1")
    await house.queue(conversation, "reponse 2")
    async with house.database.writing() as session:
        held = await session.get_one(Message, first, with_for_update=True)
        held.state, held.due_at = MessageState.SENDING, house.now + LEASE
        await session.flush()
        draining = asyncio.create_task(house.outbox.drain(conversation))
        await asyncio.sleep(0.3)
        assert await house.sent() == []
    await draining
    assert await house.sent() == []


# -- WhatsApp's 24 hours, opt-outs -----------------------------------------------------------------

FRENCH = APPROVED[0]
IN_FULL = FRENCH.body.replace("{{1}}", "10000001").replace("{{2}}", "1/12")
TEMPLATE = {"template": {"sid": FRENCH.sid, "variables": {"1": "10000001", "2": "1/12"}}}


async def test_an_approved_template_reaches_a_customer_who_has_not_written(house: House) -> None:
    conversation = await house.conversation("whatsapp")
    message = await house.queue(conversation, IN_FULL, "whatsapp", bulk=True, payload=TEMPLATE)
    assert await house.send_bulk("whatsapp")
    assert await house.sent() == [IN_FULL]
    await until(lambda: _delivered(house, message, "read"))


async def test_a_free_text_outside_the_window_is_kept_as_failed_with_its_reason(house: House) -> None:
    message = await house.queue(await house.conversation("whatsapp"), "Bonjour", "whatsapp", bulk=True)
    assert await house.send_bulk("whatsapp")
    await until(lambda: _delivered(house, message, "failed"))
    row = await house.row(message)
    assert (row.state, row.error) == (
        MessageState.SENT,
        "63016 outside WhatsApp's 24 hours, and not an approved template",
    )


async def _delivered(house: House, message: int, state: str) -> bool:
    return (await house.row(message)).delivery == state


@pytest.mark.parametrize(
    ("channel", "payload", "reason"),
    [
        ("whatsapp", {"template": {"sid": "HX" + "f" * 32}}, "21655 The ContentSid is Invalid"),
        ("sms", None, "21610 Attempt to send to unsubscribed recipient"),
    ],
    ids=["no such template", "opted out"],
)
async def test_what_is_refused_for_good_is_not_tried_again_and_says_why(
    house: House, channel: str, payload: dict[str, Any] | None, reason: str
) -> None:
    await house.phones.post("/customer/sms", json={"from": CUSTOMER, "text": "STOP"})
    conversation = await house.conversation(channel) if channel == "whatsapp" else 1  # the one that wrote STOP
    message = await house.queue(conversation, "rappel", channel, bulk=True, payload=payload)
    await house.send_bulk(channel)
    row = await house.row(message)
    assert (row.state, row.error, row.attempts) == (MessageState.REFUSED, reason, 1)
    assert await house.sent() == []


# -- doubts ----------------------------------------------------------------------------------------


async def in_doubt(house: House, channel: str, kind: str, *, bulk: bool) -> int:
    message = await house.queue(conversation := await house.conversation(channel), "rappel", channel, bulk=bulk)
    await house.fault("telegram" if channel == "telegram" else "twilio", kind=kind)
    await (house.send_bulk(channel) if bulk else house.outbox.drain(conversation))
    assert (await house.row(message)).state == MessageState.SENDING
    house.now += LEASE + timedelta(seconds=1)
    return message


@pytest.mark.parametrize("kind", ["accept_then_drop", "drop"])
async def test_a_bulk_message_in_doubt_is_given_up_where_the_carrier_cannot_be_asked(house: House, kind: str) -> None:
    message = await in_doubt(house, "telegram", kind, bulk=True)
    with structlog.testing.capture_logs() as logs:
        await house.send_bulk("telegram")
    row = await house.row(message)
    assert (row.state, row.error, row.doubts) == (MessageState.DEAD, NOT_SENT_AGAIN, 1)
    assert len(await house.sent()) == (1 if kind == "accept_then_drop" else 0)
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["outbox.given_up_in_doubt"]


@pytest.mark.parametrize(("kind", "attempts"), [("accept_then_drop", 2), ("drop", 2)])
async def test_a_bulk_message_in_doubt_is_settled_by_asking_twilio(house: House, kind: str, attempts: int) -> None:
    message = await in_doubt(house, "sms", kind, bulk=True)
    assert await house.send_bulk()
    row = await house.row(message)
    assert (row.state, row.doubts, row.attempts) == (MessageState.SENT, 1, attempts)
    assert await house.sent() == ["rappel"]


async def test_a_reply_in_doubt_is_rather_sent_twice_than_lost_where_the_carrier_cannot_be_asked(
    house: House,
) -> None:
    message = await in_doubt(house, "telegram", "accept_then_drop", bulk=False)
    await house.outbox.drain((await house.row(message)).conversation_id)
    assert (await house.row(message)).state == MessageState.SENT
    assert await house.sent() == ["rappel", "rappel"]


@pytest.mark.parametrize("bulk", [False, True])
async def test_a_doubt_outlives_a_carrier_that_does_not_answer_the_question(house: House, bulk: bool) -> None:
    message = await in_doubt(house, "sms", "accept_then_drop", bulk=bulk)
    conversation = (await house.row(message)).conversation_id
    twilio = house.carriers[0]
    await twilio.stop()
    await (house.send_bulk() if bulk else house.outbox.drain(conversation))
    await twilio.start(house.intake)
    row = await house.row(message)
    assert (row.state, row.error) == (MessageState.SENDING, "could not ask: NotStarted")
    house.now += LEASE
    await (house.send_bulk() if bulk else house.outbox.drain(conversation))
    assert (await house.row(message)).state == MessageState.SENT
    assert await house.sent() == ["rappel"], "it was taken the first time"


async def test_a_bulk_message_that_the_carrier_has_no_time_for_is_tried_a_few_times(house: House) -> None:
    message = await house.queue(await house.conversation(), "rappel", bulk=True)
    await house.fault("twilio", kind="refuse", status=429, times=100)
    for _ in range(MAX_ATTEMPTS):
        assert not await house.send_bulk()
        house.now += timedelta(hours=1)
    assert (await house.row(message)).state == MessageState.DEAD


# -- a campaign and the customers who write meanwhile ----------------------------------------------

CAMPAIGN, REPLIES = 300, 40


def worker_of(house: House) -> Worker:
    # Nobody writes in here: the worker has turns to take, and never takes one.
    turns = Turns(house.database, None, None, house.clock)  # type: ignore[arg-type]
    return Worker(house.database, turns, house.outbox, house.clock)


async def test_replies_overtake_a_campaign_of_hundreds_and_none_of_it_is_lost(database: Database) -> None:
    async with open_house(database, twilio_sms_per_second=10) as house:
        conversations = [await house.conversation(number=phone(n)) for n in range(CAMPAIGN)]
        for n, conversation in enumerate(conversations):
            await house.queue(conversation, f"rappel {n}", bulk=True)
        worker = worker_of(house)
        await worker.start()
        await until(lambda: _count_at_least(house, 3))
        for n in range(REPLIES):  # to customers whose reminder is the last to go
            conversation = conversations[-1 - n]
            await house.queue(conversation, f"reponse {n}")
            worker.send(conversation)
        await until(lambda: _all_replied(house), seconds=30)
        order = await house.sent()
        await worker.stop()
        replied_at = [index for index, text in enumerate(order) if text.startswith("reponse")]
        before = sum(text.startswith("rappel") for text in order[: replied_at[0]])
        between = replied_at[-1] + 1 - replied_at[0] - REPLIES
        assert before <= 10, "the first reply did not wait for the campaign"
        # A burst of ten, then ten a second, for the replies alone but for what the campaign had in hand.
        assert between <= 3, "the campaign stood still while replies waited"
        async with database.reading() as session:
            rows = list(await session.scalars(select(Message).where(Message.bulk)))
        gone = [row.body for row in rows if row.state == MessageState.SENT]
        assert sorted(gone) == sorted(text for text in await house.sent() if text.startswith("rappel"))
        assert {row.state for row in rows} == {MessageState.SENT, MessageState.QUEUED}, "nothing is left in hand"
        assert max(row.attempts for row in rows) == 1


async def _count_at_least(house: House, count: int) -> bool:
    return len(await house.sent()) >= count


async def _all_replied(house: House) -> bool:
    return sum(text.startswith("reponse") for text in await house.sent()) == REPLIES


async def test_a_campaign_whose_carrier_hangs_leaves_the_places_of_replies_free(database: Database) -> None:
    async with open_house(database, twilio_sms_per_second=500) as house:
        for n in range(100):
            await house.queue(await house.conversation(number=phone(n)), f"rappel {n}", bulk=True)
        on_telegram = await house.conversation("telegram")
        (await house.phones.post("/faults", json={"carrier": "twilio", "hold": True})).raise_for_status()
        worker = worker_of(house)
        await worker.start()
        await until(lambda: _in_hand(house, 32))
        await house.queue(on_telegram, "reponse", "telegram")
        worker.send(on_telegram)
        await until(lambda: _count_at_least(house, 1), seconds=5)
        assert await house.sent() == ["reponse"]
        assert await _in_hand(house, 32), "no more of the campaign was claimed than has a place"
        (await house.phones.post("/faults", json={"carrier": "twilio", "hold": False})).raise_for_status()
        await until(lambda: _count_at_least(house, 101))
        await worker.stop()
        assert sorted(await house.sent()) == sorted([f"rappel {n}" for n in range(100)] + ["reponse"])


async def test_after_a_short_refusal_a_campaign_goes_on_shortly(database: Database) -> None:
    async with open_house(database, twilio_sms_per_second=500) as house:
        for n in range(20):
            await house.queue(await house.conversation(number=phone(n)), f"rappel {n}", bulk=True)
        await house.fault("twilio", kind="refuse", status=429, times=20)
        slow = {"carrier": "twilio", "latency": 1.5}  # so that all of them are under way when the first is refused
        (await house.phones.post("/faults", json=slow)).raise_for_status()
        worker = worker_of(house)
        await worker.start()
        await until(lambda: _all_tried(house, 20))
        house.now += timedelta(seconds=3)
        await until(lambda: _count_at_least(house, 20), seconds=30)
        await worker.stop()


async def _all_tried(house: House, count: int) -> bool:
    async with house.database.reading() as session:
        tried = await session.scalars(select(Message.id).where(Message.attempts > 0, Message.state == "queued"))
        return len(list(tried)) == count


async def _in_hand(house: House, count: int) -> bool:
    async with house.database.reading() as session:
        return len(list(await session.scalars(select(Message.id).where(Message.state == "sending")))) == count
