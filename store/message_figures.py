"""What supervisors count in the transcript: conversations, traffic, refusals and what was understood.

By day in Morocco. These read much: run them through `store.apart`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_figures import Scope
from store.desk_models import HandOver
from store.json_fields import json_field
from store.models import Direction, Message, MessageState
from store.periods import DAY

MOST_ERRORS = 10
"""Reasons of carriers that are told apart."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """Conversations in which customers wrote on a day, and those of them that were with people at some time of it."""

    day: date
    all: int
    with_people: int


async def contacts(session: AsyncSession, scope: Scope) -> list[Contacts]:
    """How many conversations there were each day, and how many needed people; days without any are left out."""
    period = scope.period
    wrote = _messages(scope, period.day_of(Message.created_at).label(DAY), Message.conversation_id)
    wrote_on = wrote.where(Message.direction == Direction.IN).distinct().subquery()
    met = exists().where(
        HandOver.conversation_id == wrote_on.c.conversation_id,
        period.day_of(HandOver.opened_at) <= wrote_on.c[DAY],
        or_(HandOver.ended_at.is_(None), period.day_of(HandOver.ended_at) >= wrote_on.c[DAY]),
    )
    query = select(wrote_on.c[DAY], func.count(), func.sum(case((met, 1), else_=0))).group_by(wrote_on.c[DAY])
    return sorted(
        (Contacts(date.fromisoformat(day), total, met) for day, total, met in await session.execute(query)),
        key=lambda each: each.day,
    )


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages of a day, channel and direction. `parts` are the SMS parts that were paid for."""

    day: date
    channel: str
    direction: Direction
    messages: int
    parts: int
    refused: int


NOT_DELIVERED = or_(Message.state.in_((MessageState.REFUSED, MessageState.DEAD)), Message.delivery == "failed")
"""Outbound messages that did not arrive: refused, given up, or taken by a carrier that failed later."""


async def traffic(session: AsyncSession, scope: Scope) -> list[Traffic]:
    """Messages by day, channel and direction; `refused` are those that did not arrive."""
    query = _messages(
        scope,
        scope.period.day_of(Message.created_at).label(DAY),
        Message.channel,
        Message.direction,
        func.count(),
        func.coalesce(func.sum(Message.parts), 0),
        func.sum(case((NOT_DELIVERED, 1), else_=0)),
    ).group_by(DAY, Message.channel, Message.direction)
    return [Traffic(date.fromisoformat(row[0]), *row[1:]) for row in await session.execute(query)]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why messages of a channel did not arrive: the carrier's words."""

    channel: str
    error: str | None
    messages: int


async def refusals(session: AsyncSession, scope: Scope) -> list[Refusal]:
    """What carriers said when they refused, the most frequent first."""
    query = (
        _messages(scope, Message.channel, Message.error, func.count().label("times"))
        .where(NOT_DELIVERED)
        .group_by(Message.channel, Message.error)
        .order_by(func.count().desc(), Message.channel, Message.error)
        .limit(MOST_ERRORS)
    )
    return [Refusal(*row) for row in await session.execute(query)]


@dataclass(frozen=True, slots=True)
class Understood:
    """Customers' messages of a language and intent. `certainty` is `sure`, `unsure` or `lost`; None where unknown."""

    language: str | None
    intent: str | None
    certainty: str | None
    messages: int


async def understood(session: AsyncSession, scope: Scope) -> list[Understood]:
    """What the assistant understood of the messages it listened to; of unsure ones, what they may have meant."""
    intent = func.coalesce(json_field(Message.understood, "meant"), json_field(Message.understood, "intent"))
    query = (
        _messages(
            scope,
            Message.language,
            intent.label("intent"),
            json_field(Message.understood, "certainty").label("certainty"),
            func.count(),
        )
        .where(Message.direction == Direction.IN, Message.understood.is_not(None))
        .group_by(Message.language, "intent", "certainty")
    )
    return [Understood(*row) for row in await session.execute(query)]


def _messages(scope: Scope, *columns: Any) -> Select[Any]:
    query = select(*columns).where(scope.period.holds(Message.created_at))
    return query if scope.language is None else query.where(Message.language == scope.language)
