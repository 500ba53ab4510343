"""What the operator tells of a commune: agencies, recharge points, rounds of the mobile team, cuts that are known."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import KnownOutage, Place, PlaceKind, Round, Utility


async def places_in(session: AsyncSession, kind: PlaceKind, commune: str, limit: int = 3) -> list[Place]:
    """The places of a kind in a commune, by name."""
    query = select(Place).where(Place.kind == kind, Place.commune == commune).order_by(Place.name).limit(limit)
    return list(await session.scalars(query))


async def next_rounds(session: AsyncSession, commune: str, now: datetime, limit: int = 2) -> list[Round]:
    """The mobile team's rounds in a commune that are not over, the first first."""
    query = select(Round).where(Round.commune == commune, Round.ends_at > now).order_by(Round.starts_at).limit(limit)
    return list(await session.scalars(query))


async def outages_in(
    session: AsyncSession, commune: str, now: datetime, utility: Utility | None = None
) -> list[KnownOutage]:
    """The cuts of a commune that have begun and are not over, the last first."""
    query = (
        select(KnownOutage)
        .where(
            KnownOutage.commune == commune,
            KnownOutage.starts_at <= now,
            or_(KnownOutage.ended_at.is_(None), KnownOutage.ended_at > now),
        )
        .order_by(KnownOutage.starts_at.desc())
    )
    if utility is not None:
        query = query.where(KnownOutage.utility == utility)
    return list(await session.scalars(query))
