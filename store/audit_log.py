"""Who did what: the lines of the audit, the latest first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Audit
from store.periods import Period

PAGE = 50
MOST_EXPORTED = 100_000
"""Lines of a file, the latest of the period."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which lines are wanted. `actor`, `action` and `subject` are words of the audit, or how they begin (`user:`)."""

    period: Period
    actor: str = ""
    action: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """One page, and how many lines there are in all."""

    total: int
    lines: list[Audit]


async def page_of(session: AsyncSession, sought: Sought, page: int) -> Lines:
    """`PAGE` lines, from page 1."""
    total = await session.scalar(_wanted(select(func.count(Audit.id)), sought)) or 0
    query = _wanted(select(Audit), sought).order_by(Audit.id.desc()).limit(PAGE).offset((page - 1) * PAGE)
    return Lines(total, list(await session.scalars(query)))


async def exported(session: AsyncSession, sought: Sought) -> AsyncIterator[Audit]:
    """All lines, streamed, the latest first."""
    query = _wanted(select(Audit), sought).order_by(Audit.id.desc()).limit(MOST_EXPORTED)
    async for line in await session.stream_scalars(query):
        yield line


async def actions(session: AsyncSession, period: Period) -> list[str]:
    """The words for what was done in the period."""
    query = select(Audit.action).where(period.holds(Audit.at)).distinct().order_by(Audit.action)
    return list(await session.scalars(query))


def _wanted(query: Select[Any], sought: Sought) -> Select[Any]:
    query = query.where(sought.period.holds(Audit.at))
    if sought.actor:
        begins = sought.actor.endswith(":")
        query = query.where(
            Audit.actor.startswith(sought.actor, autoescape=True) if begins else Audit.actor == sought.actor
        )
    if sought.action:
        query = query.where(Audit.action == sought.action)
    if sought.subject:
        query = query.where(Audit.subject.contains(sought.subject, autoescape=True))
    return query
