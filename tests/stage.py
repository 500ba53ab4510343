"""A conversation on a stage: messages in through the inbox, turns by the real assistant, replies as stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import select, update

from actions.operator import Operator, load_operator
from bot.channels.carrier import Channel, Inbound, Kind
from bot.inbox import Inbox
from bot.service import OPERATORS
from bot.turns.handled import Outcome
from bot.turns.turn import Turns
from store.database import Database
from store.desk_models import HandOver
from store.models import (
    Bill,
    Contract,
    Conversation,
    Customer,
    Direction,
    Message,
    MessageState,
    Meter,
    Reading,
    Register,
    RegisteredPhone,
)

KNOWN = "+212600000001"
STRANGER = "+212600000099"
LAST_INDEX = 48100


@dataclass
class Stage:
    """What a test plays with. Time stands still unless `later` moves it."""

    database: Database
    assistant: Any
    operator: Operator = field(default_factory=lambda: load_operator(OPERATORS, "onee"))
    now: datetime = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    is_first_contact: bool = False
    """Whether those who write have yet to be told who keeps what they write; else they were, long ago."""

    def __post_init__(self) -> None:
        self.woken: list[int] = []
        self.inbox = Inbox(self.database, self.woken.append, self.clock)
        self.turns = Turns(self.database, self.assistant, self.operator, self.clock)
        self._ids = count(1)

    def clock(self) -> datetime:
        return self.now

    @property
    def today(self) -> date:
        return self.now.date()

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    async def write(self, text: str, *, phone: str = KNOWN, channel: Channel = Channel.SMS, **extra: Any) -> str:
        """Send a message, let it be handled, return the whole reply (empty when there is none)."""
        await self.receive(text, phone=phone, channel=channel, **extra)
        conversation = await self.conversation(phone, channel)
        before = await self._last_id(conversation.id)
        while (await self.turns.handle_next(conversation.id)).outcome not in (Outcome.NOTHING, Outcome.LATER):
            pass
        async with self.database.writing() as session:
            query = select(Message).where(
                Message.conversation_id == conversation.id, Message.direction == Direction.OUT, Message.id > before
            )
            replies = list(await session.scalars(query.order_by(Message.id)))
            for reply in replies:
                reply.state = MessageState.SENT
        return "\n".join(reply.body for reply in replies)

    async def sent(self, conversation_id: int) -> None:
        """What was to be sent in a conversation has been."""
        async with self.database.writing() as session:
            statement = update(Message).where(
                Message.conversation_id == conversation_id, Message.direction == Direction.OUT
            )
            await session.execute(statement.values(state=MessageState.SENT))

    async def receive(self, text: str, *, phone: str = KNOWN, channel: Channel = Channel.SMS, **extra: Any) -> None:
        """Only store a message, as a webhook does."""
        extra.setdefault("carrier_id", f"SM{next(self._ids):08}")
        extra.setdefault("kind", Kind.TEXT)
        await self.inbox.accept([Inbound(channel, address=phone, text=text, **extra)])
        if not self.is_first_contact:
            async with self.database.writing() as session:
                unaware = update(Conversation).where(Conversation.informed_at.is_(None))
                await session.execute(unaware.values(informed_at=self.now))

    async def press(self, number: int, *, phone: str = KNOWN, channel: Channel = Channel.WHATSAPP) -> str:
        """Press the button `number` (from 1) of the last reply."""
        offered = (await self.conversation(phone, channel)).offered or {}
        token = f"{offered.get('message')}:{number - 1}"
        return await self.write("", phone=phone, channel=channel, kind=Kind.BUTTON, button=token)

    async def conversation(self, phone: str = KNOWN, channel: Channel = Channel.SMS) -> Conversation:
        async with self.database.reading() as session:
            query = select(Conversation).where(Conversation.address == phone, Conversation.channel == channel.value)
            return (await session.scalars(query)).one()

    async def hand_over(self, phone: str = KNOWN, channel: Channel = Channel.SMS) -> HandOver:
        """The conversation's last stay with people, over or not."""
        conversation = await self.conversation(phone, channel)
        async with self.database.reading() as session:
            query = select(HandOver).where(HandOver.conversation_id == conversation.id).order_by(HandOver.id.desc())
            found = await session.scalar(query.limit(1))
        assert found is not None, "never handed over"
        return found

    async def readings(self, source: str = "customer") -> list[Reading]:
        async with self.database.reading() as session:
            return list(await session.scalars(select(Reading).where(Reading.source == source).order_by(Reading.id)))

    async def messages(self, direction: Direction = Direction.IN) -> list[Message]:
        async with self.database.reading() as session:
            return list(
                await session.scalars(select(Message).where(Message.direction == direction).order_by(Message.id))
            )

    async def _last_id(self, conversation_id: int) -> int:
        async with self.database.reading() as session:
            query = select(Message.id).where(Message.conversation_id == conversation_id).order_by(Message.id.desc())
            return await session.scalar(query.limit(1)) or 0

    async def furnish(self) -> None:
        """One customer with an electricity contract: 13 readings, about 110 kWh a month, one bill of 120.35 DH."""
        await self.contract("10000001", "electricity", ("total",), phone=KNOWN)

    async def contract(
        self,
        number: str,
        utility: str,
        registers: tuple[str, ...],
        *,
        phone: str | None,
        billing: str = "postpaid",
        last: int = LAST_INDEX,
        monthly: int = 110,
    ) -> None:
        async with self.database.writing() as session:
            customer = Customer(name="Client Fictif")
            session.add(customer)
            await session.flush()
            contract = Contract(
                number=number,
                customer_id=customer.id,
                utility=utility,
                billing=billing,
                tariff="residential",
                address="1 rue Fictive",
                commune="Salé",
                route="A1",
                opened_on=date(2020, 1, 1),
            )
            session.add(contract)
            await session.flush()
            if phone:
                session.add(RegisteredPhone(contract_id=contract.id, number=phone))
            meter = Meter(
                contract_id=contract.id,
                number=f"M{number}",
                digits=5,
                multiplier=1,
                subscribed_watts=3300 if utility == "electricity" else None,
                installed_on=date(2020, 1, 1),
            )
            session.add(meter)
            await session.flush()
            for position, code in enumerate(registers):
                register = Register(meter_id=meter.id, code=code, unit="kWh" if utility == "electricity" else "m3")
                session.add(register)
                await session.flush()
                for month in range(13):
                    session.add(
                        Reading(
                            reference=f"R-{number}{position}{month:02}"[:16],
                            register_id=register.id,
                            value=last - 20_000 * position - monthly * month,
                            taken_on=self.today - timedelta(days=30 * (month + 1)),
                            received_at=self.now,
                            source="field",
                            state="accepted",
                        )
                    )
            session.add(
                Bill(
                    number=f"F{number}",
                    contract_id=contract.id,
                    period_start=self.today - timedelta(days=60),
                    period_end=self.today - timedelta(days=31),
                    issued_on=self.today - timedelta(days=25),
                    due_on=self.today - timedelta(days=5),
                    basis="read",
                    usage=monthly,
                    total=Decimal("120.35"),
                    paid=Decimal("0.00"),
                )
            )
