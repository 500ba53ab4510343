"""The small chart of what a register counted: which periods there are, and where their bars go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count, pairwise

import pytest

from billing.registers import RegisterFacts
from bot.desk.usage_chart import AXIS_WIDTH, BASE, MOST, TOP, WIDTH, Certainty, Period, chart, periods
from store.models import Reading

FIRST = date(2026, 1, 1)
_ids = count(1)


def facts(*, digits: int = 5, multiplier: int = 1) -> RegisterFacts:
    return RegisterFacts(
        code="total",
        digits=digits,
        multiplier=multiplier,
        subscribed_kw=None,
        unit="kWh",
        history=(),
        contract_number="10000001",
        meter_number="410000001",
    )


def reading(month: int, value: int, *, source: str = "field", state: str = "accepted") -> Reading:
    return Reading(
        id=next(_ids),
        value=value,
        taken_on=FIRST + timedelta(days=30 * month),
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        source=source,
        state=state,
        findings=[],
    )


def period(usage: int, certainty: Certainty = Certainty.READ) -> Period:
    return Period(FIRST, FIRST + timedelta(days=30), usage, certainty)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        pytest.param([], [], id="nothing was read"),
        pytest.param([reading(0, 100)], [], id="one reading is no period"),
        pytest.param([reading(0, 100), reading(1, 210)], [(110, "read")], id="from one to the next"),
        pytest.param(
            [reading(0, 100), reading(1, 210, source="estimate")], [(110, "estimated")], id="to an estimated index"
        ),
        pytest.param(
            [reading(0, 100), reading(1, 250, source="estimate"), reading(2, 240)],
            [(150, "estimated"), (-10, "read")],
            id="too high an estimate is made up for",
        ),
        pytest.param([reading(0, 99_950), reading(1, 60)], [(110, "read")], id="the dial went through zero"),
        pytest.param(
            [reading(0, 100), reading(1, 120, state="replaced"), reading(1, 210)],
            [(110, "read")],
            id="what was replaced does not count",
        ),
        pytest.param(
            [reading(0, 100), reading(1, 120, state="rejected"), reading(2, 320)],
            [(220, "read")],
            id="what was rejected does not count",
        ),
        pytest.param(
            [reading(0, 100), reading(1, 9000, state="to_review", source="customer")],
            [(8900, "to_review")],
            id="an index to review",
        ),
        pytest.param([reading(0, 100), reading(1, 200), reading(1, 210)], [(110, "read")], id="the last of a day"),
    ],
)
def test_periods_go_from_one_standing_index_to_the_next(
    readings: list[Reading], expected: list[tuple[int, str]]
) -> None:
    found = periods(facts(), readings)
    assert [(each.usage, each.certainty) for each in found] == expected


def test_a_transformers_multiplier_counts() -> None:
    [found] = periods(facts(multiplier=40), [reading(0, 100), reading(1, 103)])
    assert found.usage == 120


def test_no_period_no_chart() -> None:
    assert chart([]) is None


def test_only_the_last_year_and_a_month_are_drawn() -> None:
    drawn = chart([period(usage) for usage in range(1, 31)])
    assert drawn is not None
    assert [bar.period.usage for bar in drawn.bars] == list(range(31 - MOST, 31))


def test_bars_stand_on_the_base_within_the_picture_and_beside_each_other() -> None:
    drawn = chart([period(usage) for usage in (80, 0, 120, 97)])
    assert drawn is not None
    edges = [(bar.x, bar.x + bar.width) for bar in drawn.bars]
    assert all(bar.y + bar.height == pytest.approx(BASE) for bar in drawn.bars)
    assert edges[0][0] > AXIS_WIDTH
    assert edges[-1][1] < WIDTH
    assert all(left[1] < right[0] for left, right in pairwise(edges))


@pytest.mark.parametrize(
    ("most", "top"),
    [(0, 2), (1, 2), (3, 4), (7, 8), (9, 10), (21, 30), (110, 200), (229, 300), (612, 800), (999, 1000)],
)
def test_the_axis_ends_at_a_round_number_with_a_whole_half(most: int, top: int) -> None:
    drawn = chart([period(most)])
    assert drawn is not None
    assert [tick.value for tick in drawn.ticks] == [0, top // 2, top]
    assert [tick.y for tick in drawn.ticks] == [BASE, (BASE + TOP) / 2, TOP]


def test_an_odd_index_to_review_does_not_flatten_the_others() -> None:
    drawn = chart([period(110), period(36_000, Certainty.TO_REVIEW)])
    assert drawn is not None
    usual, odd = drawn.bars
    assert usual.height > (BASE - TOP) / 2
    assert not usual.is_cut
    assert odd.is_cut
    assert odd.y == TOP


def test_less_than_nothing_has_no_height() -> None:
    drawn = chart([period(110), period(-12)])
    assert drawn is not None
    assert drawn.bars[1].height == 0


def test_time_goes_to_the_left_in_a_right_to_left_page() -> None:
    shown = [period(usage) for usage in (80, 100, 120)]
    plain, mirrored = chart(shown), chart(shown, right_to_left=True)
    assert plain is not None
    assert mirrored is not None
    assert [bar.middle for bar in mirrored.bars] == pytest.approx(
        [WIDTH - bar.middle for bar in plain.bars], abs=0.11
    )
    assert (mirrored.start, mirrored.end) == (WIDTH - AXIS_WIDTH, 0)


@pytest.mark.parametrize("number", [1, 5, 6, 13])
def test_dates_are_few_and_the_last_is_there(number: int) -> None:
    drawn = chart([period(100)] * number)
    assert drawn is not None
    dated = [bar.is_dated for bar in drawn.bars]
    assert dated[-1]
    assert sum(dated) <= 5


def test_the_legend_knows_what_is_drawn() -> None:
    drawn = chart([period(100), period(100, Certainty.ESTIMATED)])
    assert drawn is not None
    assert drawn.has("estimated")
    assert not drawn.has("to_review")
