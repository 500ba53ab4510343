"""The days on which an agency is open and a payment may fall due.

Fridays are working days in Morocco. Public holidays come from the library `holidays`, which knows the civil
ones by law and estimates the feasts of the Islamic calendar up to 2100. Those are announced when the moon has
been seen and often fall a day later than estimated, hence the operator's own corrections.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

_DAY = timedelta(days=1)
_FRIDAY = 5
"""Of `date.isoweekday`: the last working day of a week."""


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Every day that is neither Saturday, Sunday nor a public holiday; `day in working_days` asks for one.

    The operator corrects the public holidays: `added` are closed besides them, `dropped` are none after all.
    A dropped Saturday or Sunday stays closed, because a feast that moved leaves an ordinary weekend behind.
    After 2100 only weekends and corrections are known. Raises ValueError when a day is both added and dropped.
    """

    added: frozenset[date] = frozenset()
    dropped: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if both := self.added & self.dropped:
            raise ValueError(f"holidays both added and dropped: {', '.join(map(str, sorted(both)))}")

    def __contains__(self, day: date) -> bool:
        if day.isoweekday() > _FRIDAY:
            return False
        return not self.is_holiday(day)

    def is_holiday(self, day: date) -> bool:
        """Whether it is a public holiday, whatever the day of the week."""
        return day in self.added or (day not in self.dropped and day in _public_holidays(day.year))

    def on_or_after(self, day: date) -> date:
        """`day` itself, or the first working day after it."""
        while day not in self:
            day += _DAY
        return day

    def on_or_before(self, day: date) -> date:
        """`day` itself, or the last working day before it."""
        while day not in self:
            day -= _DAY
        return day

    def after(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`, which does not count itself. Raises ValueError below one."""
        if count < 1:
            raise ValueError(f"the working days to count are 1 or more, not {count}")
        for _ in range(count):
            day = self.on_or_after(day + _DAY)
        return day


@lru_cache(maxsize=128)
def _public_holidays(year: int) -> Set[date]:
    # Not at the top: with it come the holidays of all countries, unless a process that serves leaves them out.
    from holidays.countries.morocco import Morocco

    return frozenset(Morocco(years=year))
