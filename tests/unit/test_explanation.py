"""The causes of a difference sum to it, always, and each is what an accountant would call it."""

from __future__ import annotations

import timeit
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.bill import Period, Use, compute
from billing.explanation import BilledPeriod, Cause, Explanation, NothingToCompare, explain
from billing.parameter import Parameter
from billing.shapley import shares
from billing.tariff import TARIFFS, Tariff, load

ONEE = load(TARIFFS / "onee")
RESIDENTIAL = ONEE["residential"]
TWO_PERIODS = ONEE["residential_two_periods"]
WATER = ONEE["household_water"]
JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 3, 2)
LAW_CHANGES = date(2026, 2, 1)
"""In the tariffs made up here: no price with all taxes has moved since the real ones begin."""


def billed(
    use: int | str | Mapping[str, int],
    end: date = FEBRUARY,
    days: int = 30,
    tariff: Tariff = RESIDENTIAL,
    advanced_to: date | None = None,
    *,
    estimated: bool = False,
    **more: Decimal | bool,
) -> BilledPeriod:
    uses = use if isinstance(use, Mapping) else {tariff.registers[0]: use}
    given = [Use(register, Decimal(quantity), estimated=estimated) for register, quantity in uses.items()]
    bill = compute(tariff, Period(end - timedelta(days), end), given, **more)  # type: ignore[arg-type]
    return BilledPeriod(tariff, bill, advanced_to)


def effects(found: Explanation) -> dict[str, str]:
    return {effect.code.value: str(effect.amount) for effect in found.effects}


@st.composite
def billed_periods(draw: st.DrawFn, unit: str) -> BilledPeriod:
    tariff = draw(st.sampled_from([ONEE[name] for name in sorted(ONEE) if ONEE[name].unit == unit]))
    days = draw(st.integers(1, 120))
    end = draw(st.dates(date(2019, 5, 1), date(2026, 12, 31)))
    uses = {register: draw(st.integers(0, 5000)) for register in tariff.registers}
    money = st.decimals(0, 5000, places=2)
    advanced_to = None
    if days > 1 and draw(st.booleans()):
        advanced_to = end - timedelta(draw(st.integers(1, days - 1)))
    return billed(
        uses,
        end,
        days,
        tariff,
        advanced_to,
        estimated=draw(st.booleans()),
        advances=draw(money),
        arrears=draw(money),
        credit=draw(money),
        cash=draw(st.booleans()),
    )


pairs = st.sampled_from(["kWh", "m3"]).flatmap(lambda unit: st.tuples(billed_periods(unit), billed_periods(unit)))


@given(pairs)
@settings(max_examples=80, deadline=None)
def test_effects_sum_to_the_difference_of_any_two_bills(pair: tuple[BilledPeriod, BilledPeriod]) -> None:
    previous, current = pair
    found = explain(previous, current)
    assert sum((effect.amount for effect in found.effects), Decimal(0)) == current.bill.total - previous.bill.total
    assert all(effect.amount == round(effect.amount, 2) != 0 for effect in found.effects)
    told = [effect for effect in found.effects if effect.code is not Cause.ROUNDING]
    assert told == sorted(told, key=lambda effect: -abs(effect.amount))
    rounding = next((effect.amount for effect in found.effects if effect.code is Cause.ROUNDING), Decimal(0))
    assert abs(rounding) <= Decimal("0.05")


@given(pairs)
@settings(max_examples=30, deadline=None)
def test_the_other_way_round_every_effect_is_reversed(pair: tuple[BilledPeriod, BilledPeriod]) -> None:
    there, back = explain(*pair), explain(*reversed(pair))
    assert {effect.code: -effect.amount for effect in there.effects} == {e.code: e.amount for e in back.effects}


@given(billed_periods("kWh"))
@settings(max_examples=30, deadline=None)
def test_the_same_bill_twice_has_no_effects(bill: BilledPeriod) -> None:
    assert explain(bill, bill).effects == ()


@given(
    st.integers(1, 90), st.integers(1, 90), st.integers(0, 5000), st.integers(0, 5000), st.decimals(0, 900, places=2)
)
@settings(max_examples=40, deadline=None)
def test_what_did_not_change_has_no_effect(days: int, more_days: int, kwh: int, more_kwh: int, owed: Decimal) -> None:
    """Within 2026 prices, fixed charges and taxes stand still; only what differs may be told."""
    summer = date(2026, 9, 1)
    same_pace = explain(billed(kwh, summer, days), billed(kwh * 2, summer, days * 2))
    assert set(effects(same_pace)) <= {"days", "rounding"}
    same_days = explain(billed(kwh, summer, days), billed(more_kwh, summer, days))
    assert set(effects(same_days)) <= {"daily_use", "tranche", "taxes", "rounding"}
    owing = explain(billed(kwh, summer, days), billed(kwh, summer, days, arrears=owed))
    assert effects(owing) == ({"arrears": str(owed)} if owed else {})


@pytest.mark.parametrize(
    ("before", "after", "difference", "expected"),
    [
        pytest.param(310, 311, "67.95", {"tranche": "66.48", "daily_use": "1.47"}, id="67.75 of energy + 0.20"),
        pytest.param(150, 151, "18.29", {"tranche": "17.22", "daily_use": "1.07"}, id="whole use at one price"),
        pytest.param(210, 211, "21.19", {"tranche": "19.87", "daily_use": "1.32"}, id="20.99 of energy"),
        pytest.param(510, 511, "110.98", {"tranche": "109.30", "daily_use": "1.69", "rounding": "-0.01"},
                     id="110.79 of energy, and totals that end on 811.327 and 922.3138"),
        pytest.param(200, 201, "26.27", {"taxes": "25.10", "daily_use": "1.17"}, id="the levy is due"),
        pytest.param(311, 310, "-67.95", {"tranche": "-66.48", "daily_use": "-1.47"}, id="and back"),
        pytest.param(100, 101, "1.07", {"daily_use": "1.07"}, id="from one progressive price to the next: no cliff"),
        pytest.param(220, 300, "109.41", {"daily_use": "109.41"}, id="within a tranche"),
    ],
)  # fmt: skip
def test_using_more_and_crossing_a_tranche_are_told_apart(
    before: int, after: int, difference: str, expected: dict[str, str]
) -> None:
    found = explain(billed(before, JANUARY), billed(after))
    assert str(found.difference) == difference
    assert effects(found) == expected


def test_the_effects_can_be_redone_on_paper() -> None:
    """From 250 kWh (1.1676) in 30 days to 396 (1.3817, 360 a month) in 33: mean over all orders of change."""
    days, use, row = (
        {0: 30, 1: 33},
        {0: Decimal(250) / 30, 1: Decimal(12)},
        {0: Decimal("1.1676"), 1: Decimal("1.3817")},
    )
    fixed = Decimal("19.66") / 30

    def cost(d: int, u: int, r: int) -> Decimal:
        levy = (Decimal(25) + (use[u] * 30 - 200) * Decimal("0.20")) / 30
        return days[d] * (use[u] * row[r] + fixed + levy)

    by_days = sum(
        weight * (cost(1, u, r) - cost(0, u, r))
        for u, r, weight in ((0, 0, 2), (0, 1, 1), (1, 0, 1), (1, 1, 2))
    ) / 6  # fmt: skip
    by_row = sum(
        weight * (cost(d, u, 1) - cost(d, u, 0))
        for d, u, weight in ((0, 0, 2), (0, 1, 1), (1, 0, 1), (1, 1, 2))
    ) / 6  # fmt: skip
    found = effects(explain(billed(250, JANUARY), billed(396, days=33)))
    assert found["days"] == str(round(by_days, 2))
    assert found["tranche"] == str(round(by_row, 2))
    assert set(found) <= {"days", "daily_use", "tranche", "rounding"}


def test_more_days_with_the_same_daily_use_is_days_only() -> None:
    assert effects(explain(billed(300, JANUARY), billed(600, days=60))) == {"days": "414.94"}


def test_vat_that_the_price_before_tax_made_up_for_is_no_change() -> None:
    """VAT on electricity went from 18 to 20 %, on the meter from 15 to 20 %: what customers pay stood still."""
    assert explain(billed(300, date(2025, 12, 31)), billed(300, JANUARY)).effects == ()


def changed(parameter: Parameter[Decimal], value: str) -> Parameter[Decimal]:
    """The parameter with another value once the law changes."""
    return replace(parameter, values=(*parameter.values, (LAW_CHANGES, Decimal(value))))


def dearer(tariff: Tariff, price: str | None = None, vat: str | None = None, fixed: str | None = None) -> Tariff:
    """The flat tariff, with what changes."""
    (charge,), (connection,) = tariff.charges, tariff.fixed
    if price is not None:
        grid = charge.price.on(LAW_CHANGES)
        new = replace(grid, tranches=(replace(grid.tranches[0], price=Decimal(price)),))
        charge = replace(charge, price=replace(charge.price, values=(*charge.price.values, (LAW_CHANGES, new))))
    if vat is not None:
        charge = replace(charge, vat=changed(charge.vat, vat))
    if fixed is not None:
        connection = replace(connection, amount=changed(connection.amount, fixed))
    return replace(tariff, charges=(charge,), fixed=(connection,))


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        pytest.param({"price": "1.80"}, {"prices": "60.00"}, id="1.60 + 12.5 %: the price"),
        pytest.param({"price": "1.80", "vat": "0.35"}, {"taxes": "60.00"}, id="1.60 / 1.20 x 1.35: VAT alone"),
        pytest.param({"price": "1.68", "vat": "0.35"}, {"taxes": "24.00"}, id="VAT, in part made up for"),
        pytest.param({"vat": "0.35"}, {}, id="VAT, made up for"),
        pytest.param({"price": "1.98", "vat": "0.35"}, {"taxes": "63.00", "prices": "51.00"},
                     id="both: 0.20 and 0.22 of VAT, 0.16 and 0.18 of price"),
        pytest.param({"fixed": "25.66"}, {"fixed_charges": "6.00"}, id="the connection"),
    ],
)  # fmt: skip
def test_a_change_of_law_is_told_by_its_name(law: dict[str, str], expected: dict[str, str]) -> None:
    tariff = dearer(ONEE["professional"], **law)
    found = explain(billed(300, JANUARY, tariff=tariff), billed(300, date(2026, 3, 3), tariff=tariff))
    assert effects(found) == expected


def test_the_levy_changing_is_taxes() -> None:
    assert RESIDENTIAL.levy is not None
    tariff = replace(RESIDENTIAL, levy=replace(RESIDENTIAL.levy, cap=changed(RESIDENTIAL.levy.cap, "200")))
    found = explain(billed(900, JANUARY, tariff=tariff), billed(900, date(2026, 3, 3), tariff=tariff))
    assert effects(found) == {"taxes": "65.00"}


def test_paid_in_cash_is_taxes() -> None:
    assert effects(explain(billed(300, JANUARY), billed(300, cash=True))) == {"taxes": "1.04"}


def test_a_right_estimate_leaves_nothing_to_regularise() -> None:
    """110 kWh a month estimated and paid for, then 220 read over both months: the same bill again."""
    estimate = billed(110, JANUARY, estimated=True)
    read = billed(220, FEBRUARY, 60, advanced_to=JANUARY, advances=estimate.bill.total)
    assert explain(estimate, read).effects == ()
    assert estimate.estimated
    assert not read.estimated


def test_a_low_estimate_is_made_up_for_in_the_next_bill() -> None:
    """115 a month and not 110: 5 kWh at 1.0732 for this month, and 5 for the estimated one."""
    estimate = billed(110, JANUARY, estimated=True)
    read = billed(230, FEBRUARY, 60, advanced_to=JANUARY, advances=estimate.bill.total)
    assert effects(explain(estimate, read)) == {"daily_use": "5.37", "regularisation": "5.37"}


def test_advances_of_unknown_days_are_all_regularisation() -> None:
    found = explain(billed(110, JANUARY), billed(220, FEBRUARY, 60, advances=Decimal("125.00")))
    assert effects(found) == {"regularisation": "-125.00", "days": "120.49"}


def test_arrears_and_credit_are_one_cause() -> None:
    found = explain(billed(110, JANUARY, credit=Decimal("20")), billed(110, arrears=Decimal("320.50")))
    assert effects(found) == {"arrears": "340.50"}


def test_another_tariff_is_a_matter_of_prices() -> None:
    """300 kWh on one register, then 60 and 240 on two: the day's use is the same, the price is not."""
    found = explain(billed(300, JANUARY), billed({"peak": 60, "off_peak": 240}, tariff=TWO_PERIODS))
    assert effects(found) == {"prices": "80.61"}


def test_another_meter_in_the_middle_changes_nothing() -> None:
    period = Period(JANUARY, FEBRUARY)
    two = compute(RESIDENTIAL, period, [Use("total", Decimal(120)), Use("total", Decimal(180), 0, 180)])
    assert explain(billed(300), BilledPeriod(RESIDENTIAL, two)).effects == ()


def test_the_first_bill_has_nothing_to_be_compared_with() -> None:
    with pytest.raises(NothingToCompare, match="no earlier bill"):
        explain(None, billed(300))


def test_water_is_not_compared_with_electricity() -> None:
    with pytest.raises(NothingToCompare, match="a bill of m3 is not compared with one of kWh"):
        explain(billed(12, tariff=WATER), billed(300))


@pytest.mark.parametrize("advanced_to", [JANUARY, FEBRUARY, date(2027, 1, 1)])
def test_advances_reach_into_the_period(advanced_to: date) -> None:
    with pytest.raises(ValueError, match="is not between"):
        billed(300, advanced_to=advanced_to)


@pytest.mark.parametrize(
    "tariff",
    [ONEE["professional"], replace(RESIDENTIAL, fixed=())],
    ids=["another name", "the same name, other amounts"],
)
def test_a_bill_is_not_explained_with_another_tariff(tariff: Tariff) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        BilledPeriod(tariff, billed(300).bill)


def test_the_three_that_matter_come_first_and_never_the_rounding() -> None:
    found = explain(billed(250, JANUARY), billed(521, days=37, arrears=Decimal("100"), cash=True))
    assert [effect.code for effect in found.main()] == [effect.code for effect in found.effects[:3]]
    assert Cause.ROUNDING not in {effect.code for effect in found.main(9)}
    assert found.total - found.previous_total == found.difference


@pytest.mark.parametrize(
    ("kwh", "days", "limit", "less", "saved"),
    [
        pytest.param("311", 30, 310, 1, "67.95", id="1 kWh above"),
        pytest.param("312", 30, 310, 2, "69.53", id="2 kWh above"),
        pytest.param("151", 30, 150, 1, "18.29", id="above the last progressive one"),
        pytest.param("211", 30, 210, 1, "21.19", id="the next, the levy's limit being too far"),
        pytest.param("201", 30, 200, 1, "26.27", id="above the levy's exemption"),
        pytest.param("521", 30, 510, 11, "128.94", id="11 kWh above"),
        pytest.param("621", 60, 310, 1, "134.33", id="limits grow with the days"),
        pytest.param("321", 31, 310, 1, "70.09", id="320.33 is the limit of 31 days"),
        pytest.param("310.4", 30, 310, 1, "67.82", id="whole kWh only"),
    ],
)  # fmt: skip
def test_a_little_less_would_have_cost_less(kwh: str, days: int, limit: int, less: int, saved: str) -> None:
    current = billed(kwh, days=days)
    cliff = explain(billed(100, JANUARY), current).cliff
    assert cliff is not None
    assert (cliff.threshold.monthly, cliff.less) == (Decimal(limit), less)
    assert cliff.saved == current.bill.total - billed(str(Decimal(kwh) - less), days=days).bill.total
    assert str(cliff.saved) == saved


def test_a_cliff_is_of_whole_units_that_were_used() -> None:
    """One day of water: the limit is 0.4 m3, and there is no whole m3 to spare."""
    assert explain(billed("0.1", JANUARY, 1, WATER), billed("0.41", days=1, tariff=WATER)).cliff is None


@pytest.mark.parametrize("kwh", [0, 101, 105, 150, 190, 310, 330, 2000])
def test_no_cliff_is_told_where_there_is_none_near(kwh: int) -> None:
    assert explain(billed(100, JANUARY), billed(kwh)).cliff is None


def test_the_cliff_counts_what_is_due_beside_the_use() -> None:
    """Two meters in turn, arrears, an advance, and the stamp on what is then to pay."""
    more = {"arrears": Decimal("40.20"), "advances": Decimal("50.10"), "credit": Decimal("3"), "cash": True}
    period = Period(JANUARY, FEBRUARY)
    bill = compute(RESIDENTIAL, period, [Use("total", Decimal(1)), Use("total", Decimal(311))], **more)  # type: ignore[arg-type]
    cliff = explain(billed(100, JANUARY), BilledPeriod(RESIDENTIAL, bill)).cliff
    assert cliff is not None
    assert cliff.saved == bill.total - billed(310, **more).bill.total  # type: ignore[arg-type]


@given(st.lists(st.fractions(-9, 9, max_denominator=9), min_size=8, max_size=8))
@settings(max_examples=50, deadline=None)
def test_shares_are_the_mean_over_all_orders(worths: list[Fraction]) -> None:
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    means = [Fraction(0)] * 3
    for order in orders:
        reached = 0
        for factor in order:
            means[factor] += (worths[reached | 1 << factor] - worths[reached]) / 6
            reached |= 1 << factor
    assert shares(3, lambda new: worths[sum(1 << i for i, is_new in enumerate(new) if is_new)]) == means


def test_an_explanation_takes_milliseconds() -> None:
    """About 2 ms on the reference machine with a VAT change in both bills; the bound leaves room for a busy one."""
    previous, current = billed(300, date(2025, 1, 10)), billed(640, date(2026, 1, 15), 61)
    assert min(timeit.repeat(lambda: explain(previous, current), number=5, repeat=5)) / 5 < 0.02
