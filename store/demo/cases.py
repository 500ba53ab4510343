"""What the demo's customers ask for and people decide: some decided in the past month, some waiting; and readings
that somebody should look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import local_day
from billing.findings import Code
from billing.reference import Kind, new_reference
from billing.working_days import WorkingDays
from store.models import (
    Bill,
    Billing,
    Contract,
    Meter,
    Reading,
    ReadingSource,
    ReadingState,
    Register,
    RegisterCode,
    RequestBill,
    RequestKind,
    RequestState,
    Utility,
)
from store.readings import record, standing_readings
from store.requests import Filing, Payable, change, file, propose

WORKING = WorkingDays()
DECISION_DAYS = 3
"""Working days after which each is decided, as customers are told."""
NOT_THE_DEMOS_OWN = "10000100"
"""Contracts from this number on are the crowd's: those of the documentation stay as it says."""
FIRST_PART = Decimal("0.4")
"""Of the debt, in the demo's requests for instalments of two."""


@dataclass(frozen=True, slots=True)
class Case:
    """A request made `days_ago`. `state` is how it stands; `reason` what the customer read of the decision."""

    kind: RequestKind
    days_ago: int
    state: RequestState = RequestState.RECEIVED
    details: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None


TIME_TO_PAY = (
    Case(RequestKind.DEFERRAL, 24, RequestState.GRANTED, {"reason": "Salaire en retard ce mois-ci"}),
    Case(RequestKind.INSTALMENTS, 10, RequestState.GRANTED),
    Case(RequestKind.DEFERRAL, 12, RequestState.REFUSED, {}, "Un délai est déjà en cours sur un autre contrat."),
    Case(RequestKind.DEFERRAL, 6, RequestState.RECEIVED, {"reason": "Rentrée scolaire, je paie à la fin du mois"}),
    Case(RequestKind.INSTALMENTS, 3, RequestState.UNDER_REVIEW, {"reason": "Deux factures le même mois"}),
    Case(RequestKind.DEFERRAL, 1, RequestState.RECEIVED, {"reason": "تأخرت الأجرة هذا الشهر"}),
    Case(RequestKind.INSTALMENTS, 0, RequestState.RECEIVED),
)
"""On contracts with bills to pay."""
PREPAID = (
    Case(RequestKind.RECHARGE_VISIT, 9, RequestState.GRANTED),
    Case(RequestKind.KWH_ADVANCE, 1, RequestState.RECEIVED, {"kwh": "20"}),
    Case(RequestKind.RECHARGE_VISIT, 0, RequestState.RECEIVED),
)
OTHERS = (
    Case(RequestKind.COMPLAINT, 16, RequestState.GRANTED, {"category": "service", "words": ["Trop d'attente"]}),
    Case(RequestKind.COMPLAINT, 8, details={"category": "meter", "words": ["Le compteur fait du bruit"]}),
    Case(RequestKind.COMPLAINT, 2, details={"category": "quality", "words": ["الماء عكر منذ يومين"]}),
)
SUBSCRIPTIONS = (
    Case(
        RequestKind.SUBSCRIPTION,
        1,
        details={
            "utilities": ["electricity", "water"],
            "connection": "new",
            "premises": "home",
            "commune": "Midelt",
            "place": "derb Mital, à côté de l'école",
            "name": "Hanane El Mqas",
            "phone": "+212600000088",
            "documents": ["identity", "occupancy", "permit"],
            "words": ["Je voudrais un compteur pour une maison neuve"],
        },
    ),
)
"""From somebody who has no contract yet."""

DOUBTFUL = ((Code.HIGH, 2.9), (Code.LOW, 0.1), (Code.HIGH, 4.2), (Code.ZERO_USAGE, 0.0))
"""Readings insisted on against a check: what it found, and the use since the last one, the usual being 1."""
LEAST_READ = 6
"""Readings that tell what is usual on a dial."""


async def load_requests(session: AsyncSession, now: datetime, deciders: Sequence[str]) -> None:
    """File the cases, in the order they came in. `deciders` are the actors who decide in turn."""
    owing = await _contracts_owing(session)
    prepaid = await _contracts(session, Billing.PREPAID)
    usual = await _contracts(session, Billing.POSTPAID)
    plan: list[tuple[Case, Contract | None, list[Bill]]] = []
    plan += [(case, *found) for case, found in zip(TIME_TO_PAY, owing, strict=False)]
    plan += [(case, contract, []) for case, contract in zip(PREPAID, prepaid, strict=False)]
    plan += [(case, contract, []) for case, contract in zip(OTHERS, usual, strict=False)]
    plan += [(case, None, []) for case in SUBSCRIPTIONS]
    plan.sort(key=lambda entry: -entry[0].days_ago)
    rng = Random("cases")
    for number, (case, contract, bills) in enumerate(plan):
        await _file(session, now, case, contract, bills, deciders[number % len(deciders)], rng)


async def _file(
    session: AsyncSession,
    now: datetime,
    case: Case,
    contract: Contract | None,
    bills: list[Bill],
    decider: str,
    rng: Random,
) -> None:
    asked_at = now - timedelta(days=case.days_ago, minutes=rng.randrange(30, 300))
    filing = Filing(
        kind=case.kind,
        actor="demo",
        now=asked_at,
        contract_id=None if contract is None else contract.id,
        details=case.details,
        due_on=WORKING.after(local_day(asked_at), DECISION_DAYS),
    )
    request = await file(session, filing, rng)
    request.bills = [RequestBill(bill_id=bill.id, amount=bill.total - bill.paid) for bill in bills]
    debt = sum((each.amount for each in request.bills), Decimal(0))
    if debt:
        propose(request, list(_payments(case.kind, debt, local_day(asked_at))))
    await session.flush()
    if case.state is not RequestState.RECEIVED:
        decided_at = min(asked_at + timedelta(hours=rng.randrange(3, 50)), now)
        await change(session, request, case.state, actor=decider, now=decided_at, reason=case.reason, told=True)


def _payments(kind: RequestKind, debt: Decimal, asked_on: date) -> Iterator[Payable]:
    first = WORKING.on_or_before(asked_on + timedelta(days=14))
    if kind is RequestKind.INSTALMENTS:
        part = (debt * FIRST_PART).quantize(Decimal(1))
        yield first, part
        yield WORKING.on_or_after(first + timedelta(days=30)), debt - part
    else:
        yield WORKING.on_or_before(asked_on + timedelta(days=28)), debt


async def load_readings_to_review(session: AsyncSession, now: datetime) -> None:
    """Put a doubtful reading on some of the crowd's meters, sent today or in the days before."""
    rng = Random("doubtful")
    found = await _steadily_read(session, len(DOUBTFUL))
    for days_ago, (readings, (code, months)) in enumerate(zip(found, DOUBTFUL, strict=True)):
        taken_on = local_day(now) - timedelta(days=days_ago)
        reading = Reading(
            reference=new_reference(Kind.READING, rng),
            register_id=readings[-1].register_id,
            value=_value(readings, taken_on, months),
            taken_on=taken_on,
            received_at=now - timedelta(days=days_ago, minutes=rng.randrange(10, 200)),
            source=ReadingSource.CUSTOMER,
            channel=rng.choice(("sms", "whatsapp")),
            state=ReadingState.TO_REVIEW,
            findings=[code.value],
        )
        await record(session, reading, None, "demo")


async def _steadily_read(session: AsyncSession, number: int) -> list[list[Reading]]:
    """The readings of some of the crowd's dials that only ever rose, oldest first.

    From the last contracts on: no request of the demo is about those.
    """
    found: list[list[Reading]] = []
    for contract in reversed(await _contracts(session, Billing.POSTPAID)):
        register = await _register(session, contract)
        readings = (await standing_readings(session, [register.id]))[register.id]
        rises = all(before.value < after.value for before, after in pairwise(readings))
        if rises and len(readings) > LEAST_READ:
            found.append(readings)
        if len(found) == number:
            break
    return found


def _value(readings: Sequence[Reading], taken_on: date, months: float) -> int:
    """The index on a day when `months` times the usual has been used since the last reading."""
    first, last = readings[0], readings[-1]
    a_day = (last.value - first.value) / (last.taken_on - first.taken_on).days
    return last.value + round(a_day * max(1, (taken_on - last.taken_on).days) * months)


async def _contracts(session: AsyncSession, billing: Billing) -> list[Contract]:
    """The crowd's electricity contracts."""
    query = select(Contract).where(
        Contract.billing == billing,
        Contract.utility == Utility.ELECTRICITY,
        Contract.number >= NOT_THE_DEMOS_OWN,
    )
    return list(await session.scalars(query.order_by(Contract.number)))


async def _contracts_owing(session: AsyncSession) -> list[tuple[Contract, list[Bill]]]:
    """The crowd's electricity contracts with something to pay, and their open bills."""
    query = (
        select(Contract, Bill)
        .join(Bill, Bill.contract_id == Contract.id)
        .where(
            Contract.utility == Utility.ELECTRICITY,
            Contract.number >= NOT_THE_DEMOS_OWN,
            Bill.total - Bill.paid > Decimal(100),
        )
        .order_by(Contract.number, Bill.id)
    )
    found: dict[int, tuple[Contract, list[Bill]]] = {}
    for contract, bill in await session.execute(query):
        found.setdefault(contract.id, (contract, []))[1].append(bill)
    return list(found.values())


async def _register(session: AsyncSession, contract: Contract) -> Register:
    """The dial of a contract's meter in place; of a two-period meter that of the peak hours."""
    query = (
        select(Register)
        .join(Meter, Meter.id == Register.meter_id)
        .where(
            Meter.contract_id == contract.id,
            Meter.removed_on.is_(None),
            Register.code.in_((RegisterCode.TOTAL, RegisterCode.PEAK)),
        )
        .order_by(Register.id)
        .limit(1)
    )
    return (await session.scalars(query)).one()
