"""Customers who write a short script each, on three channels, while something breaks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from bot.tryit.customer import chat_id_for
from store.database import Database
from store.models import Contract, Customer, Meter, Reading, Register, RegisteredPhone

SCRIPT = ("bonjour", "48213", "comment lire mon compteur ?", "merci", "combien je dois ?")
"""The second is the index that is to be stored once."""
LAST_INDEX, MONTHLY = 48100, 110
CHANNELS = ("sms", "sms", "whatsapp", "telegram")
GOES_THROUGH = (200, 204)
SEND_SECONDS = 600.0


@dataclass(slots=True)
class Sent:
    """A message that the webhook took. `written_at` is when the customer sent it, on the clock of this machine."""

    text: str
    written_at: datetime


@dataclass(slots=True)
class Writer:
    """One customer, with one conversation."""

    number: int
    lines: Sequence[str]
    times: int = 1
    """How often the carrier posts each message."""
    sent: list[Sent] = field(default_factory=list)
    refused: int = 0
    """Messages whose webhook was never taken: the carrier knows, and so may the customer."""

    @property
    def channel(self) -> str:
        return CHANNELS[self.number % len(CHANNELS)]

    @property
    def phone(self) -> str:
        return f"+2126{self.number:08}"

    @property
    def address(self) -> str:
        return chat_id_for(self.phone) if self.channel == "telegram" else self.phone

    @property
    def has_contract(self) -> bool:
        """Known by the phone, so that the index is stored."""
        return self.channel != "telegram"

    async def write(self, client: httpx.AsyncClient, seconds: float) -> None:
        """Write everything, over about so many seconds; each once the webhook took the one before."""
        pause = seconds / len(self.lines)
        await asyncio.sleep(random.uniform(0, pause))
        for line in self.lines:
            message: dict[str, Any] = {"from": self.phone, "text": line, "times": self.times}
            sent = Sent(line, datetime.now(UTC))
            answer = await client.post(f"/customer/{self.channel}", json=message, timeout=SEND_SECONDS)
            answer.raise_for_status()
            if any(status in GOES_THROUGH for status in answer.json()["statuses"]):
                self.sent.append(sent)
            else:
                self.refused += 1
            await asyncio.sleep(random.uniform(0.2, 1.8) * pause)


def writers(messages: int, *, with_poison: int = 0, poison: str = "", times: int = 1) -> list[Writer]:
    """As many as write about so many messages; the first of them end with something that misbehaves."""
    found = []
    for number in range(max(messages // len(SCRIPT), 1)):
        lines = [*SCRIPT, poison] if number < with_poison else list(SCRIPT)
        found.append(Writer(number, lines, times))
    return found


async def furnish(database: Database, people: Sequence[Writer]) -> None:
    """A contract with a year of readings for each who has one."""
    today = datetime.now(UTC).date()
    async with database.writing() as session:
        for writer in people:
            if not writer.has_contract:
                continue
            customer = Customer(name=f"Client {writer.number}")
            session.add(customer)
            await session.flush()
            contract = _contract(writer.number, customer.id)
            session.add(contract)
            await session.flush()
            session.add(RegisteredPhone(contract_id=contract.id, number=writer.phone))
            meter = Meter(
                contract_id=contract.id,
                number=f"M{writer.number:07}",
                digits=5,
                multiplier=1,
                subscribed_watts=3300,
                installed_on=date(2020, 1, 1),
            )
            session.add(meter)
            await session.flush()
            register = Register(meter_id=meter.id, code="total", unit="kWh")
            session.add(register)
            await session.flush()
            session.add_all(_readings(writer.number, register.id, today))


def _contract(number: int, customer_id: int) -> Contract:
    return Contract(
        number=f"1{number:07}",
        customer_id=customer_id,
        utility="electricity",
        billing="postpaid",
        tariff="residential",
        address="1 rue des Pannes",
        commune="Salé",
        route="F1",
        opened_on=date(2020, 1, 1),
    )


def _readings(number: int, register_id: int, today: date) -> list[Reading]:
    return [
        Reading(
            reference=f"F-{number}-{month}",
            register_id=register_id,
            value=LAST_INDEX - MONTHLY * month,
            taken_on=today - timedelta(days=30 * (month + 1)),
            received_at=datetime.now(UTC),
            source="field",
            state="accepted",
        )
        for month in range(6)
    ]
