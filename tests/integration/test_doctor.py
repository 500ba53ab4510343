"""`releve doctor` against real databases and servers that speak as the carriers do."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from accounts import BOT_TOKEN, SECRET, SID, SMS_FROM, TOKEN, WHATSAPP_FROM
from pydantic import SecretStr
from serving import serving
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import doctor
from bot.doctor import database as the_database
from bot.doctor import desk, installation, telegram, twilio, understanding, watching
from bot.doctor.finding import Check, Finding, Verdict, guarded
from bot.settings import Settings
from store.database import Database
from store.models import Base

BASE = "https://releve.example.ma"
KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **{"public_url": BASE, **changes})


async def found(check: Check, its: Settings) -> dict[str, tuple[str, str]]:
    return {each.subject: (each.verdict.value, each.text) for each in await guarded(check, its, "all of it")}


class Carriers:
    """What Twilio and Telegram answer; tests change it."""

    def __init__(self) -> None:
        webhook = f"{BASE}/webhooks/twilio#rc=3&rp=all"
        self.account: dict[str, Any] = {"status": "active", "type": "Full"}
        self.numbers: list[dict[str, Any]] = [{"sms_url": webhook}]
        self.service: dict[str, Any] | None = {"inbound_request_url": webhook}
        self.senders: list[dict[str, Any]] = [
            {"sender_id": f"whatsapp:{WHATSAPP_FROM}", "status": "ONLINE", "webhook": {"callback_url": webhook}}
        ]
        self.hook: dict[str, Any] = {"url": f"{BASE}/webhooks/telegram", "pending_update_count": 0}

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route(f"/twilio/2010-04-01/Accounts/{SID}.json", self._signed(lambda: self.account)),
                Route(
                    f"/twilio/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json",
                    self._signed(lambda: {"incoming_phone_numbers": self.numbers}),
                ),
                Route("/twilio/v1/Services/{sid}", self._signed(lambda: self.service)),
                Route("/twilio/v2/Channels/Senders", self._signed(lambda: {"senders": self.senders})),
                Route("/telegram/bot{token}/{method}", self._bot),
            ]
        )

    def _signed(self, answer: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("Authorization") != f"Basic {b64encode(f'{SID}:{TOKEN}'.encode()).decode()}":
                return JSONResponse({"code": 20003, "message": "Authenticate"}, 401)
            told = answer()
            return JSONResponse(told) if told is not None else JSONResponse({"code": 20404}, 404)

        return endpoint

    async def _bot(self, request: Request) -> Response:
        if request.path_params["token"] != BOT_TOKEN:
            return JSONResponse({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        result = {"getMe": {"username": "releve_bot"}, "getWebhookInfo": self.hook}[request.path_params["method"]]
        return JSONResponse({"ok": True, "result": result})


@pytest.fixture
def carriers() -> Carriers:
    return Carriers()


@pytest_asyncio.fixture
async def at(carriers: Carriers) -> AsyncIterator[str]:
    async with serving(carriers.app()) as address:
        yield address


def with_twilio(at: str, **changes: Any) -> Settings:
    given = {
        "twilio_account_sid": SID,
        "twilio_auth_token": SecretStr(TOKEN),
        "twilio_sms_from": SMS_FROM,
        "twilio_whatsapp_from": WHATSAPP_FROM,
        "twilio_api_url": f"{at}/twilio",
    }
    return settings(**(given | changes))


async def test_twilio_is_asked_for_all_that_can_be_wrong(carriers: Carriers, at: str) -> None:
    well = await found(twilio.check, with_twilio(at))
    assert [(subject, verdict) for subject, (verdict, _) in well.items()] == [
        ("account", "ok"),
        ("SMS", "ok"),
        ("WhatsApp", "ok"),
    ]

    carriers.numbers[0]["sms_url"] = "https://demo.twilio.com/welcome"
    carriers.senders[0]["webhook"]["callback_url"] = f"{BASE}/webhooks/twilio"
    ill = await found(twilio.check, with_twilio(at))
    assert ill["SMS"] == ("wrong", f"the number calls demo.twilio.com: set {BASE}/webhooks/twilio#rc=3&rp=all")
    assert ill["WhatsApp"][0] == "look"

    carriers.numbers, carriers.senders[0]["status"] = [], "OFFLINE"
    ill = await found(twilio.check, with_twilio(at))
    assert (ill["SMS"][0], ill["WhatsApp"][0]) == ("wrong", "wrong")

    by_service = with_twilio(at, twilio_sms_from="MG" + "0" * 32)
    assert (await found(twilio.check, by_service))["SMS"][0] == "ok"
    carriers.service = None
    assert "no messaging service" in (await found(twilio.check, by_service))["SMS"][1]


@pytest.mark.parametrize(
    ("changes", "account", "verdict", "words"),
    [
        ({"twilio_auth_token": SecretStr("old")}, {}, "wrong", "401"),
        ({}, {"status": "suspended"}, "wrong", "suspended"),
        ({}, {"type": "Trial"}, "look", "trial"),
        ({"twilio_api_url": "http://127.0.0.1:9"}, {}, "wrong", "cannot be reached"),
        ({"twilio_sms_from": None, "twilio_whatsapp_from": None}, {}, "wrong", "TWILIO_SMS_FROM"),
        ({"twilio_account_sid": None, "twilio_auth_token": None}, {}, "off", "SMS and WhatsApp are off"),
    ],
)
async def test_twilios_account(
    carriers: Carriers, at: str, changes: dict[str, Any], account: dict[str, str], verdict: str, words: str
) -> None:
    carriers.account |= account
    told = (await found(twilio.check, with_twilio(at, **changes)))["account"]
    assert told[0] == verdict
    assert words in told[1]


@pytest.mark.parametrize(
    ("changes", "hook", "subject", "verdict", "words"),
    [
        ({}, {}, "updates", "ok", "0 wait"),
        ({}, {"url": ""}, "updates", "look", "no webhook yet"),
        ({}, {"url": "https://elsewhere.example"}, "updates", "wrong", "another address"),
        ({}, {"pending_update_count": 500}, "updates", "look", "500 wait"),
        (
            {},
            {"last_error_date": int(datetime.now(UTC).timestamp()), "last_error_message": "Wrong response: 502"},
            "updates",
            "look",
            "502",
        ),
        ({"telegram_mode": "polling"}, {"url": ""}, "updates", "ok", "polling"),
        ({"telegram_token": SecretStr("1:wrong")}, {}, "bot", "wrong", "TELEGRAM_TOKEN"),
        ({"telegram_api_url": "http://127.0.0.1:9"}, {}, "bot", "wrong", "cannot be reached"),
        ({"telegram_webhook_secret": None}, {}, "bot", "wrong", "TELEGRAM_WEBHOOK_SECRET"),
        ({"telegram_token": None}, {}, "bot", "off", "off"),
    ],
)
async def test_telegram_is_asked_for_all_that_can_be_wrong(
    carriers: Carriers, at: str, changes: dict[str, Any], hook: dict[str, Any], subject: str, verdict: str, words: str
) -> None:
    carriers.hook |= hook
    given = {
        "telegram_token": SecretStr(BOT_TOKEN),
        "telegram_webhook_secret": SecretStr(SECRET),
        "telegram_api_url": f"{at}/telegram",
    }
    told = (await found(telegram.check, settings(**(given | changes))))[subject]
    assert told[0] == verdict
    assert words in told[1]


async def test_a_database_that_is_well(database_url: str) -> None:
    told = await found(the_database.check, settings(database_url=database_url))
    wrong = {subject: text for subject, (verdict, text) in told.items() if verdict == "wrong"}
    # The server of the tests does not wait for its disk, and doctor sees it.
    assert wrong.keys() == (set() if database_url.startswith("sqlite") else {"durability"})
    assert told["indexes"] == ("ok", "all there")
    assert told["queue"] == ("ok", "0 messages to handle, 0 to send")


async def test_a_missing_index_is_found(database_url: str) -> None:
    index = min(str(index.name) for index in Base.metadata.tables["message"].indexes)
    database = Database(database_url)
    async with database.writing() as session:
        await session.execute(text(f"DROP INDEX {index}"))
    await database.close()
    told = await found(the_database.check, settings(database_url=database_url))
    assert told["indexes"][0] == "wrong"
    assert index in told["indexes"][1]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql+asyncpg://releve:hunter2hunter2@127.0.0.1:9/releve", "cannot use the database"),
        ("sqlite+aiosqlite:////nowhere/at/all.db", "cannot use the database"),
    ],
)
async def test_a_database_that_cannot_be_reached_is_one_line_without_its_password(url: str, words: str) -> None:
    told = await found(the_database.check, settings(database_url=url))
    assert list(told) == ["DATABASE_URL"]
    verdict, line = told["DATABASE_URL"]
    assert verdict == "wrong"
    assert words in line
    assert "hunter2" not in line
    assert "\n" not in line


async def test_an_empty_database_is_to_be_upgraded(empty_url: str) -> None:
    told = await found(the_database.check, settings(database_url=empty_url))
    assert told == {"DATABASE_URL": ("wrong", "the database schema is not current: run `releve db upgrade`")}
    assert "people" not in await found(desk.check, settings(database_url=empty_url))


@pytest.mark.parametrize(
    ("changes", "subject", "verdict"),
    [
        ({"secret_key": SecretStr(KEY)}, "SECRET_KEY", "ok"),
        ({"secret_key": SecretStr("short")}, "SECRET_KEY", "wrong"),
        ({"secret_key": SecretStr("ab" * 20)}, "SECRET_KEY", "wrong"),
        ({}, "SECRET_KEY", "off"),
        ({"desk_second_factor": "required"}, "SECRET_KEY", "wrong"),
        ({"public_url": "http://localhost:8000"}, "PUBLIC_URL", "off"),
        ({"public_url": "http://a.example", "telegram_token": SecretStr("1:a")}, "PUBLIC_URL", "wrong"),
        ({"public_url": "https://127.0.0.2:9"}, "PUBLIC_URL from here", "look"),
        ({}, "time zones", "ok"),
        ({}, "Python", "ok"),
    ],
)
async def test_what_the_installation_stands_on(changes: dict[str, Any], subject: str, verdict: str) -> None:
    if "public_url" not in changes:
        changes = changes | {"public_url": "http://localhost:8000"}
    assert (await found(installation.check, settings(**changes)))[subject][0] == verdict


@pytest.mark.parametrize(
    ("changes", "subject", "verdict"),
    [
        ({}, "/metrics", "ok"),
        ({"metrics_token": SecretStr("short")}, "/metrics", "wrong"),
        ({"metrics_token": SecretStr(KEY)}, "/metrics", "ok"),
        ({}, "traces", "off"),
        ({}, "stopping", "ok"),
    ],
)
async def test_what_watches_over_it(changes: dict[str, Any], subject: str, verdict: str) -> None:
    assert (await found(watching.check, settings(**changes)))[subject][0] == verdict


async def test_a_model_that_is_none_and_one_that_is_broken(tmp_path: Path) -> None:
    told = await found(understanding.check, settings(model_dir=tmp_path))
    assert told["MODEL_DIR"] == ("wrong", f"no model in {tmp_path}: run `releve train`")
    (tmp_path / "broken.tar.gz").write_bytes(b"no archive")
    verdict, line = (await found(understanding.check, settings(model_dir=tmp_path)))["MODEL_DIR"]
    assert verdict == "wrong"
    assert "releve train" in line


async def test_a_check_that_fails_itself_is_one_finding_without_secrets() -> None:
    async def check(_settings: Settings) -> AsyncIterator[Finding]:
        yield Finding("first", Verdict.OK, "fine")
        raise ValueError(f"https://user:{KEY}@host said no to +212600000001\nand more")

    last = (await guarded(check, settings(), "all of it"))[-1]
    assert last.verdict is Verdict.WRONG
    told = "could not be checked to the end: ValueError: https://[secret]host said no to [number]"
    assert last.text.startswith(told)
    assert "and more" not in last.text


def _findings() -> dict[str, list[Finding]]:
    return {"Group": [Finding("one", Verdict.OK, "fine [bold]"), Finding("two", Verdict.LOOK, "look")]}


def test_findings_are_told_to_people_a_line_each_and_to_machines_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    doctor.shown(_findings())
    lines: Iterable[str] = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["Group"], ["ok", "one", "fine", "[bold]"], ["look", "two", "look"]]
    told = json.loads(doctor.as_json(_findings()))
    assert told["well"] is True
    assert told["findings"][1] == {"group": "Group", "subject": "two", "verdict": "look", "text": "look"}
    assert not doctor.is_well({"Group": [Finding("x", Verdict.WRONG, "y")]})
