"""When people answer at the desk: hours by day of the week, closed on public holidays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from billing.calendar import CASABLANCA
from billing.working_days import WorkingDays

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_DAYS_CLOSED = 60
"""Further than this nobody is promised anything."""
_DAY = timedelta(days=1)


class Span(BaseModel):
    """From `begins` until `ends`, by the clock of Casablanca; `ends` at 00:00 is midnight. As text, "08:30-18:30"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begins: time
    ends: time

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            begins, dash, ends = value.partition("-")
            if not dash:
                raise ValueError('hours are written "08:30-18:30"')
            return {"begins": begins.strip(), "ends": ends.strip()}
        return value

    @model_validator(mode="after")
    def _forwards(self) -> Span:
        if self.ends != time(0) and self.ends <= self.begins:
            raise ValueError(f"{self.begins:%H:%M}-{self.ends:%H:%M} ends before it begins")
        return self

    def on(self, day: date) -> tuple[datetime, datetime]:
        """The aware moments at which it begins and ends on a day."""
        last = day + _DAY if self.ends == time(0) else day
        return (
            datetime.combine(day, self.begins, CASABLANCA),
            datetime.combine(last, self.ends, CASABLANCA),
        )


class OpeningHours(BaseModel):
    """Spans by day of the week; a day that is not named is closed, and so is a public holiday unless
    `open_on_holidays`. Without any span there are no hours, and people answer at any time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    week: Mapping[Weekday, tuple[Span, ...]] = Field(default_factory=dict)
    open_on_holidays: bool = False
    closed_on: frozenset[date] = frozenset()
    """Days closed besides."""

    @field_validator("week")
    @classmethod
    def _apart(cls, week: Mapping[Weekday, tuple[Span, ...]]) -> Mapping[Weekday, tuple[Span, ...]]:
        for weekday, spans in week.items():
            for one, next_one in pairwise(spans):
                if one.ends == time(0) or next_one.begins < one.ends:
                    raise ValueError(f"{weekday}: the hours overlap or are not in their order")
        return week

    def is_open(self, moment: datetime, calendar: WorkingDays) -> bool:
        """Whether somebody answers at an aware moment."""
        if not self._any:
            return True
        # Those of the day before may last until midnight, never past it.
        return any(begins <= moment < ends for begins, ends in self._spans(_local(moment), calendar))

    def opens_at(self, moment: datetime, calendar: WorkingDays) -> datetime | None:
        """When people answer again after an aware moment; None when they do now, or not for a long time."""
        if self.is_open(moment, calendar):
            return None
        first = _local(moment)
        for number in range(MOST_DAYS_CLOSED):
            for begins, _ in self._spans(first + number * _DAY, calendar):
                if begins > moment:
                    return begins
        return None

    def first_open(self, moment: datetime, calendar: WorkingDays) -> datetime:
        """The earliest moment from `moment` on at which somebody may answer."""
        return self.opens_at(moment, calendar) or moment

    def between(self, start: datetime, end: datetime, calendar: WorkingDays) -> timedelta:
        """How much opening time there is between two aware moments."""
        if not self._any:
            return max(end - start, timedelta(0))
        total = timedelta(0)
        day, last = _local(start), _local(end)
        while day <= last:
            for begins, ends in self._spans(day, calendar):
                total += max(_elapsed(max(begins, start), min(ends, end)), timedelta(0))
            day += _DAY
        return total

    @property
    def _any(self) -> bool:
        return any(self.week.values())

    def _spans(self, day: date, calendar: WorkingDays) -> Iterator[tuple[datetime, datetime]]:
        if day in self.closed_on or (not self.open_on_holidays and calendar.is_holiday(day)):
            return
        for span in self.week.get(WEEKDAYS[day.weekday()], ()):
            yield span.on(day)


def _local(moment: datetime) -> date:
    return moment.astimezone(CASABLANCA).date()


def _elapsed(start: datetime, end: datetime) -> timedelta:
    """What really passes: two moments of one zone are subtracted by their clocks, which change (Ramadan)."""
    return timedelta(seconds=end.timestamp() - start.timestamp())
