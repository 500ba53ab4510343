"""Stretches of whole days in Morocco, and the day that a moment falls on, told alike by both engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, case, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from billing.calendar import CASABLANCA

DAY = "local_day"
"""The label under which queries give the day, to group by."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included. Raises `ValueError` when they stand the wrong way round."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("a period ends before it begins")

    @classmethod
    def until(cls, last: date, days: int) -> Period:
        """The `days` days up to `last`."""
        return cls(last - timedelta(days=days - 1), last)

    @property
    def begins(self) -> datetime:
        return _midnight(self.first)

    @property
    def ends(self) -> datetime:
        """The moment after its last."""
        return _midnight(self.last + timedelta(days=1))

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=each) for each in range((self.last - self.first).days + 1)]

    def holds(self, moment: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """That a column's moment lies in the period."""
        return (moment >= self.begins) & (moment < self.ends)

    def day_of(self, moment: InstrumentedAttribute[Any]) -> ColumnElement[str]:
        """A column's day in Morocco as `YYYY-MM-DD`, exact within the period.

        Morocco leaves its summer time for Ramadan; the changes are Python's, so that both engines agree.
        """
        *changes, (_, last) = self._offsets()
        minutes: ColumnElement[int] = literal(last)
        if changes:
            minutes = case(*((moment < until, offset) for until, offset in changes), else_=last)
        return _LocalDay(moment, minutes)

    def _offsets(self) -> Sequence[tuple[datetime, int]]:
        """Minutes ahead of UTC, and the moment until which that is so, one pair for each stretch."""
        stretches: list[tuple[datetime, int]] = []
        hour, ends = self.begins, self.ends
        before = _minutes(hour)
        while hour < ends:
            # Whole days without a change are stepped over.
            step = timedelta(hours=1) if _minutes(hour + timedelta(days=1)) != before else timedelta(days=1)
            hour = min(hour + step, ends)
            if _minutes(hour) != before:
                stretches.append((hour, before))
                before = _minutes(hour)
        return [*stretches, (ends, before)]


def _midnight(day: date) -> datetime:
    """In UTC: sums of aware moments of one zone would follow the wall clock."""
    return datetime.combine(day, time(), CASABLANCA).astimezone(UTC)


def _minutes(moment: datetime) -> int:
    offset = moment.astimezone(CASABLANCA).utcoffset() or timedelta()
    return int(offset.total_seconds()) // 60


class _LocalDay(FunctionElement[str]):
    """The day of a moment that many minutes ahead of UTC."""

    type = String()
    inherit_cache = True


@compiles(_LocalDay, "sqlite")
def _on_sqlite(element: _LocalDay, compiler: SQLCompiler, **options: Any) -> str:
    moment, minutes = (compiler.process(each, **options) for each in element.clauses)
    return f"date({moment}, ({minutes}) || ' minutes')"


@compiles(_LocalDay, "postgresql")
def _on_postgresql(element: _LocalDay, compiler: SQLCompiler, **options: Any) -> str:
    moment, minutes = (compiler.process(each, **options) for each in element.clauses)
    return f"to_char(timezone('UTC', {moment}) + make_interval(mins => {minutes}), 'YYYY-MM-DD')"
