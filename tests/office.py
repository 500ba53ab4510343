"""An operator's office with customers of its own, and what is written to them, for tests of campaigns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import yaml
from sqlalchemy import select

from actions.operator import Operator, load_operator
from bot.announcer import Announcer
from bot.campaigns import start
from bot.channels.carrier import Channel
from bot.engine.texts import Texts
from bot.service import LOCALES, OPERATORS
from bot.settings import PROJECT
from store.audience import ReadingReminder, Selection
from store.campaigns import State, campaign_named, create, move
from store.database import Database
from store.models import (
    Bill,
    Contract,
    Conversation,
    Customer,
    Direction,
    Message,
    Meter,
    Notice,
    NoticeState,
    Reading,
    Register,
    RegisteredPhone,
)
from store.notices import News, tell

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
WINDOW = ReadingReminder(routes=("A1",), opens_on=date(2026, 11, 20), closes_on=date(2026, 11, 27))
SID = "HX" + "a" * 32
NAME = "november"


@dataclass
class Office:
    """An operator with customers, and what is written to them."""

    database: Database
    now: datetime = MONDAY
    channels: frozenset[Channel] = frozenset({Channel.SMS, Channel.WHATSAPP})
    operator: Operator = field(default_factory=lambda: load_operator(OPERATORS, "onee"))
    texts: Texts = field(
        default_factory=lambda: Texts(
            yaml.safe_load((PROJECT / "domain.yml").read_text(encoding="utf-8"))["responses"], LOCALES
        )
    )
    woken: list[int] = field(default_factory=list)

    async def add(self, *rows: Any) -> None:
        async with self.database.writing() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def customer(self, number: int, phone: str | None = None, language: str = "fr", **more: Any) -> None:
        """A customer with a contract, a meter with one register, and a phone (by default one of their own)."""
        contract: dict[str, Any] = {"utility": "electricity", "billing": "postpaid", "route": "A1"}
        await self.add(
            Customer(id=number, name="Client Fictif", language=language),
            Contract(
                id=number,
                number=f"{10_000_000 + number}",
                customer_id=number,
                tariff="residential",
                address="1 rue Fictive",
                commune="Salé",
                opened_on=date(2020, 1, 1),
                **(contract | more),
            ),
            Meter(id=number, contract_id=number, number=f"M{number}", digits=5, installed_on=date(2020, 1, 1)),
            Register(id=number, meter_id=number, code="total", unit="kWh"),
            RegisteredPhone(contract_id=number, number=phone or f"+2126{number:08}"),
        )

    async def talk(self, number: int, channel: str = "sms", hours: float = 100, **more: Any) -> None:
        await self.add(
            Conversation(
                channel=channel,
                address=f"+2126{number:08}",
                created_at=self.now,
                last_inbound_at=self.now - timedelta(hours=hours),
                **more,
            )
        )

    async def read(self, number: int, source: str = "customer") -> None:
        await self.add(
            Reading(
                reference=f"R-{number}",
                register_id=number,
                value=48213,
                taken_on=MONDAY.date(),
                received_at=self.now,
                source=source,
                state="accepted",
            )
        )

    async def bill(self, number: int, due_on: date, paid: str = "0.00") -> None:
        day = date(2026, 10, 1)
        await self.add(
            Bill(
                id=number, number=f"B{number}", contract_id=number, period_start=day, period_end=day, issued_on=day,
                due_on=due_on, basis="read", usage=100, total=Decimal("320.00"), paid=Decimal(paid),
            )
        )  # fmt: skip

    async def run(self, selection: Selection = WINDOW) -> None:
        await self.draft(selection)
        await start(self.database, NAME, "amina", self.now)
        await self.look()

    async def draft(self, selection: Selection = WINDOW) -> None:
        async with self.database.writing() as session:
            await create(session, NAME, selection, "amina", self.now)

    async def look(self, ahead: int = 200) -> None:
        await Announcer(
            self.database, self.texts, self.operator, self.channels, self.woken.append, lambda: self.now, ahead=ahead
        ).look()

    async def move(self, verb: str) -> int:
        async with self.database.writing() as session:
            return await move(session, NAME, verb, "amina", self.now)

    async def written(self) -> list[Message]:
        async with self.database.reading() as session:
            out = select(Message).where(Message.direction == Direction.OUT).order_by(Message.id)
            return list(await session.scalars(out))

    async def skipped(self) -> list[str | None]:
        async with self.database.reading() as session:
            query = select(Notice.skipped).where(Notice.state == NoticeState.SKIPPED)
            return list(await session.scalars(query))

    async def state(self) -> State:
        async with self.database.reading() as session:
            return (await campaign_named(session, NAME)).state

    async def decision(self, number: int, **more: Any) -> None:
        """News for the SMS conversation of a customer."""
        async with self.database.writing() as session:
            query = select(Conversation).where(Conversation.address == f"+2126{number:08}")
            talk = (await session.scalars(query.limit(1))).one()
            params = {"contract": "10000001", "day": date(2026, 11, 27)}
            news = News(f"news:{number}", "utter_campaign_reading", params, self.now, **more)
            await tell(session, talk.id, news, self.now)
