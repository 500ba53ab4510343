"""What an agent changed by hand is checked before the customer sees it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billing.schedule import Instalment, Schedule
from billing.schedule_policy import DeferralPolicy, InstalmentPolicy
from billing.schedule_review import BEYOND_POLICY, Fault, Flaw, flaws
from billing.working_days import WorkingDays

WORKING = WorkingDays()
MONDAY = date(2026, 11, 23)
DEBT = Decimal("640.00")
DEFERRAL = DeferralPolicy(max_days=30, min_debt=Decimal("50.00"))
INSTALMENTS = InstalmentPolicy(
    min_parts=2,
    max_parts=3,
    first_percent=Decimal(30),
    min_part=Decimal("50.00"),
    every="month",
    first_within_days=7,
    min_debt=Decimal("200.00"),
)


def schedule(*parts: tuple[str, str]) -> Schedule:
    return tuple(Instalment(date.fromisoformat(day), Decimal(amount)) for day, amount in parts)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([("2026-11-27", "200"), ("2026-12-28", "440.00")], [], id="fine"),
        pytest.param([("2026-11-27", "300"), ("2027-02-01", "340")], [], id="a longer gap within the whole time"),
        pytest.param([], [Flaw(Fault.EMPTY)], id="nothing at all"),
        pytest.param([("2026-11-27", "200"), ("2026-12-28", "439.99")],
                     [Flaw(Fault.SUM_NOT_DEBT, amount=Decimal("0.01"))], id="a centime missing"),
        pytest.param([("2026-11-27", "200"), ("2026-12-28", "450")],
                     [Flaw(Fault.SUM_NOT_DEBT, amount=Decimal("-10.00"))], id="too much"),
        pytest.param([("2026-11-27", "640"), ("2026-12-28", "0")],
                     [Flaw(Fault.AMOUNT_NOT_PAYABLE, 2), Flaw(Fault.PART_TOO_SMALL, 2, amount=Decimal("50.00"))],
                     id="a payment of nothing"),
        pytest.param([("2026-11-27", "199.995"), ("2026-12-28", "440.005")],
                     [Flaw(Fault.AMOUNT_NOT_PAYABLE, 1), Flaw(Fault.AMOUNT_NOT_PAYABLE, 2)], id="half centimes"),
        pytest.param([("2026-11-27", "200"), ("2026-11-27", "440")], [Flaw(Fault.NOT_IN_ORDER, 2)], id="twice a day"),
        pytest.param([("2026-11-27", "200"), ("2026-11-26", "440")], [Flaw(Fault.NOT_IN_ORDER, 2)], id="backwards"),
        pytest.param([("2026-11-22", "200"), ("2026-12-28", "440")],
                     [Flaw(Fault.DATE_PAST, 1, day=MONDAY)], id="yesterday"),
        pytest.param([("2026-11-28", "200"), ("2027-01-11", "440")],
                     [Flaw(Fault.NOT_WORKING_DAY, 1, day=date(2026, 11, 30)),
                      Flaw(Fault.NOT_WORKING_DAY, 2, day=date(2027, 1, 12))], id="a Saturday and a holiday"),
        pytest.param([("2026-11-27", "640")], [Flaw(Fault.TOO_FEW_PARTS, parts=2)], id="one part"),
        pytest.param([("2026-11-27", "340"), ("2026-12-28", "100"), ("2027-01-04", "100"), ("2027-01-05", "100")],
                     [Flaw(Fault.TOO_MANY_PARTS, parts=3)], id="four parts"),
        pytest.param([("2026-11-27", "191.99"), ("2026-12-28", "448.01")],
                     [Flaw(Fault.FIRST_TOO_SMALL, 1, amount=Decimal("192.00"))], id="first below 30 %"),
        pytest.param([("2026-11-27", "600"), ("2026-12-28", "40")],
                     [Flaw(Fault.PART_TOO_SMALL, 2, amount=Decimal("50.00"))], id="a small part"),
        pytest.param([("2026-12-01", "200"), ("2027-02-02", "440")],
                     [Flaw(Fault.DATE_TOO_FAR, 1, day=date(2026, 11, 30)),
                      Flaw(Fault.DATE_TOO_FAR, 2, day=date(2027, 2, 1))], id="first and last too far"),
    ],
)  # fmt: skip
def test_all_that_is_wrong_with_instalments_is_said(parts: list[tuple[str, str]], expected: list[Flaw]) -> None:
    assert flaws(schedule(*parts), DEBT, MONDAY, INSTALMENTS, WORKING) == expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([("2026-12-10", "640")], [], id="fine"),
        pytest.param([("2026-12-24", "640")], [Flaw(Fault.DATE_TOO_FAR, 1, day=date(2026, 12, 23))], id="too far"),
        pytest.param([("2026-12-10", "320"), ("2026-12-11", "320")], [Flaw(Fault.TOO_MANY_PARTS, parts=1)], id="two"),
    ],
)
def test_all_that_is_wrong_with_a_deferral_is_said(parts: list[tuple[str, str]], expected: list[Flaw]) -> None:
    assert flaws(schedule(*parts), DEBT, MONDAY, DEFERRAL, WORKING) == expected


@pytest.mark.parametrize(
    ("policy", "parts", "least"),
    [
        (DEFERRAL, [("2026-12-10", "40")], "50.00"),
        (INSTALMENTS, [("2026-11-27", "60"), ("2026-12-28", "60")], "200.00"),
    ],
)
def test_too_small_a_debt_is_said(
    policy: DeferralPolicy | InstalmentPolicy, parts: list[tuple[str, str]], least: str
) -> None:
    debt = sum((Decimal(amount) for _, amount in parts), start=Decimal(0))
    found = flaws(schedule(*parts), debt, MONDAY, policy, WORKING)
    assert found == [Flaw(Fault.DEBT_TOO_SMALL, amount=Decimal(least))]


def test_what_the_policy_forbids_is_told_apart_from_what_cannot_be_kept() -> None:
    found = flaws(schedule(("2026-11-27", "191"), ("2026-12-28", "448")), DEBT, MONDAY, INSTALMENTS, WORKING)
    assert {flaw.fault: flaw.beyond_policy for flaw in found} == {
        Fault.SUM_NOT_DEBT: False,
        Fault.FIRST_TOO_SMALL: True,
    }
    assert set(Fault) - BEYOND_POLICY == {
        Fault.EMPTY,
        Fault.SUM_NOT_DEBT,
        Fault.AMOUNT_NOT_PAYABLE,
        Fault.NOT_IN_ORDER,
        Fault.DATE_PAST,
        Fault.NOT_WORKING_DAY,
    }
