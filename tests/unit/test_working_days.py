"""Payments fall due when agencies are open: not at weekends, not on Moroccan holidays."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.working_days import WorkingDays
from bot.settings import PROJECT

WORKING = WorkingDays()

days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
corrections = st.frozensets(days, max_size=20)


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        pytest.param("2026-11-20", True, id="a Friday"),
        pytest.param("2026-11-21", False, id="a Saturday"),
        pytest.param("2026-11-22", False, id="a Sunday"),
        pytest.param("2026-11-23", True, id="a Monday"),
        pytest.param("2026-01-01", False, id="New Year"),
        pytest.param("2027-01-11", False, id="Independence Manifesto"),
        pytest.param("2026-01-14", False, id="Amazigh New Year"),
        pytest.param("2022-01-14", True, id="Amazigh New Year before it was a holiday"),
        pytest.param("2026-05-01", False, id="Labour Day"),
        pytest.param("2026-07-30", False, id="Throne Day"),
        pytest.param("2026-08-14", False, id="Oued Ed-Dahab"),
        pytest.param("2026-08-20", False, id="Revolution of the King and the People"),
        pytest.param("2026-08-21", False, id="Youth Day"),
        pytest.param("2028-10-31", False, id="Unity Day"),
        pytest.param("2024-10-31", True, id="Unity Day before it was a holiday"),
        pytest.param("2026-11-06", False, id="Green March"),
        pytest.param("2026-11-18", False, id="Independence Day"),
        pytest.param("2026-03-20", False, id="Eid al-Fitr, estimated"),
        pytest.param("2026-05-28", False, id="second day of Eid al-Adha, estimated"),
        pytest.param("2026-06-16", False, id="Islamic New Year, estimated"),
        pytest.param("2026-08-25", False, id="Mawlid, estimated"),
        pytest.param("2090-06-29", False, id="a feast far ahead is estimated too"),
    ],
)
def test_a_day_is_a_working_day_or_not(day: str, open_: bool) -> None:
    assert (date.fromisoformat(day) in WORKING) is open_


def test_an_operator_moves_a_feast_by_a_day() -> None:
    announced = WorkingDays(
        added=frozenset({date(2026, 6, 17)}),
        dropped=frozenset({date(2026, 6, 16)}),
    )
    assert date(2026, 6, 16) in announced
    assert announced.on_or_after(date(2026, 6, 17)) == date(2026, 6, 18)


def test_a_feast_dropped_from_a_weekend_leaves_a_weekend() -> None:
    estimated = date(2027, 8, 14)  # a Saturday, and Mawlid's first day besides Oued Ed-Dahab
    assert estimated not in WorkingDays(dropped=frozenset({estimated}))


def test_a_day_cannot_be_both_added_and_dropped() -> None:
    day = frozenset({date(2026, 6, 16)})
    with pytest.raises(ValueError, match="2026-06-16"):
        WorkingDays(added=day, dropped=day)


def test_the_days_of_work_around_a_long_weekend() -> None:
    """Thursday 20 and Friday 21 August 2026 are holidays."""
    assert WORKING.on_or_after(date(2026, 8, 20)) == date(2026, 8, 24)
    assert WORKING.on_or_before(date(2026, 8, 23)) == date(2026, 8, 19)
    assert WORKING.after(date(2026, 8, 19), 1) == date(2026, 8, 24)
    assert WORKING.after(date(2026, 8, 21), 2) == date(2026, 8, 27)  # Mawlid on the 25th and 26th


@pytest.mark.parametrize("count", [0, -1])
def test_no_day_is_counted_backwards(count: int) -> None:
    with pytest.raises(ValueError, match=str(count)):
        WORKING.after(date(2026, 8, 19), count)


@given(days, corrections, corrections, st.integers(1, 12))
def test_working_days_are_found_on_both_sides_of_any_day(
    day: date, added: frozenset[date], dropped: frozenset[date], count: int
) -> None:
    working = WorkingDays(added - dropped, dropped)
    following, preceding = working.on_or_after(day), working.on_or_before(day)
    assert following in working
    assert preceding in working
    assert preceding <= day <= following
    assert (day in working) == (preceding == following)

    nth = working.after(day, count)
    between = sum(day + timedelta(n) in working for n in range(1, (nth - day).days + 1))
    assert (nth in working, between) == (True, count)


SERVING = """
import sys
from datetime import date
from nlu import standins
standins.serving()
from billing.working_days import WorkingDays
print(date(2026, 11, 18) in WorkingDays(), date(2026, 11, 19) in WorkingDays())
print(sorted(name for name in sys.modules if name.startswith("holidays.countries.")))
"""


def test_a_process_that_serves_knows_the_holidays_of_morocco_and_loads_no_others() -> None:
    done = subprocess.run([sys.executable, "-c", SERVING], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert done.stdout.splitlines() == ["False True", "['holidays.countries.morocco']"]
