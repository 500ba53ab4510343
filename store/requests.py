"""Requests: what a customer asked for and a person has to decide or do, from the first word to the last payment.

Every change of state goes through `change`, which writes who did it and why in the audit and, unless the customer
is being told in the same breath, puts down the news for them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from random import Random, SystemRandom
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from billing.calendar import local_day
from billing.reference import Kind, new_reference
from store.models import Audit, Conversation, Instalment, Request, RequestKind, RequestState
from store.notices import News, conversation_with, tell

OPEN = (RequestState.RECEIVED, RequestState.UNDER_REVIEW)
"""States in which nothing is decided yet."""
RUNNING = (RequestState.GRANTED, RequestState.BEING_PAID)
"""States of a schedule that was granted and is not over."""

MOVES: Mapping[RequestState, frozenset[RequestState]] = {
    RequestState.RECEIVED: frozenset(
        {RequestState.UNDER_REVIEW, RequestState.GRANTED, RequestState.REFUSED, RequestState.WITHDRAWN}
    ),
    RequestState.UNDER_REVIEW: frozenset({RequestState.GRANTED, RequestState.REFUSED, RequestState.WITHDRAWN}),
    RequestState.GRANTED: frozenset({RequestState.BEING_PAID, RequestState.KEPT, RequestState.BROKEN}),
    RequestState.BEING_PAID: frozenset({RequestState.KEPT, RequestState.BROKEN}),
    RequestState.BROKEN: frozenset({RequestState.BEING_PAID, RequestState.KEPT}),  # paid late all the same
    RequestState.REFUSED: frozenset(),
    RequestState.KEPT: frozenset(),
    RequestState.WITHDRAWN: frozenset(),
}

REFERENCES: Mapping[RequestKind, Kind] = {
    RequestKind.DEFERRAL: Kind.DEFERRAL,
    RequestKind.INSTALMENTS: Kind.INSTALMENTS,
    RequestKind.SUBSCRIPTION: Kind.SUBSCRIPTION,
    RequestKind.COMPLAINT: Kind.COMPLAINT,
    RequestKind.KWH_ADVANCE: Kind.KWH_ADVANCE,
    RequestKind.RECHARGE_VISIT: Kind.RECHARGE_VISIT,
    RequestKind.OUTAGE: Kind.OUTAGE,
    RequestKind.RECTIFICATION: Kind.PERSONAL_DATA,
    RequestKind.ERASURE: Kind.PERSONAL_DATA,
}
_random = SystemRandom()


class NotAllowed(ValueError):
    """A request cannot go from its state to the one wanted; the message is one line."""


@dataclass(frozen=True, slots=True)
class Filing:
    """A request as it comes in. `actor` is who made it (`conversation:12`, `user:amina`, `key:crm`)."""

    kind: RequestKind
    actor: str
    now: datetime
    contract_id: int | None = None
    conversation_id: int | None = None
    message_id: int | None = None
    details: Mapping[str, Any] | None = None
    due_on: date | None = None


async def file(session: AsyncSession, filing: Filing, rng: Random = _random) -> Request:
    """Store a new request under a fresh reference, and that `actor` made it."""
    request = Request(
        reference=new_reference(REFERENCES[filing.kind], rng),
        kind=filing.kind,
        state=RequestState.RECEIVED,
        contract_id=filing.contract_id,
        conversation_id=filing.conversation_id,
        message_id=filing.message_id,
        details=dict(filing.details or {}),
        due_on=filing.due_on,
        created_at=filing.now,
        changed_at=filing.now,
        bills=[],
        schedule=[],
    )
    session.add(request)
    _note(session, request, "received", filing.actor, filing.now, {"kind": request.kind.value})
    await session.flush()
    return request


def propose(request: Request, schedule: Sequence[Payable]) -> None:
    """Put a schedule of payments in the place of the request's; amounts in dirhams."""
    request.schedule = [
        Instalment(position=position, due_on=due_on, amount=amount, paid=Decimal(0))
        for position, (due_on, amount) in enumerate(schedule, start=1)
    ]


Payable = tuple[date, Decimal]
"""A payment to make: the day it is due on, and dirhams."""


async def reschedule(
    session: AsyncSession, request: Request, payments: Sequence[Payable], actor: str, now: datetime
) -> None:
    """Put other payments in the place of an undecided request's, and note what they were. Raises `NotAllowed`."""
    before = [[each.due_on.isoformat(), str(each.amount)] for each in request.schedule]
    revise(session, request, actor, now, {"schedule_before": before})
    request.schedule.clear()
    await session.flush()  # the old payments go before new ones take their positions
    propose(request, payments)
    await session.flush()


def revise(session: AsyncSession, request: Request, actor: str, now: datetime, before: Mapping[str, Any]) -> None:
    """Note that an undecided request was changed, and what it said `before`. Raises `NotAllowed`."""
    if request.state not in OPEN:
        raise NotAllowed(f"{request.reference} is {request.state}: it can no longer be changed")
    request.changed_at = now
    _note(session, request, "revised", actor, now, dict(before))


async def change(
    session: AsyncSession,
    request: Request,
    state: RequestState,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
    told: bool = False,
) -> None:
    """Move a request to `state`: in the audit, and as news for its customer unless they are `told` already.

    `request.schedule` must be loaded. Raises `NotAllowed`.
    """
    if state not in MOVES[request.state]:
        raise NotAllowed(f"{request.reference} is {request.state}: it cannot become {state}")
    before = request.state
    request.state = state
    request.changed_at = now
    if reason is not None:
        request.reason = reason
    _note(
        session,
        request,
        state.value,
        actor,
        now,
        {"from": before.value, "reason": reason} if reason else {"from": before.value},
    )
    if not told:
        await _tell_customer(session, request, before, now)
    await session.flush()


def _note(
    session: AsyncSession, request: Request, what: str, actor: str, now: datetime, details: Mapping[str, Any]
) -> None:
    session.add(
        Audit(
            at=now,
            actor=actor,
            action=f"request.{what}",
            subject=f"request:{request.reference}",
            details=dict(details),
        )
    )


async def conversation_about(session: AsyncSession, request: Request, now: datetime) -> Conversation | None:
    """Where its customer is told: where they asked; else where the people of the contract are reached."""
    if request.conversation_id is not None:
        return await session.get(Conversation, request.conversation_id)
    if request.contract_id is not None:
        return await conversation_with(session, request.contract_id, now)
    return None


async def _tell_customer(session: AsyncSession, request: Request, before: RequestState, now: datetime) -> None:
    conversation = await conversation_about(session, request, now)
    if conversation is None:
        return
    response, params = spoken(request, local_day(now))
    key = f"{request.reference}:{before}:{request.state}:{now.isoformat()}"
    await tell(session, conversation.id, News(key, response, params, now, contract_id=request.contract_id), now)


SCHEDULED = frozenset({RequestKind.DEFERRAL, RequestKind.INSTALMENTS})
"""Kinds that have payments to come."""
GRANTABLE = SCHEDULED | {RequestKind.KWH_ADVANCE}
"""Kinds that ask for a favour, granted or not; of the others a person says that they are dealt with, or cannot be."""
PAYING = (*RUNNING, RequestState.BROKEN)
"""States of a granted schedule that is not paid."""
_ANSWERS = {RequestState.GRANTED: "dealt_with", RequestState.REFUSED: "not_possible"}
"""What the states are called for kinds that are not granted."""


def kind_words(request: Request) -> dict[str, Any]:
    """What was asked for, as words within a sentence."""
    return {"response": f"utter_request_kind_{request.kind}", "params": {}}


def spoken(request: Request, today: date) -> tuple[str, dict[str, Any]]:
    """What a customer is told of a request as it stands `today`: response and parameters (`store.notices.News`).

    One response for each state (`utter_request_refused`), with what was asked for as words. A suffix says what
    more there is: `_schedule` (payments to come), `_because` (what the person who decided said of it), `_until`
    (the day by which it is decided). One whose day has gone by undecided has a response of its own.
    """
    params: dict[str, Any] = {
        "reference": request.reference,
        "what": kind_words(request),
        "since": request.created_at,
    }
    state = request.state.value if request.kind in GRANTABLE else _ANSWERS.get(request.state, request.state.value)
    response = f"utter_request_{state}"
    if request.kind in SCHEDULED and request.state in PAYING:
        params["schedule"] = schedule_words(request.schedule)
        response += "_schedule"
    if request.state in _ANSWERS and request.reason:
        params["reason"] = request.reason
        response += "_because"
    if request.due_on is not None and request.state in OPEN:
        if request.due_on < today:
            return "utter_request_late", params
        params["due_on"] = request.due_on
        response += "_until"
    return response, params


def schedule_words(schedule: Collection[Instalment]) -> list[dict[str, Any]]:
    """What is still to pay of a schedule, a line each."""
    return [
        {"response": "utter_instalment", "params": {"due_on": each.due_on, "amount": each.amount - each.paid}}
        for each in schedule
        if each.paid < each.amount
    ]


_LOADED = (selectinload(Request.schedule), selectinload(Request.bills))


async def open_requests(
    session: AsyncSession, contract_id: int, kind: RequestKind, states: Collection[RequestState] = OPEN
) -> list[Request]:
    """The requests of a kind on a contract in some states, the undecided by default, the oldest first."""
    query = (
        select(Request)
        .where(Request.contract_id == contract_id, Request.kind == kind, Request.state.in_(states))
        .options(*_LOADED)
        .order_by(Request.id)
    )
    return list(await session.scalars(query))


async def request_by_reference(session: AsyncSession, reference: str, *, hold: bool = False) -> Request | None:
    """A request with its schedule and bills; `hold` keeps others from changing it until the transaction ends."""
    query = select(Request).where(Request.reference == reference).options(*_LOADED)
    if hold:
        query = query.with_for_update(of=Request)
    return await session.scalar(query)


async def requests_of(
    session: AsyncSession, conversation_id: int, contract_ids: Sequence[int], limit: int = 5
) -> list[Request]:
    """What the sender asked for, in this conversation or on their contracts, the latest first."""
    mine = (Request.conversation_id == conversation_id) & Request.contract_id.is_(None)
    query = (
        select(Request)
        .where(mine | Request.contract_id.in_(contract_ids))
        .options(*_LOADED)
        .order_by(Request.id.desc())
        .limit(limit)
    )
    return list(await session.scalars(query))
