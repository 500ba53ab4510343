"""Puts the fictitious customers into an empty database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import CASABLANCA
from billing.reference import Kind, new_reference
from billing.registers import IndexPoint
from billing.repairs import swaps
from store.bills import use_as_json
from store.demo import advance, communes
from store.demo.cast import crowd, fixed_households
from store.demo.history import BillDraft, History, history
from store.demo.households import Household, Supply
from store.models import (
    Audit,
    Base,
    Bill,
    Contract,
    Customer,
    KnownOutage,
    LedgerEntry,
    Meter,
    Place,
    Reading,
    ReadingSource,
    ReadingState,
    Register,
    RegisteredPhone,
    Request,
    Round,
)

LOADED = "demo.loaded"
"""The audit entry that tells a demo database from a real one."""
CHANNELS = ("sms", "whatsapp", "telegram")
ORDER = (
    *(Customer, Contract, RegisteredPhone, Meter, Register, Reading, Bill),
    *(Request, LedgerEntry, Place, Round, KnownOutage),
)
"""Tables in which each row refers only to rows of those before."""


class DemoRefused(RuntimeError):
    """The demo customers are not loaded, and nothing has changed."""


class AlreadyLoaded(DemoRefused):
    """They are there already."""


class NotEmpty(DemoRefused):
    """The database holds other customers: fictitious ones do not go among them."""


@dataclass(frozen=True, slots=True)
class Summary:
    """How many rows of each were loaded."""

    customers: int
    contracts: int
    meters: int
    readings: int
    bills: int


async def load(session: AsyncSession, today: date) -> Summary:
    """Load the demo customers with two years of history up to `today`, in the session's transaction.

    The same `today` gives the same rows, ids and references included. Raises `DemoRefused` unless the database
    has no customer.
    """
    await _require_empty(session)
    rows = _Rows(today)
    for household in (*fixed_households(), *crowd()):
        rows.add(household)
    rows.add_services()
    for model in ORDER:
        await session.execute(insert(model), rows.of[model])
    await _move_sequences(session)
    summary = Summary(*(len(rows.of[model]) for model in (Customer, Contract, Meter, Reading, Bill)))
    at = datetime.combine(today, time(0), CASABLANCA)
    session.add(Audit(at=at, actor="demo", action=LOADED, subject="database", details={"today": str(today)}))
    await session.flush()
    return summary


async def _require_empty(session: AsyncSession) -> None:
    if await session.scalar(select(func.count()).where(Audit.action == LOADED)):
        raise AlreadyLoaded("the demo customers are already loaded")
    if held := await session.scalar(select(func.count()).select_from(Customer)):
        raise NotEmpty(f"the database already has customers ({held}); the demo ones only go into an empty one")


async def _move_sequences(session: AsyncSession) -> None:
    """PostgreSQL counts ids in sequences, which know nothing of ids that were given."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for model in ORDER:
        if "id" in model.__table__.columns:
            table = model.__tablename__
            await session.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
            )


class _Rows:
    """The rows of every table, ready for bulk inserts, with ids counted from 1."""

    def __init__(self, today: date) -> None:
        self.of: dict[type[Base], list[dict[str, Any]]] = {model: [] for model in ORDER}
        self._today = today
        self._ids: dict[type[Base], Iterator[int]] = {model: count(1) for model in ORDER}
        self._references = _references()

    def add(self, household: Household) -> None:
        customer_id = self._new(
            Customer,
            name=household.name,
            language=household.language,
            modest_income=household.modest_income,
        )
        for supply in household.supplies:
            self._add_supply(household, supply, customer_id)

    def add_services(self) -> None:
        """What the communes have, and the advance that one customer is paying back."""
        for place in communes.places():
            self._new(Place, **place)
        for each in communes.rounds(self._today):
            self._new(Round, **each)
        for outage in communes.outages(self._today):
            self._new(KnownOutage, **outage)
        [contract_id] = [row["id"] for row in self.of[Contract] if row["number"] == advance.CONTRACT]
        self._new(Request, contract_id=contract_id, **advance.request(self._today))
        for entry in advance.ledger(self._today):
            self._new(LedgerEntry, contract_id=contract_id, **entry)

    def _add_supply(self, household: Household, supply: Supply, customer_id: int) -> None:
        rng = Random(f"supply {supply.contract}")
        story = history(supply, self._today, rng)
        contract_id = self._new(
            Contract,
            number=supply.contract,
            customer_id=customer_id,
            utility=supply.utility,
            billing=supply.billing,
            tariff=supply.tariff,
            address=household.address,
            commune=household.commune,
            route=f"{household.commune[:3].upper()}-{supply.unit}-{supply.cycle}M",
            opened_on=story.opened_on,
            closed_on=None,
        )
        self.of[RegisteredPhone].append({"contract_id": contract_id, "number": household.phone})
        self._add_meters(supply, story, contract_id, rng)
        self._add_bills(supply, story.bills, contract_id)

    def _add_meters(self, supply: Supply, story: History, contract_id: int, rng: Random) -> None:
        for position, track in enumerate(story.tracks):
            meter_id = self._new(
                Meter,
                contract_id=contract_id,
                number=f"{4 + position}{supply.contract}",
                digits=supply.digits,
                multiplier=1,
                subscribed_watts=supply.watts,
                installed_on=track.installed_on,
                removed_on=track.removed_on,
            )
            for code, points in track.points.items():
                register_id = self._new(Register, meter_id=meter_id, code=code, unit=supply.unit)
                for point in points:
                    self._add_reading(register_id, point, _origin(supply, point, rng))
                if supply.slip:
                    self._turn_into_correction(self.of[Reading][-1], supply.digits)

    def _add_reading(self, register_id: int, point: IndexPoint, origin: _Origin) -> None:
        self._new(
            Reading,
            reference=next(self._references),
            register_id=register_id,
            value=point.value,
            taken_on=point.taken_on,
            received_at=datetime.combine(point.taken_on, origin.at, CASABLANCA),
            source=origin.source,
            channel=origin.channel,
            state=ReadingState.ACCEPTED,
            findings=[],
            message_id=None,
            replaced_by_id=None,
        )

    def _turn_into_correction(self, right: dict[str, Any], digits: int) -> None:
        """Make `right` the customer's second try, after one with two digits swapped."""
        right |= {"source": ReadingSource.CUSTOMER, "channel": "sms"}
        wrong = right | {
            "reference": next(self._references),
            "value": next(swaps(right["value"], digits)),
            "received_at": right["received_at"] - timedelta(minutes=3),
            "state": ReadingState.REPLACED,
            "replaced_by_id": right["id"],
        }
        del wrong["id"]
        self._new(Reading, **wrong)

    def _add_bills(self, supply: Supply, bills: list[BillDraft], contract_id: int) -> None:
        for number, bill in enumerate(bills, start=1):
            owed = number > len(bills) - supply.unpaid and bill.bill.total > 0
            self._new(
                Bill,
                number=f"{supply.contract}-{number:03d}",
                contract_id=contract_id,
                period_start=bill.start,
                period_end=bill.end,
                issued_on=bill.issued_on,
                due_on=bill.due_on,
                basis=bill.basis,
                usage=bill.usage,
                tariff=supply.tariff,
                billed_from=bill.bill.period.start,
                uses=[use_as_json(use) for use in bill.bill.uses],
                advances=bill.advances,
                arrears=Decimal(0),
                credit=bill.credit,
                total=bill.bill.total,
                paid=Decimal(0) if owed else bill.bill.total,
            )

    def _new(self, model: type[Base], **values: Any) -> int:
        """Append a row and return its id."""
        row_id = next(self._ids[model])
        self.of[model].append({"id": row_id, **values})
        return row_id


@dataclass(frozen=True, slots=True)
class _Origin:
    """Who a reading came from, by what channel, at what time of its day."""

    source: ReadingSource
    at: time
    channel: str | None = None


def _origin(supply: Supply, point: IndexPoint, rng: Random) -> _Origin:
    if not point.real:
        return _Origin(ReadingSource.ESTIMATE, time(2))
    if supply.self_read and rng.random() < 0.4:
        at = time(rng.randrange(18, 22), rng.randrange(60))
        return _Origin(ReadingSource.CUSTOMER, at, rng.choice(CHANNELS))
    return _Origin(ReadingSource.FIELD, time(rng.randrange(9, 17), rng.randrange(60)))


def _references() -> Iterator[str]:
    """Reading references, each a different one."""
    rng = Random("references")
    given: set[str] = set()
    while True:
        reference = new_reference(Kind.READING, rng)
        if reference not in given:
            given.add(reference)
            yield reference
