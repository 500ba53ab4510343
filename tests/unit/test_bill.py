"""What holds for every bill, whatever was used: sums, taxes, cliffs, periods cut in two. And what has no bill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.bill import (
    Bill,
    BillError,
    EmptyPeriod,
    ImpossibleUse,
    NegativeUse,
    Period,
    Use,
    WrongAmount,
    WrongRegister,
    compute,
)
from billing.grid import Grid, Tranche
from billing.limits import DEFAULTS as LIMITS
from billing.lines import round_half_up
from billing.parameter import NoTariff, Parameter
from billing.registers import IndexPoint, RegisterFacts
from billing.tariff import TARIFFS, Tariff, load
from billing.usage import physical_bound

ONEE = load(TARIFFS / "onee")
RESIDENTIAL = ONEE["residential"]
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
CENTIME = Decimal("0.01")
CLIFFS = {150: Decimal("18.29"), 210: Decimal("20.99"), 310: Decimal("67.75"), 510: Decimal("110.79")}
"""What the energy of one kWh more costs there, all taxes included."""
LEVY_CLIFF = 200
"""Where the exemption from the TPPAN ends: the levy is then due from the first kWh."""

tariffs = st.sampled_from([ONEE[name] for name in sorted(ONEE)])
daily_uses = st.decimals(min_value=0, max_value=60, places=2)
money = st.decimals(min_value=0, max_value=5000, places=2)
ends = st.dates(min_value=date(2019, 5, 1), max_value=date(2026, 12, 31))


def bill(kwh: int | str, period: Period = MARCH, tariff: Tariff = RESIDENTIAL, **more: Decimal | bool) -> Bill:
    return compute(tariff, period, [Use("total", Decimal(kwh))], **more)  # type: ignore[arg-type]


def amounts(found: Bill, prefix: str = "") -> Decimal:
    return sum((line.amount for line in found.lines if line.code.startswith(prefix)), Decimal(0))


def codes(found: Bill) -> list[str]:
    return [line.code for line in found.lines]


def spread_evenly(tariff: Tariff, daily: Decimal, days: int) -> list[Use]:
    return [Use(register, daily * days) for register in tariff.registers]


@given(tariffs, ends, st.integers(1, 120), daily_uses, money, money, money, st.booleans())
@settings(max_examples=150, deadline=None)
def test_lines_add_up(
    tariff: Tariff,
    end: date,
    days: int,
    daily: Decimal,
    advances: Decimal,
    arrears: Decimal,
    credit: Decimal,
    cash: bool,
) -> None:
    uses = spread_evenly(tariff, daily, days)
    found = compute(
        tariff,
        Period(end - timedelta(days), end),
        uses,
        advances=advances,
        arrears=arrears,
        credit=credit,
        cash=cash,
    )
    for line in found.lines:
        assert line.amount_ht + line.amount_vat == line.amount, line
        assert abs(line.amount / (1 + line.vat_rate) - line.amount_ht) <= CENTIME / 2
        assert line.amount == line.amount.quantize(CENTIME)
        if line.quantity is not None and line.unit_price is not None:
            # Both are rounded for reading: half a thousandth of a unit, half a millionth of a dirham.
            slack = Decimal("0.0005") * line.unit_price + Decimal("0.0000005") * line.quantity + 2 * CENTIME
            assert abs(line.quantity * line.unit_price - line.amount_ht) <= slack, line
    assert sum(line.amount for line in found.lines) == found.total
    assert abs(sum(line.amount for line in found.lines if line.code == "rounding")) <= CENTIME * len(found.lines)
    used = sum((line.quantity or 0 for line in found.lines if line.code.startswith(("energy", "water"))), Decimal(0))
    assert used == sum(use.quantity for use in uses)


@given(tariffs, ends, st.integers(2, 120), st.data(), daily_uses)
@settings(max_examples=150, deadline=None)
def test_splitting_a_period_changes_the_total_by_rounding_only(
    tariff: Tariff, end: date, days: int, data: st.DataObject, daily: Decimal
) -> None:
    cut = data.draw(st.integers(1, days - 1))
    middle = end - timedelta(cut)
    whole = compute(tariff, Period(end - timedelta(days), end), spread_evenly(tariff, daily, days))
    first = compute(tariff, Period(end - timedelta(days), middle), spread_evenly(tariff, daily, days - cut))
    second = compute(tariff, Period(middle, end), spread_evenly(tariff, daily, cut))
    assert abs(first.total + second.total - whole.total) <= CENTIME


@given(ends, st.integers(1, 120), st.integers(0, 5000), st.integers(1, 500))
@settings(max_examples=150, deadline=None)
def test_using_more_never_costs_less(end: date, days: int, kwh: int, more: int) -> None:
    period = Period(end - timedelta(days), end)
    assert bill(kwh, period).total <= bill(kwh + more, period).total


def test_one_kwh_more_costs_its_price_but_at_the_cliffs() -> None:
    before = bill(0)
    for kwh in range(700):
        after = bill(kwh + 1)
        step = after.total - before.total
        if kwh in CLIFFS:
            assert step > 18
        elif kwh == LEVY_CLIFF:
            # 10.00 + 15.00 + 0.20 of levy, and the kWh at 1.0732.
            assert abs(step - Decimal("26.2732")) <= CENTIME
        else:
            assert Decimal("0.90") <= step <= Decimal("1.81"), kwh
        before = after


@pytest.mark.parametrize(("limit", "jump"), CLIFFS.items())
def test_the_cliffs_are_the_known_ones(limit: int, jump: Decimal) -> None:
    grid = RESIDENTIAL.charges[0].price.on(MARCH.end)

    def energy(kwh: int) -> Fraction:
        parts = grid.spread(Fraction(kwh), Fraction(1))
        return sum((quantity * Fraction(tranche.price) for tranche, quantity in parts), Fraction(0))

    assert round_half_up(energy(limit + 1) - energy(limit), 2) == jump
    # Two bills each rounded to the centime may be a centime off the exact step.
    assert abs(amounts(bill(limit + 1), "energy") - amounts(bill(limit), "energy") - jump) <= CENTIME


@pytest.mark.parametrize(
    ("kwh", "days", "expected"),
    [
        (0, 30, ["fixed_charge"]),
        (300, 90, ["energy_1", "fixed_charge"]),
        (301, 90, ["energy_1", "energy_2", "fixed_charge"]),
        (450, 90, ["energy_1", "energy_2", "fixed_charge"]),
        (451, 90, ["energy_3", "fixed_charge"]),
        (900, 90, ["energy_4", "fixed_charge", "tppan"]),
        (100_000, 30, ["energy_6", "fixed_charge", "tppan"]),
    ],
)
def test_limits_follow_the_days_and_lines_without_amount_are_left_out(
    kwh: int, days: int, expected: list[str]
) -> None:
    assert codes(bill(kwh, Period(date(2026, 12, 31) - timedelta(days), date(2026, 12, 31)))) == expected


@pytest.mark.parametrize("kwh", [201, 320, 575, 576, 5000])
def test_the_levy_is_capped_per_month(kwh: int) -> None:
    two_months = bill(2 * kwh, Period(date(2026, 1, 1), date(2026, 3, 2)))
    assert amounts(two_months, "tppan") == 2 * amounts(bill(kwh), "tppan") <= 200


def raised(tariff: Tariff, since: date, price: str) -> Tariff:
    """The tariff with one price for all from `since`."""
    charge = tariff.charges[0]
    values: Mapping[date, Grid] = dict(charge.price.values) | {since: Grid((Tranche(1, None, Decimal(price)),))}
    prices: Parameter[Grid] = replace(charge.price, values=tuple(sorted(values.items(), key=lambda dated: dated[0])))
    return replace(tariff, charges=(replace(charge, price=prices),))


def test_a_price_that_changes_within_the_period_holds_from_its_day() -> None:
    found = bill(120, tariff=raised(RESIDENTIAL, date(2026, 3, 22), "2.00"))
    # 2 to 21 March, 20 of 30 days: 80 kWh of which 66.667 in the first tranche; then 10 days: 40 kWh.
    assert [(line.code, line.quantity, line.amount) for line in found.lines[:3]] == [
        ("energy_1", Decimal("66.667"), Decimal("60.07")),
        ("energy_2", Decimal("13.333"), Decimal("14.31")),
        ("energy", Decimal("40"), Decimal("80.00")),
    ]


@pytest.mark.parametrize(
    ("since", "prices"),
    [
        (date(2026, 3, 1), 1),
        (date(2026, 3, 2), 1),
        (date(2026, 3, 3), 2),
        (date(2026, 3, 31), 2),
        (date(2026, 4, 1), 1),
    ],
)
def test_the_day_of_the_previous_index_is_not_billed_and_that_of_the_new_one_is(since: date, prices: int) -> None:
    found = bill(90, tariff=raised(RESIDENTIAL, since, "2.00"))
    assert len([line for line in found.lines if line.code.startswith("energy")]) == prices


def test_several_meters_in_one_period_are_billed_together() -> None:
    uses = [Use("total", Decimal(90), 48100, 48190), Use("total", Decimal(60), 0, 60)]
    found = compute(RESIDENTIAL, MARCH, uses)
    assert found.uses == tuple(uses)
    assert (found.lines, found.total) == (bill(150).lines, bill(150).total)


def register(**facts: object) -> RegisterFacts:
    defaults: dict[str, object] = {
        "code": "total",
        "digits": 5,
        "multiplier": 1,
        "subscribed_kw": Decimal("5.5"),
        "unit": "kWh",
        "history": (),
        "contract_number": "10000001",
        "meter_number": "88001234",
    }
    return RegisterFacts(**(defaults | facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("previous", "new", "facts", "quantity"),
    [
        pytest.param(48100, 48210, {}, 110, id="forward"),
        pytest.param(48100, 48100, {}, 0, id="an empty home"),
        pytest.param(99950, 70, {}, 120, id="through zero"),
        pytest.param(9990, 15, {"digits": 4}, 25, id="through zero on four digits"),
        pytest.param(100, 120, {"multiplier": 40}, 800, id="current transformers"),
    ],
)
def test_a_use_runs_from_index_to_index(previous: int, new: int, facts: dict[str, object], quantity: int) -> None:
    use = Use.between(register(**facts), IndexPoint(previous, MARCH.start, True), IndexPoint(new, MARCH.end, False))
    assert use == Use("total", Decimal(quantity), previous, new, estimated=True)


def test_an_index_that_goes_back_is_no_use() -> None:
    with pytest.raises(NegativeUse, match="register total goes back from 48210 to 48100"):
        Use.between(register(), IndexPoint(48210, MARCH.start, True), IndexPoint(48100, MARCH.end, True))


def test_an_estimate_and_its_regularisation_come_to_the_bill_of_both_months() -> None:
    april, may = date(2026, 4, 30), date(2026, 5, 30)
    estimated = compute(RESIDENTIAL, Period(MARCH.end, april), [Use("total", Decimal(180), estimated=True)])
    regularised = bill(260, Period(MARCH.end, may), advances=estimated.total)
    assert regularised.total + estimated.total == bill(260, Period(MARCH.end, may)).total
    advance = next(line for line in regularised.lines if line.code == "advance")
    assert (advance.amount, advance.amount_ht, advance.amount_vat) == (-estimated.total, -estimated.total, 0)


@pytest.mark.parametrize(
    ("more", "stamp"),
    [
        ({}, None),
        ({"cash": True}, "0.35"),
        ({"cash": True, "arrears": Decimal("860.00")}, "2.50"),
        ({"cash": True, "credit": Decimal("139.70")}, None),
        ({"cash": True, "credit": Decimal("500.00")}, None),
    ],
)
def test_the_stamp_is_due_on_what_is_paid_in_cash(more: dict[str, Decimal | bool], stamp: str | None) -> None:
    # 128 kWh: 90.10 + 30.05 + 19.66 = 139.81. On eleven centimes the stamp would be less than half a centime.
    found = bill(128, **more)
    assert amounts(found, "stamp") == Decimal(stamp or 0)
    assert ("stamp" in codes(found)) == (stamp is not None)


def test_a_credit_above_the_bill_leaves_the_rest_to_the_customer() -> None:
    assert bill(0, credit=Decimal("100.00")).total == Decimal("-80.34")


def test_a_bill_that_does_not_add_up_says_so_on_its_own_line() -> None:
    january = Period(date(2025, 12, 16), date(2026, 1, 15))
    found = bill(90, january)
    # 40.545 twice is 81.09, but 40.55 twice is 81.10.
    assert [(line.code, line.amount) for line in found.lines] == [
        ("energy_1", Decimal("40.55")),
        ("energy_1", Decimal("40.55")),
        ("fixed_charge", Decimal("9.83")),
        ("fixed_charge", Decimal("9.83")),
        ("rounding", Decimal("-0.01")),
    ]
    assert found.total == Decimal("100.75")


@pytest.mark.parametrize(
    ("period", "uses", "more", "error", "message"),
    [
        (Period(MARCH.end, MARCH.end), [("total", "5")], {}, EmptyPeriod, "no day to bill"),
        (Period(MARCH.end, MARCH.start), [("total", "5")], {}, EmptyPeriod, "from 2026-03-31 to 2026-03-01"),
        (MARCH, [("total", "-1")], {}, NegativeUse, "below zero: -1 kWh"),
        (MARCH, [("total", "NaN")], {}, ImpossibleUse, "NaN kWh on register total is not a use"),
        (MARCH, [("total", "Infinity")], {}, ImpossibleUse, "not a use"),
        (MARCH, [("total", "1e999999")], {}, ImpossibleUse, "not a use"),
        (MARCH, [("peak", "1")], {}, WrongRegister, "no register peak to bill: tariff residential bills total"),
        (MARCH, [], {}, WrongRegister, "register total is missing"),
        (MARCH, [("total", "1")], {"arrears": Decimal(-1)}, WrongAmount, "arrears must be dirhams and centimes"),
        (MARCH, [("total", "1")], {"credit": Decimal("0.005")}, WrongAmount, "credit must be"),
        (MARCH, [("total", "1")], {"advances": Decimal("NaN")}, WrongAmount, "advances must be"),
        (MARCH, [("total", "4911")], {"subscribed_kw": Decimal("5.5")}, ImpossibleUse, "4910 kWh at most"),
    ],
)
def test_what_has_no_bill_is_refused_in_one_line(
    period: Period,
    uses: list[tuple[str, str]],
    more: dict[str, Decimal],
    error: type[BillError],
    message: str,
) -> None:
    given_uses = [Use(register, Decimal(quantity)) for register, quantity in uses]
    with pytest.raises(error) as raised_error:
        compute(RESIDENTIAL, period, given_uses, **more)  # type: ignore[arg-type]
    assert message in str(raised_error.value)
    assert "\n" not in str(raised_error.value)


def test_a_register_of_two_cannot_be_left_out() -> None:
    with pytest.raises(
        WrongRegister, match="register off_peak is missing: tariff residential_two_periods bills peak"
    ):
        compute(ONEE["residential_two_periods"], MARCH, [Use("peak", Decimal(5))])


@pytest.mark.parametrize(
    ("start", "refused"), [(date(2016, 12, 30), True), (date(2016, 12, 31), False), (date(2017, 1, 1), False)]
)
def test_days_before_the_tariff_are_refused(start: date, refused: bool) -> None:
    period = Period(start, start + timedelta(30))
    if refused:
        with pytest.raises(NoTariff, match="tariff residential is not known on 2016-12-31: it begins on 2017-01-01"):
            bill(5, period)
    else:
        assert bill(5, period).total > 0


@pytest.mark.parametrize("days", [1, 30, 90])
def test_the_most_that_a_reading_may_say_can_be_billed(days: int) -> None:
    bound = physical_bound(register(), days, LIMITS)
    assert bound is not None
    period = Period(MARCH.end - timedelta(days), MARCH.end)
    assert bill(bound, period, subscribed_kw=Decimal("5.5")).total > 0
    with pytest.raises(ImpossibleUse):
        bill(bound + 1, period, subscribed_kw=Decimal("5.5"))


@given(st.fractions(min_value=-1000, max_value=1000, max_denominator=2000), st.integers(0, 6))
def test_halves_round_away_from_zero(value: Fraction, decimals: int) -> None:
    exact = (Decimal(value.numerator) / Decimal(value.denominator)).quantize(
        Decimal(1).scaleb(-decimals), ROUND_HALF_UP
    )
    assert round_half_up(value, decimals) == exact
