"""Bills worked out by hand, one table per subject, in files that an accountant can check and add to.

Each file holds what was used over which days, then every line of the bill with its arithmetic beside it. The
expected figures were calculated apart from the engine; where the two disagree, the arithmetic decides.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from billing.bill import Period, Use, compute
from billing.registers import IndexPoint, RegisterFacts
from billing.tariff import TARIFFS, Tariff, load

FILES = sorted((Path(__file__).parent / "worked_bills").glob("*.yml"))
ONEE = load(TARIFFS / "onee")
# BaseLoader: every figure stays the text that the accountant wrote.
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['name']}")
    for file in FILES
    for case in yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
]
MONEY = ("advances", "arrears", "credit")


def uses(case: dict[str, Any], tariff: Tariff, period: Period) -> list[Use]:
    if "use" in case:
        return [Use(register, Decimal(quantity)) for register, quantity in case["use"].items()]
    return [between(index, tariff, period) for index in case["indexes"]]


def between(index: dict[str, str], tariff: Tariff, period: Period) -> Use:
    previous = IndexPoint(int(index["from"]), period.start, real=True)
    new = IndexPoint(int(index["to"]), period.end, real=index.get("estimated") != "true")
    register = RegisterFacts(
        code=index["register"],
        digits=int(index["digits"]),
        multiplier=int(index.get("multiplier", 1)),
        subscribed_kw=None,
        unit="m3" if tariff.unit == "m3" else "kWh",
        history=(previous,),
        contract_number="10000001",
        meter_number="88001234",
    )
    return Use.between(register, previous, new)


def share(text: str) -> Decimal:
    return Decimal(text.removesuffix(" %")) / 100


def optional(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@pytest.mark.parametrize("case", CASES)
def test_the_bill_is_the_one_worked_out_by_hand(case: dict[str, Any]) -> None:
    tariff = ONEE[case["tariff"]]
    period = Period(date.fromisoformat(case["period"]["after"]), date.fromisoformat(case["period"]["until"]))
    money = {name: Decimal(case[name]) for name in MONEY if name in case}
    bill = compute(tariff, period, uses(case, tariff, period), cash=case.get("cash") == "true", **money)
    found = [
        (line.code, line.quantity, line.unit_price, line.vat_rate, line.amount_ht, line.amount_vat, line.amount)
        for line in bill.lines
    ]
    assert found == [expected(line) for line in case["lines"]]
    assert bill.total == Decimal(case["total"])


def expected(line: dict[str, str]) -> tuple[Any, ...]:
    return (
        line["code"],
        optional(line.get("quantity")),
        optional(line.get("unit_ht")),
        share(line["vat"]),
        *(Decimal(line[column]) for column in ("ht", "tax", "ttc")),
    )


def test_there_are_enough_worked_bills_and_they_cover_all_tariffs_and_years() -> None:
    cases = [param.values[0] for param in CASES]
    assert len(cases) >= 60
    assert {case["tariff"] for case in cases} == set(ONEE)
    assert {int(case["period"]["until"][:4]) for case in cases} >= set(range(2019, 2027))
