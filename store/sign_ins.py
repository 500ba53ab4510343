"""Signing in: tries are counted before they are judged, failures lock the account, and all of it is in the audit.

A try is counted first, in a transaction of its own, because judging a password takes a tenth of a second: a hundred
tries at the same moment are five, and the others find the account locked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from store import users
from store.desk_models import User
from store.models import Audit

FREE_TRIES = 5
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=12)
NOBODY = "user:unknown"


@dataclass(frozen=True, slots=True)
class Try:
    """One try at a password, counted but not yet judged. `lock` is what it leads to unless it is right."""

    user_id: int
    password_hash: str
    lock: datetime | None


async def begin(session: AsyncSession, email: str, origin: str | None, now: datetime) -> Try | None:
    """Count a try. None when it can only fail: no such account, closed, locked, or without a password.

    `origin` is the network address that it came from, for the audit. What was typed as an address is not kept where
    it is nobody's: people type their password there.
    """
    user = await users.by_email(session, email, hold=True)
    if user is None:
        _record(session, "sign_in.failed", NOBODY, now, {"from": origin, "why": "unknown"})
        return None
    why = _hopeless(user, now)
    if why is not None or user.password_hash is None:
        _record(session, "sign_in.failed", user.actor, now, {"from": origin, "why": why})
        return None
    return Try(user.id, user.password_hash, _count(user, now))


def failed(session: AsyncSession, tried: Try, origin: str | None, now: datetime) -> None:
    """The password was wrong."""
    _record_failure(session, f"user:{tried.user_id}", "password", tried.lock, origin, now)


async def first_step_done(session: AsyncSession, tried: Try) -> User | None:
    """The password was right: this try does not count, earlier ones still do until the person has signed in.

    None when the account changed meanwhile.
    """
    user = await users.get(session, tried.user_id, hold=True)
    if user is None or user.disabled_at is not None or user.password_hash != tried.password_hash:
        return None
    user.failed_logins = max(0, user.failed_logins - 1)
    if user.locked_until == tried.lock:
        user.locked_until = None
    return user


def second_step(session: AsyncSession, user: User, step: int | None, origin: str | None, now: datetime) -> bool:
    """Judge a second factor: `step` is the time step of the code, None when the code was wrong. `user` is held.

    A code that was used once is wrong, and so is any while the account is locked.
    """
    if _hopeless(user, now) is not None:
        return False
    lock = _count(user, now)
    if step is None or (user.totp_step is not None and step <= user.totp_step):
        _record_failure(session, user.actor, "code", lock, origin, now)
        return False
    user.totp_step = step
    succeeded(session, user, "password and code", origin, now)
    return True


async def by_provider(
    session: AsyncSession, subject: str, email: str | None, origin: str | None, now: datetime
) -> User | None:
    """Who has proved to the OpenID Connect provider to be `subject`; None when nobody here is, or it is closed.

    The first time they are found by `email`, which the provider must have verified, and from then on by `subject`
    alone. A starting password that was never used ends there.
    """
    query = select(User).where(User.oidc_subject == subject).options(selectinload(User.teams))
    user = await session.scalar(query.with_for_update(of=User, key_share=True))
    if user is None and email is not None:
        user = await users.by_email(session, email, hold=True)
        if user is not None and user.oidc_subject is not None:
            user = None  # linked to somebody else at the provider: the address has changed hands
        elif user is not None and user.disabled_at is None:
            user.oidc_subject = subject
            if user.must_change_password:
                user.password_hash = None
            session.add(Audit(at=now, actor=user.actor, action="user.linked", subject=user.actor, details={}))
    if user is None or user.disabled_at is not None:
        whose = NOBODY if user is None else user.actor
        _record(session, "sign_in.failed", whose, now, {"from": origin, "why": "provider"})
        return None
    succeeded(session, user, "provider", origin, now)
    return user


def succeeded(session: AsyncSession, user: User, by: str, origin: str | None, now: datetime) -> None:
    """Somebody has signed in: earlier failures are forgiven."""
    user.failed_logins, user.locked_until = 0, None
    session.add(
        Audit(at=now, actor=user.actor, action="sign_in", subject=user.actor, details={"from": origin, "by": by})
    )


def _hopeless(user: User, now: datetime) -> str | None:
    if user.disabled_at is not None:
        return "disabled"
    if user.locked_until is not None and now < user.locked_until:
        return "locked"
    return "no password" if user.password_hash is None else None


def _count(user: User, now: datetime) -> datetime | None:
    """Count a try; the fifth in a row locks the account for 15 minutes, each later one twice as long as the last."""
    user.failed_logins += 1
    if user.failed_logins < FREE_TRIES:
        return None
    doublings = min(user.failed_logins - FREE_TRIES, 10)
    user.locked_until = now + min(FIRST_LOCK * 2**doublings, LONGEST_LOCK)
    return user.locked_until


def _record_failure(
    session: AsyncSession, subject: str, why: str, lock: datetime | None, origin: str | None, now: datetime
) -> None:
    _record(session, "sign_in.failed", subject, now, {"from": origin, "why": why})
    if lock is not None:
        _record(session, "sign_in.locked", subject, now, {"until": lock.isoformat()})


def _record(session: AsyncSession, action: str, subject: str, now: datetime, details: dict[str, Any]) -> None:
    session.add(Audit(at=now, actor=NOBODY, action=action, subject=subject, details=details))
