"""Signed-in browsers: opened, found again, ended. Only the hash of a browser's token is kept.

A session ends `IDLE` after the person last did something and `LIFETIME` after they signed in, whichever comes first.
Between the password and the second factor it lasts `UNFINISHED` and opens nothing else.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from store.desk_models import User, UserSession

LIFETIME = timedelta(hours=12)
IDLE = timedelta(minutes=60)
UNFINISHED = timedelta(minutes=10)
NOTED_EVERY = timedelta(minutes=1)
"""Not at each request: that it was used costs a write."""


async def open_session(session: AsyncSession, user_id: int, now: datetime, *, is_complete: bool) -> str:
    """Sign a browser in, and return the token that it keeps. Sessions that are over are cleared away."""
    await session.execute(delete(UserSession).where(_is_over(now)))
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(
            token_hash=_hash(token),
            user_id=user_id,
            csrf=secrets.token_urlsafe(32),
            is_complete=is_complete,
            created_at=now,
            used_at=now,
            expires_at=now + (LIFETIME if is_complete else UNFINISHED),
        )
    )
    await session.flush()
    return token


async def signed_in(session: AsyncSession, token: str, now: datetime) -> UserSession | None:
    """The complete session of a token, with its user and their teams; None when it is over or never was."""
    return await _found(session, token, now, is_complete=True)


async def unfinished(session: AsyncSession, token: str, now: datetime) -> UserSession | None:
    """The session of a token whose person has given the password and still owes the second factor."""
    return await _found(session, token, now, is_complete=False)


def is_worth_noting(found: UserSession, now: datetime) -> bool:
    """Whether `note_use` should be called: once in a while is enough."""
    return now - found.used_at >= NOTED_EVERY


async def note_use(session: AsyncSession, session_id: int, now: datetime) -> None:
    """The person did something: they stay signed in for another while."""
    query = update(UserSession).where(UserSession.id == session_id, UserSession.used_at < now)
    await session.execute(query.values(used_at=now))


async def end(session: AsyncSession, session_id: int) -> None:
    """Sign one browser out."""
    await session.execute(delete(UserSession).where(UserSession.id == session_id))


async def end_all(session: AsyncSession, user_id: int, *, but: int | None = None) -> int:
    """Sign all of a person's browsers out, except the session `but`; how many there were."""
    query = delete(UserSession).where(UserSession.user_id == user_id)
    if but is not None:
        query = query.where(UserSession.id != but)
    ended = await session.scalars(query.returning(UserSession.id))
    return len(ended.all())


async def still_open(session: AsyncSession, session_ids: Collection[int], now: datetime) -> frozenset[int]:
    """Those of the sessions whose people are signed in now."""
    query = (
        select(UserSession.id)
        .join(UserSession.user)
        .where(UserSession.id.in_(session_ids), UserSession.is_complete, ~_is_over(now), User.disabled_at.is_(None))
    )
    return frozenset(await session.scalars(query))


async def others(session: AsyncSession, user_id: int, session_id: int, now: datetime) -> int:
    """In how many other browsers a person is signed in now."""
    query = select(UserSession.id).where(
        UserSession.user_id == user_id, UserSession.id != session_id, UserSession.is_complete, ~_is_over(now)
    )
    return len((await session.scalars(query)).all())


async def _found(session: AsyncSession, token: str, now: datetime, *, is_complete: bool) -> UserSession | None:
    """One statement: this runs at every request."""
    query = (
        select(UserSession)
        .join(UserSession.user)
        .where(
            UserSession.token_hash == _hash(token),
            UserSession.is_complete.is_(is_complete),
            UserSession.expires_at > now,
            UserSession.used_at > now - IDLE,
            User.disabled_at.is_(None),
        )
        .options(joinedload(UserSession.user, innerjoin=True).joinedload(User.teams))
    )
    return (await session.scalars(query)).unique().one_or_none()


def _is_over(now: datetime) -> ColumnElement[bool]:
    return or_(UserSession.expires_at <= now, and_(UserSession.is_complete, UserSession.used_at <= now - IDLE))


def _hash(token: str) -> str:
    # Not a password: 256 random bits cannot be guessed, so that a slow hash would only slow every request.
    return hashlib.sha256(token.encode()).hexdigest()
