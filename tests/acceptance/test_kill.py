"""`kill -9` in the middle of 200 conversations: nothing lost, nothing handled or stored twice, nothing sent twice.

`RELEVE_KILLS` says how many times the process is killed (3 in the test command; 20 for the record).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from accounts import BOT_TOKEN, SECRET, SID, SMS_FROM, TOKEN, WHATSAPP_FROM
from sqlalchemy import func, select
from stage import Stage

from store import schema
from store.database import Database
from store.models import Direction, Message, MessageState, Reading

KILLS = int(os.environ.get("RELEVE_KILLS", "3"))
CONVERSATIONS = 200
SCRIPT = ("bonjour", "48213", "comment lire mon compteur ?", "merci")
SETTLING_SECONDS = 90


@dataclass
class Victim:
    """`releve serve`, started again after each kill."""

    environment: dict[str, str]
    port: int
    command: tuple[str, ...] = ("-m", "bot")
    process: asyncio.subprocess.Process | None = None
    starts: int = field(default=0)

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, *self.command, "serve", "--port", str(self.port)),
            env=os.environ | self.environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self.starts += 1
        async with httpx.AsyncClient() as client:
            for _ in range(600):
                assert self.process.returncode is None, "the service ended by itself"
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.1)
        raise TimeoutError("not ready after a minute")

    async def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), 30)


@contextlib.asynccontextmanager
async def carriers(base: str, ledger: Path) -> AsyncIterator[str]:
    """The emulators in a process of their own, which is never killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.tryit", "--webhook-base", base, "--ledger", str(ledger)),
        *("--twilio-account-sid", SID, "--twilio-auth-token", TOKEN, "--telegram-token", BOT_TOKEN),
        *("--telegram-secret", SECRET, "--sms-from", SMS_FROM, "--whatsapp-from", WHATSAPP_FROM),
        *("--retries", "1000", "--receipts", "off"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
    finally:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _channel(number: int) -> str:
    return ("sms", "sms", "whatsapp", "telegram")[number % 4]


def _phone(number: int) -> str:
    return f"+2126{number:08}"


async def test_kill_minus_nine_in_the_middle(model: Path, database_url: str, tmp_path: Path) -> None:
    await _furnish(database_url)
    port = _free_port()
    base = f"http://127.0.0.1:{port}"
    ledger = tmp_path / "ledger.jsonl"
    random.seed(7)
    async with carriers(base, ledger) as carriers_base:
        victim = Victim(
            {
                "RELEVE_DATABASE_URL": database_url,
                "RELEVE_PUBLIC_URL": base,
                "RELEVE_MODEL_DIR": str(model),
                "RELEVE_TWILIO_ACCOUNT_SID": SID,
                "RELEVE_TWILIO_AUTH_TOKEN": TOKEN,
                "RELEVE_TWILIO_SMS_FROM": SMS_FROM,
                "RELEVE_TWILIO_WHATSAPP_FROM": WHATSAPP_FROM,
                "RELEVE_TWILIO_SMS_PER_SECOND": "200",
                "RELEVE_TWILIO_API_URL": f"{carriers_base}/carriers/twilio",
                "RELEVE_TELEGRAM_TOKEN": BOT_TOKEN,
                "RELEVE_TELEGRAM_API_URL": f"{carriers_base}/carriers/telegram",
                "RELEVE_TELEGRAM_WEBHOOK_SECRET": SECRET,
            },
            port,
        )
        await victim.start()
        killed = asyncio.Event()
        try:
            async with httpx.AsyncClient(base_url=carriers_base, timeout=600) as client:
                customers = [asyncio.create_task(_converse(client, n, killed)) for n in range(CONVERSATIONS)]
                for _ in range(KILLS):
                    await asyncio.sleep(random.uniform(0.2, 2.5))
                    await victim.kill()
                    await victim.start()
                killed.set()
                sent = sum(await asyncio.gather(*customers))
                await _settled(database_url, sent)
        finally:
            await victim.stop()
        await _check(database_url, ledger.read_text(encoding="utf-8").splitlines(), sent)


async def _converse(client: httpx.AsyncClient, number: int, killed: asyncio.Event) -> int:
    """Write the script, then small talk until the killing is over; each once the webhook took the one before."""
    sent = 0
    while sent < len(SCRIPT) or not killed.is_set():
        text = SCRIPT[sent] if sent < len(SCRIPT) else "bonjour"
        answer = await client.post(f"/customer/{_channel(number)}", json={"from": _phone(number), "text": text})
        assert answer.json()["status"] in (200, 204), answer.text
        sent += 1
        await asyncio.sleep(random.uniform(0.5, 6.0))
    return sent


async def _furnish(database_url: str) -> None:
    database = Database(database_url)
    await schema.upgrade(database)
    stage = Stage(database, assistant=None)
    stage.now = _now()
    for number in range(CONVERSATIONS):
        phone = None if _channel(number) == "telegram" else _phone(number)
        await stage.contract(f"1{number:07}", "electricity", ("total",), phone=phone)
    await database.close()


async def _settled(database_url: str, sent: int) -> None:
    """Wait until every message is handled and every reply settled."""
    database = Database(database_url)
    open_states = (MessageState.RECEIVED, MessageState.QUEUED, MessageState.SENDING)
    try:
        for _ in range(SETTLING_SECONDS * 2):
            async with database.reading() as session:
                waiting = await session.scalar(select(func.count()).where(Message.state.in_(open_states)))
                received = await session.scalar(select(func.count()).where(Message.direction == Direction.IN))
            if not waiting and received == sent:
                return
            await asyncio.sleep(0.5)
        raise AssertionError(f"{waiting} messages still open, {received} of {sent} received")
    finally:
        await database.close()


async def _check(database_url: str, ledger: list[str], sent: int) -> None:
    books = [json.loads(line) for line in ledger]
    database = Database(database_url)
    async with database.reading() as session:
        messages = list(await session.scalars(select(Message).order_by(Message.id)))
        stored = Counter(await session.scalars(select(Reading.register_id).where(Reading.source == "customer")))
    await database.close()
    inbound = [message for message in messages if message.direction == Direction.IN]
    outbound = [message for message in messages if message.direction == Direction.OUT]
    assert len(inbound) == sent
    assert {message.state for message in inbound} == {MessageState.HANDLED}
    assert {message.state for message in outbound} == {MessageState.SENT}
    answered = Counter(message.answers_id for message in outbound)
    assert set(answered) == {message.id for message in inbound}, "every message has a reply"
    assert set(answered.values()) == {1}, "and only one"
    with_phone = sum(_channel(number) != "telegram" for number in range(CONVERSATIONS))
    assert len(stored) == with_phone
    assert set(stored.values()) == {1}
    for entry in books:
        if entry["channel"] == "telegram":  # numbers its messages per chat
            entry["id"] = f"{entry['to']}:{entry['id']}"
    delivered = {entry["id"] for entry in books}
    assert all(message.carrier_id in delivered for message in outbound), "every reply reached its carrier"
    twilio = [entry for entry in books if entry["channel"] != "telegram"]
    telegram = [entry for entry in books if entry["channel"] == "telegram"]
    expected = Counter(message.channel for message in outbound)
    assert len(twilio) == expected["sms"] + expected["whatsapp"], "no reply twice on Twilio"
    doubts = sum(message.doubts for message in outbound if message.channel == "telegram")
    assert expected["telegram"] <= len(telegram) <= expected["telegram"] + doubts
    _order_kept(outbound, books)
    print(
        f"\n{database.url.get_backend_name()}: {KILLS} kills, {sent} messages, {len(outbound)} replies, "
        f"doubts Twilio {sum(m.doubts for m in outbound) - doubts}, Telegram {doubts} "
        f"(sent again: {len(telegram) - expected['telegram']})"
    )


def _order_kept(outbound: list[Message], books: list[dict[str, object]]) -> None:
    """Within a conversation replies reached the carrier in the order they were written."""
    place = {entry["id"]: entry["number"] for entry in books}
    last: dict[int, int] = {}
    for message in outbound:
        number = int(str(place[message.carrier_id]))
        assert number > last.get(message.conversation_id, 0)
        last[message.conversation_id] = number


def _now() -> object:
    from datetime import UTC, datetime

    return datetime.now(UTC)
