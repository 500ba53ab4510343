"""What everything stands on: Python, its time zones, the addresses and keys of the settings."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from bot.doctor.finding import Finding, look, off, ok, said, wrong
from bot.settings import Settings

SUPPORTED = ((3, 11), (3, 14))
SHORTEST_KEY = 32
FEWEST_DIFFERENT = 10
"""Characters of a random key; a word repeated has fewer."""
ASK_SECONDS = 5.0


async def check(settings: Settings) -> AsyncIterator[Finding]:
    yield _python()
    yield _time_zones()
    async for found in _public_url(settings):
        yield found
    yield _secret_key(settings)
    yield _proxies(settings)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    least, beyond = SUPPORTED
    if least <= sys.version_info[:2] < beyond:
        return ok("Python", version)
    return wrong("Python", f"{version}: Rasa runs on 3.11 to 3.13 here; install one of them and `uv sync` again")


def _time_zones() -> Finding:
    """Morocco is at UTC+1, and at UTC in Ramadan: old data has the clocks changing in summer."""
    try:
        zone = ZoneInfo("Africa/Casablanca")
    except ZoneInfoNotFoundError:
        return wrong(
            "time zones", "Africa/Casablanca is not known: install the system's tzdata, or `uv pip install tzdata`"
        )
    summer = datetime(2026, 7, 1, tzinfo=zone).strftime("%z")
    ramadan = datetime(2026, 3, 1, tzinfo=zone).strftime("%z")
    if (summer, ramadan) == ("+0100", "+0000"):
        return ok("time zones", "Africa/Casablanca, with Ramadan")
    return wrong("time zones", f"Africa/Casablanca has {summer} in July and {ramadan} in Ramadan 2026: update tzdata")


async def _public_url(settings: Settings) -> AsyncIterator[Finding]:
    public = urlsplit(settings.public_url)
    carriers = settings.twilio_configured or settings.telegram_configured
    if public.hostname in ("localhost", "127.0.0.1"):
        yield off("PUBLIC_URL", f"{settings.public_url}: carriers on the internet cannot call it")
        return
    if public.scheme != "https" and carriers:
        yield wrong("PUBLIC_URL", f"{settings.public_url}: carriers need https://")
        return
    yield ok("PUBLIC_URL", settings.public_url)
    try:
        async with httpx.AsyncClient(timeout=ASK_SECONDS) as client:
            status = (await client.get(f"{settings.public_url}/healthz")).status_code
    except httpx.HTTPError as error:
        why = "no answer" if isinstance(error, httpx.TimeoutException) else said(error)
        yield look(
            "PUBLIC_URL from here", f"{why}: start `releve serve`; or this machine cannot call its own address"
        )
        return
    if status == 200:
        yield ok("PUBLIC_URL from here", "a Relève answers")
    else:
        yield look("PUBLIC_URL from here", f"answers {status} at /healthz: what is there is no Relève that works")


def _secret_key(settings: Settings) -> Finding:
    key = settings.secret_key.get_secret_value() if settings.secret_key else ""
    required = settings.desk_second_factor == "required"
    make = "make one with `openssl rand -hex 32`"
    if not key:
        if required:
            return wrong("SECRET_KEY", f"not set, and second factors are required, which it seals; {make}")
        return off("SECRET_KEY", f"not set: nobody can enrol a second factor, files are kept unsealed; {make}")
    if len(key) < SHORTEST_KEY:
        return wrong(
            "SECRET_KEY", f"has {len(key)} characters; it needs at least {SHORTEST_KEY}, random ones; {make}"
        )
    if len(set(key)) < FEWEST_DIFFERENT:
        return wrong("SECRET_KEY", f"has only {len(set(key))} different characters, which can be guessed; {make}")
    return ok("SECRET_KEY", f"{len(key)} characters")


def _proxies(settings: Settings) -> Finding:
    if settings.trusted_proxies == "127.0.0.1":
        return ok("TRUSTED_PROXIES", "a proxy on this machine is believed; set it if yours is elsewhere")
    return ok("TRUSTED_PROXIES", settings.trusted_proxies)
