"""The queue of conversations that wait for a person: the place in it, and how long people wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Protocol

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import HandOver, Priority

RANKS = {Priority.URGENT: 0, Priority.HIGH: 1, Priority.NORMAL: 2}
"""Whose turn comes first: the lowest, and of those the oldest."""
RANK = case(*((HandOver.priority == priority, rank) for priority, rank in RANKS.items()))
RECENT = timedelta(hours=2)
"""How long ago people were taken whose waiting says something of the next one's."""
MOST_RECENT = 20
FEWEST = 3
"""Fewer waiting times than this say nothing."""


class Opening(Protocol):
    """When people answer, in aware moments; an `Operator` knows."""

    def opens_at(self, moment: datetime) -> datetime | None:
        """When they answer again; None when they do now, or not for a long time."""

    def open_time(self, start: datetime, end: datetime) -> timedelta:
        """How much of the time between two moments they answered."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hand-over stands among those that wait for the same team: `position` counts from 1.

    `expected_wait` is None where too few were taken lately, `opens_at` where the desk is open now, or has no hours.
    """

    position: int
    waiting: int
    expected_wait: timedelta | None
    opens_at: datetime | None


async def place(session: AsyncSession, hand_over: HandOver, opening: Opening, now: datetime) -> Place:
    """A waiting hand-over's place, at an aware moment."""
    sooner = [priority for priority, rank in RANKS.items() if rank < RANKS[hand_over.priority]]
    before = or_(
        HandOver.priority.in_(sooner), and_(HandOver.priority == hand_over.priority, HandOver.id < hand_over.id)
    )
    query = select(func.count(), func.coalesce(func.sum(case((before, 1), else_=0)), 0)).where(
        HandOver.ended_at.is_(None),
        HandOver.user_id.is_(None),
        HandOver.team_id.is_not_distinct_from(hand_over.team_id),
    )
    await session.flush()
    waiting, ahead = (await session.execute(query)).one()
    return Place(
        position=int(ahead) + 1,
        waiting=int(waiting),
        expected_wait=await _expected_wait(session, hand_over.team_id, opening, now),
        opens_at=opening.opens_at(now),
    )


async def _expected_wait(
    session: AsyncSession, team_id: int | None, opening: Opening, now: datetime
) -> timedelta | None:
    """The middle one of the opening time that passed before the latest were taken."""
    query = (
        select(HandOver.opened_at, HandOver.claimed_at)
        .where(
            HandOver.opened_at >= now - timedelta(days=7),
            HandOver.claimed_at.between(now - RECENT, now),
            HandOver.claimed_at > HandOver.opened_at,  # those that an agent began never waited
            HandOver.team_id.is_not_distinct_from(team_id),
        )
        .order_by(HandOver.id.desc())
        .limit(MOST_RECENT)
    )
    waits = [
        opening.open_time(opened_at, claimed_at)
        for opened_at, claimed_at in await session.execute(query)
        if claimed_at is not None
    ]
    if len(waits) < FEWEST:
        return None
    return timedelta(seconds=median(wait.total_seconds() for wait in waits))
