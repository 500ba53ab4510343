"""Tariffs are data: what stands in ONEE's files holds by date, and a slip in a file is told with its line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from billing.document import TariffError
from billing.grid import Grid, Tranche
from billing.parameter import Confidence, NoTariff, Parameter, Span, spans
from billing.tariff import TARIFFS, load

ONEE = load(TARIFFS / "onee")

SHARED = (TARIFFS / "onee" / "shared.yml").read_text(encoding="utf-8")
SHOP = """\
label: {fr: Boutique, ar: دكان, en: Shop}
unit: kWh
levy: tppan
charges:
  energy:
    label: {fr: "Énergie, tranche {tranche}", ar: "الطاقة", en: Energy}
    register: total
    vat: electricity
    price:
      unit: DH/kWh
      source: made up for this test
      confidence: L
      values:
        2019-01-01:
          - {upto: 100, price: 0.9010}
          - {upto: 150, price: "1.0732"}
          - {upto: 300, price: "1.1", selective: true}
          - {price: "1.2", selective: true}
        2021-01-01: "1.5"
fixed:
  fixed_charge:
    label: {fr: Abonnement, ar: اشتراك, en: Standing charge}
    vat: electricity
    amount:
      unit: DH/month
      source: made up for this test
      confidence: L
      values:
        2019-06-01: "20"
"""

WriteTariff = Callable[..., Path]


@pytest.fixture
def operator(tmp_path: Path) -> WriteTariff:
    """Writes an operator's folder with one tariff, `shop`, and gives the folder."""

    def write(shop: str = SHOP, shared: str | None = SHARED) -> Path:
        if shared is not None:
            (tmp_path / "shared.yml").write_text(shared, encoding="utf-8")
        (tmp_path / "shop.yml").write_text(shop, encoding="utf-8")
        return tmp_path

    return write


def test_onee_has_the_tariffs_of_the_contracts() -> None:
    assert {
        "residential",
        "residential_two_periods",
        "residential_prepaid",
        "professional",
        "household_water",
    } <= set(ONEE)


@pytest.mark.parametrize("name", sorted(ONEE))
def test_every_number_says_where_it_comes_from(name: str) -> None:
    for parameter in ONEE[name].parameters:
        assert parameter.unit
        assert parameter.source
        # What nobody has published tells the operator so.
        assert parameter.comment or parameter.confidence is not Confidence.ASSUMED, parameter.name


@pytest.mark.parametrize(
    ("day", "energy", "meter", "water"),
    [
        ("2019-01-01", "0.14", "0.07", "0.07"),
        ("2023-12-31", "0.14", "0.07", "0.07"),
        ("2024-01-01", "0.16", "0.11", "0"),
        ("2024-12-31", "0.16", "0.11", "0"),
        ("2025-01-01", "0.18", "0.15", "0"),
        ("2025-12-31", "0.18", "0.15", "0"),
        ("2026-01-01", "0.20", "0.20", "0"),
    ],
)
def test_vat_is_that_of_the_day(day: str, energy: str, meter: str, water: str) -> None:
    on = date.fromisoformat(day)
    household, tap = ONEE["residential"], ONEE["household_water"]
    assert household.charges[0].vat.on(on) == Decimal(energy)
    assert household.fixed[0].vat.on(on) == Decimal(meter)
    assert tap.charges[0].vat.on(on) == tap.fixed[0].vat.on(on) == Decimal(water)


def test_only_households_are_exempt_from_the_levy() -> None:
    exempt = {name for name, tariff in ONEE.items() if tariff.levy and tariff.levy.exempt_upto}
    assert exempt == {"residential", "residential_two_periods", "residential_prepaid"}
    assert ONEE["professional"].levy is not None
    assert ONEE["household_water"].levy is None


def test_sewerage_comes_on_top_of_the_same_water_grid() -> None:
    water, both = ONEE["household_water"], ONEE["household_water_sanitation"]
    assert both.charges[0].price.values == water.charges[0].price.values
    assert both.fixed[0].amount.values == water.fixed[0].amount.values
    assert [charge.code for charge in both.charges] == ["water", "sanitation"]


def test_tariffs_are_read_once() -> None:
    assert load(TARIFFS / "onee") is ONEE


def test_an_operator_adds_a_tariff_by_adding_a_file(operator: WriteTariff) -> None:
    folder = operator()
    shutil.copy(TARIFFS / "onee" / "residential.yml", folder)
    tariffs = load(folder)
    assert sorted(tariffs) == ["residential", "shop"]
    shop = tariffs["shop"]
    price = shop.charges[0].price
    assert (shop.operator, shop.unit, shop.registers, shop.month_days) == (folder.name, "kWh", ("total",), 30)
    assert price.on(date(2020, 12, 31)).tranches[0] == Tranche(1, Decimal(100), Decimal("0.9010"))
    assert price.on(date(2021, 1, 1)).flat
    assert shop.first == date(2019, 6, 1)


def test_a_day_before_the_first_value_has_no_tariff() -> None:
    price = ONEE["residential"].charges[0].price
    with pytest.raises(NoTariff, match="not known on 2016-12-31: it begins on 2017-01-01"):
        price.on(date(2016, 12, 31))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("unit: kWh", "unit: kW", "shop.yml:2: unit: must be one of kWh, m3, not 'kW'"),
        ("unit: kWh", "unit: kWh\nunit: m3", "shop.yml:3: unit: is there twice"),
        ("unit: kWh", "units: kWh", "shop.yml:2: units: unknown key; known are label, unit, charges"),
        ("unit: kWh\n", "", "shop.yml:1: unit missing"),
        (", en: Shop}", "}", "shop.yml:1: label: en missing"),
        ("{tranche}", "{slice}", "shop.yml:6: charges.energy.label: only {tranche} and {limits}"),
        ("levy: tppan", "levy: tva", "shop.yml:3: levy: must be one of tppan, not 'tva'"),
        (
            "vat: electricity\n    price",
            "vat: gas\n    price",
            "shop.yml:8: charges.energy.vat: must be one of electr",
        ),
        ("      unit: DH/kWh\n", "", "shop.yml:10: charges.energy.price: unit missing"),
        ("      source: made up for this test\n", "", "shop.yml:10: charges.energy.price: source missing"),
        ("      confidence: L\n", "", "shop.yml:10: charges.energy.price: confidence missing"),
        ("confidence: L", "confidence: X", "shop.yml:12: charges.energy.price.confidence: must be one of H, M, L"),
        ("source: made up for this test", "source:", "shop.yml:11: charges.energy.price.source: must be a text"),
        ("0.9010", "0,9010", "shop.yml:15: charges.energy.price.values.2019-01-01[1]"),
        ("0.9010", "cheap", "price: must be a number such as 0.9010, not 'cheap'"),
        ("0.9010", "-0.9010", "price: must be a number such as 0.9010, not '-0.9010'"),
        ("0.9010", ".inf", "price: must be a number such as 0.9010, not '.inf'"),
        ("upto: 150", "upto: 100", "shop.yml:16: charges.energy.price.values.2019-01-01[2]: overlaps the tranche"),
        ("upto: 150", "upto: 90", "overlaps the tranche before it: upto 90 is not above 100"),
        ("{upto: 150, ", "{", "shop.yml:16: charges.energy.price.values.2019-01-01[2]: every tranche but the last"),
        ('{price: "1.2"', '{upto: 900, price: "1.2"', "every tranche but the last has a limit upto"),
        ('"1.2", selective: true', '"1.2"', "a progressive tranche cannot come after a selective one"),
        ('"1.2", selective: true', '"1.2", selective: yes', "selective: must be one of true, false, not 'yes'"),
        ("2021-01-01", "2018-01-01", "shop.yml:19: charges.energy.price.values.2018-01-01: dates must ascend"),
        ("2021-01-01", "2019-01-01", "shop.yml:19: charges.energy.price.values.2019-01-01: is there twice"),
        ("2021-01-01", "2021-02-30", "must be a date such as 2026-01-01, not '2021-02-30'"),
        ("2021-01-01", "January", "must be a date such as 2026-01-01, not 'January'"),
        ('        2019-06-01: "20"\n', "", "fixed.fixed_charge.amount.values: must be a mapping with something"),
        ("label: {fr: Boutique", "label: {fr: Boutique: x", "shop.yml:1: "),
    ],
)
def test_a_slip_in_a_tariff_is_told_with_its_file_and_line(
    operator: WriteTariff, old: str, new: str, message: str
) -> None:
    assert old in SHOP
    folder = operator(SHOP.replace(old, new, 1))
    with pytest.raises(TariffError) as error:
        load(folder)
    assert message in str(error.value)
    assert str(error.value).startswith(str(folder))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("month_days: 30", "month_days: 365", "month_days: must be a number of days between 28 and 31, not 365"),
        ('2024-01-01: "0.16"', '2024-01-01: "16"', "vat.electricity.values.2024-01-01: must be a share such as 0.20"),
        ("  rounding:", "  roundings:", "labels.roundings: unknown key"),
        ("    cap:", "    caps:", "levies.tppan.caps: unknown key"),
    ],
)
def test_a_slip_in_what_tariffs_share_is_told_too(operator: WriteTariff, old: str, new: str, message: str) -> None:
    assert old in SHARED
    with pytest.raises(TariffError, match=r"shared\.yml:\d+: ") as error:
        load(operator(shared=SHARED.replace(old, new, 1)))
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "- a", "[a, b]: c", "just a text", "\tunit: kWh"])
def test_a_file_that_is_no_tariff_at_all_is_told(operator: WriteTariff, text: str) -> None:
    with pytest.raises(TariffError, match=r"shop\.yml:1: "):
        load(operator(text))


def test_a_folder_without_tariffs_is_told(operator: WriteTariff, tmp_path: Path) -> None:
    with pytest.raises(TariffError, match="no such folder"):
        load(tmp_path / "nobody")
    with pytest.raises(TariffError, match=r"shared\.yml: .*No such file"):
        load(operator(shared=None))
    (tmp_path / "empty").mkdir()
    shutil.copy(TARIFFS / "onee" / "shared.yml", tmp_path / "empty")
    with pytest.raises(TariffError, match="no tariff in this folder"):
        load(tmp_path / "empty")


def known(*values: tuple[date, int]) -> Parameter[int]:
    return Parameter("test", "DH", "this test", Confidence.ASSUMED, values)


def test_a_period_is_cut_only_where_a_value_changes() -> None:
    whole = Span(date(2024, 12, 20), date(2025, 1, 10))
    same = known((date(2019, 1, 1), 1), (date(2025, 1, 1), 1))
    rise = known((date(2019, 1, 1), 1), (date(2024, 12, 31), 2), (date(2025, 1, 11), 3))
    drop = known((date(2019, 1, 1), 9), (date(2024, 12, 20), 8), (date(2025, 1, 5), 7))
    assert list(spans(whole, same)) == [whole]
    assert [span.days for span in spans(whole, rise)] == [11, 11]
    assert [(span.first.day, span.last.day) for span in spans(whole, same, rise, drop)] == [
        (20, 30),
        (31, 4),
        (5, 10),
    ]


@pytest.mark.parametrize(
    ("monthly", "number"),
    [
        (0, 1),
        (100, 1),
        ("100.01", 2),
        (150, 2),
        ("150.01", 3),
        (210, 3),
        (211, 4),
        (310, 4),
        (311, 5),
        (510, 5),
        (511, 6),
    ],
)
def test_a_limit_belongs_to_the_tranche_below_it(monthly: int | str, number: int) -> None:
    grid = ONEE["residential"].charges[0].price.on(date(2026, 1, 1))
    assert grid.reached(Fraction(str(monthly))).number == number


@pytest.mark.parametrize(
    ("use", "months", "spread"),
    [
        (0, 1, {}),
        (80, 1, {1: 80}),
        (130, 1, {1: 100, 2: 30}),
        (300, 3, {1: 300}),
        (450, 3, {1: 300, 2: 150}),
        (451, 3, {3: 451}),
        (1000, 1, {6: 1000}),
    ],
)
def test_limits_grow_with_the_months(use: int, months: int, spread: dict[int, int]) -> None:
    grid = ONEE["residential"].charges[0].price.on(date(2026, 1, 1))
    assert {tranche.number: part for tranche, part in grid.spread(Fraction(use), Fraction(months))} == spread


def test_tranches_are_named_as_on_the_bill() -> None:
    grid = ONEE["residential"].charges[0].price.on(date(2026, 1, 1))
    named = [grid.limits(tranche) for tranche in grid.tranches]
    assert named == ["0-100", "101-150", "151-210", "211-310", "311-510", "> 510"]
    half = Grid(
        (Tranche(1, Decimal("6.5"), Decimal(1)), Tranche(2, Decimal(12), Decimal(2)), Tranche(3, None, Decimal(3)))
    )
    assert [half.limits(tranche) for tranche in half.tranches] == ["0-6.5", "6.5-12", "> 12"]
