"""A number of the law: what it is under each date from which it holds, in what unit, and who says so."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Confidence(StrEnum):
    """How sure we are of a value: an official text, a good secondary source, or our own assumption."""

    OFFICIAL = "H"
    SECONDARY = "M"
    ASSUMED = "L"


class NoTariff(LookupError):
    """Nothing is known for that day: `name` begins on `first`."""

    def __init__(self, name: str, day: date, first: date) -> None:
        super().__init__(f"{name} is not known on {day}: it begins on {first}")
        self.name = name
        self.day = day
        self.first = first


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """A value by date. `values` is ascending, each holding from its date until the next one."""

    name: str
    unit: str
    source: str
    confidence: Confidence
    values: tuple[tuple[date, T], ...]
    comment: str = ""

    @property
    def first(self) -> date:
        """The day on which it begins."""
        return self.values[0][0]

    def on(self, day: date) -> T:
        """The value that holds on `day`. Raises NoTariff."""
        position = bisect_right(self.values, day, key=lambda dated: dated[0])
        if position == 0:
            raise NoTariff(self.name, day, self.first)
        return self.values[position - 1][1]


@dataclass(frozen=True, slots=True)
class Span:
    """Days in a row, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def spans(whole: Span, *parameters: Parameter[Any]) -> Iterator[Span]:
    """Cut `whole` where a parameter takes another value: within each span returned they all stand still."""
    cuts = {
        day
        for parameter in parameters
        for day, value in parameter.values
        if whole.first < day <= whole.last and parameter.on(day - timedelta(days=1)) != value
    }
    first = whole.first
    for cut in sorted(cuts):
        yield Span(first, cut - timedelta(days=1))
        first = cut
    yield Span(first, whole.last)
