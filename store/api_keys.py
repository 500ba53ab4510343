"""Keys of the operator's systems. A key is shown once, when it is made; the store has only its hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import ApiKey, Audit


class Scope(StrEnum):
    """What a key may be used for."""

    PAYMENTS = "payments"
    RECHARGES = "recharges"
    REQUESTS = "requests"
    CAMPAIGNS = "campaigns"


def _hash(key: str) -> str:
    # Not a password: 256 random bits cannot be guessed, so that a slow hash would only slow the callers.
    return hashlib.sha256(key.encode()).hexdigest()


async def issue(session: AsyncSession, name: str, scopes: Sequence[Scope], actor: str, now: datetime) -> str:
    """Make a key. Raises `ValueError`, one line, when the name is taken."""
    if await session.scalar(select(ApiKey.id).where(ApiKey.name == name)) is not None:
        raise ValueError(f"there is a key named '{name}' already")
    key = f"rlv_{secrets.token_urlsafe(32)}"
    session.add(
        ApiKey(name=name, key_hash=_hash(key), scopes=sorted({scope.value for scope in scopes}), created_at=now)
    )
    session.add(Audit(at=now, actor=actor, action="key.issued", subject=f"key:{name}", details={"scopes": scopes}))
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


async def known(session: AsyncSession, key: str) -> ApiKey | None:
    """The key's row while it is in use."""
    return await session.scalar(select(ApiKey).where(ApiKey.key_hash == _hash(key), ApiKey.revoked_at.is_(None)))


async def every_key(session: AsyncSession) -> list[ApiKey]:
    return list(await session.scalars(select(ApiKey).order_by(ApiKey.name)))
