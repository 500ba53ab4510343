"""Accounts of the people who work at the desk, and what an administrator does with them; all of it in the audit.

Passwords come hashed (`store.passwords`) and second factors sealed (`bot.desk.second_factor`): nothing slow happens
inside a transaction, and the store never sees a secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from store import hand_overs, user_sessions
from store.desk_models import Role, Team, User
from store.helpdesk_models import OutsideAgent
from store.models import Audit

LONGEST_NAME = 120
IS_OURS = ~select(OutsideAgent.user_id).where(OutsideAgent.user_id == User.id).exists()
"""Not an agent of another helpdesk (`store.outside`)."""
SECOND_FACTOR = "second factor"
"""What `User.totp_secret` is sealed for (`store.sealing`)."""
_EMAIL = re.compile(r"[^\s@<>\"',;:\\()\[\]\x00-\x1f]{1,64}@[^\s@<>\"',;:\\()\[\]\x00-\x1f]+\.[^\s@.]{2,}")


class BadAddress(ValueError):
    """Not an e-mail address."""


class AddressTaken(ValueError):
    """Somebody has an account with this address already."""


class LastAdministrator(ValueError):
    """Without them nobody could look after the accounts."""


def normal_email(text: str) -> str:
    """An e-mail address as it is stored, in small letters. Raises `BadAddress`, one line."""
    email = text.strip().lower()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise BadAddress(f"'{text.strip()[:80]}' is not an e-mail address")
    return email


def own_words(email: str, name: str) -> list[str]:
    """What a person's password must not contain."""
    local, _, domain = email.partition("@")
    return [email, *re.split(r"[^\w]+|_", local), domain.partition(".")[0], *name.split()]


async def by_email(session: AsyncSession, email: str, *, hold: bool = False) -> User | None:
    """The account with this address, however it is written; `hold` keeps others from changing it meanwhile."""
    query = select(User).where(User.email == email.strip().lower()).options(selectinload(User.teams))
    return await session.scalar(query.with_for_update(of=User, key_share=True) if hold else query)


async def get(session: AsyncSession, user_id: int, *, hold: bool = False) -> User | None:
    """An account with its teams."""
    query = select(User).where(User.id == user_id).options(selectinload(User.teams))
    return await session.scalar(query.with_for_update(of=User, key_share=True) if hold else query)


async def every_user(session: AsyncSession) -> list[User]:
    """All accounts of people who sign in here with their teams, those in use first, by name."""
    query = select(User).where(IS_OURS).options(selectinload(User.teams))
    return list(await session.scalars(query.order_by(User.disabled_at.is_not(None), User.name, User.id)))


async def create(
    session: AsyncSession,
    *,
    email: str,
    name: str,
    role: Role,
    password_hash: str | None,
    actor: str,
    now: datetime,
    language: str = "fr",
    speaks: Iterable[str] = (),
    team_ids: Collection[int] = (),
    must_change_password: bool = True,
) -> User:
    """Open an account. Raises `BadAddress` and `AddressTaken`, one line each.

    `password_hash` is None for somebody who only comes by OpenID Connect.
    """
    user = User(
        email=normal_email(email),
        name=name.strip(),
        role=role,
        language=language,
        speaks=sorted(set(speaks)),
        password_hash=password_hash,
        must_change_password=must_change_password,
        created_at=now,
        teams=await _teams(session, team_ids),
    )
    try:
        async with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise AddressTaken(f"there is an account for {user.email} already") from error
    details = {"role": role, "teams": [team.name for team in user.teams]}
    _record(session, "user.created", user, actor, now, details)
    return user


async def change(
    session: AsyncSession,
    user: User,
    *,
    name: str,
    role: Role,
    speaks: Iterable[str],
    team_ids: Collection[int],
    actor: str,
    now: datetime,
) -> None:
    """What an administrator says about a person. Raises `LastAdministrator`.

    Another role ends what was opened in the old one: the person signs in again. Who becomes an administrator no
    longer converses: their conversations wait for somebody else.
    """
    if user.role is Role.ADMINISTRATOR and role is not Role.ADMINISTRATOR:
        await _keep_one_administrator(session, user)
    teams = await _teams(session, team_ids)
    before = {
        "name": user.name,
        "role": user.role,
        "speaks": user.speaks,
        "teams": [each.name for each in user.teams],
    }
    user.name, user.role, user.speaks, user.teams = name.strip(), role, sorted(set(speaks)), teams
    after = {"name": user.name, "role": user.role, "speaks": user.speaks, "teams": [each.name for each in teams]}
    changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changed:
        _record(session, "user.changed", user, actor, now, changed)
    if "role" in changed:
        await user_sessions.end_all(session, user.id)
    if role is Role.ADMINISTRATOR:
        await hand_overs.free(session, user.id, now, actor=actor)


async def describe(
    session: AsyncSession, user: User, *, name: str, language: str, speaks: Iterable[str], now: datetime
) -> None:
    """What a person says about themselves: name, the interface's language, the languages they answer in."""
    before = [user.name, user.language, user.speaks]
    user.name, user.language, user.speaks = name.strip(), language, sorted(set(speaks))
    if before != [user.name, user.language, user.speaks]:
        details = {"name": user.name, "language": user.language, "speaks": user.speaks}
        _record(session, "user.described", user, user.actor, now, details)


async def disable(session: AsyncSession, user: User, actor: str, now: datetime) -> None:
    """Close an account: every browser is signed out at once, and the person's conversations wait for somebody else.

    Raises `LastAdministrator`.
    """
    if user.disabled_at is not None:
        return
    if user.role is Role.ADMINISTRATOR:
        await _keep_one_administrator(session, user)
    user.disabled_at = now
    await user_sessions.end_all(session, user.id)
    await hand_overs.free(session, user.id, now, actor=actor)
    _record(session, "user.disabled", user, actor, now)


async def enable(session: AsyncSession, user: User, actor: str, now: datetime) -> None:
    """Open a closed account again, or end a lock-out."""
    if user.disabled_at is None and user.locked_until is None and user.failed_logins == 0:
        return
    user.disabled_at, user.locked_until, user.failed_logins = None, None, 0
    _record(session, "user.enabled", user, actor, now)


async def set_password(
    session: AsyncSession, user: User, password_hash: str, *, must_change: bool, actor: str, now: datetime
) -> None:
    """Give a person another password; it ends a lock-out and signs every browser out."""
    user.password_hash, user.must_change_password = password_hash, must_change
    user.locked_until, user.failed_logins = None, 0
    await user_sessions.end_all(session, user.id)
    _record(session, "user.password_set", user, actor, now)


async def set_second_factor(
    session: AsyncSession, user: User, sealed: str | None, *, actor: str, now: datetime, step: int | None = None
) -> None:
    """Enrol a second factor, whose first code was used at `step`; or, with None, take it away."""
    if sealed is None and user.totp_secret is None:
        return
    user.totp_secret, user.totp_step = sealed, step
    _record(session, "user.second_factor_reset" if sealed is None else "user.second_factor_set", user, actor, now)


async def _teams(session: AsyncSession, team_ids: Collection[int]) -> list[Team]:
    """The teams of `team_ids` by name; what is no team is left out."""
    return list(await session.scalars(select(Team).where(Team.id.in_(team_ids)).order_by(Team.name)))


async def _keep_one_administrator(session: AsyncSession, leaving: User) -> None:
    # Held, so that two of them cannot put each other out at the same moment.
    query = select(User).where(User.role == Role.ADMINISTRATOR, User.disabled_at.is_(None)).order_by(User.id)
    if all(each.id == leaving.id for each in await session.scalars(query.with_for_update(key_share=True))):
        raise LastAdministrator(f"{leaving.email} is the only administrator left")


def _record(
    session: AsyncSession, action: str, user: User, actor: str, now: datetime, details: dict[str, Any] | None = None
) -> None:
    session.add(Audit(at=now, actor=actor, action=action, subject=user.actor, details=details or {}))
