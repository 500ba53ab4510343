"""An estimated index can be redone on paper: mean daily use to two decimals, times days, truncated."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.estimation import Basis, EstimationRules, NotEstimable, estimate
from billing.registers import IndexPoint, RegisterFacts, Source

START = date(2025, 1, 1)


def register(*points: tuple[int, int] | tuple[int, int, bool], **facts: object) -> RegisterFacts:
    """A five-digit electricity register; each point is (day, index), or (day, index, real)."""
    history = tuple(IndexPoint(p[1], START + timedelta(p[0]), p[2] if len(p) == 3 else True) for p in points)
    defaults: dict[str, object] = {
        "code": "1",
        "digits": 5,
        "multiplier": 1,
        "subscribed_kw": Decimal("5.5"),
        "unit": "kWh",
        "contract_number": "10000001",
        "meter_number": "88001234",
    }
    return RegisterFacts(**(defaults | {"history": history} | facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("history", "day", "daily", "index"),
    [
        pytest.param([(0, 1000), (60, 1220)], 90, "3.67", 1330, id="3.67 x 30 = 110.1"),
        pytest.param([(0, 1000), (60, 1221)], 91, "3.68", 1335, id="221/60 rounds up: 3.68 x 31 = 114.08"),
        pytest.param([(0, 1000), (60, 1199)], 89, "3.32", 1295, id="3.32 x 29 = 96.28 is truncated"),
        pytest.param([(0, 1000), (60, 1220)], 60, "3.67", 1220, id="no day elapsed"),
        pytest.param([(0, 1000), (60, 1000)], 90, "0.00", 1000, id="an empty home"),
        pytest.param([(0, 0), (30, 900), (60, 1000), (90, 1100)], 120, "3.33", 1199, id="two months only"),
        pytest.param([(0, 0), (61, 900), (118, 1020)], 148, "2.11", 1083, id="a period read a little early"),
        pytest.param([(0, 0), (120, 480), (130, 520)], 140, "4.00", 560, id="back far enough to span two"),
        pytest.param([(0, 1000), (20, 1060)], 50, "3.00", 1150, id="a short history, when there is no other"),
        pytest.param([(0, 1000), (30, 1200, False), (60, 1220), (90, 1400, False)], 120, "3.67", 1440,
                     id="estimates count for nothing"),
        pytest.param([(0, 1000), (60, 1220), (90, 1500)], 80, "3.67", 1293, id="later readings are unknown"),
        pytest.param([(0, 99700), (60, 99920)], 90, "3.67", 30, id="the dial goes through zero"),
        pytest.param([(0, 99900), (60, 120)], 90, "3.67", 230, id="the dial went through zero"),
        pytest.param([(0, 1000), (30, 1300), (60, 1200)], 90, "3.33", 1299, id="a corrected reading"),
    ],
)  # fmt: skip
def test_history_is_carried_forward(history: list[tuple[int, int]], day: int, daily: str, index: int) -> None:
    found = estimate(register(*history), START + timedelta(day))
    assert (str(found.daily_use), found.index, found.basis) == (daily, index, Basis.HISTORY)


def test_an_estimate_says_what_it_rests_on() -> None:
    found = estimate(register((0, 99700), (60, 99920)), START + timedelta(90))
    assert found.rollover
    assert (found.usage, found.days) == (110, 30)
    assert found.since == IndexPoint(99920, START + timedelta(60), True)


@pytest.mark.parametrize(
    ("facts", "rules", "basis", "usage"),
    [
        ({}, EstimationRules(), Basis.SUBSCRIBED_POWER, 165),
        ({"subscribed_kw": Decimal("3.3")}, EstimationRules(), Basis.SUBSCRIBED_POWER, 99),
        ({}, EstimationRules(kwh_per_kw_day=Decimal("0.7")), Basis.SUBSCRIBED_POWER, 115),
        ({"unit": "m3", "subscribed_kw": None}, EstimationRules(), Basis.HOUSEHOLD, 9),
    ],
)
def test_a_new_customer_is_estimated_without_history(
    facts: dict[str, object], rules: EstimationRules, basis: Basis, usage: int
) -> None:
    found = estimate(register((0, 0), (10, 90), **facts), START + timedelta(40), rules)
    assert (found.basis, found.usage, found.index) == (basis, usage, 90 + usage)


def test_the_multiplier_turns_units_into_kwh() -> None:
    found = estimate(register((0, 1000), (60, 1121), multiplier=40), START + timedelta(90))
    assert found.daily_use == Decimal("80.67")  # 121 x 40 / 60
    assert (found.index, found.usage) == (1121 + 60, 2400)  # 2420.1 kWh is 60.5 units


@pytest.mark.parametrize(
    ("points", "facts"),
    [
        ([], {}),
        ([(0, 1000, False)], {}),
        ([(100, 1000)], {}),
        ([(0, 1000)], {"subscribed_kw": None}),
    ],
)
def test_nothing_to_go_by_is_an_error(points: list[tuple[int, int]], facts: dict[str, object]) -> None:
    with pytest.raises(NotEstimable, match="register 1"):
        estimate(register(*points, **facts), START + timedelta(50))


@settings(max_examples=40)
@given(
    start=st.integers(0, 99_999),
    periods=st.lists(st.tuples(st.integers(15, 90), st.integers(0, 3000)), min_size=1, max_size=12),
    days=st.integers(0, 400),
)
def test_an_estimate_never_exceeds_the_highest_pace_seen(
    start: int, periods: list[tuple[int, int]], days: int
) -> None:
    day, index, points = 0, start, [(0, start)]
    for length, use in periods:
        day, index = day + length, (index + use) % 100_000
        points.append((day, index))
    found = estimate(register(*points), START + timedelta(day + days))
    pace = max(Decimal(use) / length for length, use in periods)
    assert 0 <= found.usage <= (pace + Decimal("0.005")) * days
    assert found.index == (index + found.usage) % 100_000
    assert found.rollover == (index + found.usage >= 100_000)


def test_only_an_estimate_is_not_a_real_source() -> None:
    assert [source for source in Source if not source.real] == [Source.ESTIMATE]
