"""When people answer: hours of the week, holidays, and what lies between two moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actions.opening_hours import OpeningHours
from actions.operator import load_operator
from billing.calendar import CASABLANCA
from billing.working_days import WorkingDays
from bot.service import OPERATORS

ONEE = load_operator(OPERATORS, "onee")
HOURS, CALENDAR = ONEE.desk.hours, ONEE.working_days
moments = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
spans = st.lists(st.integers(0, 47), min_size=0, max_size=4, unique=True).map(sorted)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CASABLANCA)


@pytest.mark.parametrize(
    ("moment", "opens_at"),
    [
        pytest.param("2026-11-23 08:29", "2026-11-23 08:30", id="a minute too early on a Monday"),
        pytest.param("2026-11-23 08:30", None, id="as the doors open"),
        pytest.param("2026-11-23 18:29", None, id="the last minute"),
        pytest.param("2026-11-23 18:30", "2026-11-24 08:30", id="a minute too late"),
        pytest.param("2026-11-27 13:00", "2026-11-27 14:30", id="Friday prayer"),
        pytest.param("2026-11-28 13:00", "2026-11-30 08:30", id="Saturday afternoon"),
        pytest.param("2026-11-17 19:00", "2026-11-19 08:30", id="before a holiday"),
        pytest.param("2026-11-18 10:00", "2026-11-19 08:30", id="on a holiday"),
    ],
)
def test_the_hours_of_onee(moment: str, opens_at: str | None) -> None:
    assert HOURS.opens_at(at(moment), CALENDAR) == (None if opens_at is None else at(opens_at))


def test_the_operator_corrects_the_holidays() -> None:
    moved = WorkingDays(added=frozenset({date(2026, 11, 24)}), dropped=frozenset({date(2026, 11, 18)}))
    assert HOURS.is_open(at("2026-11-18 10:00"), moved)
    assert not HOURS.is_open(at("2026-11-24 10:00"), moved)


def test_days_closed_besides_and_holidays_worked() -> None:
    hours = OpeningHours.model_validate(
        {"week": {"wednesday": ["09:00-12:00"]}, "open_on_holidays": True, "closed_on": ["2026-11-25"]}
    )
    assert hours.is_open(at("2026-11-18 10:00"), CALENDAR)
    assert hours.opens_at(at("2026-11-25 10:00"), CALENDAR) == at("2026-12-02 09:00")


def test_without_hours_somebody_always_answers() -> None:
    assert OpeningHours().opens_at(at("2026-11-22 03:00"), CALENDAR) is None


def test_until_midnight() -> None:
    hours = OpeningHours.model_validate({"week": {"monday": ["00:00-00:00"]}})
    assert hours.is_open(at("2026-11-23 23:59"), CALENDAR)
    assert hours.opens_at(at("2026-11-24 00:00"), CALENDAR) == at("2026-11-30 00:00")
    assert hours.between(at("2026-11-22 00:00"), at("2026-11-25 00:00"), CALENDAR) == timedelta(days=1)


@pytest.mark.parametrize(
    ("week", "fault"),
    [
        ({"monday": ["18:00-08:00"]}, "ends before it begins"),
        ({"monday": ["08:00-12:00", "11:00-15:00"]}, "overlap"),
        ({"monday": ["14:00-00:00", "15:00-16:00"]}, "overlap"),
        ({"monday": ["08:00"]}, "hours are written"),
        ({"lundi": ["08:00-12:00"]}, "monday"),
        ({"monday": ["8h-12h"]}, "time"),
    ],
)
def test_hours_that_make_no_sense_are_refused(week: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        OpeningHours.model_validate({"week": week})


@given(moments)
def test_it_opens_at_a_moment_when_it_is_open_and_not_before(moment: datetime) -> None:
    opens_at = HOURS.opens_at(moment, CALENDAR)
    if opens_at is None:
        assert HOURS.is_open(moment, CALENDAR)
    else:
        assert opens_at > moment
        assert HOURS.is_open(opens_at, CALENDAR)
        assert not HOURS.is_open(opens_at - timedelta(minutes=1), CALENDAR)
        assert HOURS.between(moment, opens_at, CALENDAR) == timedelta(0)


@given(moments, st.integers(0, 60 * 24 * 9), st.integers(0, 60 * 24 * 9))
def test_opening_time_adds_up(start: datetime, first: int, second: int) -> None:
    middle, end = start + timedelta(minutes=first), start + timedelta(minutes=first + second)
    whole = HOURS.between(start, end, CALENDAR)
    assert whole == HOURS.between(start, middle, CALENDAR) + HOURS.between(middle, end, CALENDAR)
    assert timedelta(0) <= whole <= end - start


@given(spans, moments)
def test_any_week_can_be_asked(halves: list[int], moment: datetime) -> None:
    times = [f"{half // 2:02}:{half % 2 * 30:02}" for half in halves]
    pairs = [f"{begins}-{ends}" for begins, ends in zip(times[::2], times[1::2], strict=False)]
    hours = OpeningHours.model_validate({"week": {"tuesday": pairs, "sunday": pairs}})
    opens_at = hours.opens_at(moment, CALENDAR)
    assert opens_at is None or hours.is_open(opens_at, CALENDAR)
    assert hours.first_open(moment, CALENDAR) >= moment
