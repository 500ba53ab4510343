"""Figures as the reader's language writes them, in the words that fit beside an axis."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from babel import Locale
from babel.dates import format_skeleton
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from bot.cldr import CLDR_LOCALES
from bot.desk.shown import waited
from bot.desk.supervision.plot import Unit

_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def written(value: float, unit: Unit, language: str) -> str:
    """A value in its unit: a share in percent, a duration (seconds) in at most two units."""
    locale = CLDR_LOCALES[language]
    match unit:
        case Unit.SHARE:
            plain = str(Locale.parse(locale).percent_formats[None].pattern)
            return format_percent(value, format=plain.replace("#,##0", "#,##0.#"), locale=locale)
        case Unit.DURATION:
            if value < 60:
                return format_unit(round(value), "duration-second", length="short", locale=locale)
            return waited(timedelta(seconds=value), language, _ANY_MOMENT)
        case Unit.SCORE:
            return format_decimal(value, format="0.#", locale=locale)
        case _:
            return format_decimal(value, format="#,##0.##", locale=locale)


def short_day(day: date, language: str) -> str:
    """Day and month, for an axis."""
    return format_skeleton("MMMd", datetime(day.year, day.month, day.day, tzinfo=UTC), locale=CLDR_LOCALES[language])
