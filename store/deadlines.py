"""What the calendar says of granted schedules: reminded of, broken, kept. Nobody writes for these to happen.

Any number of processes may look at once: a row that one of them holds is left out by the others, and each change is
one transaction with its news.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Select, String, cast, exists, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from store.models import Bill, Instalment, Notice, Request, RequestState
from store.notices import News, tell
from store.requests import OPEN, PAYING, RUNNING, SCHEDULED, change, conversation_about

ACTOR = "deadlines"
"""Who acts, as the audit names it."""
_UNPAID = Instalment.paid < Instalment.amount


async def break_overdue(session: AsyncSession, due_before: date, now: datetime, limit: int) -> int:
    """Schedules with a payment that was due before a day and has not come are broken, and their customers told.

    A payment that only the bills know of is counted first: nobody is told of one missing that was made. Returns how
    many schedules were looked at, `limit` at most.
    """
    overdue = Request.schedule.any(_UNPAID & (Instalment.due_on < due_before))
    requests = await _held(session, _schedules(RUNNING).where(overdue).limit(limit))
    for request in requests:
        await _count_paid_bills(session, request)
        missing = [each for each in request.schedule if each.paid < each.amount]
        if not missing:
            await change(session, request, RequestState.KEPT, actor=ACTOR, now=now)
        elif missing[0].due_on < due_before:
            await change(session, request, RequestState.BROKEN, actor=ACTOR, now=now)
        elif request.state is RequestState.GRANTED:
            await change(session, request, RequestState.BEING_PAID, actor=ACTOR, now=now, told=True)
    return len(requests)


async def keep_paid(session: AsyncSession, now: datetime, limit: int) -> int:
    """Schedules of which every payment came are kept, and their customers told. How many, `limit` at most."""
    paid = Request.schedule.any() & ~Request.schedule.any(_UNPAID)
    requests = await _held(session, _schedules(PAYING).where(paid).limit(limit))
    for request in requests:
        await change(session, request, RequestState.KEPT, actor=ACTOR, now=now)
    return len(requests)


async def remind(
    session: AsyncSession, first: date, last: date, now: datetime, limit: int, after: tuple[int, int] = (0, 0)
) -> tuple[int, int] | None:
    """Remind of the payments due from `first` to `last`, once each, up to `limit` of them.

    `after` and the answer are a place in the list, request and position; None at its end.
    """
    key = literal("instalment:") + Request.reference + literal(":") + cast(Instalment.position, String)
    query = (
        select(Instalment)
        .join(Request, Request.id == Instalment.request_id)
        .where(Request.state.in_(RUNNING), Request.kind.in_(SCHEDULED), _UNPAID)
        .where(Instalment.due_on.between(first, last))
        .where(~exists().where(Notice.key == key))
        .where(
            (Instalment.request_id > after[0])
            | ((Instalment.request_id == after[0]) & (Instalment.position > after[1]))
        )
        .options(selectinload(Instalment.request))
        .order_by(Instalment.request_id, Instalment.position)
        .limit(limit)
    )
    due = list(await session.scalars(query))
    for each in due:
        request = each.request
        conversation = await conversation_about(session, request, now)
        if conversation is None:
            continue
        news = News(
            key=f"instalment:{request.reference}:{each.position}",
            response="utter_instalment_reminder",
            params={"reference": request.reference, "due_on": each.due_on, "amount": each.amount - each.paid},
            not_before=now,
            contract_id=request.contract_id,
        )
        await tell(session, conversation.id, news, now)
    return (due[-1].request_id, due[-1].position) if due else None


async def late_requests(session: AsyncSession, today: date, limit: int) -> list[Request]:
    """Undecided requests whose day has gone by, the longest waiting first."""
    query = select(Request).where(Request.state.in_(OPEN), Request.due_on < today)
    return list(await session.scalars(query.order_by(Request.due_on, Request.id).limit(limit)))


def _schedules(states: Sequence[RequestState]) -> Select[Request]:
    return (
        select(Request)
        .where(Request.kind.in_(SCHEDULED), Request.state.in_(states))
        .options(selectinload(Request.schedule), selectinload(Request.bills))
        .order_by(Request.id)
    )


async def _held(session: AsyncSession, query: Select[Request]) -> list[Request]:
    return list(await session.scalars(query.with_for_update(skip_locked=True, of=Request)))


async def _count_paid_bills(session: AsyncSession, request: Request) -> None:
    """Count for a schedule what its bills show as paid beyond the payments reported, the first due first."""
    bills = await session.scalars(select(Bill).where(Bill.id.in_([each.bill_id for each in request.bills])))
    owed = sum((bill.total - bill.paid for bill in bills), Decimal(0))
    left = sum((each.amount - each.paid for each in request.schedule), Decimal(0))
    more = max(left - max(owed, Decimal(0)), Decimal(0))
    for each in request.schedule:
        part = min(more, each.amount - each.paid)
        each.paid += part
        more -= part
