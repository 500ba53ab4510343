"""A request as the operator sees it at a terminal, and a person's decision put into the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from actions.operator import Operator
from billing.calendar import CASABLANCA
from billing.reference import parse_reference
from bot.faults import Fault
from store import decisions
from store.database import Database
from store.decisions import BadDecision, Terms
from store.models import Audit, Bill, Request, RequestBill, RequestKind, RequestState
from store.prepaid import NotAnAdvance
from store.requests import OPEN, NotAllowed, request_by_reference

Decision = Callable[[AsyncSession, Request, str, datetime], Awaitable[None]]
"""What a person decides on a request that is held: session, request, actor, now."""


async def listed(
    database: Database, *, kind: str | None, state: str | None, late_on: date | None, limit: int
) -> list[dict[str, Any]]:
    """Requests of a kind and a state, by default those not decided, the longest waiting first.

    `late_on` leaves only undecided ones whose day has gone by then. Raises `Fault` for a word that is none.
    """
    states = (RequestState(_one_of("--state", RequestState, state)),) if state else OPEN
    query = select(Request).where(Request.state.in_(states))
    if kind is not None:
        query = query.where(Request.kind == RequestKind(_one_of("--kind", RequestKind, kind)))
    if late_on is not None:
        query = query.where(Request.due_on < late_on, Request.state.in_(OPEN))
    query = query.options(selectinload(Request.contract)).order_by(Request.id).limit(limit)
    async with database.reading() as session:
        return [_summary(request) for request in await session.scalars(query)]


async def record(database: Database, reference: str) -> dict[str, Any]:
    """All that is known of a request, as JSON values; amounts in dirhams. Raises `Fault`."""
    async with database.reading() as session:
        request = await _found(session, reference)
        await session.refresh(request, ["contract"])
        query = select(Audit).where(Audit.subject == f"request:{request.reference}").order_by(Audit.id)
        noted = list(await session.scalars(query))
        numbers = select(Bill.number, RequestBill.amount).join(RequestBill, RequestBill.bill_id == Bill.id)
        bills = list(await session.execute(numbers.where(RequestBill.request_id == request.id).order_by(Bill.id)))
    return {
        **_summary(request),
        "details": request.details,
        "bills": [{"bill": number, "open": str(amount)} for number, amount in bills],
        "payments": [
            {"due_on": each.due_on.isoformat(), "amount": str(each.amount), "paid": str(each.paid)}
            for each in request.schedule
        ],
        "history": [
            {"at": _moment(each.at), "actor": each.actor, "action": each.action, "details": each.details}
            for each in noted
        ],
    }


def terms_of(operator: Operator) -> Terms:
    """What an operator's file allows for time to pay."""
    return Terms(operator.deferral, operator.instalments, operator.working_days)


def granted(
    operator: Operator,
    *,
    reason: str | None,
    schedule: list[tuple[date, Decimal]] | None,
    beyond_policy: bool,
) -> Decision:
    """It is granted, or dealt with."""
    terms = terms_of(operator)

    async def decision(session: AsyncSession, request: Request, actor: str, now: datetime) -> None:
        await decisions.grant(
            session,
            request,
            actor,
            now,
            terms=terms,
            reason=reason,
            schedule=schedule,
            beyond_policy=beyond_policy,
        )

    return decision


def refused(reason: str) -> Decision:
    """It is refused, with why."""

    async def decision(session: AsyncSession, request: Request, actor: str, now: datetime) -> None:
        await decisions.refuse(session, request, actor, now, reason)

    return decision


async def decide(database: Database, reference: str, by: str, now: datetime, decision: Decision) -> str:
    """Take a decision in one transaction and say how the request stands. Raises `Fault`, one line."""
    try:
        async with database.writing() as session:
            request = await _found(session, reference, hold=True)
            await decision(session, request, f"user:{by}", now)
    except (BadDecision, NotAllowed, NotAnAdvance) as error:
        raise Fault(str(error)) from error
    return f"{request.reference} is {request.state}."


async def _found(session: AsyncSession, reference: str, *, hold: bool = False) -> Request:
    request = await request_by_reference(session, parse_reference(reference) or reference, hold=hold)
    if request is None:
        raise Fault(f"there is no request {reference}")
    return request


def _one_of(option: str, words: type[StrEnum], word: str) -> str:
    if word not in list(words):
        raise Fault(f"{option} is one of {', '.join(words)}, not {word!r}")
    return word


def _summary(request: Request) -> dict[str, Any]:
    return {
        "reference": request.reference,
        "kind": request.kind.value,
        "state": request.state.value,
        "contract": request.contract.number if request.contract else None,
        "asked_at": _moment(request.created_at),
        "due_on": request.due_on and request.due_on.isoformat(),
        "reason": request.reason,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(CASABLANCA).isoformat(timespec="seconds")
