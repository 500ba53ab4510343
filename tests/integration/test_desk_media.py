"""Pictures, voice and documents at the desk: from customers' phones through the real carriers, and to them."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx
import pytest
from accounts import SID, emulators_for, settings_for
from aiohttp import web
from aiohttp.test_utils import TestServer
from desk_room import Person
from fastapi import FastAPI
from serving import serving
from sqlalchemy import select
from talk_room import TalkRoom
from yarl import URL

from bot.channels.carrier import MOST_MEDIA_BYTES, Channel, Intake, Media, MediaType, NotFetched
from bot.channels.configured import carriers
from bot.channels.twilio import media as twilio_media
from bot.inbox import Inbox
from bot.sending.attachments import UPLOADED, Attachments
from bot.sending.files import FileLinks, files_router
from bot.sending.outbox import Outbox
from bot.sending.uploads import Uploads
from bot.tryit import demo_customers, tryit_app
from bot.tryit.customer import PHOTO
from store import photos
from store.database import Database
from store.models import Audit, Conversation, Direction, Message

CUSTOMER = "+212600000001"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@dataclass
class House:
    """The desk, the real carriers and the emulated phones, without turns."""

    room: TalkRoom
    phones: httpx.AsyncClient
    outbox: Outbox
    agent: Person

    async def sends(self, channel: str, media: str) -> Message:
        """A customer sends something; the message as stored."""
        answer = await self.phones.post(f"/customer/{channel}", json={"from": CUSTOMER, "media": media})
        answer.raise_for_status()
        async with self.room.database.reading() as session:
            query = select(Message).where(Message.direction == Direction.IN).order_by(Message.id.desc()).limit(1)
            return (await session.scalars(query)).one()

    async def looks(self, message: Message, number: int = 0) -> httpx.Response:
        path = f"/desk/conversations/{message.conversation_id}/messages/{message.id}/media/{number}"
        return await self.agent.get(path)


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    room = TalkRoom(database)
    ours = FastAPI()
    async with serving(ours, lifespan="off") as base:
        emulators = tryit_app(emulators_for(base, "http://emulators.invalid", receipts="off"), demo_customers())
        async with serving(emulators, lifespan="off") as theirs, httpx.AsyncClient(base_url=theirs) as phones:
            settings = settings_for(base, theirs)
            found = carriers(settings)
            attachments, links = Attachments({UPLOADED: Uploads(database, settings.keyring)}), FileLinks(settings)
            room.refit(
                carriers={channel: each for each in found for channel in each.channels},
                attachments=attachments,
            )
            inbox = Inbox(database, room.sent.append, room.clock)
            intake = Intake(inbox.accept, inbox.advance)
            for carrier in found:
                ours.include_router(carrier.router(intake))
                await carrier.start(intake)
            ours.include_router(files_router(links, database, attachments, clock=room.clock))
            outbox = Outbox(database, found, attachments, links, clock=room.clock)
            yield House(room, phones, outbox, await room.person())
            for carrier in found:
                await carrier.stop()
            await attachments.close()
        await emulators.state.emulators.aclose()


# --- from customers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["whatsapp", "telegram"])
async def test_an_agent_sees_the_picture_a_customer_sent(house: House, channel: str) -> None:
    message = await house.sends(channel, "photo")
    shown = await house.looks(message)
    assert shown.status_code == 200
    assert shown.content == PHOTO.read_bytes()
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["content-disposition"].startswith("inline")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert shown.headers["cache-control"] == "no-store", "many desks share a computer"
    async with house.room.database.reading() as session:
        looked = await session.scalars(select(Audit.subject).where(Audit.action == "customer.viewed"))
        assert list(looked) == [f"conversation:{message.conversation_id}"]


async def test_a_picture_that_was_read_is_shown_as_it_is_kept(house: House) -> None:
    message = await house.sends("whatsapp", "photo")
    room = house.room
    kept = b"\xff\xd8\xff as it is kept"
    async with room.database.writing() as session:
        assert await photos.take_in_hand(session, await session.get_one(Message, message.id), room.now, room.now)
    async with room.database.writing() as session:
        await photos.seen(session, room.desk.settings.keyring, message.id, [], kept, room.now)
    assert (await house.looks(message)).content == kept


@pytest.mark.parametrize(("channel", "media"), [("whatsapp", "voice"), ("telegram", "document")])
async def test_what_the_carrier_has_no_more_is_said_so(house: House, channel: str, media: str) -> None:
    message = await house.sends(channel, media)
    gone = await house.looks(message)
    assert gone.status_code == 404
    assert "n’est plus chez" in gone.text


async def test_only_what_a_message_has_is_served(house: House) -> None:
    message = await house.sends("whatsapp", "photo")
    assert (await house.looks(message, 1)).status_code == 404
    elsewhere = await house.room.handed_over()
    path = f"/desk/conversations/{elsewhere}/messages/{message.id}/media/0"
    assert (await house.agent.get(path)).status_code == 404


# --- from agents --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "text"),
    [("whatsapp", "Voici le plan"), ("telegram", "Voici le plan"), ("sms", "/plan.png")],
)
async def test_an_agents_picture_reaches_the_phone(house: House, channel: str, text: str) -> None:
    """By SMS as a link, though a picture that only illustrates a text is left out there."""
    await house.phones.post(f"/customer/{channel}", json={"from": CUSTOMER, "text": "bonjour"})
    async with house.room.database.writing() as session:
        conversation = (await session.scalars(select(Conversation).where(Conversation.channel == channel))).one()
        conversation.last_inbound_at = house.room.now
    form = {"csrf": house.agent.csrf, "body": "Voici le plan", "form": "f"}
    path = f"/desk/conversations/{conversation.id}/reply"
    sent = await house.agent.browser.post(path, data=form, files={"file": ("plan.png", PNG)})
    assert sent.status_code == 303
    await house.outbox.drain(conversation.id)
    (message,) = await house.room.written(conversation.id)
    assert (message.state, message.error) == ("sent", None)
    screen = await house.phones.get(f"/customer/{channel}/{CUSTOMER}/messages", params={"wait": 2})
    shown = [each for each in screen.json()["messages"] if not each["mine"]][-1]
    assert text in shown["text"]
    if channel == "sms":
        link = shown["text"].split()[-1]
        async with httpx.AsyncClient() as anybody:
            assert (await anybody.get(link)).content == PNG
    else:
        assert (await house.phones.get(shown["file"]["url"])).content == PNG
    assert (await house.looks(message)).content == PNG


# --- nothing but the carriers' own files --------------------------------------------------------------------

REFERENCE = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages/MM{'1' * 32}/Media/ME{'2' * 32}"
Answer = Callable[[web.Request], web.StreamResponse]


async def fetched(answer: Answer, reference: str) -> tuple[bytes | str, list[web.Request]]:
    """What Twilio's carrier makes of an answer to a request for media, and the requests that it made."""
    requests: list[web.Request] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        requests.append(request)
        return answer(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    async with TestServer(app) as server:
        found = carriers(settings_for("http://desk.test", str(server.make_url("")).rstrip("/")))
        carrier = next(each for each in found if Channel.WHATSAPP in each.channels)
        await carrier.start(Intake(_nothing, _nothing))
        try:
            return await carrier.fetch(Media(MediaType.IMAGE, reference)), requests
        except NotFetched as error:
            return str(error), requests
        finally:
            await carrier.stop()


async def _nothing(_given: object) -> None:
    return None


@pytest.mark.parametrize(
    "reference",
    [
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        f"https://api.twilio.com/2010-04-01/Accounts/AC{'9' * 32}/Messages/MM{'1' * 32}/Media/ME{'2' * 32}",
        f"{REFERENCE}/../../../secrets",
        f"{REFERENCE}?to=elsewhere",
    ],
)
async def test_an_address_that_is_none_of_ours_is_never_asked_for(reference: str) -> None:
    answer, requests = await fetched(lambda _: web.Response(body=b"secret"), reference)
    assert (answer, requests) == ("not an address of this account's media", [])


async def test_the_host_of_an_address_makes_no_difference() -> None:
    reference = REFERENCE.replace("api.twilio.com", "attacker.example")
    answer, (request,) = await fetched(lambda _: web.Response(body=PNG), reference)
    assert answer == PNG
    assert request.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/",
        "https://attacker.example/x",
        "https://media.twiliocdn.com.attacker.example/x",
        "https://s3.amazonaws.com/other-bucket/x",
        "http://media.twiliocdn.com/x",
        "//attacker.example",
        "https://[",
        "",
    ],
)
async def test_no_answer_leads_anywhere_else(location: str) -> None:
    answer, requests = await fetched(lambda _: web.Response(status=307, headers={"Location": location}), REFERENCE)
    assert (answer, len(requests)) == ("led to an unknown host", 1)


@pytest.mark.parametrize(
    "location",
    ["https://mms.twiliocdn.com/x?sig=1", "https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC/x"],
)
def test_twilios_file_stores_are_known(location: str) -> None:
    assert twilio_media.is_file_store(URL(location))


async def test_what_is_too_large_is_not_read_to_its_end() -> None:
    answer, _ = await fetched(lambda _: web.Response(body=b"x" * (MOST_MEDIA_BYTES + 1)), REFERENCE)
    assert "larger than" in str(answer)


async def test_what_is_not_what_it_was_said_to_be_is_not_taken() -> None:
    answer, _ = await fetched(lambda _: web.Response(body=b"<script>alert(1)</script>"), REFERENCE)
    assert answer == "said to be image, and is not"


async def test_nothing_small_is_unpacked_to_something_large() -> None:
    packed = gzip.compress(b"\0" * (MOST_MEDIA_BYTES + 1))
    answer, _ = await fetched(lambda _: web.Response(body=packed, headers={"Content-Encoding": "gzip"}), REFERENCE)
    assert "larger than" in str(answer)


async def test_an_answer_that_leads_in_a_circle_is_left() -> None:
    answer, requests = await fetched(lambda _: web.Response(status=302, headers={"Location": "#again"}), REFERENCE)
    assert (answer, len(requests)) == ("led from address to address", 3)
