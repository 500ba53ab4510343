"""What will I pay if…, how much is left before the next tranche, and what the regularisation may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_reading_checks import Household, household

from actions.coming_bill import ComingBill, Metered
from billing.bill import EmptyPeriod, ImpossibleUse, NegativeUse, Period, Use, WrongRegister, compute
from billing.expected_use import ExpectedUse, NotForeseeable, expected_use
from billing.forecast import Pace, simulate
from billing.next_tranche import to_next_tranche
from billing.registers import IndexPoint, RegisterFacts
from billing.tariff import TARIFFS, Tariff, load

ONEE = load(TARIFFS / "onee")
RESIDENTIAL = ONEE["residential"]
TWO_PERIODS = ONEE["residential_two_periods"]
WATER = ONEE["household_water"]
START = date(2026, 3, 1)
MARCH = Period(START, date(2026, 3, 31))
TWO_MONTHS = Period(START, date(2026, 4, 30))


def register(
    *indexes: int, code: str = "total", every: int = 30, last: date = START, multiplier: int = 1
) -> RegisterFacts:
    """A register read every so many days, the last time on `last`."""
    days = [last - timedelta(every * ago) for ago in range(len(indexes) - 1, -1, -1)]
    return RegisterFacts(
        code=code,
        digits=5,
        multiplier=multiplier,
        subscribed_kw=Decimal("5.5"),
        unit="kWh",
        history=tuple(IndexPoint(index, day, True) for index, day in zip(indexes, days, strict=True)),
        contract_number="10000001",
        meter_number="88001234",
    )


STEADY = register(47_550, 47_660, 47_770, 47_880, 47_990, 48_100)
"""110 kWh a month."""


def test_an_index_today_is_carried_to_the_end_of_the_period() -> None:
    """160 kWh in 15 days are 320 in the month."""
    today = IndexPoint(48_260, START + timedelta(15), True)
    pace = Pace.of_uses([Use.between(STEADY, STEADY.history[-1], today)], 15)
    bill = simulate(RESIDENTIAL, MARCH, pace)
    assert [use.quantity for use in bill.uses] == [320]
    assert bill.total == compute(RESIDENTIAL, MARCH, [Use("total", Decimal(320))]).total
    assert all(use.estimated for use in bill.uses)


def test_an_index_through_zero_is_a_use_like_another() -> None:
    meter = register(99_700, 99_900)
    use = Use.between(meter, meter.history[-1], IndexPoint(20, MARCH.end, True))
    assert [u.quantity for u in simulate(RESIDENTIAL, MARCH, Pace.of_uses([use], 30)).uses] == [120]


def test_an_index_below_the_last_has_no_bill() -> None:
    with pytest.raises(NegativeUse, match="goes back from 48100 to 48000"):
        Use.between(STEADY, STEADY.history[-1], IndexPoint(48_000, MARCH.end, True))


@pytest.mark.parametrize(("percent", "kwh"), [("-10", 280), ("0", 311), ("12.5", 349), ("-100", 0)])
def test_so_much_less_than_the_last_bill(percent: str, kwh: int) -> None:
    """The last bill: 321 kWh in 31 days; the coming period has 30."""
    pace = Pace.of_uses([Use("total", Decimal(321))], 31).changed(Decimal(percent))
    assert simulate(RESIDENTIAL, MARCH, pace).total == compute(RESIDENTIAL, MARCH, [Use("total", Decimal(kwh))]).total


def test_a_simulation_counts_what_is_due_and_what_was_asked_for() -> None:
    pace = Pace.of_uses([Use("peak", Decimal(60)), Use("off_peak", Decimal(240))], 30)
    plain = simulate(TWO_PERIODS, MARCH, pace).total
    due = simulate(TWO_PERIODS, MARCH, pace, advances=Decimal("100"), arrears=Decimal("20"), credit=Decimal("5"))
    assert due.total == plain - 85


@pytest.mark.parametrize(
    ("uses", "days", "error"),
    [
        ([Use("total", Decimal(10))], 0, EmptyPeriod),
        ([Use("total", Decimal(-10))], 30, NegativeUse),
        ([Use("peak", Decimal(10))], 30, WrongRegister),
        ([Use("total", Decimal(100_000))], 30, ImpossibleUse),
    ],
)
def test_what_cannot_be_used_has_no_bill(uses: list[Use], days: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        simulate(RESIDENTIAL, MARCH, Pace.of_uses(uses, days), subscribed_kw=Decimal("5.5"))


def test_more_than_all_of_it_cannot_be_saved() -> None:
    with pytest.raises(NegativeUse, match="101 % less"):
        Pace.of_uses([Use("total", Decimal(10))], 30).changed(-101)


@given(st.integers(0, 3000), st.integers(1, 90), st.integers(1, 90))
@settings(max_examples=40, deadline=None)
def test_over_the_same_days_a_simulation_is_the_bill(kwh: int, days: int, other_days: int) -> None:
    use = Use("total", Decimal(kwh))
    pace = Pace.of_uses([use], days)
    period = Period(START, START + timedelta(days))
    assert simulate(RESIDENTIAL, period, pace).total == compute(RESIDENTIAL, period, [use]).total
    assert abs(pace.over(other_days)[0].quantity - Decimal(kwh) * other_days / days) <= Decimal("0.5")


@pytest.mark.parametrize(
    ("period", "kwh", "day", "code", "monthly", "left", "days_left", "crossing"),
    [
        pytest.param(MARCH, 60, 15, "energy", 100, 40, 10, "1.07", id="from one progressive price to the next"),
        pytest.param(MARCH, 40, 15, "energy", 100, 60, None, "1.07", id="the period ends first"),
        pytest.param(MARCH, 120, 15, "energy", 150, 30, 3, "18.29", id="the first cliff"),
        pytest.param(MARCH, 160, 15, "tppan", 200, 40, 3, "26.27", id="the levy"),
        pytest.param(MARCH, 205, 20, "energy", 210, 5, 0, "21.19", id="less than a day"),
        pytest.param(MARCH, 310, 20, "energy", 310, 0, 0, "67.95", id="on the limit"),
        pytest.param(MARCH, 0, 20, "energy", 100, 100, None, "1.07", id="nothing used"),
        pytest.param(MARCH, 10, 0, "energy", 100, 90, None, "1.07", id="the first day"),
        pytest.param(TWO_MONTHS, 320, 30, "tppan", 200, 80, 7, "51.27", id="limits of two months"),
        pytest.param(Period(START, date(2026, 4, 1)), 300, 29, "energy", 310, 20, 1, "70.09", id="31 days: 320.33"),
    ],
)  # fmt: skip
def test_what_is_left_before_the_next_tranche(
    period: Period, kwh: int, day: int, code: str, monthly: int, left: int, days_left: int | None, crossing: str
) -> None:
    found = to_next_tranche(RESIDENTIAL, period, [Use("total", Decimal(kwh))], START + timedelta(day))
    assert found is not None
    assert (found.threshold.code, found.threshold.monthly) == (code, monthly)
    assert (found.left, found.days_left, str(found.crossing)) == (left, days_left, crossing)


@given(st.integers(0, 500), st.integers(1, 90))
@settings(max_examples=40, deadline=None)
def test_what_is_left_is_the_most_that_stays_below(kwh: int, days: int) -> None:
    period = Period(START, START + timedelta(days))
    found = to_next_tranche(RESIDENTIAL, period, [Use("total", Decimal(kwh))], START)
    if found is None:
        assert kwh * 30 > 510 * days
    else:
        assert (kwh + found.left) * 30 <= found.threshold.monthly * days < (kwh + found.left + 1) * 30


def test_water_has_tranches_too() -> None:
    found = to_next_tranche(WATER, MARCH, [Use("total", Decimal("11.5"))], START + timedelta(15))
    assert found is not None
    assert (found.threshold.monthly, found.left, found.threshold.jumps) == (12, 0, True)
    assert str(found.crossing) == "37.51"


@pytest.mark.parametrize(
    ("tariff", "uses"),
    [
        pytest.param(RESIDENTIAL, {"total": 511}, id="the last tranche"),
        pytest.param(ONEE["professional"], {"total": 100}, id="one price"),
        pytest.param(TWO_PERIODS, {"peak": 10, "off_peak": 20}, id="one price by hour"),
    ],
)
def test_there_may_be_no_next_tranche(tariff: Tariff, uses: Mapping[str, int]) -> None:
    used = [Use(name, Decimal(quantity)) for name, quantity in uses.items()]
    assert to_next_tranche(tariff, MARCH, used, START + timedelta(15)) is None


@pytest.mark.parametrize("on", [date(2026, 2, 28), date(2026, 4, 1)])
def test_today_is_within_the_period(on: date) -> None:
    with pytest.raises(EmptyPeriod, match="is not between"):
        to_next_tranche(RESIDENTIAL, MARCH, [Use("total", Decimal(10))], on)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(STEADY, (77, 110, 143), id="steady: 30 % either way"),
        pytest.param(register(0, 90, 200, 330, 420, 530), (54, 110, 166), id="90 to 130: 1.9 x 1.4826 x 20"),
        pytest.param(register(0, 9, 20, 33, 42, 53, multiplier=10), (54, 110, 166), id="a current transformer"),
        pytest.param(register(0, 10, 400, 410, 420, 800), (7, 10, 13), id="mostly away: the MAD is blind to it"),
        pytest.param(register(0, 0, 0, 0), (0, 0, 0), id="an empty home"),
    ],
)
def test_an_interval_follows_from_the_periods_read(facts: RegisterFacts, expected: tuple[int, int, int]) -> None:
    found = expected_use(facts, MARCH.end)
    assert (found.low, found.likely, found.high) == expected
    assert (found.since, found.days) == (facts.history[-1], 30)


def test_the_season_is_that_of_last_year() -> None:
    """400 kWh a month at this time last year, 100 since."""
    found = expected_use(register(10_000, 10_400, *range(10_800, 12_000, 100)), MARCH.end)
    assert 380 <= found.likely <= 400


def test_estimates_are_no_evidence() -> None:
    guessed = IndexPoint(49_000, START + timedelta(30), False)
    known = expected_use(STEADY, TWO_MONTHS.end)
    assert expected_use(replace(STEADY, history=(*STEADY.history, guessed)), TWO_MONTHS.end) == known


@pytest.mark.parametrize(
    ("facts", "until", "message"),
    [
        (register(), MARCH.end, "has no real index"),
        (STEADY, START, "has no real index before"),
        (register(100, 200, 300), MARCH.end, "read over 2 periods, 3 needed"),
    ],
)
def test_too_little_known_foretells_nothing(facts: RegisterFacts, until: date, message: str) -> None:
    with pytest.raises(NotForeseeable, match=message):
        expected_use(facts, until)


def coming(tariff: Tariff, *registers: RegisterFacts, advances: Decimal = Decimal(0)) -> ComingBill:
    """The bill of March, which an estimated one asked for already."""
    metered = tuple(Metered.since(facts, START) for facts in registers)
    return ComingBill(tariff, START, MARCH.end, MARCH.end, MARCH.days, advances, metered)


def test_a_regularisation_is_foretold_with_its_interval() -> None:
    """Estimated at 130 kWh, 110 are likely: 20 kWh come back, at most 53; at worst 13 are to pay."""
    asked = compute(RESIDENTIAL, MARCH, [Use("total", Decimal(130))]).total
    found = coming(RESIDENTIAL, STEADY, advances=asked).forecast(MARCH.end)
    assert [bill.uses[0].quantity for bill in (found.low, found.likely, found.high)] == [77, 110, 143]
    assert [str(bill.total) for bill in (found.low, found.likely, found.high)] == ["-52.92", "-21.47", "13.95"]


def test_all_registers_count() -> None:
    peak, off_peak = register(0, 60, 120, 180, code="peak"), register(0, 240, 480, 720, code="off_peak")
    found = coming(TWO_PERIODS, peak, off_peak).forecast(MARCH.end)
    expected = compute(TWO_PERIODS, MARCH, [Use("peak", Decimal(60)), Use("off_peak", Decimal(240))])
    assert found.likely.total == expected.total
    assert found.low.total < found.likely.total < found.high.total


def test_registers_are_read_together() -> None:
    peak = register(0, 60, 120, 180, code="peak")
    off_peak = register(0, 240, 480, 720, code="off_peak", last=START - timedelta(1))
    with pytest.raises(NotForeseeable, match="register off_peak of the meter in place was not read on 2026-03-01"):
        coming(TWO_PERIODS, peak, off_peak)


def test_four_uses_in_five_fall_within_the_interval() -> None:
    """On the simulated households of the reading checks; they are invented, see `billing.expected_use`."""
    rng = Random(20260301)
    seen = [(home, found) for home in (household(rng) for _ in range(400)) if (found := _foretold(home))]
    within = sum(found.low <= _turned_out(home) <= found.high for home, found in seen)
    assert len(seen) > 300
    assert 0.74 < within / len(seen) < 0.86


def _foretold(home: Household) -> ExpectedUse | None:
    try:
        return expected_use(home.register, home.today)
    except NotForeseeable:
        return None


def _turned_out(home: Household) -> int:
    return home.register.advance(home.register.history[-1].value, home.true_index)
