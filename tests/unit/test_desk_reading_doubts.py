"""Why a reading was doubted, in words: every code has some, with figures where the checks can be run again."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billing.findings import Code
from billing.registers import RegisterFacts
from bot.desk.reading_doubts import WITH_FIGURES, WITHOUT_FIGURES, Doubt, doubts
from bot.desk.wording import translate
from store.models import Reading, ReadingSource, ReadingState

FIRST = date(2025, 1, 1)
FACTS = RegisterFacts(
    code="total",
    digits=5,
    multiplier=1,
    subscribed_kw=Decimal("6.6"),
    unit="kWh",
    history=(),
    contract_number="10000001",
    meter_number="41000",
    installed_on=FIRST - timedelta(days=900),
)


def reading(number: int, value: int, *findings: str, taken_on: date | None = None) -> Reading:
    day = taken_on or FIRST + timedelta(days=30 * number)
    return Reading(
        id=number,
        value=value,
        taken_on=day,
        received_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        source=ReadingSource.CUSTOMER if findings else ReadingSource.FIELD,
        state=ReadingState.TO_REVIEW if findings else ReadingState.ACCEPTED,
        findings=list(findings),
    )


A_YEAR = [reading(number, 40_000 + 110 * number) for number in range(13)]


def said(doubt: Doubt, language: str = "fr") -> str:
    return translate(language, doubt.text, **doubt.values)


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_words_that_need_no_figure(code: Code) -> None:
    assert "%" not in WITHOUT_FIGURES[code]


@pytest.mark.parametrize("text", WITH_FIGURES.values())
def test_words_with_figures_use_only_figures_that_there_are(text: str) -> None:
    known = {"digits", "usage", "days", "unit", "bound", "index", "repair", "last_on", "register"}
    assert set(re.findall(r"%\((\w+)\)s", text)) <= known


@pytest.mark.parametrize(
    ("value", "code", "pattern"),
    [
        (42_200, "high", r"880 kWh en 30 jours, alors qu’on en attendait \d+ au plus"),
        (41_325, "low", r"5 kWh en 30 jours, alors qu’on en attendait \d+ au moins"),
        (41_320, "zero_usage", r"aucune consommation en 30 jours"),
        (41_100, "lower_than_last", r"dernier vrai index : 41320 le 27/12/2025"),
        (99_000, "impossible", r"57.680 kWh en 30 jours : l’installation ne peut en laisser passer que \d"),
        (411_000, "too_many_digits", r"le cadran, qui en a 5"),
        (44_130, "swapped_digits", r"inversés : plutôt 41430"),
    ],
)
def test_a_doubt_is_told_with_its_figures(value: int, code: str, pattern: str) -> None:
    doubted = reading(13, value, code)
    [doubt] = doubts(doubted, FACTS, [*A_YEAR, doubted], "fr")
    assert re.search(pattern, said(doubt)), said(doubt)


def test_what_came_in_later_does_not_change_why() -> None:
    doubted = reading(13, 42_200, "high")
    later = [reading(14, 42_310), reading(15, 42_420)]
    assert doubts(doubted, FACTS, [*A_YEAR, doubted, *later], "fr") == doubts(
        doubted, FACTS, [*A_YEAR, doubted], "fr"
    )


def test_a_correction_is_held_against_what_stood_before_the_one_it_corrects() -> None:
    slip = reading(13, 99_000)
    doubted = reading(14, 42_200, "high", taken_on=slip.taken_on)
    slip.state, slip.replaced_by_id = ReadingState.REPLACED, doubted.id
    [doubt] = doubts(doubted, FACTS, [*A_YEAR, slip, doubted], "fr")
    assert said(doubt).startswith("880 kWh en 30 jours")


def test_without_the_readings_of_then_the_code_is_told_alone() -> None:
    doubted = reading(13, 42_200, "high", "swapped_digits")
    assert [said(doubt) for doubt in doubts(doubted, FACTS, [doubted], "fr")] == [
        WITHOUT_FIGURES[Code.HIGH],
        WITHOUT_FIGURES[Code.SWAPPED_DIGITS],
    ]


def test_a_reading_that_passed_has_no_doubt() -> None:
    assert doubts(A_YEAR[3], FACTS, A_YEAR, "fr") == []
