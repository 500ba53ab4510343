"""Payments that the operator's system reports: the bills, the schedule and the customer know at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from store.bills import open_bills
from store.models import Audit, Bill, Contract, Payment, Request, RequestKind, RequestState
from store.notices import News, conversation_with, tell
from store.requests import OPEN, RUNNING, change, open_requests
from store.supplies import hold

PAYABLE = (*RUNNING, RequestState.BROKEN)
"""States of a schedule that a payment still counts for."""


class PaymentDiffers(ValueError):
    """A payment was reported before under the same reference otherwise; the message is one line."""


@dataclass(frozen=True, slots=True)
class Report:
    """A payment as the operator tells of it: `reference` is theirs, unique; `amount` dirhams above zero."""

    reference: str
    amount: Decimal
    paid_at: datetime
    method: str | None = None


async def record_payment(
    session: AsyncSession, contract: Contract, report: Report, actor: str, now: datetime
) -> Payment | None:
    """Settle the contract's bills, the first due first, and the payments of its schedule. None for a known report.

    The customer is told once, with what is left; a request that the payment completes or makes needless changes its
    state in the same breath. Raises `PaymentDiffers`.
    """
    # Held, so that two payments at the same moment do not settle the same bill twice.
    await hold(session, contract.id)
    known = await session.scalar(select(Payment).where(Payment.reference == report.reference))
    if known is not None:
        if (known.contract_id, known.amount) != (contract.id, report.amount):
            raise PaymentDiffers(f"payment {report.reference} was reported before, on another contract or amount")
        return None
    bills = [bill for bill in await open_bills(session, [contract.id]) if bill.total > bill.paid]
    unused = _settle(bills, report.amount)
    payment = Payment(
        reference=report.reference,
        contract_id=contract.id,
        amount=report.amount,
        unused=unused,
        paid_at=report.paid_at,
        method=report.method,
        reported_at=now,
    )
    session.add(payment)
    session.add(
        Audit(
            at=now,
            actor=actor,
            action="payment.recorded",
            subject=f"contract:{contract.number}",
            details={"reference": report.reference, "amount": str(report.amount), "unused": str(unused)},
        )
    )
    await session.flush()
    left = sum((bill.total - bill.paid for bill in bills), Decimal(0))
    request = await _scheduled(session, contract.id)
    response, params = "utter_payment_received", {"amount": report.amount, "contract": contract.number, "left": left}
    if request is not None:
        response, more = await _counted(session, request, report.amount, left, actor, now)
        params |= more
    elif left == 0:
        response = "utter_payment_received_all"
    await _tell(session, contract, f"payment:{report.reference}", response, params, now)
    return payment


def _settle(bills: Sequence[Bill], amount: Decimal) -> Decimal:
    """Spread an amount over bills in their order; what is left of it."""
    for bill in bills:
        part = min(amount, bill.total - bill.paid)
        bill.paid += part
        amount -= part
    return amount


async def _scheduled(session: AsyncSession, contract_id: int) -> Request | None:
    """The request for time to pay that a payment on the contract counts for, the latest one."""
    for states in (PAYABLE, OPEN):
        found = [
            *await open_requests(session, contract_id, RequestKind.DEFERRAL, states),
            *await open_requests(session, contract_id, RequestKind.INSTALMENTS, states),
        ]
        if found:
            return max(found, key=lambda request: request.id)
    return None


async def _counted(
    session: AsyncSession, request: Request, amount: Decimal, left: Decimal, actor: str, now: datetime
) -> tuple[str, dict[str, Any]]:
    """Count a payment for a request; what the customer is told of it."""
    params: dict[str, Any] = {"reference": request.reference}
    if request.state in OPEN:
        if left > 0:
            return "utter_payment_received", {}
        await change(session, request, RequestState.WITHDRAWN, actor=actor, now=now, reason="all was paid", told=True)
        return "utter_payment_received_needless", params
    for instalment in request.schedule:
        part = min(amount, instalment.amount - instalment.paid)
        instalment.paid += part
        amount -= part
    following = next((each for each in request.schedule if each.paid < each.amount), None)
    if following is None:
        await change(session, request, RequestState.KEPT, actor=actor, now=now, told=True)
        return "utter_payment_received_kept", params
    if request.state is not RequestState.BEING_PAID:
        await change(session, request, RequestState.BEING_PAID, actor=actor, now=now, told=True)
    params |= {"next": following.amount - following.paid, "due_on": following.due_on}
    return "utter_payment_received_next", params


async def _tell(
    session: AsyncSession, contract: Contract, key: str, response: str, params: dict[str, Any], now: datetime
) -> None:
    conversation = await conversation_with(session, contract.id, now)
    if conversation is not None:
        await tell(session, conversation.id, News(key, response, params, now, contract_id=contract.id), now)
