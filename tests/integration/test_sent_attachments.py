"""Replies with a picture or a document, from their rows to the phones: outbox, real carriers, emulators, sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import structlog
import tiny_maker
from accounts import emulators_for, settings_for
from fastapi import FastAPI
from pydantic import SecretStr
from serving import serving
from sqlalchemy import select

from bot.channels.carrier import Intake
from bot.channels.configured import carriers
from bot.sending.attachments import MAKERS, Attachments
from bot.sending.files import LIFETIME, FileLinks, files_router
from bot.sending.outbox import Outbox
from bot.sending.outgoing import LEASE_WITH_ATTACHMENT, take
from bot.settings import Settings
from bot.tryit import demo_customers, tryit_app
from bot.tryit.customer import chat_id_for
from bot.tryit.faults import AbortingProtocol
from store.database import Database
from store.models import Conversation, Direction, Message, MessageState

CUSTOMER = "+212600000001"
PICTURE = tiny_maker.picture("mars")


@dataclass
class House:
    """Our side without turns: a database, the outbox with its carriers, and what is served to Twilio."""

    database: Database
    settings: Settings
    attachments: Attachments
    links: FileLinks
    phones: httpx.AsyncClient
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.carriers = carriers(self.settings)
        self.outbox = Outbox(self.database, self.carriers, self.attachments, self.links, clock=lambda: self.now)

    async def reply(self, channel: str, name: str | None, text: str = "Mars", **spec: Any) -> int:
        """Put a reply to something that the customer wrote in the outbox; its conversation."""
        await self.phones.post(f"/customer/{channel}", json={"from": CUSTOMER, "text": "mars"})
        address = chat_id_for(CUSTOMER) if channel == "telegram" else CUSTOMER
        make = "tiny_document" if name and name.endswith(".pdf") else "tiny"
        order = {"make": make, "name": name, "spec": {"words": "mars", **spec}}
        async with self.database.writing() as session:
            conversation = Conversation(channel=channel, address=address, created_at=self.now)
            session.add(conversation)
            await session.flush()
            session.add(
                Message(
                    conversation_id=conversation.id,
                    channel=channel,
                    direction=Direction.OUT,
                    state=MessageState.QUEUED,
                    body=text,
                    payload={"attachment": order} if name else None,
                    language="fr",
                    due_at=self.now,
                    created_at=self.now,
                )
            )
            return conversation.id

    async def row(self) -> Message:
        async with self.database.reading() as session:
            return (await session.scalars(select(Message))).one()

    async def screen(self, channel: str) -> list[dict[str, Any]]:
        query = {"wait": 2}
        answer = await self.phones.get(f"/customer/{channel}/{CUSTOMER}/messages", params=query)
        return [message for message in answer.json()["messages"] if not message["mine"]]

    async def fault(self, carrier: str, **order: Any) -> None:
        (await self.phones.post("/faults", json={"carrier": carrier, "queue": [order]})).raise_for_status()

    async def fetch(self, url: str, method: str = "GET") -> httpx.Response:
        async with httpx.AsyncClient() as anybody:
            return await anybody.request(method, url)

    async def url(self, name: str) -> str:
        row = await self.row()
        return self.links.url(row.id, name, row.created_at)


@pytest.fixture
async def house(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setitem(MAKERS, "tiny", ("tiny_maker", "image/png"))
    monkeypatch.setitem(MAKERS, "tiny_document", ("tiny_maker", "application/pdf"))
    ours = FastAPI()
    async with serving(ours, lifespan="off") as base:
        config = emulators_for(base, "http://emulators.invalid", receipts="off")
        emulators = tryit_app(config, demo_customers())
        async with (
            serving(emulators, lifespan="off", http=AbortingProtocol) as theirs,
            httpx.AsyncClient(base_url=theirs) as phones,
        ):
            settings = settings_for(base, theirs)
            attachments, links = Attachments(workers=1, seconds=5), FileLinks(settings)
            house = House(database, settings, attachments, links, phones)
            ours.include_router(files_router(links, database, attachments, clock=lambda: house.now))
            for carrier in house.carriers:
                await carrier.start(Intake(_nothing, _nothing))
            yield house
            for carrier in house.carriers:
                await carrier.stop()
            await attachments.close()
        await emulators.state.emulators.aclose()


async def _nothing(_given: object) -> None:
    return None


# -- to the phones ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "name", "content"),
    [
        ("whatsapp", "mars-2026.png", "photo"),
        ("telegram", "mars-2026.png", "photo"),
        ("telegram", "mars-2026.pdf", "document"),
    ],
)
async def test_a_reply_reaches_the_phone_with_its_file(house: House, channel: str, name: str, content: str) -> None:
    await house.outbox.drain(await house.reply(channel, name, "Voici le mois de mars."))
    (shown,) = await house.screen(channel)
    assert (shown["text"], shown["content"], shown["file"]["name"]) == ("Voici le mois de mars.", content, name)
    assert (await house.phones.get(shown["file"]["url"])).content == PICTURE
    row = await house.row()
    assert (row.state, row.attempts) == (MessageState.SENT, 1)
    assert row.carrier_id


async def test_an_sms_leaves_a_picture_out(house: House) -> None:
    await house.outbox.drain(await house.reply("sms", "mars.png", fate="fails"))
    (shown,) = await house.screen("sms")
    assert (shown["text"], shown["file"]) == ("Mars", None)


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
async def test_a_document_is_a_link_where_it_cannot_have_a_text(house: House, channel: str) -> None:
    await house.outbox.drain(await house.reply(channel, "mars.pdf"))
    (shown,) = await house.screen(channel)
    text, _, link = shown["text"].partition("\n")
    assert text == "Mars"
    answer = await house.fetch(link)
    assert (answer.content, answer.headers["Content-Type"]) == (PICTURE, "application/pdf")


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
@pytest.mark.parametrize("fate", ["fails", "dies", "is empty"])
async def test_a_text_goes_alone_when_its_document_cannot_be_made_and_the_fault_is_logged_once(
    house: House, channel: str, fate: str
) -> None:
    conversation = await house.reply(channel, "mars.pdf", "640,00 DH", words="640,00 DH", fate=fate)
    with structlog.testing.capture_logs() as logs:
        await house.outbox.drain(conversation)
    (shown,) = await house.screen(channel)
    assert (shown["text"], shown["file"]) == ("640,00 DH", None)
    row = await house.row()
    assert row.state == MessageState.SENT
    faults = [log for log in logs if log["log_level"] == "error"]
    assert [(log["event"], log["message"]) for log in faults] == [("outbox.text_alone", row.id)]
    assert "640,00" not in str(logs)


async def test_a_row_of_another_release_whose_picture_nobody_makes_here_is_sent_as_text(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await house.reply("telegram", "mars.png")
    monkeypatch.delitem(MAKERS, "tiny")
    await house.outbox.drain(conversation)
    (shown,) = await house.screen("telegram")
    assert (shown["text"], shown["file"]) == ("Mars", None)


# -- crashes and doubts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "name"), [("whatsapp", "mars.png"), ("whatsapp", "mars.pdf"), ("sms", "mars.pdf")]
)
async def test_a_send_in_doubt_with_a_file_is_settled_by_twilios_list(house: House, channel: str, name: str) -> None:
    conversation = await house.reply(channel, name)
    await house.fault("twilio", kind="accept_then_drop")
    await house.outbox.drain(conversation)
    assert (await house.row()).state == MessageState.SENDING
    house.now += LEASE_WITH_ATTACHMENT + timedelta(seconds=1)
    await house.outbox.drain(conversation)
    row = await house.row()
    (shown,) = await house.screen(channel)
    assert (row.state, row.doubts, row.carrier_id) == (MessageState.SENT, 1, shown["id"])


async def test_a_send_that_never_left_is_sent_with_its_file_once_the_doubt_is_settled(house: House) -> None:
    conversation = await house.reply("whatsapp", "mars.png")
    await house.fault("twilio", kind="drop")
    await house.outbox.drain(conversation)
    house.now += LEASE_WITH_ATTACHMENT + timedelta(seconds=1)
    await house.outbox.drain(conversation)
    (shown,) = await house.screen("whatsapp")
    assert shown["file"]["name"] == "mars.png"


async def test_telegram_in_doubt_gets_the_file_again_rather_than_not_at_all(house: House) -> None:
    conversation = await house.reply("telegram", "mars.png")
    await house.fault("telegram", kind="accept_then_drop")
    await house.outbox.drain(conversation)
    house.now += LEASE_WITH_ATTACHMENT + timedelta(seconds=1)
    await house.outbox.drain(conversation)
    assert [message["file"]["name"] for message in await house.screen("telegram")] == ["mars.png", "mars.png"]
    assert (await house.row()).doubts == 1


def test_a_message_with_a_file_is_held_for_longer_since_it_has_to_be_made_first() -> None:
    now = datetime(2026, 3, 31, tzinfo=UTC)
    order = {"make": "tiny", "name": "mars.png", "spec": {}}
    with_file, without = Message(payload={"attachment": order}, attempts=0), Message(payload=None, attempts=0)
    take(with_file, now)
    take(without, now)
    assert with_file.due_at - without.due_at == timedelta(seconds=20)


# -- the addresses ---------------------------------------------------------------------------------


async def test_a_file_is_served_to_whoever_has_its_address(house: House) -> None:
    await house.reply("whatsapp", "mars.png")
    url = await house.url("mars.png")
    answer, head = await house.fetch(url), await house.fetch(url, "HEAD")
    assert (answer.status_code, answer.content) == (200, PICTURE)
    expected = {
        "content-type": "image/png",
        "content-length": str(len(PICTURE)),
        "content-disposition": 'inline; filename="mars.png"',
        "cache-control": "private",
        "x-content-type-options": "nosniff",
    }
    assert expected.items() <= dict(answer.headers).items()
    assert (head.status_code, head.content) == (200, b"")
    assert expected.items() <= dict(head.headers).items()


async def test_an_address_is_good_for_a_day(house: House) -> None:
    await house.reply("whatsapp", "mars.png")
    url = await house.url("mars.png")
    house.now += LIFETIME - timedelta(seconds=5)
    assert (await house.fetch(url)).status_code == 200
    house.now += timedelta(seconds=10)
    assert (await house.fetch(url)).status_code == 404


async def test_no_other_address_leads_anywhere(house: House) -> None:
    await house.reply("whatsapp", "mars.png")
    row = await house.row()
    good = await house.url("mars.png")
    base = good.removesuffix("/mars.png")
    stranger = FileLinks(house.settings.model_copy(update={"twilio_auth_token": SecretStr("another")}))
    others = [
        f"{base}/avril.png",
        base,
        f"{base}/",
        f"{base[:-1]}/mars.png",
        f"{base}é/mars.png",
        f"{house.settings.public_url}/files/",
        f"{house.settings.public_url}/files/{row.id}/mars.png",
        house.links.url(row.id + 1, "mars.png", row.created_at),
        stranger.url(row.id, "mars.png", row.created_at),
    ]
    assert [(await house.fetch(url)).status_code for url in others] == [404] * len(others)


@pytest.mark.parametrize("name", [None, "mars.png"])
async def test_a_message_without_a_file_or_with_one_that_nobody_makes_has_no_address(
    house: House, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.reply("whatsapp", name)
    monkeypatch.delitem(MAKERS, "tiny")
    assert (await house.fetch(await house.url("mars.png"))).status_code == 404


async def test_a_file_that_cannot_be_made_now_is_asked_to_be_fetched_later(house: House) -> None:
    await house.reply("whatsapp", "mars.png", fate="fails")
    answer = await house.fetch(await house.url("mars.png"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
