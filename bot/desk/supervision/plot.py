"""From figures by day to the points of a small drawing: scales, ticks, lines with gaps, stacked bars.

Lengths are in units of the drawing's view box. Nothing here writes words or markup: the template does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

Value = float | None
"""None where there is nothing to tell: a gap, never zero."""


class Unit(StrEnum):
    """What values are: how they are written, and where an axis may have its ticks."""

    COUNT = "count"
    SHARE = "share"  # from 0 to 1
    DURATION = "duration"  # seconds
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class Frame:
    """The view box and the room around the plot. Mirrored, time runs from right to left as Arabic is read."""

    width: float = 400
    height: float = 200
    before: float = 52  # for the values beside the axis
    after: float = 12
    above: float = 12
    below: float = 26  # for the days under it
    mirrored: bool = False

    @property
    def plot_width(self) -> float:
        return self.width - self.before - self.after

    @property
    def base(self) -> float:
        """Where zero is."""
        return self.height - self.below

    def across(self, share: float) -> float:
        """The place at `share` of the way from the first day to the last, in reading direction."""
        x = self.before + share * self.plot_width
        return round(self.width - x if self.mirrored else x, 2)

    def up(self, value: float, most: float) -> float:
        """The height of `value` on an axis from 0 to `most`."""
        return round(self.base - value / most * (self.base - self.above), 2)


_STEPS = (1.0, 2.0, 5.0, 10.0)
_DURATIONS = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
"""Steps that a clock's reader expects, in seconds; above a day, whole days in `_STEPS`."""
MOST_TICKS = 5


def ticks(most: float, unit: Unit = Unit.COUNT) -> list[float]:
    """Round values from 0 up to the first that is not below `most`: 2 to `MOST_TICKS` + 1 of them, evenly apart."""
    if unit is Unit.SHARE:
        return [0.0, 0.25, 0.5, 0.75, 1.0]
    if unit is Unit.SCORE:
        return [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    step = _step(most / MOST_TICKS, unit)
    return [step * each for each in range(max(math.ceil(most / step), 1) + 1)]


def _step(least: float, unit: Unit) -> float:
    """The smallest round step that is not below `least`."""
    scale = 1.0
    if unit is Unit.DURATION:
        found = next((each for each in _DURATIONS if each >= least), None)
        if found is not None:
            return float(found)
        scale = float(_DURATIONS[-1])
    power = 10.0 ** max(math.floor(math.log10(least / scale)), 0) if least > scale else 1.0
    return next(each * power * scale for each in (*_STEPS, 20.0) if each * power * scale >= least)


@dataclass(frozen=True, slots=True)
class Tick:
    place: float
    value: float


@dataclass(frozen=True, slots=True)
class DayMark:
    place: float
    day: date


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its unbroken runs as `points` of SVG, and a dot for each value."""

    series: int
    runs: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    series: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that the template writes down."""

    frame: Frame
    ticks: tuple[Tick, ...]
    days: tuple[DayMark, ...]
    lines: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()


def lines(days: Sequence[date], series: Sequence[Sequence[Value]], unit: Unit, frame: Frame) -> Drawing:
    """Each series as a line that breaks where a day has no value."""
    marks = ticks(max((value for each in series for value in each if value is not None), default=0), unit)
    places = [frame.across(_middle(at, len(days))) for at in range(len(days))]
    drawn = []
    for number, values in enumerate(series):
        points = [
            None if value is None else (x, frame.up(value, marks[-1]))
            for x, value in zip(places, values, strict=True)
        ]
        drawn.append(Line(number, tuple(_runs(points)), tuple(each for each in points if each is not None)))
    return Drawing(frame, _ticks(marks, frame), _days(days, frame), lines=tuple(drawn))


def bars(days: Sequence[date], series: Sequence[Sequence[Value]], unit: Unit, frame: Frame) -> Drawing:
    """One bar a day, the series on top of each other in their order."""
    totals = [sum(value or 0 for value in column) for column in zip(*series, strict=True)]
    marks = ticks(max(totals, default=0), unit)
    slot = frame.plot_width / max(len(days), 1)
    width = round(slot * 0.76, 2)
    drawn = []
    for at in range(len(days)):
        x = round(frame.across(_middle(at, len(days))) - width / 2, 2)
        below = 0.0
        for number, values in enumerate(series):
            if value := values[at]:
                y = frame.up(below + value, marks[-1])
                drawn.append(Bar(number, x, y, width, round(frame.up(below, marks[-1]) - y, 2)))
                below += value
    return Drawing(frame, _ticks(marks, frame), _days(days, frame), bars=tuple(drawn))


def _middle(at: int, days: int) -> float:
    return (at + 0.5) / days


def _runs(points: Sequence[tuple[float, float] | None]) -> list[str]:
    """Neighbouring points as `x,y x,y`; one alone makes no line."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1]


def _ticks(values: Sequence[float], frame: Frame) -> tuple[Tick, ...]:
    return tuple(Tick(frame.up(value, values[-1]), value) for value in values)


MOST_DAY_MARKS = 5


def _days(days: Sequence[date], frame: Frame) -> tuple[DayMark, ...]:
    """Some days to read time by, evenly apart: all of a few, else weeks or multiples of them."""
    every = next(each for each in (1, 2, 7, 14, 28, 56, 112, 10_000) if len(days) <= each * MOST_DAY_MARKS)
    return tuple(DayMark(frame.across(_middle(at, len(days))), day) for at, day in enumerate(days) if at % every == 0)
