"""What waits, in numbers, for those who watch over the service: the queues, the desk, requests, campaigns.

All of it is read from partial indexes of what is open, so that it grows with the backlog and not with the history.
Run it through `store.apart`: after a burst there is much to count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import HandOver
from store.models import (
    Campaign,
    CampaignState,
    Message,
    MessageState,
    Notice,
    NoticeState,
    Reading,
    ReadingState,
    Request,
)
from store.requests import OPEN as UNDECIDED
from store.unsettled import UNSETTLED, spelled


class Queue(StrEnum):
    TURNS = "turns"  # customers' messages to handle
    REPLIES = "replies"  # messages to send, but those of campaigns
    CAMPAIGNS = "campaigns"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait, and since when the oldest does; None when none does."""

    number: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """All that waits at `at`. Hand-overs are keyed by (`waiting` or `held`, priority), campaigns by name."""

    at: datetime
    queues: Mapping[Queue, Waiting]
    hand_overs: Mapping[tuple[str, str], Waiting]
    requests: Mapping[str, int]
    requests_late: int
    readings_to_review: int
    campaigns: Mapping[str, int]


async def backlog(session: AsyncSession, now: datetime, today: date) -> Backlog:
    """`today` is the day in Morocco, by which requests are late."""
    undecided = spelled(Request.state, UNDECIDED)
    return Backlog(
        at=now,
        queues=await _queues(session),
        hand_overs=await _hand_overs(session),
        requests=await _requests(session, undecided),
        requests_late=await _count(session, undecided, Request.due_on < today),
        readings_to_review=await _count(session, spelled(Reading.state, (ReadingState.TO_REVIEW,))),
        campaigns=await _campaigns(session),
    )


async def _queues(session: AsyncSession) -> dict[Queue, Waiting]:
    query = (
        select(Message.state, Message.bulk, func.count(), func.min(Message.created_at))
        .where(spelled(Message.state, UNSETTLED))
        .group_by(Message.state, Message.bulk)
    )
    found = dict.fromkeys(Queue, Waiting(0, None))
    for state, bulk, number, since in await session.execute(query):
        queue = Queue.TURNS if state is MessageState.RECEIVED else Queue.CAMPAIGNS if bulk else Queue.REPLIES
        known = found[queue]
        found[queue] = Waiting(known.number + number, min(known.since or since, since))
    return found


async def _hand_overs(session: AsyncSession) -> dict[tuple[str, str], Waiting]:
    held = HandOver.user_id.is_not(None)
    query = (
        select(held, HandOver.priority, func.count(), func.min(HandOver.opened_at))
        .where(HandOver.ended_at.is_(None))
        .group_by(held, HandOver.priority)
    )
    return {
        ("held" if is_held else "waiting", priority.value): Waiting(number, since)
        for is_held, priority, number, since in await session.execute(query)
    }


async def _requests(session: AsyncSession, undecided: ColumnElement[bool]) -> dict[str, int]:
    query = select(Request.kind, func.count()).where(undecided).group_by(Request.kind)
    return {kind.value: number for kind, number in await session.execute(query)}


async def _campaigns(session: AsyncSession) -> dict[str, int]:
    query = (
        select(Campaign.name, func.count(Notice.id).label("waiting"))
        .outerjoin(Notice, (Notice.campaign_id == Campaign.id) & (Notice.state == NoticeState.WAITING))
        .where(Campaign.state == CampaignState.RUNNING)
        .group_by(Campaign.name)
    )
    return {row.name: row.waiting for row in await session.execute(query)}


async def _count(session: AsyncSession, *which: ColumnElement[bool]) -> int:
    return await session.scalar(select(func.count()).where(*which)) or 0
