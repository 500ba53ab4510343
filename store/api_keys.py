"""Keys of the operator's systems. A key is shown once, when it is made; the store has only its hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import ApiKey, Audit

USE_NOTED = timedelta(hours=1)
"""How exactly it is known when a key was used last: a write for each call would cost more than it tells."""


class Scope(StrEnum):
    """What a key may be used for."""

    PAYMENTS = "payments"
    RECHARGES = "recharges"
    REQUESTS = "requests"
    REQUESTS_READ = "requests:read"
    READINGS_READ = "readings:read"
    CAMPAIGNS = "campaigns"
    IMPORTS = "imports"
    WEBHOOKS = "webhooks"
    HAND_OVERS = "hand_overs"


def _hash(key: str) -> str:
    # Not a password: 256 random bits cannot be guessed, so that a slow hash would only slow the callers.
    return hashlib.sha256(key.encode()).hexdigest()


def _fresh() -> str:
    return f"rlv_{secrets.token_urlsafe(32)}"


async def issue(
    session: AsyncSession,
    name: str,
    scopes: Sequence[Scope],
    actor: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> str:
    """Make a key, good until `expires_at` where given. Raises `ValueError`, one line, when the name is taken."""
    if await session.scalar(select(ApiKey.id).where(ApiKey.name == name)) is not None:
        raise ValueError(f"there is a key named '{name}' already")
    key = _fresh()
    wanted = sorted({scope.value for scope in scopes})
    session.add(ApiKey(name=name, key_hash=_hash(key), scopes=wanted, created_at=now, expires_at=expires_at))
    session.add(Audit(at=now, actor=actor, action="key.issued", subject=f"key:{name}", details={"scopes": wanted}))
    await session.flush()
    return key


async def rotate(session: AsyncSession, name: str, overlap: timedelta, actor: str, now: datetime) -> str | None:
    """Make a new key under a name; the one before works for `overlap` more. None when no such key is in use."""
    row = await session.scalar(
        select(ApiKey).where(ApiKey.name == name, ApiKey.revoked_at.is_(None)).with_for_update()
    )
    if row is None:
        return None
    key = _fresh()
    row.previous_hash, row.previous_until = row.key_hash, now + overlap
    row.key_hash = _hash(key)
    hours = round(overlap.total_seconds() / 3600)
    session.add(
        Audit(at=now, actor=actor, action="key.rotated", subject=f"key:{name}", details={"overlap_hours": hours})
    )
    await session.flush()
    return key


async def revoke(session: AsyncSession, name: str, actor: str, now: datetime) -> bool:
    """Make a key useless from now on. False when there is none of that name in use."""
    key = await session.scalar(select(ApiKey).where(ApiKey.name == name, ApiKey.revoked_at.is_(None)))
    if key is None:
        return False
    key.revoked_at = now
    session.add(Audit(at=now, actor=actor, action="key.revoked", subject=f"key:{name}"))
    return True


async def known(session: AsyncSession, key: str, now: datetime) -> ApiKey | None:
    """The key's row while it is in use."""
    hashed = _hash(key)
    return await session.scalar(
        select(ApiKey).where(
            or_(ApiKey.key_hash == hashed, (ApiKey.previous_hash == hashed) & (ApiKey.previous_until > now)),
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
        )
    )


def note_use(connection: Connection, key_id: int, now: datetime) -> None:
    """Note that a key was used."""
    connection.execute(update(ApiKey).where(ApiKey.id == key_id).values(used_at=now))


def is_use_to_note(key: ApiKey, now: datetime) -> bool:
    return key.used_at is None or now - key.used_at >= USE_NOTED


async def every_key(session: AsyncSession) -> list[ApiKey]:
    return list(await session.scalars(select(ApiKey).order_by(ApiKey.name)))
