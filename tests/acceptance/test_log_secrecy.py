"""Whole conversations, and what the log says of them: all that an operator needs, nothing that is the customer's."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from accounts import BOT_TOKEN, SECRET, TOKEN
from house import Phone
from processes import Releve, emulators, environment, free_port
from sqlalchemy import select

from billing.calendar import CASABLANCA
from store import demo, schema
from store.database import Database
from store.models import Customer

KEY = "a secret of the log tests with 40 letters"
SAID = {
    "+212600000001": ("bonjour ornithorynque mauve", "mon index est 48213", "quarante-huit mille deux cent treize"),
    "+212600000002": ("السلام عليكم زرافة بنفسجية", "قراءة العداد ٤٨٢١٣"),
    "+212600000003": ("salam zrafa mouva", "bghit nkhlles lfatoura dyal 10000003"),
    "+212600000004": ("شحال باقي ليا فالكوارو الزرافة",),
    "+212600000005": ("my purple platypus is angry, my name is Zbigniew Ornitho", "I want a payment plan"),
}
PARTS = re.compile(
    r"ornithorynque|mauve|زرافة|الزرافة|بنفسجية|zrafa|mouva|platypus|purple|zbigniew|quarante|treize", re.IGNORECASE
)
CONTRACTS = ("10000001", "10000002", "10000003", "20000003", "10000004", "10000005")


async def test_the_log_has_every_step_of_a_message_and_nothing_that_its_sender_wrote(
    model: Path, tmp_path: Path
) -> None:
    database_url = f"sqlite+aiosqlite:///{tmp_path / 'log.db'}"
    names = await _furnished(database_url)
    port = free_port()
    base, log = f"http://127.0.0.1:{port}", tmp_path / "log"
    async with emulators(base, tmp_path / "ledger", receipts=True) as carriers:
        more = {"SECRET_KEY": KEY, "LOG_LEVEL": "debug", "DRAIN_SECONDS": "0"}
        ours = Releve(environment(database_url, base, carriers, model, **more), log, port)
        await ours.start()
        try:
            async with httpx.AsyncClient(base_url=carriers, timeout=60) as client:
                await _talk(client)
                await _trouble(client, base)
            ours.tell()
            assert await ours.ended() == 0
        finally:
            await ours.kill()
    written = log.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in written.splitlines()]

    assert not PARTS.search(written)
    for secret in (TOKEN, BOT_TOKEN, SECRET, KEY):
        assert secret not in written
    assert not [number for number in (*SAID, *(each.lstrip("+") for each in SAID), *CONTRACTS) if number in written]
    words = {word for name in names for word in name.split() if len(word) > 4}
    assert not [word for word in words if re.search(rf"\b{re.escape(word)}\b", written)]
    assert not [line for line in lines if str(line.get("route", "")).count("?")]
    _tied_together(lines)


def _tied_together(lines: list[dict[str, Any]]) -> None:
    """One message's lines, from the webhook to the carrier's report on the reply, have one name in common."""
    events = [(line["event"], line.get("route")) for line in lines if line.get("correlation") == "m-1"]
    steps = [
        ("http.answered", "/webhooks/twilio"),
        ("turn.handled", None),
        ("outbox.sent", None),
        ("http.answered", "/webhooks/twilio/status"),
    ]
    assert [step for step in steps if step not in events] == []
    told = {line["event"] for line in lines}
    assert told >= {"webhook rejected", "outbox.refused", "outbox.busy", "process.stopping"}
    (first,) = (line for line in lines if line["event"] == "turn.handled" and line["correlation"] == "m-1")
    assert first["conversation"] == 1
    assert {"intent", "language", "milliseconds", "waited_seconds", "level", "timestamp"} <= first.keys()


async def _talk(client: httpx.AsyncClient) -> None:
    async def one(number: str, channel: str, texts: Iterable[str]) -> None:
        phone = Phone(client, channel, number)
        for text in texts:
            assert await phone.says(text), (channel, text)

    number, (text, *_) = next(iter(SAID.items()))
    await one(number, "sms", [text])  # the first message of all, whose steps are looked at
    async with asyncio.TaskGroup() as group:
        for number, texts in SAID.items():
            for channel in ("sms", "whatsapp", "telegram"):
                group.create_task(one(number, channel, texts if channel == "sms" else texts[:1]))


async def _trouble(client: httpx.AsyncClient, base: str) -> None:
    """Carriers that refuse and stumble, webhooks that are forged or broken, addresses that hold secrets."""
    number, channel = "+212600000001", "sms"
    for order in (
        {"kind": "refuse", "status": 400, "to": number},
        {"kind": "refuse", "status": 503, "to": number},
    ):
        (await client.post("/faults", json={"carrier": "twilio", "queue": [order]})).raise_for_status()
        await Phone(client, channel, number).does(text="ornithorynque mauve encore")
        await asyncio.sleep(1.5)
    async with httpx.AsyncClient(base_url=base) as stranger:
        form = {"From": number, "To": "+212520000001", "Body": "ornithorynque", "MessageSid": "SM" + "0" * 32}
        forged = {"X-Twilio-Signature": "AAAA"}
        address = "/webhooks/twilio?Body=ornithorynque"
        assert (await stranger.post(address, data=form, headers=forged)).status_code == 403
        telegram = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        broken = f'{{"update_id": "ornithorynque {number}'.encode()
        assert (await stranger.post("/webhooks/telegram", content=broken, headers=telegram)).status_code == 400
        assert (await stranger.get("/files/1.2.ornithorynque/mauve.pdf")).status_code == 404
        await stranger.get("/desk/contracts/10000001", params={"q": "ornithorynque"})
        await stranger.get("/api/v1/requests", headers={"Authorization": "Bearer rlv_ornithorynque"})
        await stranger.get("/ornithorynque/mauve", params={"phone": number})


async def _furnished(database_url: str) -> Iterable[str]:
    """The demo's customers; their names."""
    database = Database(database_url)
    await schema.upgrade(database)
    async with database.writing() as session:
        await demo.load(session, datetime.now(CASABLANCA).date())
        names = list(await session.scalars(select(Customer.name)))
    await database.close()
    return names
