"""How the desk's pages write values, by CLDR: money, numbers, days, moments, durations, sizes; and addresses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_decimal
from babel.units import format_unit

from billing.calendar import CASABLANCA, local_day
from bot.cldr import CLDR_LOCALES, dirhams
from bot.clock import Clock

MINUTE, HOUR, DAY = 60, 3600, 86_400
KILO = 1000
KEPT_AT_START, KEPT_AT_END = 5, 3
HIDDEN = "••••"


def money(value: Decimal, language: str) -> str:
    """Dirhams with two places and the currency."""
    return f"{format_decimal(value, format='#,##0.00', locale=CLDR_LOCALES[language])} {dirhams(language)}"


def number(value: float | Decimal, language: str) -> str:
    return format_decimal(value, locale=CLDR_LOCALES[language])


def day(value: date, language: str) -> str:
    """A day; of a moment, the one in Morocco."""
    shown = local_day(value) if isinstance(value, datetime) else value
    return format_date(shown, "dd/MM/yyyy", locale=CLDR_LOCALES[language])


def moment(value: datetime, language: str) -> str:
    """Day and time in Morocco."""
    return format_datetime(value, "dd/MM/yyyy HH:mm", tzinfo=CASABLANCA, locale=CLDR_LOCALES[language])


def clock(value: datetime | time, language: str) -> str:
    """The time of day in Morocco; a time without a day is taken as it is."""
    if isinstance(value, datetime):
        return format_time(value, "HH:mm", tzinfo=CASABLANCA, locale=CLDR_LOCALES[language])
    return format_time(value, "HH:mm", locale=CLDR_LOCALES[language])


def waited(value: timedelta | datetime, language: str, now: datetime) -> str:
    """How long, in at most two units: `12 min`, `3 h 5 min`, `2 j 4 h`. A moment is one since when."""
    duration = now - value if isinstance(value, datetime) else value
    seconds = max(int(duration.total_seconds()), 0)
    if seconds < MINUTE:
        return f"< {_unit(1, 'minute', language)}"
    if seconds < HOUR:
        return _unit(seconds // MINUTE, "minute", language)
    if seconds < DAY:
        return _two(seconds // HOUR, "hour", seconds % HOUR // MINUTE, "minute", language)
    return _two(seconds // DAY, "day", seconds % DAY // HOUR, "hour", language)


def size(value: int, language: str) -> str:
    """Bytes as people say them: `12 ko`, `1,4 Mo`."""
    if value < KILO:
        return _unit(value, "digital-byte", language)
    if value < KILO * KILO:
        return _unit(round(value / KILO), "digital-kilobyte", language)
    return _unit(round(value / KILO / KILO, 1), "digital-megabyte", language)


def masked(address: str) -> str:
    """As much of an address as tells customers apart: `+2126••••001`. Lists are on screens that many people pass."""
    if len(address) <= KEPT_AT_START + KEPT_AT_END:
        return f"{HIDDEN}{address[-KEPT_AT_END:]}"
    return f"{address[:KEPT_AT_START]}{HIDDEN}{address[-KEPT_AT_END:]}"


def filters(language: str, now: Clock) -> dict[str, Callable[..., str]]:
    """The filters of templates in `language`, by the names that templates use."""

    def of(write: Callable[[Any, str], str]) -> Callable[[Any], str]:
        return lambda value: write(value, language)

    return {
        "money": of(money),
        "number": of(number),
        "day": of(day),
        "moment": of(moment),
        "clock": of(clock),
        "bytes": of(size),
        "waited": lambda value: waited(value, language, now()),
        "left": lambda value: waited(value - now(), language, now()),
    }


def _two(large: int, large_unit: str, small: int, small_unit: str, language: str) -> str:
    shown = _unit(large, large_unit, language)
    return f"{shown} {_unit(small, small_unit, language)}" if small else shown


def _unit(value: float, unit: str, language: str) -> str:
    kind = unit if unit.startswith("digital-") else f"duration-{unit}"
    return format_unit(value, kind, length="short", locale=CLDR_LOCALES[language])
