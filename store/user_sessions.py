"""Signed-in browsers: opened, found again, ended. Only the hash of a browser's token is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from store.desk_models import User, UserSession

LIFETIME = timedelta(hours=12)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def open_session(session: AsyncSession, user_id: int, now: datetime, *, is_complete: bool) -> str:
    """Sign a browser in, and return the token that it keeps."""
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(
            token_hash=_hash(token),
            user_id=user_id,
            csrf=secrets.token_urlsafe(32),
            is_complete=is_complete,
            created_at=now,
            used_at=now,
            expires_at=now + LIFETIME,
        )
    )
    await session.flush()
    return token


async def signed_in(session: AsyncSession, token: str, now: datetime) -> UserSession | None:
    """The complete session of a token, with its user and their teams; None when it is over or never was."""
    query = (
        select(UserSession)
        .where(UserSession.token_hash == _hash(token), UserSession.is_complete, UserSession.expires_at > now)
        .options(selectinload(UserSession.user).selectinload(User.teams))
    )
    found = await session.scalar(query)
    return None if found is None or found.user.disabled_at is not None else found
