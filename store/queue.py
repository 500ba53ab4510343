"""The queue as the desk shows it: how many wait, whose conversations are whose, and the list, page by page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import HandOver, Priority, Team, User
from store.hand_over_queue import RANK
from store.models import Contract, Conversation, Customer, Identity, Message, RegisteredPhone

PAGE = 50
"""Rows."""
FARTHEST = 1000
"""Rows that anybody pages through; a search finds what is farther."""
CLOSED_SINCE = timedelta(days=7)
EXCERPT = 120
"""Characters of a message."""


class State(StrEnum):
    """Which hand-overs a list shows."""

    WAITING = "waiting"
    MINE = "mine"
    ALL = "all"  # that are open, whoever has them
    CLOSED = "closed"  # in the last days


@dataclass(frozen=True, slots=True)
class Counts:
    """Open hand-overs: `waiting` by team and language, `held` by person. `newest` is the last one's number.

    Urgent ones are everybody's, and count as no team's.
    """

    waiting: Mapping[tuple[int | None, str | None], int]
    held: Mapping[int, int]
    newest: int

    def waiting_for(self, team_ids: Collection[int]) -> int:
        """How many wait for one of these teams, or for nobody's in particular; for any without teams."""
        return sum(
            number for (team_id, _), number in self.waiting.items() if not team_ids or team_id in (None, *team_ids)
        )


_GROUPS = (HandOver.team_id, HandOver.language, HandOver.user_id, HandOver.priority)
_COUNTS = select(*_GROUPS, func.count(), func.max(HandOver.id)).where(HandOver.ended_at.is_(None)).group_by(*_GROUPS)


async def counts(session: AsyncSession) -> Counts:
    """One statement over the open hand-overs."""
    waiting: Counter[tuple[int | None, str | None]] = Counter()
    held: Counter[int] = Counter()
    newest = 0
    for team_id, language, user_id, priority, number, last in await session.execute(_COUNTS):
        newest = max(newest, last)
        if user_id is None:
            waiting[None if priority is Priority.URGENT else team_id, language] += number
        else:
            held[user_id] += number
    return Counts(dict(waiting), dict(held), newest)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to. `team_ids` are those whose queue it is; empty is all.

    What is no team's and what is urgent is on every list.

    `user_id` is who looks, for `State.MINE`.
    """

    state: State
    team_ids: tuple[int, ...] = ()
    language: str | None = None
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a hand-over with its conversation and the last message of it. `names` are the customer's, if known."""

    hand_over: HandOver
    team: str | None
    user: str | None
    channel: str
    address: str
    last_inbound_at: datetime | None
    direction: str | None
    excerpt: str | None
    media: bool
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of entries; `total` counts up to `FARTHEST`."""

    entries: Sequence[Entry]
    total: int

    @property
    def pages(self) -> int:
        return max(-(-self.total // PAGE), 1)


async def listed(session: AsyncSession, filters: Filters, now: datetime, page: int = 1) -> Listed:
    """A page of the list, urgent first and then whoever waits longest; what is closed, the latest first.

    Two statements: the page with its last messages, and the customers' names.
    """
    rows = (await session.execute(_page(filters, now, page))).all()
    names = await _names(session, rows)
    return Listed([_entry(row, names) for row in rows], rows[0].total if rows else 0)


def _page(filters: Filters, now: datetime, page: int) -> Select[Any]:
    order = (HandOver.ended_at.desc(),) if filters.state is State.CLOSED else (RANK, HandOver.opened_at, HandOver.id)
    place = func.row_number().over(order_by=order).label("place")
    # Numbers alone are ordered and counted; all else is looked up for the rows that are shown.
    near = select(HandOver.id, place).where(*_conditions(filters, now)).order_by(*order).limit(FARTHEST).subquery()
    counted = select(near, func.count().over().label("total")).subquery()
    shown = select(counted).where(counted.c.place.between((page - 1) * PAGE + 1, page * PAGE)).subquery()
    last = (
        select(func.max(Message.id))
        .where(Message.conversation_id == HandOver.conversation_id)
        .correlate(HandOver)
        .scalar_subquery()
    )
    return (
        select(
            HandOver,
            Team.name.label("team"),
            User.name.label("user"),
            Conversation.channel,
            Conversation.address,
            Conversation.last_inbound_at,
            Message.direction,
            func.substr(Message.body, 1, EXCERPT + 1).label("excerpt"),
            Message.payload,
            shown.c.total,
        )
        .join(shown, shown.c.id == HandOver.id)
        .join(Conversation, Conversation.id == HandOver.conversation_id)
        .outerjoin(Team, Team.id == HandOver.team_id)
        .outerjoin(User, User.id == HandOver.user_id)
        .outerjoin(Message, Message.id == last)
        .order_by(shown.c.place)
    )


def _conditions(filters: Filters, now: datetime) -> Iterable[ColumnElement[bool]]:
    match filters.state:
        case State.CLOSED:
            yield HandOver.ended_at >= now - CLOSED_SINCE
        case State.WAITING:
            yield HandOver.ended_at.is_(None)
            yield HandOver.user_id.is_(None)
        case State.MINE:
            yield HandOver.ended_at.is_(None)
            yield HandOver.user_id == filters.user_id
        case State.ALL:
            yield HandOver.ended_at.is_(None)
    if filters.team_ids:
        yield or_(
            HandOver.team_id.is_(None),
            HandOver.team_id.in_(filters.team_ids),
            HandOver.priority == Priority.URGENT,
        )
    if filters.language is not None:
        yield HandOver.language == filters.language


def _entry(row: Row[Any], names: Mapping[int, tuple[str, ...]]) -> Entry:
    hand_over: HandOver = row.HandOver
    excerpt = None if row.excerpt is None else " ".join(row.excerpt.split())
    if excerpt is not None and len(excerpt) > EXCERPT:
        excerpt = f"{excerpt[: EXCERPT - 1].rstrip()}…"
    return Entry(
        hand_over=hand_over,
        team=row.team,
        user=row.user,
        channel=row.channel,
        address=row.address,
        last_inbound_at=row.last_inbound_at,
        direction=row.direction,
        excerpt=excerpt,
        media=bool((row.payload or {}).get("media")),
        names=names.get(hand_over.conversation_id, ()),
    )


async def _names(session: AsyncSession, rows: Sequence[Row[Any]]) -> dict[int, tuple[str, ...]]:
    """Whose contracts the senders may act on, by conversation: proved in it, or registered for its phone."""
    by_address: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_address[row.address].append(row.HandOver.conversation_id)
    if not by_address:
        return {}
    holders = select(Contract.id, Customer.name).join(Customer, Customer.id == Contract.customer_id).subquery()
    proved = (
        select(Identity.conversation_id, literal(None).label("address"), holders.c.name)
        .join(holders, holders.c.id == Identity.contract_id)
        .where(Identity.conversation_id.in_([row.HandOver.conversation_id for row in rows]))
    )
    registered = (
        select(literal(None), RegisteredPhone.number, holders.c.name)
        .join(holders, holders.c.id == RegisteredPhone.contract_id)
        .where(RegisteredPhone.number.in_(by_address))
    )
    found: defaultdict[int, set[str]] = defaultdict(set)
    for conversation_id, address, name in await session.execute(union_all(proved, registered)):
        for each in by_address[address] if conversation_id is None else [conversation_id]:
            found[each].add(name)
    return {conversation_id: tuple(sorted(names)) for conversation_id, names in found.items()}


async def newest_messages(session: AsyncSession, conversation_ids: Collection[int]) -> dict[int, int]:
    """The number of the last message of each of these conversations."""
    query = (
        select(Message.conversation_id, func.max(Message.id).label("newest"))
        .where(Message.conversation_id.in_(conversation_ids))
        .group_by(Message.conversation_id)
    )
    return {row.conversation_id: row.newest for row in await session.execute(query)}
