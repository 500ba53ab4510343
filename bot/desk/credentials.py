"""Judging what people prove themselves with, and the cookie that stands for it afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from fastapi import Request, Response

from bot.desk.access import COOKIE
from bot.desk.context import Desk
from bot.desk.origin import network_address
from store import passwords, sign_ins, user_sessions
from store.desk_models import User
from store.sign_ins import Try

FAILURE_TAKES = timedelta(milliseconds=400)
"""Each failure, so that its time does not tell whether there is such an account."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a right password opened: the browser's token, and whose it is. `is_complete` unless a code is owed."""

    token: str
    user: User
    is_complete: bool


async def judged(desk: Desk, request: Request, email: str, password: str) -> Try | None:
    """The try when `password` is right. It is counted; whoever gets it says what it was for."""
    began, origin = monotonic(), network_address(request)
    async with desk.database.writing() as session:
        tried = await sign_ins.begin(session, email, origin, desk.clock())
    if await passwords.matches(password, tried.password_hash if tried else None):
        return tried
    if tried is not None:
        async with desk.database.writing() as session:
            sign_ins.failed(session, tried, origin, desk.clock())
    await asyncio.sleep(FAILURE_TAKES.total_seconds() - (monotonic() - began))
    return None


async def enter(desk: Desk, request: Request, email: str, password: str) -> Entry | None:
    """Sign in with a password. None when it is wrong, or the account is closed, locked or nobody's."""
    tried = await judged(desk, request, email, password)
    if tried is None:
        return None
    new_hash = await passwords.hashed(password) if passwords.is_outdated(tried.password_hash) else None
    now = desk.clock()
    async with desk.database.writing() as session:
        user = await sign_ins.first_step_done(session, tried)
        if user is None:
            return None
        if new_hash is not None:
            user.password_hash = new_hash
        is_complete = user.totp_secret is None
        if is_complete:
            sign_ins.succeeded(session, user, "password", network_address(request), now)
        return Entry(
            await user_sessions.open_session(session, user.id, now, is_complete=is_complete), user, is_complete
        )


async def confirmed(desk: Desk, request: Request, email: str, password: str) -> bool:
    """Whether somebody who is signed in knows their password; their failures count as those of signing in."""
    tried = await judged(desk, request, email, password)
    if tried is None:
        return False
    async with desk.database.writing() as session:
        return await sign_ins.first_step_done(session, tried) is not None


def give(desk: Desk, response: Response, token: str) -> None:
    """Put a session's token into the browser, for as long as it is open and for the desk only."""
    response.set_cookie(
        COOKIE,
        token,
        path="/desk",
        httponly=True,
        samesite="lax",
        secure=desk.settings.public_url.startswith("https://"),
    )


def take(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/desk", httponly=True, samesite="lax")
