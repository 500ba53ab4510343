"""The index among the numbers of a picture: which one it is, and when none is proposed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.photographed import SeenLine, index_seen, shows_cubic_metres, shows_meter
from billing.registers import IndexPoint, RegisterFacts

TODAY = date(2026, 11, 23)


def monthly(last: int, use: int = 110) -> tuple[IndexPoint, ...]:
    return tuple(
        IndexPoint(last - use * ago, TODAY - timedelta(days=30 * (ago + 1)), True) for ago in range(12, -1, -1)
    )


METER = RegisterFacts(
    code="total",
    digits=5,
    multiplier=1,
    subscribed_kw=Decimal(6),
    unit="kWh",
    history=monthly(48_100),
    contract_number="10000001",
    meter_number="410000001",
)
NEW = replace(METER, history=())
WATER = replace(METER, unit="m3", subscribed_kw=None, history=monthly(930, 12))
SIX = replace(METER, digits=6)


def seen(text: str, certain: float = 0.99, red: str = "", height: float = 0.1) -> SeenLine:
    """A line; `red` are its last characters, which are red."""
    places = frozenset(range(len(text) - len(red), len(text)))
    return SeenLine(text, (certain,) * len(text), places, height)


def small(text: str) -> SeenLine:
    return seen(text, height=0.04)


CASES = {
    "wheels": (METER, [seen("48213")], 48213),
    "a red wheel": (METER, [seen("482135", red="5")], 48213),
    "a red wheel that does not look red": (METER, [seen("482135")], 48213),
    "zeros in front": (SIX, [seen("048213")], 48213),
    "a display without zeros in front": (SIX, [seen("48213")], 48213),
    "a point": (METER, [seen("48213.57")], 48213),
    "a comma and a space": (METER, [seen("48213, 5")], 48213),
    "the unit on the line": (METER, [seen("48213kWh")], 48213),
    "the register's code on the line": (METER, [seen("1.8.0 48213")], 48213),
    "three red digits of a water meter": (WATER, [seen("00942781", red="781")], 942),
    "labels around it": (
        METER,
        [
            small("N°410000001"),
            small("5(30)A 230V 50Hz"),
            small("2011"),
            small("1000imp/kWh"),
            seen("482135", red="5"),
        ],
        48213,
    ),
    "the meter's own number without a word": (METER, [small("410000001"), seen("48213")], 48213),
    "not quite certain, but as expected": (METER, [seen("48213", 0.5)], 48213),
    "never read before": (NEW, [seen("48213")], 48213),
    "an unusual index that is certain": (METER, [seen("49300")], 49300),
    "the same number twice": (METER, [seen("48213"), small("48213")], 48213),
    "another number, not as expected": (METER, [seen("48213"), seen("77777")], 48213),
    "nothing": (METER, [], None),
    "no number": (METER, [seen("COMPTEUR")], None),
    "lower than the last index": (METER, [seen("47000")], None),
    "not certain at all": (METER, [seen("48213", 0.1)], None),
    "unusual and not certain": (METER, [seen("49300", 0.5)], None),
    "never read before and not certain": (NEW, [seen("48213", 0.5)], None),
    "a digit missing on a new meter": (NEW, [seen("4821")], None),
    "a digit missing": (METER, [seen("4813")], None),
    "more than can have passed": (METER, [seen("98213")], None),
    "two that may be": (METER, [seen("48213"), seen("48218")], None),
    "two on a new meter": (NEW, [seen("48213"), seen("58213")], None),
    "a bill": (METER, [seen("Nouvel index 48213")], None),
    "a date": (METER, [seen("48/213")], None),
    "the contract's number": (METER, [seen("10000001")], None),
    "far smaller than another number": (METER, [seen("48213", height=0.03), seen("12345")], None),
    "red all over": (METER, [seen("48213", red="48213")], None),
}


@pytest.mark.parametrize("case", CASES)
def test_which_number_is_the_index(case: str) -> None:
    register, lines, index = CASES[case]
    verdict = index_seen(lines, register, TODAY, TODAY)
    assert (None if verdict is None else verdict.value) == index


def test_on_a_meter_of_several_registers_only_the_history_tells_which() -> None:
    unusual = [seen("49300")]
    assert index_seen(unusual, METER, TODAY, TODAY) is not None
    assert index_seen(unusual, METER, TODAY, TODAY, only_usual=True) is None
    assert index_seen([seen("48213")], METER, TODAY, TODAY, only_usual=True) is not None


@pytest.mark.parametrize(
    ("text", "number", "is_shown"),
    [
        ("N° 410 000 001", "410000001", True),
        ("410000001", "M410000001", True),
        ("N°410000002", "410000001", False),
        ("1234", "1234", False),
        ("12345", "", False),
    ],
)
def test_a_meter_is_known_by_its_number(text: str, number: str, is_shown: bool) -> None:
    assert shows_meter([seen("48213"), seen(text)], number) is is_shown


@pytest.mark.parametrize(
    ("texts", "is_water"),
    [(["48213", "kWh"], False), (["00942", "m³"], True), (["m3"], True), (["48213"], None), (["kWh", "m³"], None)],
)
def test_the_unit_tells_water_from_electricity(texts: list[str], is_water: bool | None) -> None:
    assert shows_cubic_metres([seen(text) for text in texts]) is is_water


LINES = st.lists(
    st.builds(
        lambda text, certain, red, height: SeenLine(text, (certain,) * len(text), frozenset(red), height),
        st.text("0123456789.,:/- kWhm³N°x", max_size=14),
        st.floats(0, 1),
        st.sets(st.integers(0, 13)),
        st.floats(0, 1),
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(LINES, st.sampled_from([METER, NEW, WATER, SIX]))
def test_what_is_proposed_fits_the_dial_and_stands_in_the_picture(
    lines: list[SeenLine], register: RegisterFacts
) -> None:
    verdict = index_seen(lines, register, TODAY, TODAY)
    if verdict is not None:
        assert 0 <= verdict.value < register.size
        digits = ["".join(filter(str.isdigit, line.text)) for line in lines]
        assert any(str(verdict.value) in text for text in digits)


@settings(max_examples=100, deadline=None)
@given(LINES)
def test_nothing_is_proposed_of_which_the_recogniser_is_not_certain(lines: list[SeenLine]) -> None:
    doubtful = [replace(line, certain=(0.2,) * len(line.text)) for line in lines]
    assert index_seen(doubtful, METER, TODAY, TODAY) is None
