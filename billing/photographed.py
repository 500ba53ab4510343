"""Which of the numbers in a picture is the index, if it is sure enough to be read back to the customer.

A picture of a meter is full of numbers: its own, the year, the ratings, the constant, decimals in red. The dial's
size, the last index and the usual use are evidence; so is how large a number is and how certain the recogniser was of
each digit. What is not sure is not proposed: the customer then types the digits, which costs less than a wrong index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.findings import Code, Severity, Verdict
from billing.limits import DEFAULTS, Limits
from billing.readings import check
from billing.registers import RegisterFacts

CERTAIN = 0.5
"""How certain the recogniser must be of the least certain digit where the history speaks for the index. L: chosen on
the drawings of `bench/photos.py`, with room to spare; the next one likewise."""
CERTAIN_ALONE = 0.8
"""The same where nothing is known of the meter, or the index is an unusual one."""
TALL = 0.6
"""The index is not much smaller than the tallest number in the picture."""
MOST_DECIMALS = 3
DISTINCTIVE = 5
"""Digits of a meter's number from which finding it in a picture says whose meter that is."""

_CODE = re.compile(r"(?<!\d)\d{1,2}\.\d{1,2}\.\d{1,2}(?!\d)")
"""A register's code on a display (OBIS, IEC 62056-61): 1.8.0."""
_UNIT = re.compile(r"k\s*w\s*h|kvarh|m\s*[3³]", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)(?:\s*[.,]\s*(\d+))?")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class SeenLine:
    """A line of characters in a picture: how `certain` each is (0 to 1), the places of the `red` ones, the height."""

    text: str
    certain: tuple[float, ...]
    red: frozenset[int]
    height: float

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> SeenLine:
        """From the form in which it is kept (`bot.photos.glyphs.Line.as_json`)."""
        return cls(kept["text"], tuple(kept["certain"]), frozenset(kept["red"]), kept["height"])


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A number that may be an index: its digits before the comma."""

    digits: str
    certainty: float
    height: float

    @property
    def value(self) -> int:
        return int(self.digits)


def index_seen(
    lines: Sequence[SeenLine],
    register: RegisterFacts,
    taken_on: date,
    today: date,
    limits: Limits = DEFAULTS,
    *,
    only_usual: bool = False,
) -> Verdict | None:
    """The index that the picture shows with what the checks say of it; None when none is sure enough.

    `only_usual` leaves out what the history does not speak for: on a meter of several registers nothing else says
    which of them a number belongs to.
    """
    candidates = list(_candidates(lines, register))
    tallest = max((each.height for each in candidates), default=0.0)
    sure: dict[int, tuple[_Candidate, Verdict]] = {}
    for each in candidates:
        verdict = check(each.value, taken_on, today, register, limits)
        if each.height >= TALL * tallest and _is_sure(each, verdict, register):
            sure.setdefault(each.value, (each, verdict))
    if len(sure) > 1 or only_usual:
        sure = {value: found for value, found in sure.items() if _speaks_for(found[1])}
    return next(iter(sure.values()))[1] if len(sure) == 1 else None


def shows_meter(lines: Sequence[SeenLine], meter_number: str) -> bool:
    """Whether the number of this meter is in the picture, however it is broken up."""
    wanted = "".join(filter(str.isdigit, meter_number))
    if len(wanted) < DISTINCTIVE:
        return False
    return any(wanted in "".join(filter(str.isdigit, line.text)) for line in lines)


def shows_cubic_metres(lines: Sequence[SeenLine]) -> bool | None:
    """Whether the meter counts m³ rather than kWh, by the unit on it; None when that cannot be told."""
    text = " ".join(line.text.lower().replace(" ", "") for line in lines)
    water, electricity = re.search(r"m[3³]", text) is not None, "kwh" in text
    return None if water == electricity else water


def _candidates(lines: Sequence[SeenLine], register: RegisterFacts) -> Iterator[_Candidate]:
    others = {
        "".join(filter(str.isdigit, number)) for number in (register.meter_number, register.contract_number)
    } - {""}
    for line in lines:
        text = _CODE.sub(lambda code: "#" * len(code[0]), line.text)
        if _LETTER.search(_UNIT.sub("", text)):
            continue  # a number with a word beside it says what it is, and an index stands alone
        for number in _NUMBER.finditer(text):
            if "".join(filter(str.isdigit, number[0])) not in others:
                yield from _whole(line, number, register)


def _whole(line: SeenLine, number: re.Match[str], register: RegisterFacts) -> Iterator[_Candidate]:
    """The part of a number before the comma: red digits, digits behind a point and those too many are behind it."""
    places = [place for place in range(*number.span()) if line.text[place].isdigit()]
    red = [at for at, place in enumerate(places) if place in line.red]
    before_point = len(number[1])
    end = red[0] if red else min(before_point, register.digits)
    if not 0 < end <= register.digits or len(places) - min(end, before_point) > MOST_DECIMALS:
        return
    kept = places[:end]
    yield _Candidate(
        "".join(line.text[place] for place in kept), min(line.certain[place] for place in kept), line.height
    )


def _is_sure(candidate: _Candidate, verdict: Verdict, register: RegisterFacts) -> bool:
    if verdict.severity is Severity.REFUSE or Code.LOWER_THAN_LAST in verdict:
        return False  # a meter that goes back is rarer than another number on its face
    if _speaks_for(verdict):
        return candidate.certainty >= CERTAIN
    return len(candidate.digits) == register.digits and candidate.certainty >= CERTAIN_ALONE


def _speaks_for(verdict: Verdict) -> bool:
    """Whether the history speaks for an index: it is in the usual band, or stands already."""
    if Code.DUPLICATE in verdict or Code.SAME_DAY in verdict:
        return all(finding.code in (Code.DUPLICATE, Code.SAME_DAY) for finding in verdict.findings)
    return verdict.severity is Severity.ACCEPT and verdict.usual_month is not None and Code.ROLLOVER not in verdict
