"""The account of kWh advanced to a prepaid contract: what was given, what recharges paid back.

The ledger only grows; what is still owed is the sum of its lines (`billing.kwh_advance`). Whoever adds to it holds
the contract's row, so that two recharges at the same moment do not both pay back the same kWh.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kwh_advance import AdvancePolicy, Entry, EntryKind, outstanding, recovered
from billing.quantity import Quantity
from store.models import Contract, Customer, LedgerEntry, LedgerKind, Request, RequestKind, RequestState
from store.notices import News, conversation_with, tell
from store.requests import RUNNING, change, open_requests
from store.supplies import hold
from store.types import CENTIMES

ADVANCED = "kwh"
"""What an advance's request asks for, in its details: kWh as text."""


class RechargeDiffers(ValueError):
    """A recharge was reported before under the same number with other kWh; the message is one line."""


class NotAnAdvance(ValueError):
    """A request that no kWh can be advanced for; the message is one line."""


async def ledger_of(session: AsyncSession, contract_id: int) -> list[LedgerEntry]:
    """The lines of a contract's ledger, the oldest first."""
    query = select(LedgerEntry).where(LedgerEntry.contract_id == contract_id)
    return list(await session.scalars(query.order_by(LedgerEntry.at, LedgerEntry.id)))


def entries(lines: Iterable[LedgerEntry]) -> list[Entry]:
    """The lines as the rules know them, without the recharges that paid nothing back."""
    return [Entry(line.at, EntryKind(line.kind), line.kwh, line.reference) for line in lines if line.kwh]


async def is_modest_income(session: AsyncSession, contract: Contract) -> bool:
    """Whether the holder of a contract is on the operator's list of modest incomes."""
    query = select(Customer.modest_income).where(Customer.id == contract.customer_id)
    return bool(await session.scalar(query))


async def grant_advance(session: AsyncSession, request: Request, now: datetime) -> LedgerEntry:
    """Enter the advance that a request was granted for. Doing it again changes nothing.

    Raises `NotAnAdvance`.
    """
    if request.kind is not RequestKind.KWH_ADVANCE or request.contract_id is None or ADVANCED not in request.details:
        raise NotAnAdvance(f"{request.reference} does not ask for kWh on a contract")
    await hold(session, request.contract_id)
    entry = await _line(session, request.contract_id, LedgerKind.ADVANCE, request.reference)
    if entry is None:
        entry = LedgerEntry(
            contract_id=request.contract_id,
            at=now,
            kind=LedgerKind.ADVANCE,
            kwh=Decimal(request.details[ADVANCED]),
            reference=request.reference,
        )
        session.add(entry)
        await session.flush()
    return entry


async def record_recharge(
    session: AsyncSession,
    contract: Contract,
    reference: str,
    bought_kwh: Decimal,
    at: datetime,
    *,
    policy: AdvancePolicy,
    actor: str,
    now: datetime,
) -> LedgerEntry:
    """Enter a recharge under the operator's number for it, with the kWh that it pays back by `policy`.

    The contract's people are told when it paid something back, and the advances it closes are kept. A recharge
    reported again changes nothing. Raises `RechargeDiffers`, and ValueError for negative kWh or more than two
    decimals.
    """
    if bought_kwh != bought_kwh.quantize(CENTIMES):
        raise ValueError(f"kWh have at most two decimals: {bought_kwh}")
    await hold(session, contract.id)
    known = await _line(session, contract.id, LedgerKind.RECOVERY, reference)
    if known is not None:
        if known.bought != bought_kwh:
            raise RechargeDiffers(f"recharge {reference} was reported with {known.bought} kWh, not {bought_kwh}")
        return known
    ledger = entries(await ledger_of(session, contract.id))
    # A recharge that is reported late cannot have paid for an advance that came after it.
    owed = min(outstanding(ledger), outstanding(entry for entry in ledger if entry.on <= at))
    paid_back = recovered(owed, bought_kwh, policy)
    entry = LedgerEntry(
        contract_id=contract.id,
        at=at,
        kind=LedgerKind.RECOVERY,
        kwh=-paid_back,
        bought=bought_kwh,
        reference=reference,
    )
    session.add(entry)
    await session.flush()
    if paid_back:
        left = outstanding(ledger) - paid_back
        await _move_requests(session, contract.id, left, actor, now)
        await _tell(session, contract, entry, left, now)
    return entry


async def _line(session: AsyncSession, contract_id: int, kind: LedgerKind, reference: str) -> LedgerEntry | None:
    return await session.scalar(
        select(LedgerEntry).where(
            LedgerEntry.contract_id == contract_id, LedgerEntry.kind == kind, LedgerEntry.reference == reference
        )
    )


async def _move_requests(session: AsyncSession, contract_id: int, left: Decimal, actor: str, now: datetime) -> None:
    """Granted advances are being paid back, and kept once nothing is owed."""
    for request in await open_requests(session, contract_id, RequestKind.KWH_ADVANCE, RUNNING):
        if left <= 0:
            await change(session, request, RequestState.KEPT, actor=actor, now=now, told=True)
        elif request.state is RequestState.GRANTED:
            await change(session, request, RequestState.BEING_PAID, actor=actor, now=now, told=True)


async def _tell(session: AsyncSession, contract: Contract, entry: LedgerEntry, left: Decimal, now: datetime) -> None:
    conversation = await conversation_with(session, contract.id, now)
    if conversation is None:
        return
    news = News(
        key=f"recharge:{contract.number}:{entry.reference}",
        response="utter_recharge_paid_back" if left > 0 else "utter_recharge_paid_all_back",
        params={
            "contract": contract.number,
            "bought": shown_kwh(entry.bought or Decimal(0)),
            "kwh": shown_kwh(-entry.kwh),
            "owed": shown_kwh(left),
        },
        not_before=now,
        contract_id=contract.id,
    )
    await tell(session, conversation.id, news, now)


def shown_kwh(kwh: Decimal) -> Quantity:
    """kWh as customers read them: 20, 12.5, 0.25."""
    whole = kwh.to_integral_value()
    return Quantity(whole if kwh == whole else kwh.normalize())
