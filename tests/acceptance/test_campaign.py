"""A campaign with `kill -9` in the middle: each customer once, and replies to others about as fast as before.

`RELEVE_REMINDERS` says how many customers are reminded (300 in the test command; 10,000 for the record).
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

import httpx
import yaml
from accounts import SECRET, SID, SMS_FROM, TOKEN, WHATSAPP_FROM
from sqlalchemy import insert, select
from sqlalchemy.orm import aliased
from test_kill import Victim, _free_port, carriers

from billing.calendar import local_day
from bot.campaigns import start
from bot.service import OPERATORS
from store import schema
from store.audience import ReadingReminder
from store.campaign_progress import Progress, progress
from store.campaigns import State, campaign_named, create
from store.database import Database
from store.models import Contract, Customer, Direction, Message, Meter, RegisteredPhone

REMINDERS = int(os.environ.get("RELEVE_REMINDERS", "300"))
PER_SECOND = 30 if REMINDERS < 1000 else 200
WRITERS = 6
PAUSE_SECONDS = 0.5
CALM_SECONDS = 6
SENDING_SECONDS = 60 + REMINDERS / 20
CUSTOMERS = "+2127"
"""How their phones begin; those of the others who write begin otherwise."""
AT_ANY_HOUR = """
import sys
from pathlib import Path
import bot.service
bot.service.OPERATORS = Path(sys.argv.pop(1))
from bot.cli import main
main()
"""
"""`releve` with the operator's file of another folder: one without quiet hours."""


def _phone(number: int) -> str:
    return f"{CUSTOMERS}{number:08}"


async def test_each_customer_is_reminded_once_across_a_kill(model: Path, database_url: str, tmp_path: Path) -> None:
    database = Database(database_url)
    await _furnish(database)
    port = _free_port()
    base, ledger = f"http://127.0.0.1:{port}", tmp_path / "ledger.jsonl"
    async with carriers(base, ledger) as carriers_base:
        environment = {
            "RELEVE_DATABASE_URL": database_url,
            "RELEVE_PUBLIC_URL": base,
            "RELEVE_MODEL_DIR": str(model),
            "RELEVE_TWILIO_ACCOUNT_SID": SID,
            "RELEVE_TWILIO_AUTH_TOKEN": TOKEN,
            "RELEVE_TWILIO_SMS_FROM": SMS_FROM,
            "RELEVE_TWILIO_WHATSAPP_FROM": WHATSAPP_FROM,
            "RELEVE_TWILIO_SMS_PER_SECOND": str(PER_SECOND),
            "RELEVE_TWILIO_API_URL": f"{carriers_base}/carriers/twilio",
            "RELEVE_TELEGRAM_WEBHOOK_SECRET": SECRET,
        }
        victim = Victim(environment, port, command=("-c", AT_ANY_HOUR, str(_any_hour(tmp_path))))
        await victim.start()
        begun = datetime.now(UTC)
        try:
            async with httpx.AsyncClient(base_url=carriers_base, timeout=600) as phones:
                with _writing(phones):
                    await asyncio.sleep(CALM_SECONDS)
                    started = datetime.now(UTC)
                    await start(database, "reminder", "test", started)
                    await _sent(database, REMINDERS // 2)
                    killed = datetime.now(UTC)
                    await victim.kill()
                    await victim.start()
                    back = datetime.now(UTC)
                    reached = await _done(database)
                    ended = datetime.now(UTC)
                    await asyncio.sleep(1)
        finally:
            await victim.stop()
    told = Counter(each["to"] for each in map(json.loads, ledger.read_text(encoding="utf-8").splitlines()))
    told = Counter({to: count for to, count in told.items() if to.startswith(CUSTOMERS)})
    assert told == {_phone(number): 1 for number in range(REMINDERS)}
    assert (reached.sent, reached.failed, reached.waiting, reached.queued) == (REMINDERS, 0, 0, 0)
    calm = await _reply_times(database, begun, started)
    busy = await _reply_times(database, started, killed - timedelta(seconds=1))
    busy += await _reply_times(database, back, ended)
    await database.close()
    assert median(busy) < max(2 * median(calm), 1.0), "replies do not wait behind the campaign"
    print(
        f"\n{database.url.get_backend_name()}: {REMINDERS} reminders in {(ended - started).total_seconds():.0f} s at "
        f"{PER_SECOND}/s, one kill; replies before {_figures(calm)}, meanwhile {_figures(busy)}"
    )


def _any_hour(directory: Path) -> Path:
    """A folder with the operator's own file, without quiet hours: the test must run at night too."""
    rules = yaml.safe_load((OPERATORS / "onee.yml").read_text(encoding="utf-8"))
    rules["notices"] |= {"begins": "00:00", "ends": "23:59:59.999", "pauses": [], "days_off": []}
    folder = directory / "operators"
    folder.mkdir()
    (folder / "onee.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    return folder


async def _furnish(database: Database) -> None:
    await schema.upgrade(database)
    today = local_day(datetime.now(UTC))
    ids = range(1, REMINDERS + 1)
    contract = {"utility": "electricity", "billing": "postpaid", "tariff": "residential", "address": "1 rue Fictive"}
    contract |= {"commune": "Salé", "route": "CAM-2M", "opened_on": today}  # type: ignore[dict-item]
    async with database.writing() as session:
        await session.execute(
            insert(Customer),
            [{"id": n, "name": "Client Fictif", "language": "fr", "modest_income": False} for n in ids],
        )
        await session.execute(
            insert(Contract), [{"id": n, "number": f"1{n:07}", "customer_id": n, **contract} for n in ids]
        )
        await session.execute(
            insert(Meter),
            [{"contract_id": n, "number": f"M{n}", "digits": 5, "multiplier": 1, "installed_on": today} for n in ids],
        )
        await session.execute(insert(RegisteredPhone), [{"contract_id": n, "number": _phone(n - 1)} for n in ids])
        selection = ReadingReminder(routes=("CAM-2M",), opens_on=today, closes_on=today + timedelta(days=5))
        await create(session, "reminder", selection, "test", datetime.now(UTC))


@contextmanager
def _writing(phones: httpx.AsyncClient) -> Iterator[None]:
    """Other customers write one after the other for as long as the block lasts."""

    async def write(number: int) -> None:
        while True:
            await phones.post("/customer/sms", json={"from": f"+2126{number:08}", "text": "bonjour"})
            await asyncio.sleep(PAUSE_SECONDS)

    tasks = [asyncio.create_task(write(number)) for number in range(WRITERS)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _look(database: Database) -> tuple[State, Progress]:
    async with database.reading() as session:
        campaign = await campaign_named(session, "reminder")
        return campaign.state, await progress(session, campaign.id)


async def _sent(database: Database, count: int) -> None:
    async with asyncio.timeout(SENDING_SECONDS):
        while (await _look(database))[1].sent < count:  # noqa: ASYNC110 - written by another process
            await asyncio.sleep(0.2)


async def _done(database: Database) -> Progress:
    async with asyncio.timeout(SENDING_SECONDS):
        while True:
            state, found = await _look(database)
            if state is State.DONE:
                return found
            await asyncio.sleep(0.5)


async def _reply_times(database: Database, begins: datetime, ends: datetime) -> list[float]:
    """Seconds from a message's arrival until the carrier took the reply, of those that arrived in between."""
    reply = aliased(Message)
    query = (
        select(Message.created_at, reply.settled_at)
        .join(reply, reply.answers_id == Message.id)
        .where(Message.direction == Direction.IN, Message.created_at.between(begins, ends))
    )
    async with database.reading() as session:
        return [(out - into).total_seconds() for into, out in await session.execute(query) if out is not None]


def _figures(seconds: list[float]) -> str:
    cuts = quantiles(seconds, n=20)
    return f"median {median(seconds) * 1000:.0f} ms, 95 % {cuts[-1] * 1000:.0f} ms ({len(seconds)})"
