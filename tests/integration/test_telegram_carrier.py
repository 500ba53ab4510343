"""The Telegram carrier with python-telegram-bot: updates in, calls to a local server like the Bot API out."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import FastAPI

from bot.channels.carrier import (
    Accepted,
    Attachment,
    Busy,
    Button,
    CannotAsk,
    Channel,
    Inbound,
    InDoubt,
    Intake,
    Kind,
    Outbound,
    RateLimits,
    Refused,
    SendError,
    StatusUpdate,
)
from bot.channels.telegram import TelegramCarrier, carrier
from bot.settings import Settings

TOKEN = "123456:test-token"
SECRET = "webhook-secret"
PATH = "/webhooks/telegram"
CHAT = {"id": 5001, "first_name": "Client", "type": "private"}
GROUP = {"id": -1005002, "title": "Immeuble", "type": "supergroup"}
SENDER = {"id": 5001, "is_bot": False, "first_name": "Client", "language_code": "fr"}


def settings(**overrides: Any) -> Settings:
    defaults: dict[str, Any] = {
        "public_url": "https://bot.example.ma",
        "telegram_token": TOKEN,
        "telegram_webhook_secret": SECRET,
    }
    return Settings(_env_file=None, **(defaults | overrides))


def message(update_id: int, text: str = "48213", **fields: Any) -> dict[str, Any]:
    content = {"message_id": update_id, "from": SENDER, "chat": CHAT, "date": 1767607200, "text": text}
    return {"update_id": update_id, "message": content | fields}


def press(update_id: int, **fields: Any) -> dict[str, Any]:
    under = message(1)["message"]
    query = {"id": "4382", "from": SENDER, "chat_instance": "x", "message": under, "data": "b:1"}
    return {"update_id": update_id, "callback_query": query | fields}


@dataclass
class House:
    """What the carrier hands over."""

    messages: list[Inbound] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)
    """What goes wrong with the next attempts to store."""

    async def accept(self, messages: list[Inbound]) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.messages += messages

    async def advance(self, update: StatusUpdate) -> None:
        raise AssertionError("Telegram tells nothing about delivery")

    @property
    def intake(self) -> Intake:
        return Intake(self.accept, self.advance)

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "FIRST_WAIT_SECONDS", 0.01)


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class BotApi:
    """A local server that speaks as much of the Bot API as the carrier uses.

    Like Telegram it forgets an update only when a later one is asked for.
    """

    url: str = ""
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Uploaded files: the field's name, the file's, and what is in it."""
    updates: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    """What the next calls of a method are answered with, before it works as usual again."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert request.match_info["token"] == TOKEN
        method = request.match_info["method"]
        posted = await request.post()
        form = {name: value for name, value in posted.items() if isinstance(value, str)}
        for name, value in posted.items():
            if isinstance(value, web.FileField):
                self.files.append((name, value.filename, value.file.read()))
        self.calls.append((method, form))
        if answers := self.answers.get(method):
            return await answers.pop(0)(request)
        result: Any = True
        if method in ("sendMessage", "sendPhoto", "sendDocument"):
            chat = {"id": int(form["chat_id"]), "type": "private"}
            result = {"message_id": 90, "chat": chat, "date": 1767607200, "text": form.get("text")}
        if method == "getUpdates":
            offset = int(form.get("offset", 0))
            self.updates = [update for update in self.updates if update["update_id"] >= offset]
            if not self.updates:
                await asyncio.sleep(0.05)
            result = self.updates
        return web.json_response({"ok": True, "result": result})

    def called(self, method: str) -> list[dict[str, str]]:
        return [form for name, form in self.calls if name == method]


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    api = BotApi()
    app = web.Application()
    app.router.add_post("/bot{token}/{method}", api.handle)
    async with TestServer(app) as server:
        api.url = str(server.make_url("")).rstrip("/")
        yield api


@asynccontextmanager
async def running(house: House, api: BotApi, **overrides: Any) -> AsyncIterator[TelegramCarrier]:
    telegram = TelegramCarrier(settings(telegram_api_url=api.url, **overrides))
    await telegram.start(house.intake)
    try:
        yield telegram
    finally:
        await telegram.stop()


def answering(status: int, body: Any, delay: float = 0) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(delay)
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, content_type="application/json")

    return answer


def refusing(status: int, description: str, **parameters: Any) -> Answer:
    body = {"ok": False, "error_code": status, "description": description}
    return answering(status, body | ({"parameters": parameters} if parameters else {}))


async def drops(request: web.Request) -> web.StreamResponse:
    assert request.transport
    request.transport.close()
    return web.Response()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  (what is waited for is on the other side of a socket)
            await asyncio.sleep(0.01)


# -- webhook -----------------------------------------------------------------------------------------


async def post(
    telegram: TelegramCarrier, house: House, body: Any, secret: str | bytes | None = SECRET
) -> httpx.Response:
    app = FastAPI()
    app.include_router(telegram.router(house.intake))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    content = body if isinstance(body, bytes) else json.dumps(body)
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        headers["X-Telegram-Bot-Api-Secret-Token"] = secret  # type: ignore[assignment]
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7") as http:
        return await http.post(PATH, content=content, headers=headers)


async def test_an_update_with_the_secret_is_stored(house: House, api: BotApi) -> None:
    async with running(house, api) as telegram:
        answer = await post(telegram, house, message(10))
    assert answer.status_code == 200
    assert [(m.carrier_id, m.text, m.kind) for m in house.messages] == [("5001:10", "48213", Kind.TEXT)]


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", "é".encode()])
async def test_an_update_without_the_secret_is_refused_logged_and_not_stored(
    house: House, secret: str | bytes | None
) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await post(TelegramCarrier(settings()), house, message(10), secret)
    assert answer.status_code == 403
    assert house.messages == []
    assert [(log["event"], log["status"]) for log in logs] == [("webhook rejected", 403)]
    assert "48213" not in str(logs)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON in UTF-8"),
        (b'{"update_id": 1', "not JSON in UTF-8"),
        (b'{"update_id": "\xff"}', "not JSON in UTF-8"),
        (b"[" * 100_000, "not JSON in UTF-8"),
        ([], "not an object"),
        ({}, "not an update"),
        ({"update_id": 1, "message": {"text": "48213"}}, "not an update"),
        (b" " * (1024 * 1024 + 1), "body larger than 1048576 bytes"),
    ],
)
async def test_a_malformed_body_is_answered_with_a_short_reason(house: House, body: Any, reason: str) -> None:
    answer = await post(TelegramCarrier(settings()), house, body)
    status = 413 if "larger" in reason else 400
    assert (answer.status_code, answer.json()) == (status, {"detail": reason})


async def test_when_the_message_cannot_be_stored_telegram_is_told_to_try_again(house: House, api: BotApi) -> None:
    house.troubles.append(OSError("no database"))
    async with running(house, api) as telegram:
        assert (await post(telegram, house, press(11))).status_code == 500
        assert api.called("answerCallbackQuery") == []
        assert (await post(telegram, house, press(11))).status_code == 200
    assert [m.carrier_id for m in house.messages] == ["cb:4382"]


async def test_a_pressed_button_is_stored_and_stops_spinning(house: House, api: BotApi) -> None:
    async with running(house, api) as telegram:
        await post(telegram, house, press(12))
    assert [(m.kind, m.button) for m in house.messages] == [(Kind.BUTTON, "b:1")]
    assert api.called("answerCallbackQuery") == [{"callback_query_id": "4382"}]


@pytest.mark.parametrize("trouble", [refusing(400, "Bad Request: query is too old"), drops])
async def test_a_button_that_cannot_be_acknowledged_is_stored_all_the_same(
    house: House, api: BotApi, trouble: Answer
) -> None:
    api.answers["answerCallbackQuery"] = [trouble]
    async with running(house, api) as telegram:
        assert (await post(telegram, house, press(12))).status_code == 200
    assert len(house.messages) == 1


async def test_a_group_is_left_and_its_messages_are_not_stored(house: House, api: BotApi) -> None:
    async with running(house, api) as telegram:
        answer = await post(telegram, house, message(13, "@releve_bot 48213", chat=GROUP))
    assert answer.status_code == 200
    assert house.messages == []
    assert api.called("leaveChat") == [{"chat_id": "-1005002"}]


async def test_the_webhook_is_set_at_the_start(house: House, api: BotApi) -> None:
    async with running(house, api):
        pass
    assert api.called("setWebhook") == [
        {
            "url": "https://bot.example.ma/webhooks/telegram",
            "secret_token": SECRET,
            "allowed_updates": '["message", "edited_message", "callback_query", "my_chat_member"]',
        }
    ]


async def test_a_refused_webhook_is_logged_and_stops_nothing(house: House, api: BotApi) -> None:
    api.answers["setWebhook"] = [refusing(400, "Bad Request: bad webhook: HTTPS url must be provided")]
    with structlog.testing.capture_logs() as logs:
        async with running(house, api) as telegram:
            assert (await post(telegram, house, message(14))).status_code == 200
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["webhook refused"]
    assert len(api.called("setWebhook")) == 1


async def test_a_webhook_that_could_not_be_set_is_tried_again(house: House, api: BotApi) -> None:
    api.answers["setWebhook"] = [answering(502, "<html>")]
    async with running(house, api):
        await until(lambda: len(api.called("setWebhook")) == 2)


async def test_without_a_secret_in_the_settings_one_is_derived_from_the_token(house: House, api: BotApi) -> None:
    async with running(house, api, telegram_webhook_secret=None) as telegram:
        secret = api.called("setWebhook")[0]["secret_token"]
        assert (await post(telegram, house, message(15), secret)).status_code == 200
        assert (await post(telegram, house, message(16), None)).status_code == 403
    async with running(house, api, telegram_webhook_secret=None):
        assert api.called("setWebhook")[1]["secret_token"] == secret
    assert TOKEN not in secret


# -- polling -----------------------------------------------------------------------------------------


async def test_polling_removes_the_webhook_and_stores_what_comes(house: House, api: BotApi) -> None:
    api.updates = [message(20, "a"), press(21)]
    async with running(house, api, telegram_mode="polling"):
        await until(lambda: len(house.messages) == 2)
        api.updates.append(message(22, "b"))
        await until(lambda: len(house.messages) == 3)
    assert api.calls[0][0] == "deleteWebhook"
    assert house.texts == ["a", "", "b"]
    assert api.called("answerCallbackQuery") == [{"callback_query_id": "4382"}]
    assert api.called("getUpdates")[0]["timeout"] == "30"
    assert api.called("setWebhook") == []


async def test_nothing_is_confirmed_to_telegram_before_it_is_stored(house: House, api: BotApi) -> None:
    api.updates = [message(30, "a"), message(31, "b")]
    house.troubles = [OSError("no database")]
    async with running(house, api, telegram_mode="polling"):
        await until(lambda: len(house.messages) == 2)
        await until(lambda: any(form.get("offset") == "32" for form in api.called("getUpdates")))
    offsets = [form.get("offset") for form in api.called("getUpdates")]
    assert offsets[:2] == [None, None]
    assert house.texts == ["a", "b"]


@pytest.mark.parametrize(
    "trouble",
    [
        answering(502, "<html>"),
        answering(200, "<html>"),
        refusing(409, "Conflict: terminated by other getUpdates request"),
        refusing(429, "Too Many Requests", retry_after=1),
        drops,
    ],
)
async def test_polling_survives_trouble(house: House, api: BotApi, trouble: Answer) -> None:
    api.answers = {"getUpdates": [trouble]}
    api.updates = [message(40)]
    async with running(house, api, telegram_mode="polling"):
        await until(lambda: len(house.messages) == 1)


async def test_an_update_that_cannot_be_read_does_not_hold_up_the_others(house: House, api: BotApi) -> None:
    broken = message(50)
    del broken["message"]["chat"]
    api.updates = [broken, message(51, "a"), broken | {"update_id": 52}]
    with structlog.testing.capture_logs() as logs:
        async with running(house, api, telegram_mode="polling"):
            await until(lambda: any(form.get("offset") == "53" for form in api.called("getUpdates")))
    assert house.texts == ["a"]
    skipped = [log["update_id"] for log in logs if log["event"] == "update that cannot be read skipped"]
    assert skipped == [50, 52]


async def test_a_restarted_carrier_polls_again(house: House, api: BotApi) -> None:
    telegram = TelegramCarrier(settings(telegram_api_url=api.url, telegram_mode="polling"))
    for number in (1, 2):
        api.updates = [message(number)]
        await telegram.start(house.intake)
        await until(lambda: not api.updates)
        await telegram.stop()
    assert [m.carrier_id for m in house.messages] == ["5001:1", "5001:2"]


# -- sending -----------------------------------------------------------------------------------------


def outbound(text: str = "Bonjour", *buttons: Button, address: str = "5001") -> Outbound:
    return Outbound(7, Channel.TELEGRAM, address, text, buttons)


def inline(*rows: list[tuple[str, str]]) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": t, "callback_data": d} for t, d in row] for row in rows]}


LONG = "Envoyer une photo du compteur"


@pytest.mark.parametrize(
    ("buttons", "markup"),
    [
        ((), None),
        ((Button("Oui", "1"), Button("Non", "2")), inline([("Oui", "1"), ("Non", "2")])),
        (
            (Button("Oui", "1"), Button("Non", "2"), Button("Autre", "3")),
            inline([("Oui", "1"), ("Non", "2")], [("Autre", "3")]),
        ),
        ((Button("Oui", "1"), Button(LONG, "2")), inline([("Oui", "1")], [(LONG, "2")])),
        (
            (Button("Partager mon numéro", "1", shares_phone=True), Button("Plus tard", "2")),
            {
                "keyboard": [
                    [{"text": "Partager mon numéro", "request_contact": True}],
                    [{"text": "Plus tard"}],
                ],
                "one_time_keyboard": True,
                "resize_keyboard": True,
            },
        ),
    ],
)
async def test_a_message_is_sent_as_plain_text_with_its_keyboard(
    house: House, api: BotApi, buttons: tuple[Button, ...], markup: dict[str, Any] | None
) -> None:
    async with running(house, api) as telegram:
        assert await telegram.send(outbound("<b>48 213</b> _kWh_", *buttons)) == Accepted("5001:90")
    (sent,) = api.called("sendMessage")
    assert (sent["chat_id"], sent["text"]) == ("5001", "<b>48 213</b> _kWh_")
    assert "parse_mode" not in sent
    assert json.loads(sent.get("reply_markup", "null")) == markup


async def test_a_text_too_long_is_cut(house: House, api: BotApi) -> None:
    async with running(house, api) as telegram:
        await telegram.send(outbound("mot " * 2000))
    (sent,) = api.called("sendMessage")
    assert len(sent["text"]) <= 4096
    assert sent["text"].endswith("mot…")


def attached(name: str, *, makes: bytes | None = b"bytes") -> Attachment:
    async def content() -> bytes | None:
        return makes

    kind = "image/png" if name.endswith(".png") else "application/pdf"
    return Attachment(name, kind, {}, f"https://bot.example.ma/files/token/{name}", content)


@pytest.mark.parametrize(
    ("name", "method", "field"),
    [
        ("mars.png", "sendPhoto", "photo"),
        ("mars.pdf", "sendDocument", "document"),
    ],
)
async def test_a_picture_or_a_document_has_the_text_as_its_caption_and_the_keyboard(
    house: House, api: BotApi, name: str, method: str, field: str
) -> None:
    message = replace(outbound("Reçu : <b>48 213</b>", Button("Oui", "1")), attachment=attached(name))
    async with running(house, api) as telegram:
        assert await telegram.send(message) == Accepted("5001:90")
    (sent,) = api.called(method)
    assert (sent["chat_id"], sent["caption"]) == ("5001", "Reçu : <b>48 213</b>")
    assert "parse_mode" not in sent
    assert json.loads(sent["reply_markup"]) == inline([("Oui", "1")])
    assert api.files == [(field, name, b"bytes")]
    assert api.called("sendMessage") == []


@pytest.mark.parametrize(
    ("attachment", "text", "expected"),
    [
        pytest.param(attached("a.png", makes=None), "Mars", "Mars", id="picture not made"),
        pytest.param(attached("a.pdf", makes=None), "Mars", "Mars", id="document not made"),
        pytest.param(attached("a.png"), "é" * 1025, "é" * 1025, id="no caption, no picture"),
        pytest.param(
            attached("a.pdf"),
            "é" * 1025,
            "é" * 1025 + "\nhttps://bot.example.ma/files/token/a.pdf",
            id="no caption, but a link",
        ),
    ],
)
async def test_a_text_whose_file_cannot_go_with_it_goes_alone(
    house: House, api: BotApi, attachment: Attachment, text: str, expected: str
) -> None:
    async with running(house, api) as telegram:
        await telegram.send(replace(outbound(text), attachment=attachment))
    assert [sent["text"] for sent in api.called("sendMessage")] == [expected]
    assert api.files == []


async def test_a_text_goes_without_a_picture_that_telegram_refuses(house: House, api: BotApi) -> None:
    api.answers["sendPhoto"] = [refusing(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")]
    async with running(house, api) as telegram:
        assert await telegram.send(replace(outbound("Mars"), attachment=attached("a.png"))) == Accepted("5001:90")
    assert [sent["text"] for sent in api.called("sendMessage")] == ["Mars"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusing(403, "Forbidden: bot was blocked by the user"), Refused),
        (refusing(429, "Too Many Requests: retry after 7", retry_after=7), Busy),
        (answering(502, "<html>"), InDoubt),
        (drops, InDoubt),
    ],
)
async def test_what_telegram_answers_to_a_picture_decides_as_for_a_text(
    house: House, api: BotApi, answer: Answer, kind: type[SendError]
) -> None:
    api.answers["sendPhoto"] = [answer]
    async with running(house, api) as telegram:
        with pytest.raises(kind):
            await telegram.send(replace(outbound("Mars"), attachment=attached("a.png")))
    assert api.called("sendMessage") == []


@pytest.mark.parametrize(
    ("answer", "kind", "reason", "retry_after"),
    [
        (refusing(429, "Too Many Requests: retry after 7", retry_after=7), Busy, "429 flood control", 7.0),
        (refusing(429, "Too Many Requests"), Busy, "HTTP 429", None),
        (
            refusing(403, "Forbidden: bot was blocked by the user"),
            Refused,
            "Forbidden: bot was blocked by the user",
            None,
        ),
        (refusing(400, "Bad Request: chat not found"), Refused, "Chat not found", None),
        (
            refusing(400, "group upgraded", migrate_to_chat_id=-1009),
            Refused,
            "Group migrated to supergroup. New chat id: -1009",
            None,
        ),
        (refusing(401, "Unauthorized"), Busy, "Unauthorized", None),
        (refusing(404, "Not Found"), Busy, "Not Found", None),
        (refusing(503, "Service Unavailable"), Busy, "HTTP 503", None),
        (refusing(500, "Internal Server Error: restart"), InDoubt, "no answer: Unavailable", None),
        (answering(502, "<html>"), InDoubt, "no answer: Unavailable", None),
        (answering(200, "<html>"), InDoubt, "no answer: JSONDecodeError", None),
        (drops, InDoubt, "no answer: RemoteProtocolError", None),
    ],
)
async def test_what_telegram_answers_decides_what_becomes_of_the_message(
    house: House,
    api: BotApi,
    answer: Answer,
    kind: type[SendError],
    reason: str,
    retry_after: float | None,
) -> None:
    api.answers["sendMessage"] = [answer]
    async with running(house, api) as telegram:
        with pytest.raises(SendError) as raised:
            await telegram.send(outbound())
    assert (type(raised.value), raised.value.reason) == (kind, reason)
    assert getattr(raised.value, "retry_after", None) == retry_after
    assert len(api.called("sendMessage")) == 1


async def test_a_message_whose_receipt_cannot_be_read_is_taken_and_not_sent_twice(house: House, api: BotApi) -> None:
    receipt = {
        "message_id": 90,
        "date": 1767607200,
        "chat": {"id": 5001, "type": "private"},
        "poll": {"id": "1"},
    }
    api.answers["sendMessage"] = [answering(200, {"ok": True, "result": receipt})]
    async with running(house, api) as telegram:
        assert await telegram.send(outbound()) == Accepted("5001:unread-7")


async def test_no_answer_in_time_leaves_a_doubt(house: House, api: BotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "ANSWER_SECONDS", 0.2)
    api.answers["sendMessage"] = [answering(200, "{}", delay=1)]
    async with running(house, api) as telegram:
        with pytest.raises(InDoubt, match="no answer: ReadTimeout"):
            await telegram.send(outbound())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://telegram.invalid"])
async def test_no_connection_means_that_nothing_was_sent(house: House, url: str) -> None:
    async with running(house, BotApi(url)) as telegram:
        with pytest.raises(Busy, match="no connection: ConnectError"):
            await telegram.send(outbound())


async def test_a_stopped_carrier_sends_nothing(house: House, api: BotApi) -> None:
    async with running(house, api) as telegram:
        pass
    with pytest.raises(Busy):
        await telegram.send(outbound())
    assert api.called("sendMessage") == []


async def test_an_address_that_is_no_chat_is_refused(house: House, api: BotApi) -> None:
    async with running(house, api) as telegram:
        with pytest.raises(Refused, match="no chat id"):
            await telegram.send(outbound(address="+212600000001x"))


async def test_telegram_cannot_be_asked_what_was_sent(house: House, api: BotApi) -> None:
    async with running(house, api) as telegram:
        with pytest.raises(CannotAsk):
            await telegram.find_sent(outbound())


async def test_the_token_is_not_logged(house: House, api: BotApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with running(house, api) as telegram:
        await telegram.send(outbound())
    logged = [r.getMessage() for r in caplog.records if r.name != "aiohttp.access"]  # the local server's own
    assert not [line for line in logged if TOKEN in line]


def test_limits_are_those_that_telegram_publishes() -> None:
    assert TelegramCarrier(settings()).limits == {Channel.TELEGRAM: RateLimits(30, 1)}
