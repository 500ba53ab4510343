"""The index that was probably meant is offered, when one clearly fits, and never otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.findings import Code, Severity
from billing.readings import check
from billing.registers import IndexPoint, RegisterFacts
from billing.repairs import deletions, insertions, red_digits, substitutions, swaps

TODAY = date(2026, 3, 1)


def monthly(*indexes: int) -> tuple[IndexPoint, ...]:
    """A history read every thirty days, the last time thirty days ago."""
    count = len(indexes)
    return tuple(IndexPoint(v, TODAY - timedelta(30 * (count - i)), True) for i, v in enumerate(indexes))


METER = RegisterFacts(
    code="1",
    digits=5,
    multiplier=1,
    subscribed_kw=Decimal("5.5"),
    unit="kWh",
    history=monthly(47_550, 47_660, 47_770, 47_880, 47_990, 48_100),
    contract_number="10000001",
    meter_number="88012345",
)
SMALL = replace(METER, history=monthly(4_150, 4_260, 4_370, 4_480, 4_590, 4_700))
FULL = replace(METER, history=monthly(99_500, 99_610, 99_720, 99_830, 99_940))
WATER = replace(METER, unit="m3", subscribed_kw=None, history=monthly(73, 83, 93, 103, 113))
NEW = replace(METER, history=monthly(0))
UNREAD = replace(METER, history=())


@pytest.mark.parametrize(
    ("register", "typed", "code", "meant"),
    [
        pytest.param(METER, 42_813, Code.SWAPPED_DIGITS, 48_213, id="two swapped, too low"),
        pytest.param(METER, 84_213, Code.SWAPPED_DIGITS, 48_213, id="two swapped, impossible"),
        pytest.param(METER, 48_213 * 10 + 7, Code.DECIMAL_INCLUDED, 48_213, id="red digit, six digits"),
        pytest.param(SMALL, 48_107, Code.DECIMAL_INCLUDED, 4_810, id="red digit after a leading zero"),
        pytest.param(WATER, 124_350, Code.DECIMAL_INCLUDED, 124, id="three red digits of a water meter"),
        pytest.param(WATER, 1_243, Code.DECIMAL_INCLUDED, 124, id="one red digit of a water meter"),
        pytest.param(METER, 8_213, Code.MISSING_DIGIT, 48_213, id="first digit missing"),
        pytest.param(METER, 4_813, Code.MISSING_DIGIT, None, id="a digit missing, several would do"),
        pytest.param(METER, 448_213, Code.EXTRA_DIGIT, 48_213, id="first digit doubled"),
        pytest.param(SMALL, 44_810, Code.EXTRA_DIGIT, 4_810, id="one digit more that the dial could show"),
        pytest.param(METER, 43_213, Code.WRONG_DIGIT, 48_213, id="a wrong digit"),
        pytest.param(METER, 58_213, Code.WRONG_DIGIT, 48_213, id="a wrong digit, impossible"),
        pytest.param(METER, -48_213, Code.NEGATIVE, 48_213, id="a dash taken for a minus"),
        pytest.param(FULL, 520, Code.DECIMAL_INCLUDED, 52, id="red digit after a rollover"),
        pytest.param(UNREAD, 482_137, Code.DECIMAL_INCLUDED, 48_213, id="red digit on a meter never read"),
        pytest.param(NEW, 1_137, None, None, id="a new meter, all is plausible"),
        pytest.param(NEW, 12_137, None, None, id="a new meter, impossible: nothing to go by"),
        pytest.param(METER, 20_000, None, None, id="nothing like the index"),
        pytest.param(METER, 48_090, None, None, id="a little lower"),
        pytest.param(METER, 48_700, None, None, id="a high use that may be true"),
        pytest.param(METER, 48_112, Code.LOW, None, id="a low use that may be true"),
        pytest.param(METER, 48_213, None, None, id="nothing wrong"),
        pytest.param(METER, 48_100, Code.ZERO_USAGE, None, id="an empty home"),
        pytest.param(METER, 88_012_345, Code.METER_NUMBER, None, id="meter number sent instead"),
        pytest.param(METER, 10_000_001, Code.CONTRACT_NUMBER, None, id="contract number sent instead"),
        pytest.param(METER, 612_345_678, Code.TOO_MANY_DIGITS, None, id="a phone number"),
    ],
)
def test_a_slip_is_recognised(register: RegisterFacts, typed: int, code: Code | None, meant: int | None) -> None:
    verdict = check(typed, TODAY, TODAY, register)
    assert verdict.value == typed
    assert verdict.repair == meant
    assert code is None or code in verdict
    assert meant is None or code is None or verdict.repair == next(
        finding.repair for finding in verdict.findings if finding.code is code
    )  # fmt: skip


def test_the_index_of_the_other_register_is_recognised() -> None:
    two_periods = replace(METER, siblings={"peak": 15_600, "night": 82_000})
    verdict = check(15_660, TODAY, TODAY, two_periods)
    assert [f.register for f in verdict.findings if f.code is Code.OTHER_REGISTER] == ["peak"]
    assert verdict.severity is Severity.CONFIRM
    assert verdict.repair is None
    assert Code.OTHER_REGISTER not in check(48_213, TODAY, TODAY, replace(METER, siblings={"peak": 48_200}))


def test_two_explanations_are_both_told_the_likelier_first() -> None:
    verdict = check(42_813, TODAY, TODAY, replace(METER, siblings={"peak": 42_700}))
    assert [f.code for f in verdict.findings] == [
        Code.LOWER_THAN_LAST, Code.SWAPPED_DIGITS, Code.OTHER_REGISTER
    ]  # fmt: skip
    assert verdict.repair == 48_213


indexes = st.integers(0, 99_999)


@settings(max_examples=50)
@given(indexes, st.integers(0, 3), st.integers(0, 9))
def test_every_slip_can_be_undone(index: int, at: int, digit: int) -> None:
    text = f"{index:05}"
    assert index in {*swaps(int(text[:at] + text[at + 1] + text[at] + text[at + 2 :]), 5), index}
    assert index in {*substitutions(int(text[:at] + str(digit) + text[at + 1 :]), 5), index}
    assert index in red_digits(int(f"{index}{digit}"), 5, 1)
    plain = str(index)
    if at < len(plain):
        assert index in deletions(int(plain[:at] + (str(digit) if at else "1") + plain[at:]))
        rest = plain[:at] + plain[at + 1 :]
        if rest and rest == str(int(rest)):
            assert index in insertions(int(rest))


@settings(max_examples=50)
@given(st.integers(0, 400_000))
def test_what_is_offered_would_have_been_accepted(typed: int) -> None:
    verdict = check(typed, TODAY, TODAY, METER)
    if verdict.repair is not None:
        assert verdict.severity is not Severity.ACCEPT
        assert check(verdict.repair, TODAY, TODAY, METER).severity is Severity.ACCEPT
