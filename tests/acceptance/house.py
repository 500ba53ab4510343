"""The whole house on real sockets: our application, the carriers' emulators, and phones to write from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any

import httpx
from accounts import emulators_for, settings_for
from pydantic import SecretStr
from serving import address_of, listening, serving

from actions.opening_hours import OpeningHours
from actions.operator import Operator, load_operator
from billing.calendar import CASABLANCA
from bot.app import create_app
from bot.service import OPERATORS, Service
from bot.tryit import demo_customers, tryit_app
from bot.tryit.faults import AbortingProtocol
from store import demo, schema
from store.database import Database


@dataclass
class Phone:
    """One application on one phone."""

    client: httpx.AsyncClient
    channel: str
    number: str
    seen: int = 0

    async def does(self, **action: Any) -> list[int | None]:
        """Send what `action` says; the statuses that our webhook answered."""
        answer = await self.client.post(f"/customer/{self.channel}", json={"from": self.number, **action})
        answer.raise_for_status()
        return list(answer.json()["statuses"])

    async def says(self, text: str) -> str:
        """Send a text and wait for the reply."""
        assert await self.does(text=text) in ([200], [204])
        return await self.reply()

    async def taps(self, title: str) -> str:
        """Tap the newest button whose title starts with `title` and wait for the reply."""
        shown = [button for message in await self.screen() for button in message["buttons"]]
        button = next(each for each in reversed(shown) if each["title"].startswith(title))
        if button["kind"] == "share_phone":
            await self.does(contact=self.number)
        else:
            await self.does(button=button["token"])
        return await self.reply()

    async def reply(self, wait: float = 20) -> str:
        """The next message from the house that was not returned before; empty after `wait` seconds."""
        messages = await self.screen(after=self.seen, wait=wait)
        theirs = [message for message in messages if not message["mine"]]
        if not theirs:
            return ""
        self.seen = theirs[0]["number"]
        return str(theirs[0]["text"])

    async def screen(self, after: int = 0, wait: float = 0) -> list[dict[str, Any]]:
        address = self.number
        if self.channel == "telegram":
            from bot.tryit.customer import chat_id_for

            address = str(chat_id_for(self.number))
        answer = await self.client.get(
            f"/customer/{self.channel}/{address}/messages", params={"after": after, "wait": wait}, timeout=wait + 10
        )
        answer.raise_for_status()
        return list(answer.json()["messages"])


@dataclass
class House:
    """`base` is where our application listens, `carriers` where the emulators and the page do."""

    base: str
    carriers: str
    service: Service
    client: httpx.AsyncClient

    def phone(self, channel: str, number: str) -> Phone:
        return Phone(self.client, channel, number)

    async def fault(self, carrier: str, **order: Any) -> None:
        (await self.client.post("/faults", json={"carrier": carrier, **order})).raise_for_status()

    async def ledger(self) -> list[dict[str, Any]]:
        import json

        return [json.loads(line) for line in (await self.client.get("/ledger")).text.splitlines()]


def at_all_hours() -> Operator:
    """The operator without quiet hours and with a desk that never closes, for tests must run at night too."""
    operator = load_operator(OPERATORS, "onee")
    notices = operator.notices.model_copy(update={"begins": time.min, "ends": time.max, "pauses": ()})
    desk = operator.desk.model_copy(update={"hours": OpeningHours()})
    return operator.model_copy(update={"notices": notices, "desk": desk})


@asynccontextmanager
async def open_house(
    model: Path, database_url: str, assistant: Any = None, **configured: Any
) -> AsyncIterator[House]:
    """Everything, with the demo customers, on free ports of this machine. `configured` are further settings."""
    ours, theirs = listening(), listening()
    base, carriers = address_of(ours), address_of(theirs)
    secret = SecretStr("a secret of the acceptance tests of 40 letters")
    settings = settings_for(
        base, carriers, database_url=database_url, model_dir=model, secret_key=secret, **configured
    )
    config = emulators_for(base, carriers, receipt_pause=0.01)
    await furnish(database_url)
    service = Service.build(settings, assistant=assistant, operator=at_all_hours())
    async with (
        serving(tryit_app(config, demo_customers()), theirs, lifespan="on", http=AbortingProtocol),
        serving(create_app(service), ours, lifespan="on"),
        httpx.AsyncClient(base_url=carriers, timeout=30) as client,
    ):
        yield House(base, carriers, service, client)


async def furnish(database_url: str) -> None:
    """The demo customers in an empty database."""
    database = Database(database_url)
    await schema.upgrade(database)
    async with database.writing() as session:
        await demo.load(session, datetime.now(CASABLANCA).date())
    await database.close()
