"""The drawings of figures: round scales, lines that break where nothing is known, bars that add up."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.desk.supervision.plot import MOST_DAY_MARKS, MOST_TICKS, Frame, Unit, bars, lines, ticks

FRAME = Frame()
FIRST = date(2026, 1, 1)
AMOUNTS = st.floats(min_value=0, max_value=1e9, allow_nan=False)


def days(count: int) -> list[date]:
    return [FIRST + timedelta(days=each) for each in range(count)]


@pytest.mark.parametrize(
    ("most", "unit", "expected"),
    [
        (0, Unit.COUNT, [0, 1]),
        (1, Unit.COUNT, [0, 1]),
        (3, Unit.COUNT, [0, 1, 2, 3]),
        (7, Unit.COUNT, [0, 2, 4, 6, 8]),
        (48, Unit.COUNT, [0, 10, 20, 30, 40, 50]),
        (1234, Unit.COUNT, [0, 500, 1000, 1500]),
        (0.4, Unit.SHARE, [0, 0.25, 0.5, 0.75, 1]),
        (25, Unit.DURATION, [0, 10, 20, 30]),
        (400, Unit.DURATION, [0, 120, 240, 360, 480]),
        (5 * 3600, Unit.DURATION, [0, 3600, 7200, 10800, 14400, 18000]),
        (12 * 86400, Unit.DURATION, [0, 5 * 86400, 10 * 86400, 15 * 86400]),
    ],
)
def test_an_axis_has_ticks_that_people_count_in(most: float, unit: Unit, expected: list[float]) -> None:
    assert ticks(most, unit) == pytest.approx(expected)


@given(AMOUNTS, st.sampled_from((Unit.COUNT, Unit.DURATION)))
def test_ticks_cover_the_values_evenly_and_are_few(most: float, unit: Unit) -> None:
    found = ticks(most, unit)
    assert found[0] == 0
    assert found[-1] >= most * (1 - 1e-12)
    assert 2 <= len(found) <= MOST_TICKS + 1
    steps = [after - before for before, after in pairwise(found)]
    assert steps == pytest.approx([steps[0]] * len(steps))
    assert len(found) == 2 or found[-2] < most


@given(st.lists(st.none() | AMOUNTS, min_size=1, max_size=120), st.booleans())
def test_a_line_stays_in_its_frame_and_has_a_dot_for_each_known_value(
    values: list[float | None], mirrored: bool
) -> None:
    frame = Frame(mirrored=mirrored)
    (line,) = lines(days(len(values)), [values], Unit.COUNT, frame).lines
    assert len(line.dots) == sum(value is not None for value in values)
    for x, y in line.dots:
        assert 0 <= x <= frame.width
        assert frame.above - 0.01 <= y <= frame.base + 0.01


@given(st.lists(st.tuples(AMOUNTS, st.none() | AMOUNTS), min_size=1, max_size=120))
def test_bars_of_a_day_stand_on_each_other_from_zero(pairs: list[tuple[float, float | None]]) -> None:
    drawing = bars(days(len(pairs)), [[a for a, _ in pairs], [b for _, b in pairs]], Unit.COUNT, FRAME)
    by_place: dict[float, list[tuple[float, float]]] = {}
    for bar in drawing.bars:
        assert bar.height >= 0
        assert bar.y >= FRAME.above - 0.01
        by_place.setdefault(bar.x, []).append((bar.y, bar.height))
    for standing in by_place.values():
        base = FRAME.base
        for y, height in standing:
            assert y + height == pytest.approx(base, abs=0.02)
            base = y


@given(st.lists(st.none() | AMOUNTS, min_size=1, max_size=60))
def test_arabic_reads_the_same_drawing_from_the_other_side(values: list[float | None]) -> None:
    (plain,) = lines(days(len(values)), [values], Unit.COUNT, FRAME).lines
    (mirrored,) = lines(days(len(values)), [values], Unit.COUNT, Frame(mirrored=True)).lines
    assert [(FRAME.width - x, y) for x, y in mirrored.dots] == [
        (pytest.approx(x, abs=0.02), y) for x, y in plain.dots
    ]


def test_a_day_without_figures_breaks_the_line() -> None:
    (line,) = lines(days(7), [[1, 2, None, 3, None, 4, 5]], Unit.COUNT, FRAME).lines
    assert [len(run.split()) for run in line.runs] == [2, 2]
    assert len(line.dots) == 5  # the day between two gaps shows as a dot alone


def test_no_figures_at_all_draw_axes_only() -> None:
    drawing = lines(days(7), [[None] * 7], Unit.DURATION, FRAME)
    assert drawing.lines[0].runs == ()
    assert len(drawing.ticks) == 2


@given(st.integers(min_value=1, max_value=400))
def test_few_days_are_named_under_the_axis(count: int) -> None:
    marks = lines(days(count), [], Unit.COUNT, FRAME).days
    assert marks[0].day == FIRST
    assert 1 <= len(marks) <= MOST_DAY_MARKS
