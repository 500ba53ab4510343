"""The desk: who works there, how they sign in, and whether the organisation's provider answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import httpx
from sqlalchemy import select

from bot.doctor.finding import Finding, look, off, ok, said, wrong
from bot.service import NotReady, require_current_schema
from bot.settings import Settings
from store.database import Database
from store.desk_models import Role, User
from store.users import IS_OURS

CALLBACK = "/desk/login/oidc/callback"
DISCOVERY = "/.well-known/openid-configuration"
ASK_SECONDS = 5.0


async def check(settings: Settings) -> AsyncIterator[Finding]:
    async for found in _people(settings):
        yield found
    async for found in _provider(settings):
        yield found


async def _people(settings: Settings) -> AsyncIterator[Finding]:
    database = Database(settings.database_url)
    try:
        try:
            await require_current_schema(database)
        except NotReady:
            return  # said where the database is checked
        async with database.reading() as session:
            query = select(User.role, User.totp_secret, User.password_hash).where(User.disabled_at.is_(None), IS_OURS)
            people = list(await session.execute(query))
    finally:
        await database.close()
    roles = Counter(role for role, _, _ in people)
    if not roles[Role.ADMINISTRATOR]:
        yield look("people", "no administrator: `releve user add NAME@EXAMPLE.MA --role administrator`")
    else:
        yield ok("people", ", ".join(f"{number} {role.value}" for role, number in sorted(roles.items())))
    with_password = [secret for _, secret, password in people if password is not None]
    without = sum(secret is None for secret in with_password)
    if without and settings.desk_second_factor == "optional":
        yield look(
            "second factor", f"{without} of {len(with_password)} have none: DESK_SECOND_FACTOR=required asks for it"
        )
    elif without:
        yield ok("second factor", f"{without} must enrol when they next sign in")
    else:
        yield ok("second factor", "everybody has one")


async def _provider(settings: Settings) -> AsyncIterator[Finding]:
    given = (settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)
    if not any(given):
        yield off("OpenID Connect", "no OIDC_ISSUER: people sign in to the desk with passwords")
        return
    if not settings.oidc_configured:
        yield wrong("OpenID Connect", "needs OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and SECRET_KEY")
        return
    issuer = str(settings.oidc_issuer)
    try:
        async with httpx.AsyncClient(timeout=ASK_SECONDS) as client:
            answer = await client.get(issuer.rstrip("/") + DISCOVERY)
            described = answer.json() if answer.status_code == 200 else {}
    except (httpx.HTTPError, ValueError) as error:
        yield wrong("OpenID Connect", f"{issuer} cannot be asked ({said(error)}): is OIDC_ISSUER right?")
        return
    if described.get("issuer") != issuer:
        yield wrong(
            "OpenID Connect", f"{issuer} answers {answer.status_code} and is no issuer of that name: see OIDC_ISSUER"
        )
    else:
        yield ok("OpenID Connect", f"{issuer} answers; it must send people back to {settings.public_url}{CALLBACK}")
