"""What supervisors count at the desk: hand-overs, readings and requests, by day in Morocco.

Messages are counted in `store.message_figures`. All these read much: run them through `store.apart`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import HandOver, Outcome
from store.models import Audit, Reading, ReadingSource, ReadingState, Request, RequestKind, RequestState
from store.periods import DAY, Period

MOST_STAYS = 100_000
"""Hand-overs of a period that are looked at one by one, the latest: medians need each value."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted. `team_id` narrows hand-overs only; `language` is the customers', BCP 47."""

    period: Period
    team_id: int | None = None
    language: str | None = None


# --- hand-overs ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stay:
    """One hand-over, as far as figures go."""

    reason: str
    opened_at: datetime
    claimed_at: datetime | None
    first_reply_at: datetime | None
    ended_at: datetime | None
    outcome: Outcome | None
    asked_at: datetime | None
    score: int | None


async def stays(session: AsyncSession, scope: Scope) -> list[Stay]:
    """The hand-overs that were open at some time of the period, the latest first; `MOST_STAYS` at most."""
    query = (
        select(
            HandOver.reason,
            HandOver.opened_at,
            HandOver.claimed_at,
            HandOver.first_reply_at,
            HandOver.ended_at,
            HandOver.outcome,
            HandOver.asked_at,
            HandOver.score,
        )
        .where(
            HandOver.opened_at < scope.period.ends,
            or_(HandOver.ended_at.is_(None), HandOver.ended_at >= scope.period.begins),
        )
        .order_by(HandOver.id.desc())
        .limit(MOST_STAYS)
    )
    if scope.team_id is not None:
        query = query.where(HandOver.team_id == scope.team_id)
    if scope.language is not None:
        query = query.where(HandOver.language == scope.language)
    return [Stay(*row) for row in await session.execute(query)]


# --- readings and requests ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings that customers and agents gave on a day. `channel` is None for those of agents without one."""

    day: date
    channel: str | None
    state: ReadingState
    readings: int


async def readings(session: AsyncSession, scope: Scope) -> list[Readings]:
    """Readings received, by day, channel and state as it is now. The field's and estimates are left out."""
    query = (
        select(scope.period.day_of(Reading.received_at).label(DAY), Reading.channel, Reading.state, func.count())
        .where(
            scope.period.holds(Reading.received_at),
            Reading.source.in_((ReadingSource.CUSTOMER, ReadingSource.AGENT)),
        )
        .group_by(DAY, Reading.channel, Reading.state)
    )
    return [
        Readings(date.fromisoformat(day), channel, state, count)
        for day, channel, state, count in await session.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Requested:
    """Requests of a kind made in the period, by their state now."""

    kind: RequestKind
    state: RequestState
    requests: int


async def requested(session: AsyncSession, scope: Scope) -> list[Requested]:
    query = (
        select(Request.kind, Request.state, func.count())
        .where(scope.period.holds(Request.created_at))
        .group_by(Request.kind, Request.state)
    )
    return [Requested(*row) for row in await session.execute(query)]


@dataclass(frozen=True, slots=True)
class Decision:
    """A request that was granted or refused, for the first time."""

    kind: RequestKind
    asked_at: datetime
    decided_at: datetime


DECIDED = tuple(f"request.{state}" for state in (RequestState.GRANTED, RequestState.REFUSED))


async def decisions(session: AsyncSession, scope: Scope) -> list[Decision]:
    """The decisions on requests that were made in the period, `MOST_STAYS` at most, as the audit tells them."""
    about = literal("request:") + Request.reference
    query = (
        select(Request.kind, Request.created_at, func.min(Audit.at))
        .join(Audit, and_(Audit.subject == about, Audit.action.in_(DECIDED)))
        .where(scope.period.holds(Request.created_at))
        .group_by(Request.id, Request.kind, Request.created_at)
        .order_by(Request.id.desc())
        .limit(MOST_STAYS)
    )
    return [Decision(*row) for row in await session.execute(query)]
