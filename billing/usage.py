"""What a register usually turns, from its own history: the band a new reading is held against."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from billing.limits import Limits
from billing.registers import IndexPoint, RegisterFacts

MAD_TO_SIGMA = 1.4826
"""Makes the median absolute deviation comparable with a standard deviation."""
YEAR_DAYS = 365
SEASON_DAYS = 30
"""Shortest stretch of last year that says something about the season."""


@dataclass(frozen=True, slots=True)
class Band:
    """The use to expect over some days, in index units; outside [low, high] the customer is asked."""

    daily: float
    expected: float
    low: float
    high: float


def physical_bound(register: RegisterFacts, days: int, limits: Limits) -> int | None:
    """The most that can pass the meter in `days`, in kWh or m3; None when the power is not known.

    A day more is granted: readings carry a date, not an hour.
    """
    hours = 24 * (days + 1)
    if register.unit == "m3":
        return int(limits.water_m3_per_hour * limits.water_margin * hours)
    if register.subscribed_kw is None:
        return None
    return int(register.subscribed_kw * limits.power_margin * hours)


def slack(register: RegisterFacts, limits: Limits) -> float:
    """The difference not worth a question, in index units."""
    return (limits.slack_m3 if register.unit == "m3" else limits.slack_kwh) / register.multiplier


def usual_band(register: RegisterFacts, since: IndexPoint, until: date, limits: Limits) -> Band | None:
    """The band for the days from the real point `since` to `until`; None while the meter is too new.

    Median and MAD of the daily use over the real periods up to `since`. With the same days of last year
    known, they set the expectation, and the band covers both: a household that is away in winter, or cools
    in summer, is not asked every year.
    """
    days = (until - since.taken_on).days
    known = daily_use(register, since, days, limits)
    if known.periods < limits.min_periods:
        return None
    spread = limits.spreads * known.sigma
    ratio = limits.young_high_ratio if known.seasonal is None else limits.high_ratio
    expected = known.likely * days
    margin = slack(register, limits)
    return Band(
        daily=known.likely,
        expected=expected,
        low=min(min(known.median - spread, known.likely * limits.low_ratio) * max(days - 1, 0), expected - margin),
        high=max(max(known.median + spread, known.likely * ratio) * (days + 1), expected + margin),
    )


@dataclass(frozen=True, slots=True)
class DailyUse:
    """What real periods say of a register's use a day, in index units.

    `sigma` is a robust standard deviation of the `periods` around their `median` (from the MAD), `seasonal` the
    use over the same days of last year, None while that is not known.
    """

    periods: int
    median: float
    sigma: float
    seasonal: float | None

    @property
    def likely(self) -> float:
        return self.median if self.seasonal is None else self.seasonal


def daily_use(register: RegisterFacts, since: IndexPoint, days: int, limits: Limits) -> DailyUse:
    """The use to expect over the `days` from the real point `since`, from the real periods up to it."""
    marks, totals = _turned(register, since)
    rates = _daily_rates(marks, totals, limits.min_period_days)
    if not rates:
        return DailyUse(0, 0.0, 0.0, None)
    median = _median(rates)
    sigma = MAD_TO_SIGMA * _median([abs(rate - median) for rate in rates])
    return DailyUse(len(rates), median, sigma, _last_year(marks, totals, days))


def _turned(register: RegisterFacts, last: IndexPoint) -> tuple[list[int], list[int]]:
    """Days (ordinals) of the real points up to `last`, and what the register has turned since the first."""
    marks: list[int] = []
    totals: list[int] = []
    index = total = 0
    for point in register.history:
        if point.real:
            if marks:
                total += register.advance(index, point.value)
            index = point.value
            marks.append(point.taken_on.toordinal())
            totals.append(total)
            if point is last:
                break
    return marks, totals


def _daily_rates(marks: Sequence[int], totals: Sequence[int], min_days: int) -> list[float]:
    """Daily use of each period of at least `min_days`, walking back from the last point."""
    rates: list[float] = []
    end = len(marks) - 1
    for start in range(end - 1, -1, -1):
        days = marks[end] - marks[start]
        if days >= min_days:
            rates.append(max(totals[end] - totals[start], 0) / days)
            end = start
    return rates


def _last_year(marks: Sequence[int], totals: Sequence[int], days: int) -> float | None:
    """Daily use over the same days a year ago, at least a month of them; None when not all are known."""
    start = marks[-1] - YEAR_DAYS
    end = start + days
    if days < SEASON_DAYS:
        start -= (SEASON_DAYS - days) // 2
        end = start + SEASON_DAYS
    if start < marks[0] or end > marks[-1]:
        return None
    return max(_interpolated(marks, totals, end) - _interpolated(marks, totals, start), 0.0) / (end - start)


def _interpolated(marks: Sequence[int], totals: Sequence[int], mark: int) -> float:
    right = bisect_right(marks, mark)
    if right == len(marks):
        return totals[-1]
    left = right - 1
    share = (mark - marks[left]) / (marks[right] - marks[left])
    return totals[left] + share * (totals[right] - totals[left])


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
