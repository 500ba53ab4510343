"""What a page of figures is made of, and how a median comes from its values.

Titles and labels are French; templates translate them with `_`. Whatever is None is unknown and shown as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from bot.desk.supervision.plot import Drawing, Frame, Unit, Value, bars, lines


class Of(StrEnum):
    """What was counted: "3 réponses" says more than a mean alone."""

    STAYS = "stays"
    CONVERSATIONS = "conversations"
    MESSAGES = "messages"
    READINGS = "readings"
    REQUESTS = "requests"
    ANSWERS = "answers"


class Kind(StrEnum):
    LINES = "lines"
    BARS = "bars"


@dataclass(frozen=True, slots=True)
class Series:
    """A value for each day of its chart."""

    name: str
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures by day. `behind` is how many `of` they come from in all, `key` its name in addresses."""

    key: str
    title: str
    kind: Kind
    unit: Unit
    days: Sequence[date]
    series: Sequence[Series]
    of: Of
    behind: int
    note: str | None = None

    def drawn(self, *, mirrored: bool) -> Drawing:
        draw = bars if self.kind is Kind.BARS else lines
        return draw(self.days, [each.values for each in self.series], self.unit, Frame(mirrored=mirrored))


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Figures of the whole period by something that is no day. The first column is drawn as bars."""

    key: str
    title: str
    heading: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    of: Of
    behind: int
    note: str | None = None

    @property
    def most(self) -> float:
        """The longest bar's value; never zero."""
        return max((row.values[0] or 0 for row in self.rows), default=0) or 1


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the whole period."""

    title: str
    value: Value
    unit: Unit
    of: Of
    behind: int


@dataclass(frozen=True, slots=True)
class Board:
    """All that is shown of one subject."""

    title: str
    tiles: Sequence[Tile]
    charts: Sequence[Chart]
    breakdowns: Sequence[Breakdown]


def percentile(values: Iterable[float], share: float) -> Value:
    """The value below which `share` of `values` lie, between neighbours in proportion; None of no values.

    The same as PostgreSQL's `percentile_cont`.
    """
    ranked = sorted(values)
    if not ranked:
        return None
    place = (len(ranked) - 1) * share
    below = int(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (ranked[above] - ranked[below]) * (place - below)


def share(part: float, whole: float) -> Value:
    return part / whole if whole else None


def seconds(duration: timedelta) -> float:
    """Never below zero: clocks of two machines may differ a little."""
    return max(duration.total_seconds(), 0.0)
