"""What a person decides on a request, and what follows from it once: payments that bind, kWh advanced, data erased.

The request must be held (`store.requests.request_by_reference(…, hold=True)`), so that two people do not decide it
at the same moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import local_day
from billing.schedule import Instalment, Schedule
from billing.schedule_policy import DeferralPolicy, InstalmentPolicy
from billing.schedule_review import Fault, Flaw, flaws
from billing.working_days import WorkingDays
from store.models import Audit, Bill, Request, RequestKind, RequestState
from store.personal_data import erase
from store.prepaid import grant_advance
from store.requests import OPEN, SCHEDULED, NotAllowed, Payable, change, reschedule

MOST_REASON = 300
"""Characters of a reason, as the table keeps it."""


class BadDecision(ValueError):
    """A decision that cannot be taken as it is; the message is one line saying what to put right."""


class BadSchedule(BadDecision):
    """Payments that cannot be granted: `flaws` is what stands against them, `debt` what is owed now, in dirhams."""

    def __init__(self, message: str, flaws: Sequence[Flaw], debt: Decimal) -> None:
        super().__init__(message)
        self.flaws = flaws
        self.debt = debt


@dataclass(frozen=True, slots=True)
class Terms:
    """What an operator allows for time to pay: the bounds of a schedule, and its working days."""

    deferral: DeferralPolicy
    instalments: InstalmentPolicy
    working: WorkingDays

    def policy(self, request: Request) -> DeferralPolicy | InstalmentPolicy:
        """The bounds of a request for time to pay."""
        return self.deferral if request.kind is RequestKind.DEFERRAL else self.instalments


async def review(session: AsyncSession, request: Request, actor: str, now: datetime) -> None:
    """Say that a person is looking at a request. Raises `NotAllowed`."""
    await change(session, request, RequestState.UNDER_REVIEW, actor=actor, now=now)


async def grant(
    session: AsyncSession,
    request: Request,
    actor: str,
    now: datetime,
    *,
    terms: Terms,
    reason: str | None = None,
    schedule: Sequence[Payable] | None = None,
    beyond_policy: bool = False,
    why_beyond: str | None = None,
) -> None:
    """Grant a request, or say that it is dealt with; `reason` is what the customer reads of it.

    Payments must still be possible today: what the customer proposed may have passed, or been paid in part. Another
    `schedule` takes its place and keeps to the policy, unless the person answers for going `beyond_policy`;
    `why_beyond` is for the audit alone. Raises `BadDecision`, `NotAllowed`, and `store.prepaid.NotAnAdvance`.
    """
    reason = _reason(reason)
    if request.state not in OPEN:
        raise NotAllowed(f"{request.reference} is {request.state}: it is no longer to be decided")
    if request.kind in SCHEDULED:
        passed_over = await _schedule(session, request, actor, now, terms, schedule, beyond_policy)
        if passed_over and schedule is not None:
            _note_beyond(session, request, actor, now, passed_over, _reason(why_beyond))
    elif schedule is not None:
        raise BadDecision(f"{request.reference} is {request.kind}: it has no payments")
    await change(session, request, RequestState.GRANTED, actor=actor, now=now, reason=reason)
    if request.kind is RequestKind.KWH_ADVANCE:
        await grant_advance(session, request, now)
    if request.kind is RequestKind.ERASURE and request.conversation_id is not None:
        await erase(session, request.conversation_id, actor, now)


async def refuse(session: AsyncSession, request: Request, actor: str, now: datetime, reason: str) -> None:
    """Refuse a request, with a reason that its customer reads. Raises `BadDecision` and `NotAllowed`."""
    said = _reason(reason)
    if said is None:
        raise BadDecision("refusing needs a reason: the customer reads it")
    await change(session, request, RequestState.REFUSED, actor=actor, now=now, reason=said)


def _reason(reason: str | None) -> str | None:
    said = " ".join((reason or "").split())
    if len(said) > MOST_REASON:
        raise BadDecision(f"a reason is {MOST_REASON} characters at most, this one has {len(said)}")
    return said or None


async def _schedule(
    session: AsyncSession,
    request: Request,
    actor: str,
    now: datetime,
    terms: Terms,
    wanted: Sequence[Payable] | None,
    beyond_policy: bool,
) -> list[Flaw]:
    """Check the payments, and put those `wanted` in the place of the proposed ones.

    Returns where they go beyond the policy. Raises `BadSchedule` and `NotAllowed`.
    """
    payments = wanted or [(each.due_on, each.amount) for each in request.schedule]
    debt, found = await examined(session, request, payments, now, terms)
    # The policy bounds what a customer may ask, and was checked when they asked.
    lenient = beyond_policy or wanted is None
    if standing := [flaw for flaw in found if not (lenient and flaw.beyond_policy)]:
        said = "; ".join(_words(flaw, debt) for flaw in standing)
        raise BadSchedule(f"{request.reference}: {said}", standing, debt)
    if wanted is not None:
        await reschedule(session, request, payments, actor, now)
    return found


async def examined(
    session: AsyncSession, request: Request, payments: Sequence[Payable], now: datetime, terms: Terms
) -> tuple[Decimal, list[Flaw]]:
    """What is owed now on a request's bills, in dirhams, and what is wrong with `payments` for it."""
    bills = await _bills(session, request)
    debt = sum((bill.total - bill.paid for bill in bills), Decimal(0))
    schedule: Schedule = tuple(Instalment(due_on, amount) for due_on, amount in payments)
    first_due = min((bill.due_on for bill in bills if bill.total > bill.paid), default=None)
    policy = terms.policy(request)
    return debt, flaws(schedule, debt, local_day(now), policy, terms.working, due_on=first_due)


def _note_beyond(
    session: AsyncSession, request: Request, actor: str, now: datetime, passed_over: Sequence[Flaw], why: str | None
) -> None:
    """Note that somebody gave more than the policy allows, in what, and why."""
    details = {"flaws": [flaw.fault.value for flaw in passed_over]} | ({"why": why} if why else {})
    subject = f"request:{request.reference}"
    session.add(Audit(at=now, actor=actor, action="request.beyond_policy", subject=subject, details=details))


async def _bills(session: AsyncSession, request: Request) -> list[Bill]:
    ids = [each.bill_id for each in request.bills]
    return list(await session.scalars(select(Bill).where(Bill.id.in_(ids)).order_by(Bill.id)))


def _words(flaw: Flaw, debt: Decimal) -> str:
    """What is wrong with a schedule, for the person who wrote it."""
    what = {
        Fault.EMPTY: "there are no payments",
        Fault.SUM_NOT_DEBT: f"the payments do not sum to what is owed now, {debt} (missing: {flaw.amount})",
        Fault.AMOUNT_NOT_PAYABLE: "the amount is not above zero in whole centimes",
        Fault.NOT_IN_ORDER: "it is not after the payment before it",
        Fault.DATE_PAST: f"its day is past, the first possible is {flaw.day}",
        Fault.NOT_WORKING_DAY: f"its day is no working day, the next is {flaw.day}",
        Fault.TOO_MANY_PARTS: f"the policy allows {flaw.parts} payments at most",
        Fault.TOO_FEW_PARTS: f"the policy asks for {flaw.parts} payments at least",
        Fault.DEBT_TOO_SMALL: f"the policy gives time from {flaw.amount}",
        Fault.FIRST_TOO_SMALL: f"the policy asks for {flaw.amount} first at least",
        Fault.PART_TOO_SMALL: f"the policy asks for {flaw.amount} a payment at least",
        Fault.DATE_TOO_FAR: f"the policy allows {flaw.day} at the latest",
    }[flaw.fault]
    return what if flaw.position is None else f"payment {flaw.position}: {what}"
