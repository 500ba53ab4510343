"""The carrier emulators against the carriers' own SDKs, over real sockets."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
import pytest_asyncio
import telegram
import tiny_maker
from serving import serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter
from telegram.request import HTTPXRequest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList

from bot.channels.carrier import Channel
from bot.tryit import EmulatorConfig, demo_customers, tryit_app
from bot.tryit.customer import chat_id_for
from bot.tryit.faults import AbortingProtocol
from bot.tryit.phone import PhoneKey
from bot.tryit.twilio_content import ApprovedTemplate

pytestmark = pytest.mark.asyncio(loop_scope="module")

TLS = ssl.create_default_context()
"""Nothing here is encrypted; made once because each client would load the certificates again."""

SID = "AC" + "1" * 32
AUTH_TOKEN = "test-auth-token"
BOT_TOKEN = "1000000001:test-token"
SECRET = "test-secret"
OUR_SMS = "+212500000000"
OUR_WHATSAPP = "+212500000001"
CUSTOMER = "+212600000001"
CHAT = chat_id_for(CUSTOMER)


class House:
    """Stands for us: keeps every webhook it gets, answers `status`; has `files` to be fetched, by their paths."""

    def __init__(self) -> None:
        self.status = 200
        self.base = ""
        self.requests: list[SimpleNamespace] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        self.fetched: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/{path:path}", self._take, methods=["POST"]),
                Route("/{path:path}", self._give, methods=["GET"]),  # and HEAD
            ]
        )

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        form = dict((await request.form()).items()) if b"=" in body and body[:1] != b"{" else {}
        self.requests.append(SimpleNamespace(path=request.url.path, headers=request.headers, body=body, form=form))
        return Response(status_code=self.status)

    async def _give(self, request: Request) -> Response:
        self.fetched.append(f"{request.method} {request.url.path}")
        content_type, content = self.files.get(request.url.path, ("", b""))
        return Response(content, media_type=content_type, status_code=200 if content else 404)

    def paths(self, path: str) -> list[SimpleNamespace]:
        return [request for request in self.requests if request.path == path]


class RedirectedTwilio(AsyncTwilioHttpClient):
    """The SDK's client, sending to the emulator what is meant for Twilio."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    async def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        for host in ("https://api.twilio.com", "https://content.twilio.com"):
            url = url.replace(host, self._base)
        if (kwargs.get("headers") or {}).get("Content-Type") == "application/json":
            kwargs["data"] = json.dumps(kwargs["data"])  # the SDK's async client would send a form
        return await super().request(method, url, *args, **kwargs)


class Stage:
    """Emulators and house, talking over sockets of this machine."""

    def __init__(self, base: str, house: House, app: Starlette) -> None:
        self.base = base
        self.house = house
        self.http = httpx.AsyncClient(base_url=base, timeout=10, verify=TLS)
        self.emulators = app.state.emulators
        self._twilio_http = RedirectedTwilio(f"{base}/carriers/twilio")
        self.twilio = Client(SID, AUTH_TOKEN, http_client=self._twilio_http)
        self.bot = self.telegram_bot(BOT_TOKEN)

    def telegram_bot(self, token: str) -> telegram.Bot:
        return telegram.Bot(
            token,
            base_url=f"{self.base}/carriers/telegram/bot",
            base_file_url=f"{self.base}/carriers/telegram/file/bot",
            request=HTTPXRequest(connection_pool_size=8, read_timeout=1, httpx_kwargs={"verify": TLS}),
            get_updates_request=HTTPXRequest(connection_pool_size=2, httpx_kwargs={"verify": TLS}),
        )

    async def customer(self, channel: str, **action: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/customer/{channel}", json={"from": CUSTOMER} | action)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def screen(self, channel: str, **query: Any) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/customer/{channel}/{CUSTOMER}/messages", params=query)
        return list(answer.json()["messages"])

    async def received(self, channel: str) -> list[dict[str, Any]]:
        return [message for message in await self.screen(channel) if not message["mine"]]

    async def open_window(self) -> None:
        """Let the customer write on WhatsApp: free texts then arrive for a day."""
        await self.customer("whatsapp", text="salam")
        self.house.requests.clear()

    async def send_whatsapp(self, **content: Any) -> Any:
        return await self.twilio.messages.create_async(
            to=f"whatsapp:{CUSTOMER}",
            from_=f"whatsapp:{OUR_WHATSAPP}",
            status_callback=f"{self.house.base}/webhooks/twilio/status",
            **content,
        )

    async def fault(self, carrier: str, **order: Any) -> None:
        answer = await self.http.post("/faults", json={"carrier": carrier} | order)
        assert answer.status_code == 200, answer.text

    async def ledger(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (await self.http.get("/ledger")).text.splitlines()]

    async def send_sms(self, body: str = "Bonjour", to: str = CUSTOMER, **extra: Any) -> Any:
        return await self.twilio.messages.create_async(to=to, from_=OUR_SMS, body=body, **extra)

    async def aclose(self) -> None:
        await self.http.aclose()
        await self._twilio_http.close()
        await self.bot.shutdown()


def configured(**options: Any) -> EmulatorConfig:
    """Emulators without pauses and repetitions, unless `options` say otherwise."""
    defaults = {
        "own_base": "http://emulators.invalid",
        "twilio_account_sid": SID,
        "twilio_auth_token": AUTH_TOKEN,
        "sms_from": OUR_SMS,
        "whatsapp_from": OUR_WHATSAPP,
        "telegram_token": BOT_TOKEN,
        "telegram_secret": SECRET,
        "receipt_pause": 0.0,
        "retries": 0,
    }
    return EmulatorConfig(**(defaults | options))


@asynccontextmanager
async def open_stage(**options: Any) -> AsyncIterator[Stage]:
    """A stage with servers of its own, configured by `options`."""
    house = House()
    async with serving(house.app) as house.base:
        app = tryit_app(configured(**({"webhook_base": house.base} | options)), demo_customers())
        async with serving(app, http=AbortingProtocol) as base:
            stage = Stage(base, house, app)
            try:
                yield stage
            finally:
                await stage.aclose()


class Host:
    """A server's application that can be exchanged while it runs: starting servers is what takes time here."""

    base: str
    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosts() -> AsyncIterator[tuple[Host, Host]]:
    house, emulators = Host(), Host()
    async with (
        serving(house, lifespan="off") as house.base,
        serving(emulators, lifespan="off", http=AbortingProtocol) as emulators.base,
    ):
        yield house, emulators


@pytest_asyncio.fixture(loop_scope="module")
async def stage(hosts: tuple[Host, Host]) -> AsyncIterator[Stage]:
    house = House()
    hosts[0].app, house.base = house.app, hosts[0].base
    app = tryit_app(configured(webhook_base=house.base), demo_customers())
    hosts[1].app = app
    stage = Stage(hosts[1].base, house, app)
    yield stage
    await stage.aclose()
    await stage.emulators.aclose()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a server
            await asyncio.sleep(0.005)


# Twilio: what the customer sends

INCOMING = {
    "sms text": ("sms", {"text": "48213"}, {"Body": "48213", "NumMedia": "0", "FromCountry": "MA"}),
    "sms picture": ("sms", {"media": "photo", "text": "voici"}, {"Body": "voici", "MediaContentType0": "image/jpeg"}),
    "sms place": (
        "sms",
        {"location": {"latitude": 34.02, "longitude": -6.84}},
        {"Body": "https://maps.google.com/?q=34.02,-6.84", "NumMedia": "0"},
    ),
    "whatsapp text": (
        "whatsapp",
        {"text": "سلام", "name": "Salma"},
        {"From": f"whatsapp:{CUSTOMER}", "WaId": CUSTOMER[1:], "ProfileName": "Salma", "MessageType": "text"},
    ),
    "whatsapp empty text": ("whatsapp", {"text": ""}, {"Body": "", "MessageType": "text"}),
    "whatsapp sticker": ("whatsapp", {"media": "sticker"}, {"MessageType": "sticker", "Body": "", "NumMedia": "1"}),
    "whatsapp voice": ("whatsapp", {"media": "voice"}, {"MessageType": "audio", "MediaContentType0": "audio/ogg"}),
    "whatsapp place": (
        "whatsapp",
        {"location": {"latitude": 34.02, "longitude": -6.84}},
        {"MessageType": "location", "Latitude": "34.02", "Longitude": "-6.84"},
    ),
    "whatsapp contact": (
        "whatsapp",
        {"contact": "+212611111111"},
        {"MessageType": "contacts", "MediaContentType0": "text/vcard"},
    ),
}


@pytest.mark.parametrize(("channel", "action", "expected"), INCOMING.values(), ids=INCOMING)
async def test_a_twilio_webhook_is_signed_and_has_the_carriers_parameters(
    stage: Stage, channel: str, action: dict[str, Any], expected: dict[str, str]
) -> None:
    answer = await stage.customer(channel, **action)
    (request,) = stage.house.requests
    assert answer == {"id": request.form["MessageSid"], "status": 200, "statuses": [200]}
    assert request.form.items() >= (expected | {"AccountSid": SID, "ApiVersion": "2010-04-01"}).items()
    signature = request.headers["X-Twilio-Signature"]
    url = f"{stage.house.base}/webhooks/twilio"
    assert RequestValidator(AUTH_TOKEN).validate(url, request.form, signature)
    assert not RequestValidator("another").validate(url, request.form, signature)


async def test_behind_a_proxy_webhooks_are_signed_for_the_public_address() -> None:
    async with (
        open_stage() as inner,
        open_stage(webhook_base="https://releve.example", connect_base=inner.house.base) as stage,
    ):
        await stage.customer("sms", text="48213")
        (request,) = inner.house.requests
        assert RequestValidator(AUTH_TOKEN).validate(
            "https://releve.example/webhooks/twilio", request.form, request.headers["X-Twilio-Signature"]
        )


async def test_the_same_webhook_many_times_has_one_id(stage: Stage) -> None:
    answer = await stage.customer("sms", text="48213", times=50)
    assert answer["statuses"] == [200] * 50
    assert {request.form["MessageSid"] for request in stage.house.requests} == {answer["id"]}
    assert len(await stage.screen("sms")) == 1


async def test_a_webhook_is_posted_again_when_nobody_answers_but_not_when_refused() -> None:
    async with open_stage(webhook_base="http://127.0.0.1:9", retries=1) as stage:
        assert (await stage.customer("sms", text="a"))["status"] is None
        (message,) = await stage.screen("sms")
        assert message["state"] == "failed"
    async with open_stage(retries=1) as stage:
        stage.house.status = 403
        assert (await stage.customer("sms", text="a"))["status"] == 403
        assert len(stage.house.requests) == 1


async def test_the_picture_of_a_webhook_can_be_fetched(stage: Stage) -> None:
    await stage.customer("whatsapp", media="photo")
    path = stage.house.requests[0].form["MediaUrl0"].removeprefix("http://emulators.invalid")
    picture = await stage.http.get(path, auth=(SID, AUTH_TOKEN))
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert (await stage.http.get(path)).status_code == 401


# Twilio: what we send


async def test_a_sent_sms_reaches_phone_ledger_and_list(stage: Stage) -> None:
    message = await stage.send_sms("é" * 161)
    assert (message.status, message.num_segments, message.date_sent) == ("queued", "2", None)
    (shown,) = await stage.screen("sms")
    assert (shown["id"], shown["mine"], shown["parts"], shown["encoding"]) == (message.sid, False, 2, "GSM-7")
    (line,) = await stage.ledger()
    assert (line["number"], line["to"], line["id"], line["channel"]) == (1, CUSTOMER, message.sid, "sms")
    await until(lambda: stage.emulators.phones.messages(PhoneKey(Channel.SMS, CUSTOMER))[0].state == "delivered")
    fetched = await stage.twilio.messages(message.sid).fetch_async()
    assert (fetched.status, fetched.body) == ("delivered", "é" * 161)


@pytest.mark.parametrize(
    ("channel", "states"), [("sms", ["sent", "delivered"]), ("whatsapp", ["sent", "delivered", "read"])]
)
async def test_delivery_is_reported_in_order_and_signed(stage: Stage, channel: str, states: list[str]) -> None:
    await stage.open_window()
    prefix, sender = ("whatsapp:", OUR_WHATSAPP) if channel == "whatsapp" else ("", OUR_SMS)
    callback = f"{stage.house.base}/webhooks/twilio/status"
    message = await stage.twilio.messages.create_async(
        to=prefix + CUSTOMER, from_=prefix + sender, body="Bonjour", status_callback=callback
    )
    await until(lambda: len(stage.house.requests) == len(states))
    assert [request.form["MessageStatus"] for request in stage.house.requests] == states
    for request in stage.house.requests:
        assert request.form["MessageSid"] == message.sid
        assert RequestValidator(AUTH_TOKEN).validate(callback, request.form, request.headers["X-Twilio-Signature"])


async def test_receipts_can_be_switched_off() -> None:
    async with open_stage(receipts="off") as stage:
        message = await stage.send_sms(status_callback=f"{stage.house.base}/webhooks/twilio/status")
        assert (await stage.twilio.messages(message.sid).fetch_async()).status == "sent"
        assert stage.house.requests == []


@pytest.mark.parametrize(
    ("event", "channel", "statuses", "error"),
    [
        ("switch_off", "sms", ["sent", "undelivered"], "30003"),
        ("close_window", "whatsapp", ["failed"], "63016"),
    ],
)
async def test_what_cannot_arrive_is_accepted_and_reported_as_failed(
    stage: Stage, event: str, channel: str, statuses: list[str], error: str
) -> None:
    await stage.customer(channel, event=event)
    prefix, sender = ("whatsapp:", OUR_WHATSAPP) if channel == "whatsapp" else ("", OUR_SMS)
    await stage.twilio.messages.create_async(
        to=prefix + CUSTOMER, from_=prefix + sender, body="Bonjour", status_callback=f"{stage.house.base}/status"
    )
    await until(lambda: len(stage.house.requests) == len(statuses))
    assert [request.form["MessageStatus"] for request in stage.house.requests] == statuses
    assert stage.house.requests[-1].form["ErrorCode"] == error
    assert await stage.screen(channel) == []


REFUSED = {
    "no such number": ({"to": "+0", "from_": OUR_SMS, "body": "a"}, 400, 21211),
    "no text": ({"to": CUSTOMER, "from_": OUR_SMS, "body": ""}, 400, 21602),
    "no sender": ({"to": CUSTOMER, "body": "a"}, 400, 21603),
    "not our number": ({"to": CUSTOMER, "from_": "+212599999999", "body": "a"}, 400, 21606),
    "too long": ({"to": CUSTOMER, "from_": OUR_SMS, "body": "a" * 1601}, 400, 21617),
    "no such template": ({"to": CUSTOMER, "from_": OUR_SMS, "content_sid": "HX0"}, 400, 21655),
    "not our whatsapp": ({"to": f"whatsapp:{CUSTOMER}", "from_": f"whatsapp:{CUSTOMER}", "body": "a"}, 400, 63007),
}


@pytest.mark.parametrize(("params", "status", "code"), REFUSED.values(), ids=REFUSED)
async def test_twilio_refuses_with_its_own_codes(
    stage: Stage, params: dict[str, Any], status: int, code: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await stage.twilio.messages.create_async(**params)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert await stage.ledger() == []


async def test_a_wrong_auth_token_is_refused(stage: Stage) -> None:
    stage.twilio.auth = (SID, "wrong")
    stage.twilio.password = "wrong"
    with pytest.raises(TwilioRestException) as refused:
        await stage.send_sms()
    assert (refused.value.status, refused.value.code) == (401, 20003)


async def test_after_stop_nothing_is_sent_until_start(stage: Stage) -> None:
    await stage.customer("sms", text=" stop ")
    assert stage.house.requests[0].form["Body"] == " stop "
    with pytest.raises(TwilioRestException) as refused:
        await stage.send_sms()
    assert refused.value.code == 21610
    await stage.customer("sms", text="START")
    await stage.send_sms()
    assert [message["mine"] for message in await stage.screen("sms")] == [True, False, True, False, False]


async def test_messages_are_listed_by_recipient_and_time_page_by_page(stage: Stage) -> None:
    sent = [(await stage.send_sms(f"message {n}")).sid for n in range(5)]
    await stage.send_sms(to="+212600000002")
    await stage.customer("sms", text="incoming")
    minute_ago, in_a_minute = (datetime.now(UTC) + timedelta(minutes=sign) for sign in (-1, 1))
    listed = await stage.twilio.messages.list_async(
        to=CUSTOMER, from_=OUR_SMS, date_sent_after=minute_ago, date_sent_before=in_a_minute, page_size=2
    )
    assert [message.sid for message in listed] == sent[::-1]
    assert await stage.twilio.messages.list_async(to=CUSTOMER, date_sent_after=in_a_minute) == []
    assert await stage.twilio.messages.list_async(to=CUSTOMER, date_sent_before=minute_ago) == []
    assert len(await stage.twilio.messages.list_async(date_sent=datetime.now(UTC), limit=50)) == 7


PICTURE = tiny_maker.picture("mars")


async def send_media(stage: Stage, url: str, body: str | None = "Mars") -> Any:
    await stage.open_window()
    return await stage.send_whatsapp(media_url=[url], **({"body": body} if body else {}))


def statuses(stage: Stage) -> list[tuple[str, str | None]]:
    callbacks = stage.house.paths("/webhooks/twilio/status")
    return [(request.form["MessageStatus"], request.form.get("ErrorCode")) for request in callbacks]


async def test_media_are_fetched_from_the_house_and_shown_on_the_phone(stage: Stage) -> None:
    stage.house.files["/files/x/mars.png"] = ("image/png", PICTURE)
    url = f"{stage.house.base}/files/x/mars.png"
    message = await send_media(stage, url)
    assert (message.status, message.num_media, message.body) == ("queued", "1", "Mars")
    await until(lambda: len(statuses(stage)) == 3)
    assert stage.house.fetched == ["HEAD /files/x/mars.png", "GET /files/x/mars.png"]
    (shown,) = await stage.received("whatsapp")
    assert (shown["text"], shown["content"], shown["state"]) == ("Mars", "photo", "read")
    file = shown["file"]
    assert (file["name"], file["size"]) == ("mars.png", len(PICTURE))
    assert (file["width"], file["height"]) == (tiny_maker.WIDTH, tiny_maker.HEIGHT)
    fetched = await stage.http.get(file["url"])
    assert (fetched.content, fetched.headers["Content-Type"]) == (PICTURE, "image/png")
    assert [line["media"] for line in await stage.ledger()] == [[url]]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/files/none.png", ("failed", "63019")), ("/files/page.html", ("failed", "63021"))],
)
async def test_a_message_whose_media_cannot_be_had_is_taken_and_fails(
    stage: Stage, path: str, expected: tuple[str, str]
) -> None:
    stage.house.files["/files/page.html"] = ("text/html", b"<p>")
    await send_media(stage, stage.house.base + path)
    await until(lambda: statuses(stage) == [expected])
    assert await stage.received("whatsapp") == []


async def test_media_need_no_text_but_an_address(stage: Stage) -> None:
    stage.house.files["/files/mars.pdf"] = ("application/pdf", b"%PDF-1.7")
    await send_media(stage, f"{stage.house.base}/files/mars.pdf", body=None)
    await until(lambda: len(statuses(stage)) == 3)
    (shown,) = await stage.received("whatsapp")
    assert (shown["text"], shown["content"], shown["file"]["name"]) == ("", "document", "mars.pdf")
    with pytest.raises(TwilioRestException) as refused:
        await send_media(stage, "bot.example.ma/files/mars.png")
    assert refused.value.code == 21620


QUICK_REPLY = {"twilio/quick-reply": {"body": "{{1}} ?", "actions": [{"title": "{{2}}", "id": "yes {{3}}"}]}}
LIST_PICKER = {
    "twilio/list-picker": {"body": "{{1}} ?", "button": "Choisir", "items": [{"item": "{{2}}", "id": "yes {{3}}"}]}
}


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (QUICK_REPLY, {"MessageType": "button", "ButtonPayload": "yes 7", "ButtonText": "Oui"}),
        (LIST_PICKER, {"MessageType": "interactive", "ListId": "yes 7", "ListTitle": "Oui"}),
    ],
)
async def test_a_template_is_rendered_and_a_tap_comes_back(
    stage: Stage, types: dict[str, Any], expected: dict[str, str]
) -> None:
    request = {"friendly_name": "confirm", "language": "fr", "variables": {"2": "Oui"}, "types": types}
    content = await stage.twilio.content.v1.contents.create_async(ContentList.ContentCreateRequest(request))
    assert (await stage.twilio.content.v1.contents.list_async())[-1].sid == content.sid
    await stage.open_window()
    variables = json.dumps({"1": "48213", "3": "7"})
    message = await stage.send_whatsapp(content_sid=content.sid, content_variables=variables)
    assert message.body == "48213 ?"
    (shown,) = await stage.received("whatsapp")
    assert [(button["title"], button["token"]) for button in shown["buttons"]] == [("Oui", "yes 7")]
    await stage.customer("whatsapp", button="yes 7")
    tapped = {"Body": "Oui", "OriginalRepliedMessageSid": message.sid}
    tap = stage.house.paths("/webhooks/twilio")[-1]
    assert tap.form.items() >= (expected | tapped).items()


# Twilio: WhatsApp's 24 hours, and opt-outs

READING = "HX00000000000000000000000000000003"


class Hours:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize(
    ("hours", "arrives"),
    [
        pytest.param(None, False, id="never wrote"),
        pytest.param(0, True, id="just wrote"),
        pytest.param(24, True, id="24 hours ago"),
        pytest.param(24.1, False, id="more than 24 hours ago"),
    ],
)
@pytest.mark.parametrize("with_buttons", [False, True])
async def test_free_texts_and_their_buttons_arrive_within_24_hours_of_the_customers_last_message(
    hours: float | None, arrives: bool, with_buttons: bool
) -> None:
    clock = Hours()
    async with open_stage(clock=clock) as stage:
        if hours is not None:
            await stage.open_window()
            clock.now += timedelta(hours=hours)
        content: dict[str, Any] = {"body": "Bonjour"}
        if with_buttons:
            request = {"friendly_name": "x", "language": "fr", "types": QUICK_REPLY}
            created = await stage.twilio.content.v1.contents.create_async(ContentList.ContentCreateRequest(request))
            content = {"content_sid": created.sid, "content_variables": '{"1": "Bonjour"}'}
        message = await stage.send_whatsapp(**content)
        assert message.status == "queued"
        await until(lambda: len(statuses(stage)) == (3 if arrives else 1))
        assert statuses(stage)[-1] == (("read", None) if arrives else ("failed", "63016"))
        assert bool(await stage.received("whatsapp")) is arrives


async def test_an_approved_template_arrives_at_any_time_with_its_variables_in_the_text(stage: Stage) -> None:
    message = await stage.send_whatsapp(content_sid=READING, content_variables='{"1": "10000001", "2": "1 December"}')
    (shown,) = await stage.received("whatsapp")
    assert shown["text"].startswith("Hello, it is time to read the meter of contract 10000001. Reply with")
    assert "before 1 December." in shown["text"]
    (listed,) = await stage.twilio.messages.list_async(to=f"whatsapp:{CUSTOMER}")
    assert (listed.sid, listed.body) == (message.sid, shown["text"])


async def test_the_approved_templates_are_those_of_the_configuration() -> None:
    async with open_stage(approved=(ApprovedTemplate("HX" + "a" * 32, "Tournée le {{1}}."),)) as stage:
        await stage.send_whatsapp(content_sid="HX" + "a" * 32, content_variables='{"1": "3/12"}')
        assert [message["text"] for message in await stage.received("whatsapp")] == ["Tournée le 3/12."]
        with pytest.raises(TwilioRestException) as refused:
            await stage.send_whatsapp(content_sid=READING)
        assert refused.value.code == 21655


async def test_a_template_that_is_submitted_is_approved_at_once(stage: Stage) -> None:
    request = {"friendly_name": "tour", "language": "fr", "types": {"twilio/text": {"body": "Tournée le {{1}}."}}}
    contents = stage.twilio.content.v1.contents
    created = await contents.create_async(ContentList.ContentCreateRequest(request))
    path = f"/carriers/twilio/v1/Content/{created.sid}/ApprovalRequests"
    before = (await stage.http.get(path, auth=(SID, AUTH_TOKEN))).json()
    submitted = await stage.http.post(
        f"{path}/whatsapp", auth=(SID, AUTH_TOKEN), json={"name": "tour", "category": "UTILITY"}
    )
    after = (await stage.http.get(path, auth=(SID, AUTH_TOKEN))).json()
    assert (before["whatsapp"]["status"], submitted.status_code) == ("unsubmitted", 201)
    assert (after["whatsapp"]["status"], after["whatsapp"]["name"]) == ("approved", "tour")
    await stage.send_whatsapp(content_sid=created.sid, content_variables='{"1": "3/12"}')
    assert [message["text"] for message in await stage.received("whatsapp")] == ["Tournée le 3/12."]


async def test_an_account_that_keeps_no_opt_outs_lets_stop_pass() -> None:
    async with open_stage(keeps_opt_outs=False) as stage:
        await stage.customer("sms", text="STOP")
        await stage.send_sms("Bien reçu")
        assert [message["text"] for message in await stage.screen("sms")] == ["STOP", "Bien reçu"]


async def test_stop_on_whatsapp_is_a_word_like_any_other(stage: Stage) -> None:
    await stage.customer("whatsapp", text="STOP")
    await stage.send_whatsapp(body="Bien reçu")
    await stage.send_sms()
    assert [message["text"] for message in await stage.received("whatsapp")] == ["Bien reçu"]


async def test_a_button_that_is_not_on_the_screen_cannot_be_tapped(stage: Stage) -> None:
    answer = await stage.http.post("/customer/whatsapp", json={"from": CUSTOMER, "button": "none"})
    assert answer.status_code == 422


# Telegram: what the customer sends

UPDATES: dict[str, tuple[dict[str, Any], Callable[[telegram.Update], bool]]] = {
    "text": ({"text": "48213"}, lambda update: update.message.text == "48213"),
    "command": ({"text": "/start x"}, lambda update: update.message.entities[0].type == "bot_command"),
    "sticker": ({"media": "sticker"}, lambda update: update.message.sticker is not None),
    "photo": ({"media": "photo", "text": "voici"}, lambda update: update.message.caption == "voici"),
    "voice": ({"media": "voice"}, lambda update: update.message.voice.duration in (3, timedelta(seconds=3))),
    "document": ({"media": "document"}, lambda update: update.message.document is not None),
    "place": (
        {"location": {"latitude": 34.02, "longitude": -6.84}},
        lambda update: update.message.location.latitude == 34.02,
    ),
    "own number": (
        {"contact": CUSTOMER},
        lambda update: update.message.contact.user_id == update.message.from_user.id,
    ),
    "number of somebody else": (
        {"contact": "+212611111111"},
        lambda update: update.message.contact.user_id is None,
    ),
    "dice": ({"dice": True}, lambda update: 1 <= update.message.dice.value <= 6),
    "edited": ({"text": "48214", "edits": "1"}, lambda update: update.edited_message.message_id == 1),
    "group": ({"text": "salut", "group": -5}, lambda update: update.message.chat.type == "group"),
    "block": ({"event": "block"}, lambda update: update.my_chat_member.new_chat_member.status == "kicked"),
}


@pytest.mark.parametrize(("action", "is_right"), UPDATES.values(), ids=UPDATES)
async def test_a_telegram_update_has_the_secret_and_the_carriers_shape(
    stage: Stage, action: dict[str, Any], is_right: Callable[[telegram.Update], bool]
) -> None:
    answer = await stage.customer("telegram", **action)
    (request,) = stage.house.requests
    assert request.path == "/webhooks/telegram"
    assert request.headers["X-Telegram-Bot-Api-Secret-Token"] == SECRET
    update = telegram.Update.de_json(json.loads(request.body), stage.bot)
    assert str(update.update_id) == answer["id"]
    assert is_right(update)
    if "contact" not in action:
        assert CUSTOMER[1:] not in request.body.decode()


async def test_telegram_repeats_an_update_until_it_is_taken() -> None:
    async with open_stage(retries=1) as stage:
        stage.house.status = 500
        assert (await stage.customer("telegram", text="a"))["status"] == 500
        first, second = stage.house.requests
        assert first.body == second.body
        info = await stage.bot.get_webhook_info()
        assert info.last_error_message == "Wrong response from the webhook: 500"


async def test_updates_are_polled_and_confirmed_by_offset(stage: Stage) -> None:
    await stage.bot.delete_webhook()
    for text in ("un", "deux", "trois"):
        assert (await stage.customer("telegram", text=text))["status"] is None
    updates = await stage.bot.get_updates(limit=2)
    assert [update.message.text for update in updates] == ["un", "deux"]
    (last,) = await stage.bot.get_updates(offset=updates[-1].update_id + 1)
    assert last.message.text == "trois"
    assert (await stage.bot.get_webhook_info()).pending_update_count == 1
    assert await stage.bot.get_updates(offset=last.update_id + 1) == ()


async def test_a_long_poll_wakes_for_an_update_and_ends_for_another_poll(stage: Stage) -> None:
    await stage.bot.delete_webhook()
    poll = asyncio.create_task(stage.bot.get_updates(timeout=5))
    await asyncio.sleep(0.05)
    await stage.customer("telegram", text="vite")
    (update,) = await poll
    first = asyncio.create_task(stage.bot.get_updates(offset=update.update_id + 1, timeout=5))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(stage.bot.get_updates(offset=update.update_id + 1, timeout=1))
    with pytest.raises(Conflict):
        await first
    assert await second == ()


async def test_polling_and_webhook_exclude_each_other(stage: Stage) -> None:
    with pytest.raises(Conflict):
        await stage.bot.get_updates()
    await stage.bot.set_webhook(f"{stage.house.base}/elsewhere", secret_token="new", allowed_updates=["message"])
    await stage.customer("telegram", text="a")
    await stage.customer("telegram", text="b", edits="1")  # not among the allowed updates
    (request,) = stage.house.requests
    assert (request.path, request.headers["X-Telegram-Bot-Api-Secret-Token"]) == ("/elsewhere", "new")


# Telegram: what we send


async def test_a_sent_message_with_buttons_is_shown_tapped_answered_and_edited(stage: Stage) -> None:
    await stage.customer("telegram", text="bonjour")
    markup = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Oui", callback_data="yes 7")]])
    sent = await stage.bot.send_message(CHAT, "48213 ?", reply_markup=markup)
    shown = (await stage.screen("telegram"))[-1]
    assert (shown["id"], shown["buttons"][0]["token"]) == (str(sent.message_id), "yes 7")
    await stage.customer("telegram", button="yes 7")
    query = telegram.Update.de_json(json.loads(stage.house.requests[-1].body), stage.bot).callback_query
    assert (query.data, query.message.message_id) == ("yes 7", sent.message_id)
    assert await query.answer("C’est noté")
    with pytest.raises(BadRequest):  # a tap is answered once
        await query.answer()
    await query.edit_message_reply_markup(None)
    assert (await stage.screen("telegram"))[-1]["buttons"] == []
    with pytest.raises(BadRequest, match="not modified"):
        await query.edit_message_reply_markup(None)
    assert [line["body"] for line in await stage.ledger()] == ["48213 ?"]


async def test_a_photo_and_a_document_reach_the_phone_with_caption_and_buttons(stage: Stage) -> None:
    markup = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Oui", callback_data="yes")]])
    photo = await stage.bot.send_photo(CHAT, PICTURE, caption="Mars", filename="mars.png", reply_markup=markup)
    assert (photo.caption, photo.photo[-1].width) == ("Mars", tiny_maker.WIDTH)
    document = await stage.bot.send_document(CHAT, b"%PDF-1.7", filename="mars.pdf")
    assert (document.document.file_name, document.document.mime_type) == ("mars.pdf", "application/pdf")
    first, second = await stage.screen("telegram")
    assert (first["id"], first["text"], first["content"]) == (str(photo.message_id), "Mars", "photo")
    assert first["buttons"][0]["token"] == "yes"
    assert (second["text"], second["content"], second["file"]["name"]) == ("", "document", "mars.pdf")
    assert (await stage.http.get(first["file"]["url"])).content == PICTURE
    assert (await stage.http.get(second["file"]["url"])).content == b"%PDF-1.7"
    assert (await stage.http.get(first["file"]["url"] + "x")).status_code == 404
    assert [(line["body"], line["media"]) for line in await stage.ledger()] == [
        ("Mars", ["mars.png"]),
        ("", ["mars.pdf"]),
    ]
    await stage.customer("telegram", button="yes")
    query = telegram.Update.de_json(json.loads(stage.house.requests[-1].body), stage.bot).callback_query
    await query.edit_message_reply_markup(None)
    with pytest.raises(BadRequest, match="no text"):
        await query.edit_message_text("Avril")


def png(width: int, height: int) -> bytes:
    return PICTURE[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + PICTURE[24:]


@pytest.mark.parametrize(
    ("picture", "caption", "refusal"),
    [
        (b"%PDF-1.7", "", r"(?i)image_process_failed"),
        (png(1080, 9000), "", r"(?i)photo_invalid_dimensions"),
        (png(100, 2001), "", r"(?i)photo_invalid_dimensions"),
        (PICTURE, "a" * 1025, "caption is too long"),
        (b"", "", "(?i)non-empty"),
        ("https://bot.example.ma/a.png", "", "no photo"),
    ],
)
async def test_telegram_refuses_what_it_cannot_show_as_a_photo(
    stage: Stage, picture: bytes | str, caption: str, refusal: str
) -> None:
    with pytest.raises(BadRequest, match=refusal):
        await stage.bot.send_photo(CHAT, picture, caption=caption)
    assert await stage.screen("telegram") == []


async def test_a_photo_meets_the_same_faults_as_a_text(stage: Stage) -> None:
    await stage.fault("telegram", queue=[{"kind": "refuse", "status": 429, "retry_after": 7}])
    with pytest.raises(RetryAfter):
        await stage.bot.send_photo(CHAT, PICTURE)


async def test_the_bot_says_who_it_is_and_takes_its_commands(stage: Stage) -> None:
    assert (await stage.bot.get_me()).is_bot
    await stage.bot.set_my_commands([("aide", "Ce que je sais faire")])
    assert (await stage.bot.get_my_commands())[0].command == "aide"
    await stage.customer("telegram", media="photo")
    update = telegram.Update.de_json(json.loads(stage.house.requests[0].body), stage.bot)
    picture = await (await update.message.photo[-1].get_file()).download_as_bytearray()
    assert picture[:2] == b"\xff\xd8"  # JPEG
    assert await stage.bot.leave_chat(-5)


async def test_telegram_refuses_with_its_own_errors(stage: Stage) -> None:
    with pytest.raises(InvalidToken):
        await stage.telegram_bot("1:wrong").get_me()
    with pytest.raises(BadRequest, match="too long"):
        await stage.bot.send_message(CHAT, "a" * 4097)
    with pytest.raises(BadRequest, match="empty"):
        await stage.bot.send_message(CHAT, " ")
    button = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("a", callback_data="é" * 33)]])
    with pytest.raises(BadRequest, match=r"(?i)button_data_invalid"):
        await stage.bot.send_message(CHAT, "a", reply_markup=button)
    await stage.customer("telegram", event="block")
    with pytest.raises(Forbidden, match="blocked"):
        await stage.bot.send_message(CHAT, "a")
    await stage.customer("telegram", event="unblock")
    await stage.bot.send_message(CHAT, "a")
    assert len(await stage.ledger()) == 1


# Faults


async def test_refusals_are_counted_and_accept_nothing(stage: Stage) -> None:
    await stage.fault("twilio", queue=[{"kind": "refuse", "status": 429, "times": 2}, {"kind": "refuse"}])
    codes = []
    for _ in range(3):
        with pytest.raises(TwilioRestException) as refused:
            await stage.send_sms()
        codes.append((refused.value.status, refused.value.code))
    assert codes == [(429, 20429), (429, 20429), (500, 20500)]
    await stage.send_sms()
    assert len(await stage.ledger()) == 1


async def test_telegram_says_when_to_come_back(stage: Stage) -> None:
    await stage.fault("telegram", queue=[{"kind": "refuse", "status": 429, "retry_after": 7}])
    with pytest.raises(RetryAfter) as refused:
        await stage.bot.send_message(CHAT, "a")
    assert refused.value._retry_after == timedelta(seconds=7)


async def test_a_fault_may_be_for_one_customer_only(stage: Stage) -> None:
    await stage.fault("twilio", queue=[{"kind": "refuse", "to": "+212600000002"}])
    await stage.send_sms()
    with pytest.raises(TwilioRestException):
        await stage.send_sms(to="+212600000002")


@pytest.mark.parametrize(("kind", "accepted"), [("drop", 0), ("accept_then_drop", 1), ("accept_then_hold", 1)])
async def test_a_lost_connection_may_hide_an_accepted_send(stage: Stage, kind: str, accepted: int) -> None:
    fault = {"kind": kind, "seconds": 3}
    await stage.fault("twilio", queue=[fault])
    await stage.fault("telegram", queue=[fault])
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await asyncio.wait_for(stage.send_sms(), 1)  # the SDK's async client has no time-out of its own
    with pytest.raises(NetworkError):  # of which a time-out is one
        await stage.bot.send_message(CHAT, "a")
    assert [line["channel"] for line in await stage.ledger()] == ["sms", "telegram"][: 2 * accepted]
    await stage.send_sms()


async def test_held_sends_wait_at_the_door(stage: Stage) -> None:
    await stage.fault("twilio", hold=True)
    sends = [asyncio.create_task(stage.send_sms()) for _ in range(3)]
    await asyncio.sleep(0.1)
    assert await stage.ledger() == []
    await stage.fault("twilio", hold=False)
    await asyncio.gather(*sends)
    assert len(await stage.ledger()) == 3


async def test_a_server_that_cannot_cut_connections_says_so() -> None:
    async with (
        serving(tryit_app(configured(webhook_base="http://127.0.0.1:9"), demo_customers())) as base,
        httpx.AsyncClient() as http,
    ):
        order = {"carrier": "twilio", "queue": [{"kind": "drop"}]}
        assert (await http.post(f"{base}/faults", json=order)).status_code == 409


# Screens and books


async def test_a_reader_waits_for_the_answer(stage: Stage) -> None:
    await stage.customer("sms", text="allô")
    waiting = asyncio.create_task(stage.screen("sms", wait=5))
    await asyncio.sleep(0.05)
    await stage.send_sms("oui ?")
    assert [message["text"] for message in await waiting] == ["allô", "oui ?"]


async def test_a_stream_begins_with_the_screen_and_goes_on_with_what_happens(stage: Stage) -> None:
    await stage.send_sms("avant")
    query = {"phone": [f"sms:{CUSTOMER}", f"telegram:{CUSTOMER}"]}
    events: list[tuple[str, str]] = []
    async with stage.http.stream("GET", "/customer/events", params=query) as stream:
        name = ""
        async for line in stream.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                events.append((name, json.loads(value).get("text", "")))
                if name == "ready":
                    await stage.bot.send_message(CHAT, "après")
                if events[-1] == ("message", "après"):
                    break
    assert [event for event in events if event != ("message", "avant")] == [("ready", ""), ("message", "après")]
    assert events[0] == ("message", "avant")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"from": CUSTOMER},
        {"from": "0600", "text": "a"},
        {"from": CUSTOMER, "text": "a", "dice": True},
        {"from": CUSTOMER, "text": "a", "times": 0},
        {"from": CUSTOMER, "text": "a", "unknown": 1},
    ],
)
async def test_a_nonsensical_action_is_refused(stage: Stage, body: dict[str, Any]) -> None:
    assert (await stage.http.post("/customer/sms", json=body)).status_code == 422
    assert stage.house.requests == []


async def test_another_site_cannot_make_a_browser_play_customer(stage: Stage) -> None:
    body = json.dumps({"from": CUSTOMER, "text": "a"})
    answer = await stage.http.post("/customer/sms", content=body, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
