"""What is happening at the desk at this moment: who waits, and who is there to answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import HandOver, Team, User, UserSession

ACTIVE_FOR = timedelta(minutes=5)
"""How long after a page was asked for somebody counts as being there."""
MOST_WAITING = 10


@dataclass(frozen=True, slots=True)
class TeamNow:
    """Open hand-overs of a team, None for those of no team: nobody's yet, and in somebody's hands."""

    name: str | None
    waiting: int
    unanswered: int
    """Claimed, and no word to the customer yet."""
    answered: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that nobody has claimed."""

    conversation_id: int
    reason: str
    language: str | None
    team: str | None
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who is there or has conversations open."""

    name: str
    is_active: bool
    open: int


async def by_team(session: AsyncSession) -> list[TeamNow]:
    """Open hand-overs, by team and by how far they are."""
    claimed, replied = HandOver.user_id.is_not(None), HandOver.first_reply_at.is_not(None)
    query = (
        select(
            Team.name,
            func.sum(case((~claimed, 1), else_=0)),
            func.sum(case((claimed & ~replied, 1), else_=0)),
            func.sum(case((claimed & replied, 1), else_=0)),
        )
        .select_from(HandOver)
        .outerjoin(Team, Team.id == HandOver.team_id)
        .where(HandOver.ended_at.is_(None))
        .group_by(Team.name)
        .order_by(Team.name.is_(None), Team.name)
    )
    return [TeamNow(*row) for row in await session.execute(query)]


async def longest_waiting(session: AsyncSession) -> list[Waiting]:
    """The hand-overs that have waited longest for somebody to take them."""
    query = (
        select(HandOver.conversation_id, HandOver.reason, HandOver.language, Team.name, HandOver.opened_at)
        .outerjoin(Team, Team.id == HandOver.team_id)
        .where(HandOver.ended_at.is_(None), HandOver.user_id.is_(None))
        .order_by(HandOver.opened_at, HandOver.id)
        .limit(MOST_WAITING)
    )
    return [Waiting(*row) for row in await session.execute(query)]


async def colleagues(session: AsyncSession, now: datetime) -> list[Colleague]:
    """Who used the desk in the last minutes, or has hand-overs open although they are away."""
    active = (
        select(UserSession.id)
        .where(
            UserSession.user_id == User.id,
            UserSession.is_complete,
            UserSession.used_at > now - ACTIVE_FOR,
            UserSession.expires_at > now,
        )
        .exists()
    )
    holds = (
        select(func.count())
        .select_from(HandOver)
        .where(HandOver.user_id == User.id, HandOver.ended_at.is_(None))
        .scalar_subquery()
    )
    query = select(User.name, active, holds).where(active | (holds > 0)).order_by(User.name)
    return [Colleague(name, bool(is_active), held) for name, is_active, held in await session.execute(query)]
