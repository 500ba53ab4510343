"""The Twilio carrier with the real SDK: signed webhooks in, calls to a local server like Twilio's out."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import FastAPI
from twilio.request_validator import RequestValidator

from bot.channels.carrier import (
    Accepted,
    Attachment,
    Busy,
    Button,
    Channel,
    DeliveryState,
    Inbound,
    InDoubt,
    Intake,
    Kind,
    Outbound,
    RateLimits,
    Refused,
    SendError,
    StatusUpdate,
    Template,
)
from bot.channels.configured import carriers
from bot.channels.twilio import TwilioCarrier, client
from bot.settings import Settings

ACCOUNT = "AC00000000000000000000000000000000"
TOKEN = "twilio-test-token"
PUBLIC = "https://bot.example.ma"
CUSTOMER, SMS_FROM, WHATSAPP_FROM = "+212600000001", "+212520000000", "+212520000001"
SID = "SM0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


def settings(**overrides: Any) -> Settings:
    defaults: dict[str, Any] = {
        "public_url": PUBLIC,
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": TOKEN,
        "twilio_sms_from": SMS_FROM,
        "twilio_whatsapp_from": WHATSAPP_FROM,
    }
    return Settings(_env_file=None, **(defaults | overrides))


# -- webhooks --------------------------------------------------------------------------------------


@dataclass
class House:
    """What the webhooks hand over, and the application they are served from."""

    messages: list[Inbound] = field(default_factory=list)
    updates: list[StatusUpdate] = field(default_factory=list)
    trouble: Exception | None = None

    async def accept(self, messages: list[Inbound]) -> None:
        if self.trouble:
            raise self.trouble
        self.messages += messages

    async def advance(self, update: StatusUpdate) -> None:
        self.updates.append(update)

    @property
    def intake(self) -> Intake:
        return Intake(self.accept, self.advance)

    async def post(self, carrier: TwilioCarrier, path: str, **request: Any) -> httpx.Response:
        app = FastAPI()
        app.include_router(carrier.router(self.intake))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        # Twilio calls the public address; a proxy passes the call on to another one.
        async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:8000") as http:
            return await http.post(path, **request)


@pytest.fixture
def house() -> House:
    return House()


FORM = {
    "MessageSid": SID,
    "SmsSid": SID,
    "AccountSid": ACCOUNT,
    "From": CUSTOMER,
    "To": SMS_FROM,
    "Body": "mon index: 48213, merci à vous",
    "NumMedia": "0",
    "ToZip": "",  # Twilio sends empty parameters, and signs them
}
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
MESSAGES = "/webhooks/twilio"
STATUS = "/webhooks/twilio/status"


def signed(
    form: dict[str, str] | None = None, path: str = MESSAGES, token: str = TOKEN, public: str = PUBLIC
) -> dict[str, Any]:
    """A form request as Twilio sends it."""
    form = FORM if form is None else form
    signature = RequestValidator(token).compute_signature(public + path, form)
    return {"content": urlencode(form), "headers": FORM_TYPE | {"X-Twilio-Signature": signature}}


def signed_json(body: bytes, path: str = MESSAGES) -> tuple[str, dict[str, Any]]:
    """A JSON request as Twilio sends it: the address carries the body's hash and is what is signed."""
    path = f"{path}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + path, {})
    return path, {
        "content": body,
        "headers": {"Content-Type": "application/json", "X-Twilio-Signature": signature},
    }


async def test_a_signed_sms_is_stored_and_answered_with_empty_twiml(house: House) -> None:
    answer = await house.post(TwilioCarrier(settings()), MESSAGES, **signed())
    assert answer.status_code == 200
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response />'
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert house.messages == [Inbound(Channel.SMS, SID, CUSTOMER, Kind.TEXT, "mon index: 48213, merci à vous")]


async def test_a_signed_whatsapp_button_is_stored(house: House) -> None:
    form = FORM | {"From": f"whatsapp:{CUSTOMER}", "ButtonPayload": "b:1", "ButtonText": "Oui", "Body": "Oui"}
    await house.post(TwilioCarrier(settings()), MESSAGES, **signed(form))
    assert house.messages == [Inbound(Channel.WHATSAPP, SID, CUSTOMER, Kind.BUTTON, "Oui", button="b:1")]


async def test_a_query_string_is_part_of_what_is_signed(house: House) -> None:
    path = f"{MESSAGES}?line=rabat&x=%C3%A9"
    answer = await house.post(TwilioCarrier(settings()), path, **signed(path=path))
    assert answer.status_code == 200


async def test_a_public_address_with_a_port_and_a_prefix_is_signed_as_it_is(house: House) -> None:
    public = "https://bot.example.ma:8443/releve"
    request = signed(public=public)
    answer = await house.post(TwilioCarrier(settings(public_url=f"{public}/")), MESSAGES, **request)
    assert answer.status_code == 200


async def test_a_signed_json_body_is_stored(house: House) -> None:
    path, request = signed_json(json.dumps(FORM, ensure_ascii=False).encode())
    answer = await house.post(TwilioCarrier(settings()), path, **request)
    assert answer.status_code == 200
    assert [message.text for message in house.messages] == ["mon index: 48213, merci à vous"]


def unsigned() -> tuple[str, dict[str, Any]]:
    return MESSAGES, {"content": urlencode(FORM), "headers": FORM_TYPE}


def empty_signature() -> tuple[str, dict[str, Any]]:
    return MESSAGES, signed() | {"headers": FORM_TYPE | {"X-Twilio-Signature": ""}}


def nonsense_signature() -> tuple[str, dict[str, Any]]:
    return MESSAGES, signed() | {"headers": FORM_TYPE | {"X-Twilio-Signature": "é".encode()}}


def another_token() -> tuple[str, dict[str, Any]]:
    return MESSAGES, signed(token="another")


def another_address() -> tuple[str, dict[str, Any]]:
    return MESSAGES, signed(public="http://10.0.0.7:8000")


def another_path() -> tuple[str, dict[str, Any]]:
    return STATUS, signed()


def a_changed_reading() -> tuple[str, dict[str, Any]]:
    return MESSAGES, signed() | {"content": urlencode(FORM | {"Body": "99999"})}


def an_added_parameter() -> tuple[str, dict[str, Any]]:
    return MESSAGES, signed() | {"content": urlencode(FORM) + "&Body=99999"}


def changed_json() -> tuple[str, dict[str, Any]]:
    path, request = signed_json(json.dumps(FORM).encode())
    return path, request | {"content": json.dumps(FORM | {"Body": "99999"})}


def json_without_a_hash() -> tuple[str, dict[str, Any]]:
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + MESSAGES, {})
    headers = {"Content-Type": "application/json", "X-Twilio-Signature": signature}
    return MESSAGES, {"content": json.dumps(FORM), "headers": headers}


def json_with_an_empty_hash() -> tuple[str, dict[str, Any]]:
    path = f"{MESSAGES}?bodySHA256="
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + path, {})
    headers = {"Content-Type": "application/json", "X-Twilio-Signature": signature}
    return path, {"content": json.dumps(FORM), "headers": headers}


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        empty_signature,
        nonsense_signature,
        another_token,
        another_address,
        another_path,
        a_changed_reading,
        an_added_parameter,
        changed_json,
        json_without_a_hash,
        json_with_an_empty_hash,
    ],
)
async def test_a_forged_request_is_refused_logged_and_not_stored(
    house: House, forge: Callable[[], tuple[str, dict[str, Any]]]
) -> None:
    path, request = forge()
    with structlog.testing.capture_logs() as logs:
        answer = await house.post(TwilioCarrier(settings()), path, **request)
    assert answer.status_code == 403
    assert house.messages == []
    assert house.updates == []
    assert [(log["event"], log["status"]) for log in logs] == [("webhook rejected", 403)]
    assert "48213" not in str(logs)
    assert CUSTOMER not in str(logs)


def a_form(form: dict[str, str]) -> tuple[str, dict[str, Any]]:
    return MESSAGES, signed(form)


def raw(body: bytes, content_type: str) -> tuple[str, dict[str, Any]]:
    headers = {"Content-Type": content_type, "X-Twilio-Signature": "x"}
    return MESSAGES, {"content": body, "headers": headers}


@pytest.mark.parametrize(
    ("path", "request_", "reason"),
    [
        (*a_form({k: v for k, v in FORM.items() if k != "From"}), "no From"),
        (*a_form({k: v for k, v in FORM.items() if not k.endswith("Sid")}), "no SmsSid"),
        (*a_form(FORM | {"MessageSid": "\x00"}), "MessageSid is not an identifier"),
        (*raw(b"Body=%ff", "application/x-www-form-urlencoded"), "not a form in UTF-8"),
        (*raw(b"\x00\xff", "application/x-www-form-urlencoded"), "not a form in UTF-8"),
        (*raw(b"Body=" + b"x" * 65536, "application/x-www-form-urlencoded"), "body larger than 65536 bytes"),
        (*raw(b"hello", "text/plain"), "neither a form nor JSON"),
        (*raw(b"", ""), "neither a form nor JSON"),
        (*raw(b"--x--", "multipart/form-data; boundary=x"), "neither a form nor JSON"),
        (*raw(b"\xff", "application/json"), "not UTF-8"),
        (*signed_json(b'{"From": '), "not JSON"),
        (*signed_json(b"[1, 2]"), "not a JSON object"),
        (*signed_json(b"{}"), "no SmsSid"),
    ],
)
async def test_a_malformed_body_is_answered_with_a_short_reason(
    house: House, path: str, request_: dict[str, Any], reason: str
) -> None:
    answer = await house.post(TwilioCarrier(settings()), path, **request_)
    status = 413 if "larger" in reason else 400
    assert (answer.status_code, answer.json()) == (status, {"detail": reason})
    assert house.messages == []


async def test_when_the_message_cannot_be_stored_twilio_is_told_to_try_again(house: House) -> None:
    house.trouble = OSError("no database")
    answer = await house.post(TwilioCarrier(settings()), MESSAGES, **signed())
    assert answer.status_code == 500


@pytest.mark.parametrize("sender", ["MAROCTEL", "5050", "messenger:12345"])
async def test_a_sender_that_is_no_phone_is_left_alone(house: House, sender: str) -> None:
    answer = await house.post(TwilioCarrier(settings()), MESSAGES, **signed(FORM | {"From": sender}))
    assert answer.status_code == 200
    assert house.messages == []


async def test_a_channel_that_is_off_is_left_alone(house: House) -> None:
    carrier = TwilioCarrier(settings(twilio_sms_from=None))
    answer = await house.post(carrier, MESSAGES, **signed())
    assert answer.status_code == 200
    assert house.messages == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"MessageStatus": "delivered"}, [StatusUpdate(Channel.SMS, SID, DeliveryState.DELIVERED)]),
        (
            {"MessageStatus": "undelivered", "ErrorCode": "30005"},
            [StatusUpdate(Channel.SMS, SID, DeliveryState.FAILED, "30005")],
        ),
        (
            {"MessageStatus": "read", "From": f"whatsapp:{WHATSAPP_FROM}", "To": f"whatsapp:{CUSTOMER}"},
            [StatusUpdate(Channel.WHATSAPP, SID, DeliveryState.READ)],
        ),
        ({"MessageStatus": "teleported"}, []),
    ],
)
async def test_status_callbacks(house: House, fields: dict[str, str], expected: list[StatusUpdate]) -> None:
    form = {"MessageSid": SID, "From": SMS_FROM, "To": CUSTOMER} | fields
    answer = await house.post(TwilioCarrier(settings()), STATUS, **signed(form, STATUS))
    assert answer.status_code == 204
    assert house.updates == expected


# -- sending ---------------------------------------------------------------------------------------

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Twilio:
    """A local server that speaks as much of Twilio's API as the carrier uses."""

    url: str = ""
    sent: list[dict[str, str]] = field(default_factory=list)
    media: list[list[str]] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)
    answer: Answer | None = None
    contents_answer: Answer | None = None

    async def create(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"].startswith("Basic ")
        posted = await request.post()
        form = {name: str(value) for name, value in posted.items() if name != "MediaUrl"}
        self.sent.append(form)
        self.media.append([str(url) for url in posted.getall("MediaUrl", [])])
        if self.answer:
            return await self.answer(request)
        sid = f"SM{len(self.sent):032x}"
        return web.json_response(
            {"sid": sid, "status": "queued", "body": form.get("Body"), "date_sent": None, "error_code": None},
            status=201,
        )

    async def list(self, request: web.Request) -> web.StreamResponse:
        self.queries.append(dict(request.query))
        if self.answer:
            return await self.answer(request)
        return web.json_response({"messages": self.listed, "next_page_uri": None})

    async def create_content(self, request: web.Request) -> web.StreamResponse:
        if self.contents_answer:
            return await self.contents_answer(request)
        content = await request.json() | {"sid": f"HX{len(self.contents):032x}"}
        self.contents.append(content)
        return web.json_response(content, status=201)

    async def list_contents(self, request: web.Request) -> web.StreamResponse:
        if self.contents_answer:
            return await self.contents_answer(request)
        return web.json_response({"meta": {"key": "contents", "next_page_url": None}, "contents": self.contents})


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    twilio = Twilio()
    app = web.Application()
    messages = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    app.router.add_post(messages, twilio.create)
    app.router.add_get(messages, twilio.list)
    app.router.add_post("/v1/Content", twilio.create_content)
    app.router.add_get("/v1/Content", twilio.list_contents)
    async with TestServer(app) as server:
        twilio.url = str(server.make_url(""))
        yield twilio


@pytest.fixture
async def carrier(twilio: Twilio, house: House) -> AsyncIterator[TwilioCarrier]:
    carrier = TwilioCarrier(settings(twilio_api_url=twilio.url))
    await carrier.start(house.intake)
    yield carrier
    await carrier.stop()


def outbound(text: str, *titles: str, channel: Channel = Channel.SMS, menu: str = "") -> Outbound:
    buttons = tuple(Button(title, f"b:{i}") for i, title in enumerate(titles, start=1))
    return Outbound(7, channel, CUSTOMER, text, buttons, created_at=NOW, menu=menu)


def answering(status: int, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=headers, content_type="application/json")

    return answer


async def hangs(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


async def drops(request: web.Request) -> web.StreamResponse:
    assert request.transport
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    ("message", "body", "parts"),
    [
        (outbound("Reçu : l’index 48\u202f213"), "Recu : l'index 48 213", 1),
        (outbound("شكرا، توصلنا بالعداد"), "شكرا، توصلنا بالعداد", 1),
        (outbound("C’est bien 48213 ?", "Oui", "Non"), "C'est bien 48213 ?\n1. Oui\n2. Non", 1),
        (outbound("é" * 200), "é" * 200, 2),
        (outbound("mot " * 500, "Oui"), "mot " * 396 + "mot...\n1. Oui", 11),
    ],
)
async def test_an_sms_is_sent_in_the_cheapest_alphabet(
    carrier: TwilioCarrier, twilio: Twilio, message: Outbound, body: str, parts: int
) -> None:
    assert await carrier.send(message) == Accepted(f"SM{1:032x}", parts)
    assert twilio.sent == [{"To": CUSTOMER, "From": SMS_FROM, "Body": body, "StatusCallback": PUBLIC + STATUS}]
    assert len(body) <= 1600


async def test_a_messaging_service_sends_in_the_place_of_a_number(twilio: Twilio, house: House) -> None:
    carrier = TwilioCarrier(settings(twilio_api_url=twilio.url + "/", twilio_sms_from="MG" + "0" * 32))
    await carrier.start(house.intake)
    await carrier.send(outbound("Bonjour"))
    await carrier.stop()
    assert twilio.sent[0]["MessagingServiceSid"] == "MG" + "0" * 32
    assert "From" not in twilio.sent[0]


async def test_whatsapp_keeps_the_text_as_it_is(carrier: TwilioCarrier, twilio: Twilio) -> None:
    accepted = await carrier.send(outbound("Reçu : l’index 48 213 ✅", channel=Channel.WHATSAPP))
    assert accepted == Accepted(f"SM{1:032x}", 1)
    assert twilio.sent[0] == {
        "To": f"whatsapp:{CUSTOMER}",
        "From": f"whatsapp:{WHATSAPP_FROM}",
        "Body": "Reçu : l’index 48 213 ✅",
        "StatusCallback": PUBLIC + STATUS,
    }


async def test_whatsapp_buttons_are_quick_replies_of_a_template_made_once(
    carrier: TwilioCarrier, twilio: Twilio
) -> None:
    messages = [outbound(f"C'est bien {n} ?", "Oui", "Non", channel=Channel.WHATSAPP) for n in range(20)]
    await asyncio.gather(*map(carrier.send, messages))
    assert len(twilio.contents) == 1
    template = twilio.contents[0]
    assert template["types"] == {
        "twilio/quick-reply": {
            "body": "{{1}}",
            "actions": [
                {"type": "QUICK_REPLY", "title": "{{2}}", "id": "{{3}}"},
                {"type": "QUICK_REPLY", "title": "{{4}}", "id": "{{5}}"},
            ],
        }
    }
    assert set(template["variables"]) == {"1", "2", "3", "4", "5"}
    assert {form["ContentSid"] for form in twilio.sent} == {template["sid"]}
    assert all("Body" not in form for form in twilio.sent)
    variables = [json.loads(form["ContentVariables"]) for form in twilio.sent]
    assert {v["1"] for v in variables} == {message.text for message in messages}
    assert variables[0] | {"1": ""} == {"1": "", "2": "Oui", "3": "b:1", "4": "Non", "5": "b:2"}


async def test_more_choices_are_a_list_when_there_is_a_title_for_it(carrier: TwilioCarrier, twilio: Twilio) -> None:
    await carrier.send(outbound("Quel contrat ?", *"ABCD", channel=Channel.WHATSAPP, menu="Choisir"))
    picker = twilio.contents[0]["types"]["twilio/list-picker"]
    assert picker["button"] == "{{2}}"
    assert picker["items"][3] == {"item": "{{9}}", "id": "{{10}}"}
    variables = json.loads(twilio.sent[0]["ContentVariables"])
    assert (variables["2"], variables["9"], variables["10"]) == ("Choisir", "D", "b:4")


async def test_a_new_process_finds_the_templates_of_the_last_one(
    carrier: TwilioCarrier, twilio: Twilio, house: House
) -> None:
    message = outbound("Oui ?", "Oui", "Non", channel=Channel.WHATSAPP)
    await carrier.send(message)
    restarted = TwilioCarrier(settings(twilio_api_url=twilio.url))
    await restarted.start(house.intake)
    await restarted.send(message)
    await restarted.stop()
    assert len(twilio.contents) == 1
    assert twilio.sent[0]["ContentSid"] == twilio.sent[1]["ContentSid"]


NUMBERED = "Oui ?\n1. Oui\n2. Non"


@pytest.mark.parametrize(
    "trouble",
    [
        answering(500),
        answering(429),
        answering(403, {"code": 20403, "message": "Forbidden", "status": 403}),
        answering(200, "<html>"),
        answering(200, {"sid": None, "meta": {"key": "contents"}, "contents": []}),
        drops,
    ],
)
async def test_without_the_content_api_buttons_are_numbered_lines(
    carrier: TwilioCarrier, twilio: Twilio, trouble: Answer
) -> None:
    twilio.contents_answer = trouble
    await carrier.send(outbound("Oui ?", "Oui", "Non", channel=Channel.WHATSAPP))
    assert [form["Body"] for form in twilio.sent] == [NUMBERED]
    twilio.contents_answer = None  # not asked again for a while
    await carrier.send(outbound("Oui ?", "Oui", "Non", channel=Channel.WHATSAPP))
    assert [form.get("Body") for form in twilio.sent] == [NUMBERED, NUMBERED]


async def test_a_template_that_twilio_refuses_gives_way_to_numbered_lines(
    carrier: TwilioCarrier, twilio: Twilio
) -> None:
    async def refuse_the_template(request: web.Request) -> web.StreamResponse:
        if "ContentSid" in twilio.sent[-1]:
            error = {"code": 21656, "message": "The ContentVariables Parameter is invalid", "status": 400}
            return web.json_response(error, status=400)
        return web.json_response({"sid": SID}, status=201)

    twilio.answer = refuse_the_template
    assert await carrier.send(outbound("Oui ?", "Oui", "Non", channel=Channel.WHATSAPP)) == Accepted(SID)
    assert [form.get("Body") for form in twilio.sent] == [None, NUMBERED]


# -- approved templates ----------------------------------------------------------------------------

REMINDER = Template("HX" + "1" * 32, {"1": "10000001", "2": "l'agence"})
IN_FULL = "Relevez le compteur du contrat 10000001 ou passez à l'agence."


def reminder(channel: Channel = Channel.WHATSAPP, template: Template = REMINDER) -> Outbound:
    return replace(outbound(IN_FULL, "Oui", channel=channel), template=template, attachment=PICTURE, bulk=True)


async def test_an_approved_template_goes_alone_with_what_fills_it(carrier: TwilioCarrier, twilio: Twilio) -> None:
    assert await carrier.send(reminder()) == Accepted(f"SM{1:032x}")
    form = twilio.sent[0]
    assert json.loads(form.pop("ContentVariables")) == {"1": "10000001", "2": "l'agence"}
    assert form == {
        "To": f"whatsapp:{CUSTOMER}",
        "From": f"whatsapp:{WHATSAPP_FROM}",
        "ContentSid": REMINDER.sid,
        "StatusCallback": PUBLIC + STATUS,
    }
    assert (twilio.media, twilio.contents) == ([[]], [])


async def test_a_template_without_places_is_sent_without_variables(carrier: TwilioCarrier, twilio: Twilio) -> None:
    await carrier.send(reminder(template=Template(REMINDER.sid)))
    assert "ContentVariables" not in twilio.sent[0]


async def test_an_sms_has_its_text_in_the_place_of_the_template(carrier: TwilioCarrier, twilio: Twilio) -> None:
    await carrier.send(replace(reminder(Channel.SMS), buttons=(), attachment=None))
    assert "ContentSid" not in twilio.sent[0]
    assert twilio.sent[0]["Body"] == IN_FULL


@pytest.mark.parametrize("code", [21655, 21656, 21657, 92005, 92007, 63016])
async def test_a_template_that_twilio_refuses_is_never_replaced_by_a_free_text(
    carrier: TwilioCarrier, twilio: Twilio, code: int
) -> None:
    twilio.answer = twilio_error(400, code, "No")
    with pytest.raises(Refused) as refused:
        await carrier.send(reminder())
    assert refused.value.reason == f"{code} No"
    assert len(twilio.sent) == 1
    twilio.answer = None  # and buttons are still templates
    await carrier.send(outbound("Oui ?", "Oui", "Non", channel=Channel.WHATSAPP))
    assert "ContentSid" in twilio.sent[1]


def twilio_error(status: int, code: int, message: str) -> Answer:
    body = {
        "code": code,
        "message": message,
        "more_info": "https://www.twilio.com/docs/errors",
        "status": status,
    }
    return answering(status, body)


@pytest.mark.parametrize(
    ("answer", "kind", "reason", "retry_after"),
    [
        (
            twilio_error(400, 21610, "Attempt to send to unsubscribed recipient"),
            Refused,
            "21610 Attempt to send to unsubscribed recipient",
            None,
        ),
        (
            twilio_error(400, 21211, f"The 'To' number {CUSTOMER} is not a valid phone number."),
            Refused,
            "21211 The 'To' number … is not a valid phone number.",
            None,
        ),
        (
            twilio_error(400, 63016, "Failed to send freeform message outside the allowed window"),
            Refused,
            "63016 Failed to send freeform message outside the allowed window",
            None,
        ),
        (
            answering(400, {"type": "about:x", "title": "Bad", "status": 400, "code": 60200, "detail": "No."}),
            Refused,
            "60200 No.",
            None,
        ),
        (answering(404, "<html>"), Busy, "404 Unable to create record", None),
        (twilio_error(401, 20003, "Authenticate"), Busy, "20003 Authenticate", None),
        (twilio_error(429, 20429, "Too Many Requests"), Busy, "HTTP 429", None),
        (answering(429, "", {"Retry-After": "7"}), Busy, "HTTP 429", 7.0),
        (answering(429, "", {"Retry-After": "soon"}), Busy, "HTTP 429", None),
        (answering(503, "", {"Retry-After": "1.5"}), Busy, "HTTP 503", 1.5),
        (answering(500), InDoubt, "HTTP 500", None),
        (answering(502, "<html>"), InDoubt, "HTTP 502", None),
        (answering(504), InDoubt, "HTTP 504", None),
        (answering(201, "<html>"), InDoubt, "no answer: JSONDecodeError", None),
        (answering(201, {}), InDoubt, "Twilio answered without a message sid", None),
        (answering(302, "", {"Location": "/elsewhere"}), InDoubt, "302 Unable to create record", None),
        (drops, InDoubt, "no answer: ServerDisconnectedError", None),
    ],
)
async def test_what_twilio_answers_decides_what_becomes_of_the_message(
    carrier: TwilioCarrier,
    twilio: Twilio,
    answer: Answer,
    kind: type[SendError],
    reason: str,
    retry_after: float | None,
) -> None:
    twilio.answer = answer
    with pytest.raises(SendError) as raised:
        await carrier.send(outbound("Bonjour"))
    assert (type(raised.value), raised.value.reason) == (kind, reason)
    assert getattr(raised.value, "retry_after", None) == retry_after
    assert len(twilio.sent) == 1, "the SDK must not repeat a call by itself"


async def test_a_connection_that_breaks_between_two_messages_costs_a_doubt_and_no_second_call(
    carrier: TwilioCarrier, twilio: Twilio
) -> None:
    await carrier.send(outbound("Bonjour"))  # leaves a connection open for the next
    twilio.answer = drops
    with pytest.raises(InDoubt):
        await carrier.send(outbound("Bonjour encore"))
    assert len(twilio.sent) == 2


async def test_no_answer_in_time_leaves_a_doubt(
    twilio: Twilio, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TOTAL_SECONDS", 0.2)
    carrier = TwilioCarrier(settings(twilio_api_url=twilio.url))
    await carrier.start(house.intake)
    twilio.answer = hangs
    with pytest.raises(InDoubt, match="no answer: TimeoutError"):
        await carrier.send(outbound("Bonjour"))
    with pytest.raises(Busy, match="could not ask: TimeoutError"):
        await carrier.find_sent(outbound("Bonjour"))
    await carrier.stop()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://twilio.invalid"])
async def test_no_connection_means_that_nothing_was_sent(house: House, url: str) -> None:
    carrier = TwilioCarrier(settings(twilio_api_url=url))
    await carrier.start(house.intake)
    with pytest.raises(Busy, match="no connection"):
        await carrier.send(outbound("Bonjour"))
    await carrier.stop()


async def test_a_carrier_that_is_not_running_sends_nothing(carrier: TwilioCarrier, twilio: Twilio) -> None:
    with pytest.raises(Busy, match="not started"):
        await TwilioCarrier(settings(twilio_api_url=twilio.url)).send(outbound("Bonjour"))
    await carrier.stop()
    with pytest.raises(Busy, match="not started"):
        await carrier.send(outbound("Bonjour"))
    assert twilio.sent == []


async def test_a_channel_without_a_sender_is_refused(twilio: Twilio, house: House) -> None:
    carrier = TwilioCarrier(settings(twilio_api_url=twilio.url, twilio_whatsapp_from=None))
    await carrier.start(house.intake)
    with pytest.raises(Refused, match="no sender is configured for whatsapp"):
        await carrier.send(outbound("Bonjour", channel=Channel.WHATSAPP))
    await carrier.stop()


# -- pictures and documents ------------------------------------------------------------------------

FILE = f"{PUBLIC}/files/7.1767693600.c2lnbmF0dXJl"


def attached(name: str, *, makes: bytes | None = b"bytes") -> Attachment:
    async def content() -> bytes | None:
        return makes

    kind = "image/png" if name.endswith(".png") else "application/pdf"
    return Attachment(name, kind, {}, f"{FILE}/{name}", content)


PICTURE, DOCUMENT = attached("mars.png"), attached("mars.pdf")
LONG = "mot " * 300


@pytest.mark.parametrize(
    ("channel", "attachment", "text", "titles", "body", "media"),
    [
        pytest.param("whatsapp", PICTURE, "Mars", (), "Mars", [PICTURE.url], id="WhatsApp, picture"),
        pytest.param("whatsapp", DOCUMENT, "Mars", (), f"Mars\n{DOCUMENT.url}", [], id="WhatsApp, document"),
        pytest.param(
            "whatsapp", PICTURE, "Oui ?", ("Oui", "Non"), "Oui ?\n1. Oui\n2. Non", [PICTURE.url], id="with choices"
        ),
        pytest.param("whatsapp", PICTURE, LONG, (), LONG, [], id="no caption, no picture"),
        pytest.param("whatsapp", DOCUMENT, LONG, (), f"{LONG}\n{DOCUMENT.url}", [], id="no caption, but a link"),
        pytest.param("whatsapp", attached("a.png", makes=None), "Mars", (), "Mars", [], id="picture not made"),
        pytest.param("whatsapp", attached("a.pdf", makes=None), "Mars", (), "Mars", [], id="document not made"),
        pytest.param("sms", PICTURE, "Mars", (), "Mars", [], id="SMS, picture"),
        pytest.param("sms", DOCUMENT, "Mars", (), f"Mars\n{DOCUMENT.url}", [], id="SMS, document"),
        pytest.param("sms", attached("a.pdf", makes=None), "Mars", (), "Mars", [], id="SMS, not made"),
        pytest.param(
            "sms", DOCUMENT, "C’est ça ?", ("Oui",), f"C'est ca ?\n{DOCUMENT.url}\n1. Oui", [], id="SMS, choices"
        ),
        pytest.param("sms", DOCUMENT, "هذه فاتورتك", (), f"هذه فاتورتك\n{DOCUMENT.url}", [], id="SMS, Arabic"),
    ],
)
async def test_a_picture_or_a_document_goes_with_a_message(
    carrier: TwilioCarrier,
    twilio: Twilio,
    channel: str,
    attachment: Attachment,
    text: str,
    titles: tuple[str, ...],
    body: str,
    media: list[str],
) -> None:
    message = replace(outbound(text, *titles, channel=Channel(channel)), attachment=attachment)
    assert (await carrier.send(message)).carrier_id == f"SM{1:032x}"
    assert [form["Body"] for form in twilio.sent] == [body]
    assert twilio.media == [media]


async def test_a_link_is_never_cut_from_an_sms(carrier: TwilioCarrier, twilio: Twilio) -> None:
    await carrier.send(replace(outbound("mot " * 500, "Oui"), attachment=DOCUMENT))
    body = twilio.sent[0]["Body"]
    assert len(body) <= 1600
    assert body.endswith(f"mot...\n{DOCUMENT.url}\n1. Oui")


async def test_a_picture_that_no_phone_will_show_is_not_made(carrier: TwilioCarrier) -> None:
    async def content() -> bytes | None:
        raise AssertionError("an SMS has no pictures")

    await carrier.send(replace(outbound("Mars"), attachment=replace(PICTURE, content=content)))


async def test_without_its_picture_a_message_has_its_buttons(carrier: TwilioCarrier, twilio: Twilio) -> None:
    message = outbound("Oui ?", "Oui", "Non", channel=Channel.WHATSAPP)
    await carrier.send(replace(message, attachment=attached("a.png", makes=None)))
    assert "ContentSid" in twilio.sent[0]


async def test_a_text_goes_without_a_file_that_twilio_refuses(carrier: TwilioCarrier, twilio: Twilio) -> None:
    async def refuse_media(request: web.Request) -> web.StreamResponse:
        if twilio.media[-1]:
            return web.json_response({"code": 21620, "message": "Invalid media URL(s)", "status": 400}, status=400)
        return web.json_response({"sid": SID}, status=201)

    twilio.answer = refuse_media
    message = replace(outbound("Mars", channel=Channel.WHATSAPP), attachment=PICTURE)
    assert await carrier.send(message) == Accepted(SID)
    assert [form["Body"] for form in twilio.sent] == ["Mars", "Mars"]


async def test_a_message_whose_file_is_in_doubt_is_not_sent_as_a_text(carrier: TwilioCarrier, twilio: Twilio) -> None:
    twilio.answer = drops
    with pytest.raises(InDoubt):
        await carrier.send(replace(outbound("Mars", channel=Channel.WHATSAPP), attachment=PICTURE))
    assert len(twilio.sent) == 1


# -- settling a doubt ------------------------------------------------------------------------------


def record(sid: str, **fields: Any) -> dict[str, Any]:
    created = fields.pop("created", NOW)
    return {
        "sid": sid,
        "body": "Recu",
        "from": SMS_FROM,
        "to": CUSTOMER,
        "status": "queued",
        "direction": "outbound-api",
        "date_created": created.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "date_sent": None,
        "messaging_service_sid": None,
    } | fields


@pytest.mark.parametrize(
    ("listed", "known", "found"),
    [
        pytest.param([], (), None, id="nothing was taken"),
        pytest.param([record("SM1")], (), "SM1", id="taken, still queued"),
        pytest.param([record("SM1")], ("SM1",), None, id="that is another message of ours"),
        pytest.param([record("SM1", body="Autre")], (), None, id="another text"),
        pytest.param([record("SM1", **{"from": "+212520000009"})], (), None, id="another sender"),
        pytest.param([record("SM1", created=NOW - timedelta(minutes=3))], (), None, id="from before"),
        pytest.param([record("SM1", created=NOW - timedelta(minutes=1))], (), "SM1", id="clocks apart"),
        pytest.param(
            [record("SM3", created=NOW + timedelta(minutes=5)), record("SM2"), record("SM1")],
            ("SM1",),
            "SM2",
            id="the oldest that is not another",
        ),
        pytest.param([record("SM1", status="failed", error_code=30003)], (), "SM1", id="taken, then failed"),
    ],
)
async def test_twilio_is_asked_whether_a_message_was_taken(
    carrier: TwilioCarrier,
    twilio: Twilio,
    listed: list[dict[str, Any]],
    known: tuple[str, ...],
    found: str | None,
) -> None:
    twilio.listed = listed
    answer = await carrier.find_sent(outbound("Reçu"), frozenset(known))
    assert answer == (Accepted(found) if found else None)
    assert twilio.queries[0]["To"] == CUSTOMER


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        pytest.param("Recu", 1, id="made without"),
        pytest.param(f"Recu\n{DOCUMENT.url}", 1, id="with its link"),
    ],
)
async def test_an_sms_with_a_document_is_found_with_its_link_or_without(
    carrier: TwilioCarrier, twilio: Twilio, body: str, parts: int
) -> None:
    twilio.listed = [record("SM2", body="Recu\nhttps://elsewhere.example"), record("SM1", body=body)]
    found = await carrier.find_sent(replace(outbound("Reçu"), attachment=DOCUMENT))
    assert found == Accepted("SM1", parts)


async def test_a_whatsapp_message_with_a_picture_is_found_by_its_text(carrier: TwilioCarrier, twilio: Twilio) -> None:
    sender = {"from": f"whatsapp:{WHATSAPP_FROM}"}
    twilio.listed = [record("MM1", body="Mars", to=f"whatsapp:{CUSTOMER}", num_media="1", **sender)]
    message = replace(outbound("Mars", channel=Channel.WHATSAPP), attachment=PICTURE)
    assert await carrier.find_sent(message) == Accepted("MM1")
    assert await carrier.find_sent(message, frozenset({"MM1"})) is None


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(IN_FULL, True, id="its text"),
        pytest.param(None, True, id="no text yet"),
        pytest.param("", True, id="an empty one"),
        pytest.param("Contrat 10000001 : l'agence vous attend.", True, id="worded otherwise"),
        pytest.param("Contrat 10000002 : l'agence vous attend.", False, id="of something else"),
        pytest.param("Bonjour", False, id="another"),
    ],
)
async def test_a_template_is_found_by_its_text_or_what_fills_it_or_before_it_has_one(
    carrier: TwilioCarrier, twilio: Twilio, body: str | None, found: bool
) -> None:
    sender = {"from": f"whatsapp:{WHATSAPP_FROM}"}
    twilio.listed = [record("SM1", body=body, to=f"whatsapp:{CUSTOMER}", **sender)]
    assert await carrier.find_sent(reminder()) == (Accepted("SM1") if found else None)
    assert await carrier.find_sent(reminder(), frozenset({"SM1"})) is None


@pytest.mark.parametrize("body", ["Oui ?", NUMBERED])
async def test_a_whatsapp_message_is_found_with_buttons_or_numbered_lines(
    carrier: TwilioCarrier, twilio: Twilio, body: str
) -> None:
    twilio.listed = [record("SM1", body=body, to=f"whatsapp:{CUSTOMER}", **{"from": f"whatsapp:{WHATSAPP_FROM}"})]
    message = outbound("Oui ?", "Oui", "Non", channel=Channel.WHATSAPP)
    assert await carrier.find_sent(message) == Accepted("SM1")
    assert twilio.queries[0]["To"] == f"whatsapp:{CUSTOMER}"


async def test_a_message_of_a_messaging_service_is_found_whatever_its_number(twilio: Twilio, house: House) -> None:
    service = "MG" + "0" * 32
    carrier = TwilioCarrier(settings(twilio_api_url=twilio.url, twilio_sms_from=service))
    await carrier.start(house.intake)
    twilio.listed = [record("SM2", messaging_service_sid=service, **{"from": None}), record("SM1")]
    assert await carrier.find_sent(outbound("Reçu")) == Accepted("SM2")
    await carrier.stop()


@pytest.mark.parametrize("answer", [answering(500), answering(200, "<html>"), twilio_error(401, 20003, "x"), drops])
async def test_a_question_without_an_answer_is_asked_again_later(
    carrier: TwilioCarrier, twilio: Twilio, answer: Answer
) -> None:
    twilio.answer = answer
    with pytest.raises(Busy):
        await carrier.find_sent(outbound("Reçu"))


# -- configuration ---------------------------------------------------------------------------------


def test_carriers_without_settings_are_off() -> None:
    assert carriers(Settings(_env_file=None)) == []
    assert [carrier.name for carrier in carriers(settings())] == ["twilio"]
    both = carriers(settings(telegram_token="1:x"))
    assert [carrier.name for carrier in both] == ["twilio", "telegram"]


def test_limits_are_those_of_the_settings_for_the_channels_that_are_on() -> None:
    carrier = TwilioCarrier(settings(twilio_whatsapp_from=None, twilio_sms_per_second=3))
    assert carrier.channels == frozenset({Channel.SMS})
    assert carrier.limits == {Channel.SMS: RateLimits(3)}


def test_the_auth_token_is_required() -> None:
    with pytest.raises(ValueError, match="TWILIO_AUTH_TOKEN"):
        TwilioCarrier(settings(twilio_auth_token=None))
