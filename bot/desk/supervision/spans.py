"""The period that a page is asked for: so many days up to today, or from one day to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from bot.desk.wording import N_
from store.periods import Period

LONGEST = 400
"""Days: a year and the month before it to compare with."""


@dataclass(frozen=True, slots=True)
class Span:
    """A period as it was asked for. `problem` says in French why it could not be had; then `period` is the default.

    `days` is one of `CHOICES`, or None for a period between two days. `first` and `last` are as typed, empty for so
    many days.
    """

    CHOICES: ClassVar[Mapping[int, str]] = {
        1: N_("Aujourd’hui"),
        7: N_("7 jours"),
        30: N_("30 jours"),
        90: N_("90 jours"),
    }

    period: Period
    days: int | None
    first: str
    last: str
    problem: str | None = None

    @classmethod
    def asked(cls, query: Mapping[str, str], today: date, default: int) -> Span:
        """From the fields `days`, `first` and `last` of an address.

        A form sends them all: what was changed in it wins, and `had` are the two days that it was shown with.
        """
        first, last = query.get("first", "").strip(), query.get("last", "").strip()
        days = next((each for each in cls.CHOICES if str(each) == query.get("days")), None)
        if (first or last) and (days is None or query.get("had") != f"{first}/{last}"):
            return cls._between(first, last, today, default)
        return cls(Period.until(today, days or default), days or default, "", "")

    @classmethod
    def _between(cls, first: str, last: str, today: date, default: int) -> Span:
        try:
            until = date.fromisoformat(last) if last else today
            since = date.fromisoformat(first) if first else until - timedelta(days=default - 1)
        except (ValueError, OverflowError):
            problem = N_("Une date s’écrit AAAA-MM-JJ, comme 2026-03-31.")
        else:
            if until < since:
                problem = N_("La période finit avant de commencer.")
            elif (until - since).days >= LONGEST:
                problem = N_("La période est trop longue : 400 jours au plus.")
            elif until.year < 2000 or until > today + timedelta(days=LONGEST):
                problem = N_("Ces dates sont hors du calendrier.")
            else:
                return cls(Period(since, until), None, since.isoformat(), until.isoformat())
        return cls(Period.until(today, default), default, first, last, problem)

    @property
    def query(self) -> dict[str, str]:
        """What asks for the same again."""
        return {"days": str(self.days)} if self.days else {"first": self.first, "last": self.last}
