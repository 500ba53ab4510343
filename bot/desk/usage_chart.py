"""What a register counted from one reading to the next, and where each bar of that goes in a small chart.

Lengths are in the units of the picture, which is `WIDTH` wide whatever room it gets; y grows downwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from billing.registers import RegisterFacts
from store.models import Reading, ReadingSource, ReadingState
from store.readings import STANDING

MOST = 13
"""Periods drawn: a year of months, and the same month of the year before."""
WIDTH, HEIGHT = 320, 124
AXIS_WIDTH = 34
"""Kept for the figures beside the bars."""
TOP, BASE = 10, 102
"""Where the highest bar ends and all begin, from above."""
GAP = 0.3
"""Share of a bar's place that is left free."""
LABELS = 5
"""Dates below the bars, at most."""


class Certainty(StrEnum):
    """How sure the index is that a period ends with."""

    READ = "read"
    ESTIMATED = "estimated"
    TO_REVIEW = "to_review"


@dataclass(frozen=True, slots=True)
class Period:
    """From one index to the next. `usage` is in the register's unit; below zero after too high an estimate."""

    start: date
    end: date
    usage: int
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Bar:
    """`is_cut` when its usage is beyond what the chart shows; `is_dated` when there is room for its date."""

    period: Period
    x: float
    y: float
    width: float
    height: float
    middle: float
    is_cut: bool
    is_dated: bool


@dataclass(frozen=True, slots=True)
class Tick:
    value: int
    y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars, oldest first, and the lines behind them from `start` to `end`; `label_x` is where figures stand."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    start: int
    end: int
    label_x: int
    width: int = WIDTH
    height: int = HEIGHT
    base: int = BASE

    def has(self, certainty: str) -> bool:
        """Whether a bar is of that kind: the legend explains no other."""
        return any(bar.period.certainty == certainty for bar in self.bars)


def periods(facts: RegisterFacts, readings: Iterable[Reading]) -> list[Period]:
    """What stands of a register's `readings`, oldest first, as periods; of several on a day the last one counts."""
    standing = {reading.taken_on: reading for reading in readings if reading.state in STANDING}
    return [
        Period(
            start=before.taken_on,
            end=after.taken_on,
            usage=facts.advance(before.value, after.value) * facts.multiplier,
            certainty=_certainty(after),
        )
        for before, after in pairwise(standing.values())
    ]


def _certainty(reading: Reading) -> Certainty:
    if reading.state == ReadingState.TO_REVIEW:
        return Certainty.TO_REVIEW
    return Certainty.ESTIMATED if reading.source == ReadingSource.ESTIMATE else Certainty.READ


def chart(shown: Sequence[Period], *, right_to_left: bool = False) -> Chart | None:
    """A chart of the last `MOST` periods; None without any. In right-to-left pages time goes to the left, too."""
    last = shown[-MOST:]
    if not last:
        return None
    highest = _highest(last)
    place = (WIDTH - AXIS_WIDTH) / len(last)

    bars = []
    for position, period in enumerate(last):
        x, width = AXIS_WIDTH + place * (position + GAP / 2), place * (1 - GAP)
        start = WIDTH - x - width if right_to_left else x
        y = _y(min(max(period.usage, 0), highest), highest)
        bars.append(
            Bar(
                period=period,
                x=round(start, 1),
                y=round(y, 1),
                width=round(width, 1),
                height=round(BASE - y, 1),
                middle=round(start + width / 2, 1),
                is_cut=period.usage > highest,
                is_dated=(len(last) - 1 - position) % _every(len(last)) == 0,
            )
        )
    ticks = tuple(Tick(value, round(_y(value, highest), 1)) for value in (0, highest // 2, highest))
    axis = WIDTH - AXIS_WIDTH if right_to_left else AXIS_WIDTH
    return Chart(tuple(bars), ticks, axis, 0 if right_to_left else WIDTH, axis + (4 if right_to_left else -4))


def _highest(shown: Sequence[Period]) -> int:
    """The top of the axis: a round even number above all bars that are sure, or above all where none is.

    An index to review may be anything; it does not make the others unreadable.
    """
    sure = [period.usage for period in shown if period.certainty is not Certainty.TO_REVIEW]
    most = max([*(sure or [period.usage for period in shown]), 2])
    return next(each for each in _round_numbers() if each >= most)


def _round_numbers() -> Iterator[int]:
    """Even ones, so that half of each can stand in the middle of the axis."""
    power = 1
    while True:
        yield from (each for digit in (1, 2, 3, 4, 5, 6, 8) if (each := digit * power) % 2 == 0)
        power *= 10


def _y(value: int, highest: int) -> float:
    return BASE - (BASE - TOP) * value / highest


def _every(count: int) -> int:
    """One bar of how many has its date below it; the last always has."""
    return -(-count // LABELS)
