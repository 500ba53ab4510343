"""What hangs on contracts: readings, bills, payments, requests, the prepaid ledger, cuts where they are.

Few statements whatever the number of contracts: it is loaded with every conversation that is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from store.bills import open_bills
from store.models import (
    Base,
    Bill,
    Billing,
    Contract,
    KnownOutage,
    LedgerEntry,
    Meter,
    Payment,
    Reading,
    RegisteredPhone,
    Request,
    RequestState,
    Round,
)
from store.requests import OPEN, PAYING

BILLS = 6
PAYMENTS = 5
ROUNDS = 2
READINGS = 30
"""Of each register, those that were replaced or refused too: a year and more of months, twice over."""
CLOSED_REQUESTS = 5
OPEN_REQUESTS = (*OPEN, *PAYING)
"""States of a request that somebody still has to do something about: the operator, or the customer by paying."""

Row = TypeVar("Row", bound=Base)


@dataclass(slots=True)
class ContractFile:
    """What hangs on a contract, loaded with its customer, meters and registers.

    `readings` are by register id, oldest first, whatever their state; `bills` and `payments` are the
    latest first, `unpaid` the first due first. `owed` is what is open on all its bills, in dirhams, less credits.
    """

    contract: Contract
    phones: list[str] = field(default_factory=list)
    readings: dict[int, list[Reading]] = field(default_factory=dict)
    bills: list[Bill] = field(default_factory=list)
    unpaid: list[Bill] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    outages: list[KnownOutage] = field(default_factory=list)

    @property
    def owed(self) -> Decimal:
        return sum((bill.total - bill.paid for bill in self.unpaid), Decimal(0))


async def contract_for_file(session: AsyncSession, number: str) -> Contract | None:
    """A contract, closed or not, with its customer, meters and registers."""
    query = (
        select(Contract)
        .where(Contract.number == number)
        .options(selectinload(Contract.customer), selectinload(Contract.meters).selectinload(Meter.registers))
    )
    return await session.scalar(query)


async def files_of(session: AsyncSession, contracts: Sequence[Contract], now: datetime) -> list[ContractFile]:
    """What hangs on contracts that are loaded with their customer, meters and registers."""
    files = {contract.id: ContractFile(contract) for contract in contracts}
    if not files:
        return []
    ids = list(files)
    for phone in await session.scalars(
        select(RegisteredPhone).where(RegisteredPhone.contract_id.in_(ids)).order_by(RegisteredPhone.number)
    ):
        files[phone.contract_id].phones.append(phone.number)
    await _add_readings(session, files)
    for bill in await _latest(session, Bill, Bill.contract_id, ids, (Bill.period_end, Bill.id), BILLS):
        files[bill.contract_id].bills.append(bill)
    for bill in await open_bills(session, ids):
        files[bill.contract_id].unpaid.append(bill)
    for payment in await _latest(session, Payment, Payment.contract_id, ids, (Payment.paid_at, Payment.id), PAYMENTS):
        files[payment.contract_id].payments.append(payment)
    await _add_prepaid(session, files, now)
    await _add_outages(session, files, now)
    return list(files.values())


async def requests_for_file(
    session: AsyncSession, contract_ids: Sequence[int], conversation_id: int | None = None
) -> list[Request]:
    """What was asked for on the contracts, or in the conversation on none: all that is open, then the last closed."""
    about: ColumnElement[bool] = Request.contract_id.in_(contract_ids)
    if conversation_id is not None:
        about = or_(about, (Request.conversation_id == conversation_id) & Request.contract_id.is_(None))
    closed = [state for state in RequestState if state not in OPEN_REQUESTS]
    latest = select(Request.id).where(about, Request.state.in_(closed)).order_by(Request.id.desc())
    query = (
        select(Request)
        .where(about, or_(Request.state.in_(OPEN_REQUESTS), Request.id.in_(latest.limit(CLOSED_REQUESTS))))
        .options(selectinload(Request.schedule), selectinload(Request.contract))
        .order_by(Request.id.desc())
    )
    found = list(await session.scalars(query))
    return sorted(found, key=lambda request: request.state not in OPEN_REQUESTS)


async def _add_readings(session: AsyncSession, files: dict[int, ContractFile]) -> None:
    owner = {
        register.id: contract_id
        for contract_id, each in files.items()
        for meter in each.contract.meters
        for register in meter.registers
    }
    for register_id, contract_id in owner.items():
        files[contract_id].readings[register_id] = []
    newest = await _latest(
        session, Reading, Reading.register_id, list(owner), (Reading.taken_on, Reading.id), READINGS
    )
    for reading in reversed(newest):
        files[owner[reading.register_id]].readings[reading.register_id].append(reading)


async def _add_prepaid(session: AsyncSession, files: dict[int, ContractFile], now: datetime) -> None:
    prepaid = [each for each in files.values() if each.contract.billing is Billing.PREPAID]
    if not prepaid:
        return
    ids = [each.contract.id for each in prepaid]
    lines = select(LedgerEntry).where(LedgerEntry.contract_id.in_(ids)).order_by(LedgerEntry.at, LedgerEntry.id)
    for line in await session.scalars(lines):
        files[line.contract_id].ledger.append(line)
    communes = {each.contract.commune for each in prepaid}
    coming = select(Round).where(Round.commune.in_(communes), Round.ends_at > now).order_by(Round.starts_at)
    rounds = list(await session.scalars(coming))
    for each in prepaid:
        each.rounds.extend([round_ for round_ in rounds if round_.commune == each.contract.commune][:ROUNDS])


async def _add_outages(session: AsyncSession, files: dict[int, ContractFile], now: datetime) -> None:
    communes = {each.contract.commune for each in files.values()}
    query = select(KnownOutage).where(
        KnownOutage.commune.in_(communes),
        KnownOutage.starts_at <= now,
        or_(KnownOutage.ended_at.is_(None), KnownOutage.ended_at > now),
    )
    cuts = list(await session.scalars(query.order_by(KnownOutage.starts_at.desc())))
    for each in files.values():
        place = (each.contract.commune, each.contract.utility)
        each.outages.extend(cut for cut in cuts if (cut.commune, cut.utility) == place)


async def _latest(
    session: AsyncSession,
    model: type[Row],
    owner: InstrumentedAttribute[int],
    owners: Sequence[int],
    order: Sequence[InstrumentedAttribute[Any]],
    most: int,
) -> list[Row]:
    """The last rows by `order` of each owner, at most `most` of each, the latest first."""
    identity = model.__table__.c.id
    newest_first = [column.desc() for column in order]
    place = func.row_number().over(partition_by=owner, order_by=newest_first).label("place")
    ranked = select(identity, place).where(owner.in_(owners)).subquery()
    query = select(model).join(ranked, ranked.c.id == identity).where(ranked.c.place <= most)
    return list(await session.scalars(query.order_by(*newest_first)))
