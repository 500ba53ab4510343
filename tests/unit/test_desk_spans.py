"""The period that a page of figures is asked for, and how figures are written."""

from __future__ import annotations

from datetime import date

import pytest

from bot.desk.addresses import address, number_in, page_number
from bot.desk.supervision.plot import Unit
from bot.desk.supervision.spans import Span
from bot.desk.supervision.tables import csv_file
from bot.desk.supervision.written import written

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("query", "first", "last", "days"),
    [
        ({}, "2026-10-25", "2026-11-23", 30),
        ({"days": "1"}, "2026-11-23", "2026-11-23", 1),
        ({"days": "90"}, "2026-08-26", "2026-11-23", 90),
        ({"days": "12"}, "2026-10-25", "2026-11-23", 30),
        ({"first": "2026-01-01", "last": "2026-01-31"}, "2026-01-01", "2026-01-31", None),
        ({"last": "2026-01-30"}, "2026-01-01", "2026-01-30", None),
        # A form sends both: what was changed since it was shown wins.
        ({"days": "30", "had": "/", "first": "2026-11-01", "last": ""}, "2026-11-01", "2026-11-23", None),
        ({"days": "7", "had": "2026-11-01/", "first": "2026-11-01", "last": ""}, "2026-11-17", "2026-11-23", 7),
        ({"days": "", "had": "2026-11-01/", "first": "2026-11-01"}, "2026-11-01", "2026-11-23", None),
    ],
)
def test_a_period_is_read_from_an_address(query: dict[str, str], first: str, last: str, days: int | None) -> None:
    span = Span.asked(query, TODAY, 30)
    assert (span.period.first.isoformat(), span.period.last.isoformat(), span.days) == (first, last, days)
    assert span.problem is None
    assert Span.asked(span.query, TODAY, 30).period == span.period


@pytest.mark.parametrize(
    "query",
    [
        {"first": "hier"},
        {"first": "2026-13-01"},
        {"first": "2026-11-02", "last": "2026-11-01"},
        {"first": "2024-01-01"},
        {"last": "0001-01-01"},
        {"last": "9999-12-31"},
    ],
)
def test_a_period_that_cannot_be_had_is_given_back_as_typed(query: dict[str, str]) -> None:
    span = Span.asked(query, TODAY, 7)
    assert span.problem
    assert (span.first, span.last) == (query.get("first", ""), query.get("last", ""))
    assert (span.period.first.isoformat(), span.period.last) == ("2026-11-17", TODAY)


@pytest.mark.parametrize(
    ("said", "page"), [(None, 1), ("3", 3), ("0", 1), ("-2", 1), ("x", 1), ("9" * 40, 1), ("²", 1)]
)
def test_a_page_is_a_number_from_one(said: str | None, page: int) -> None:
    assert page_number(said) == page


def test_what_is_no_number_names_nothing() -> None:
    assert [number_in(each) for each in ("7", "", None, "7a", "9" * 20)] == [7, None, None, None, None]


def test_an_address_keeps_what_is_said_and_escapes_it() -> None:
    assert address("/desk/search", {"q": "a&b é", "user": None}, {"page": 2}) == "/desk/search?q=a%26b+%C3%A9&page=2"


@pytest.mark.parametrize(
    ("value", "unit", "language", "shown"),
    [
        (0.144, Unit.SHARE, "fr", "14,4\u202f%"),
        (1, Unit.SHARE, "fr", "100\u202f%"),
        (40, Unit.DURATION, "fr", "40\u202fs"),
        (3900, Unit.DURATION, "fr", "1\u202fh 5\u202fmin"),
        (1234, Unit.COUNT, "fr", "1\u202f234"),
        (3.75, Unit.SCORE, "fr", "3,8"),
    ],
)
def test_figures_are_written_as_the_reader_does(value: float, unit: Unit, language: str, shown: str) -> None:
    assert written(value, unit, language).replace("\u00a0", "\u202f") == shown


@pytest.mark.parametrize("text", ["=1+1", "+212600000001", "-1", "@x", "\tx"])
def test_no_cell_of_a_file_is_a_formula(text: str) -> None:
    lines = bytes(csv_file("x", ["a"], [[text, -3]]).body).decode().splitlines()
    assert lines[1].strip('"') == f"'{text},-3"
