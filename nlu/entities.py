"""What a message names: readings, contracts, amounts, dates, counts, utilities, registers, languages.

`find` is pure and needs no model. It decides what each number is, once, in this order: reference, telephone,
date, time of day, contract, amount, year, meter, count, duration, and only then reading. Whatever has been taken for
one thing is never taken for another, with one exception said in `Entity.alternative`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, NotRequired, TypedDict

from nlu import dates, numbers, vocabulary
from nlu.normalise import Folded, fold


class Entity(TypedDict):
    """One entity in Rasa's form; everything in it can be written as JSON.

    `value` by entity: `reading` the integer part as digits without leading zeros (text: a customer may type forty
    digits), `contract`, `meter` and `reference` their characters without separators, `amount` dirhams with two
    decimals ("640.50"), `date` an ISO date, `count` digits, `utility` "electricity" or "water", `register`
    "peak" or "off_peak" (the store's codes), `language` a code of the closed list.
    """

    entity: str
    value: str
    start: int
    end: int
    digits: NotRequired[str]
    """reading: the digits as typed, leading zeros included; their count is what a meter's can be checked against."""
    decimals: NotRequired[str]
    """reading: what stood after the decimal mark, the red digits of the meter; not part of the value."""
    negative: NotRequired[bool]
    """reading, amount: a minus sign stood before it."""
    register: NotRequired[str]
    """reading: the register it was labelled with ("HP 4821 HC 9310")."""
    utility: NotRequired[str]
    """reading: the utility it was labelled with ("eau 642, électricité 48213")."""
    labelled: NotRequired[bool]
    """reading: a word for meter, index or reading stands beside it, or a unit; or it is the whole message."""
    alternative: NotRequired[str]
    """reading: the same characters are first of all this other entity; ask before believing the reading."""
    past: NotRequired[str]
    """date: the same words as a day gone by, when that differs from `value` ("le 15")."""
    future: NotRequired[str]
    """date: the same words as a day to come, when that differs from `value`."""
    until: NotRequired[str]
    """date: the last day, when a period is named."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """What this operator's numbers look like; each matches the whole number, separators removed."""

    contract: re.Pattern[str] = field(default=re.compile(r"[12]\d{7}"))
    meter: re.Pattern[str] = field(default=re.compile(r"[A-Z]{1,4}\d{5,12}"))


DEFAULT_PATTERNS = Patterns()


class Span(NamedTuple):
    """A number or a date in folded text and what it is; kinds without an entity keep it from being a reading.

    Those kinds are `phone`, `identity`, `time`, `year`, `duration` (any quantity that is none of an index: time,
    people, power, tension, length, energy used) and `small` (any other number).
    """

    kind: str
    start: int
    end: int
    number: numbers.Number | None = None
    date: dates.Mention | None = None
    labelled: bool = False
    value: str = ""
    also_reading: bool = False
    utility: str | None = None
    """reading: what its unit measures."""


_CENTIMES_PER_RIAL = 5
_FEWEST_UNLABELLED = 3
"""Digits from which a number in a sentence is taken for a reading without a word saying so."""
_FEWEST_BESIDE_METER = 2
"""Digits from which it is one when the meter, or what it measures, is named beside it."""
_FEWEST_WITH_UNIT = 4
"""Digits from which it is one with a unit alone ("48213 kWh"); "70 kWh" is something used or bought."""
_MOST_USED = 4
"""Digits of the highest consumption of a period; a longer number after "ma consommation" is an index all the same."""
_FEWEST_OF_NO_BILL = 6
"""Digits from which a number after "pay" is no sum of money, unless a currency says so."""
_FEWEST_OF_METER = 6
"""Digits from which a number after "compteur n°" is the meter's; fewer are taken for its reading."""
_FEWEST_OF_NO_READING = 10
"""Digits from which a number beside the word for a meter is no reading: no meter counts so far."""


class _Found:
    """Spans found so far; what is found first keeps its characters."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def add(self, span: Span) -> None:
        if not any(span.start < other.end and other.start < span.end for other in self.spans):
            self.spans.append(span)

    def masked(self, text: str) -> str:
        """The text with everything found blanked out, so that no number runs across it."""
        free = list(text)
        for span in self.spans:
            free[span.start : span.end] = "\0" * (span.end - span.start)
        return "".join(free)


def numeric_spans(text: str, today: date, patterns: Patterns = DEFAULT_PATTERNS) -> list[Span]:
    """Every number and date of a folded, spelled-out text and what it is, in order and without overlaps."""
    return list(_numeric_spans(text, tuple(dates.find(text, today)), patterns))


@lru_cache(maxsize=4)
def _numeric_spans(text: str, mentions: tuple[dates.Mention, ...], patterns: Patterns) -> tuple[Span, ...]:
    """Kept, because the classifier and the entities ask for the same text in turn."""
    found = _Found()
    for m in vocabulary.COUNT_OF_TWO.finditer(text):
        found.add(Span("count", *m.span(), value="2"))
    has_digit = any(c.isdecimal() for c in text)
    if has_digit:
        for m in vocabulary.REFERENCE.finditer(text):
            found.add(Span("reference", *m.span(), value=f"{m['kind']}-{m['body']}".upper()))
        for kind, pattern in (("phone", vocabulary.PHONE), ("identity", vocabulary.NATIONAL_IDENTITY)):
            for m in pattern.finditer(text):
                found.add(Span(kind, *m.span()))
    for mention in mentions:
        kind = "duration" if mention.since and not _is_deed(text, mention) else "date"
        found.add(Span(kind, mention.start, mention.end, date=mention))
    if has_digit:
        alone = vocabulary.NEGLIGIBLE.fullmatch(text) is not None
        for m in vocabulary.TIME.finditer(text):
            found.add(Span("time", *m.span()))
        for m in vocabulary.METER_TOKEN.finditer(text):
            value = m[0].replace("-", "").upper()
            if patterns.meter.fullmatch(value):
                found.add(Span("meter", *m.span(), value=value))
        for m in vocabulary.DIGIT_GROUPS.finditer(text):
            if _before(vocabulary.CODE_BEFORE, text, m.start()):
                found.add(Span("small", *m.span()))
            elif (span := _contract_in_groups(text, m, alone, patterns)) is not None:
                found.add(span)
        masked = found.masked(text)
        for number in numbers.find(masked):
            found.add(_classify(masked, number, alone, patterns))
    return tuple(sorted(found.spans, key=lambda s: s.start))


def _is_deed(text: str, mention: dates.Mention) -> bool:
    """Whether "3 days since" tells when the customer did something: "j'ai payé depuis 3 jours"."""
    before = vocabulary.DEED_BEFORE.search(text, max(0, mention.start - _LOOK_BACK), mention.start)
    return before is not None or vocabulary.DEED_AFTER.match(text, mention.end) is not None


_USUAL_GROUPS = re.compile(r"\d{4}[ .-]\d{4}")
"""The one way of writing a contract number in pieces that is known for one without the word beside it."""


def _contract_in_groups(text: str, groups: re.Match[str], alone: bool, patterns: Patterns) -> Span | None:
    """The contract number that the first of some groups of digits make, if they do."""
    named = _before(vocabulary.CONTRACT_BEFORE, text, groups.start())
    ends = [m.end() for m in re.finditer(r"\d+", groups[0])]
    for end in reversed(ends):
        written = groups[0][:end]
        value = re.sub(r"\D", "", written)
        if patterns.contract.fullmatch(value) and (named or (alone and _USUAL_GROUPS.fullmatch(written))):
            start = groups.start()
            return Span("contract", start, start + end, value=value, also_reading=not named)
    return None


_LOOK_BACK = 48
"""Characters before a number in which the word that names it is looked for."""


def _before(pattern: re.Pattern[str], text: str, at: int) -> bool:
    return pattern.search(text, max(0, at - _LOOK_BACK), at) is not None


def _classify(text: str, number: numbers.Number, alone: bool, patterns: Patterns) -> Span:
    """What one number is, from its shape and the words beside it."""
    start, end = number.start, number.end
    whole = number.decimals is None and not number.negative
    long = len(number.digits) >= _FEWEST_UNLABELLED

    def span(kind: str, to: int = end, **more: object) -> Span:
        return Span(kind, start, to, number, **more)  # type: ignore[arg-type]

    def after(pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(text, end)

    def before(pattern: re.Pattern[str]) -> bool:
        return _before(pattern, text, start)

    if whole and patterns.contract.fullmatch(number.digits):
        return span("contract", value=number.digits, also_reading=not before(vocabulary.CONTRACT_BEFORE))
    if money := after(vocabulary.CURRENCY_AFTER):
        return span("amount", money.end(), value=_amount(number, money))
    if before(vocabulary.CURRENCY_BEFORE):
        return span("amount", value=_amount(number))
    if whole and _YEAR.fullmatch(number.digits) and before(vocabulary.YEAR_BEFORE):
        return span("year")
    energy = after(vocabulary.ENERGY_AFTER)
    if whole and long and not energy:
        if before(vocabulary.CONTRACT_BEFORE):
            return span("contract", value=number.digits)
        if _is_meter(number, before):
            also_reading = len(number.digits) < _FEWEST_OF_NO_READING
            return span("meter", value=number.digits, also_reading=also_reading)
    if (to := _count_end(text, number)) is not None:
        return span("count", to, value=number.integer)
    if not energy and (
        after(vocabulary.MEASURE_AFTER) or (len(number.digits) <= _MOST_COUNTED and after(vocabulary.DURATION_AFTER))
    ):
        return span("duration")
    utility = energy.lastgroup if energy else None
    if alone or before(vocabulary.READING_BEFORE):
        return span("reading", labelled=True, utility=utility)
    if _is_used(text, number, energy):
        return span("duration")
    beside_meter = len(number.digits) >= _FEWEST_BESIDE_METER and before(vocabulary.METER_OR_SUPPLY_BEFORE)
    if beside_meter or energy:
        return span("reading", labelled=True, utility=utility)
    if before(vocabulary.CODE_BEFORE) or (len(number.digits) <= _MOST_COUNTED and before(vocabulary.ADDRESS_BEFORE)):
        return span("small")
    if before(vocabulary.PAY_BEFORE) or (long and before(vocabulary.BY_BEFORE)):
        return span("amount", value=_amount(number)) if len(number.digits) < _FEWEST_OF_NO_BILL else span("reading")
    return span("reading" if long else "small")


_YEAR = re.compile(r"19[5-9]\d|20[0-4]\d")
_MOST_COUNTED = 3
"""Digits of a number of days or people; in "48213 factures impayées" a sentence ends after the index."""


def _is_meter(number: numbers.Number, before: Callable[[re.Pattern[str]], bool]) -> bool:
    """Whether the words before a number of three digits or more make it the number of a meter."""
    if before(vocabulary.METER_BEFORE):
        return True
    digits = len(number.digits)
    if digits >= _FEWEST_OF_NO_READING:
        return before(vocabulary.METER_NUMBER_BEFORE) or before(vocabulary.METER_NAME_BEFORE)
    return digits >= _FEWEST_OF_METER and before(vocabulary.METER_NUMBER_BEFORE)


def _is_used(text: str, number: numbers.Number, energy: re.Match[str] | None) -> bool:
    """Whether a number without a word for the reading is energy or water used, or bought."""
    digits = len(number.digits)
    used = digits <= _MOST_USED and _before(vocabulary.USED_BEFORE, text, number.start)
    if energy is None:
        return used
    if used or vocabulary.PER_MONTH_AFTER.match(text, energy.end()):
        return True
    return digits < _FEWEST_WITH_UNIT and not _before(vocabulary.METER_OR_SUPPLY_BEFORE, text, number.start)


def _count_end(text: str, number: numbers.Number) -> int | None:
    """Where the number of parts to pay in ends, noun included; None when the number is none."""
    start, end = number.start, number.end
    if len(number.digits) > _MOST_COUNTED:
        return None
    if noun := vocabulary.COUNT_NOUN_AFTER.match(text, end):
        return noun.end()
    led = _before(vocabulary.COUNT_BEFORE, text, start)
    if times := vocabulary.TIMES_AFTER.match(text, end):
        answer = not text[:start].strip() and vocabulary.NOTHING_MORE.match(text, times.end())
        owed = _before(vocabulary.TO_PAY_BEFORE, text, start) or vocabulary.AMOUNT_AFTER.match(text, times.end())
        return times.end() if led or owed or answer else None
    if led and (months := vocabulary.COUNT_MONTHS_AFTER.match(text, end)):
        spread = any(_before(p, text, start) for p in (vocabulary.SPREAD_BEFORE, vocabulary.PAID_BEFORE))
        return months.end() if spread or vocabulary.INSTALMENTS.search(text) else None
    if led and _before(vocabulary.PARTS_BEFORE, text, start) and vocabulary.CLAUSE_END.match(text, end):
        return end
    return None


def _amount(number: numbers.Number, money: re.Match[str] | None = None) -> str:
    """Dirhams with two decimals; "" for more digits than any bill has, which would overflow the decimal context."""
    value = Decimal(f"{number.integer}.{number.decimals or 0}")
    if money and money["rial"]:
        value = value * _CENTIMES_PER_RIAL / 100
    elif money and money["centime"]:
        value /= 100
    elif money and (cents := money["cents"] or money["glued"]):
        value += Decimal(cents) / 100
    elif money and money["half"]:
        value += Decimal("0.5")
    return str(value.quantize(Decimal("0.01"))) if value < Decimal(10) ** 12 else ""


def _mentions(text: str) -> list[tuple[str, str, int, int]]:
    """Words for utilities, registers and languages: entity, value, start, end."""
    found: list[tuple[str, str, int, int]] = []
    for entity, choices in vocabulary.MENTIONS.items():
        for value, pattern in choices:
            for m in pattern.finditer(text):
                if not any(e == entity and m.start() < t and s < m.end() for e, _, s, t in found):
                    found.append((entity, value, m.start(), m.end()))
                if entity == "language":  # "la darija, oui darija" asks for it once
                    break
    # "Heures pleines" are the dear hours beside "creuses", and the cheap ones beside "pointe".
    pleines = "off_peak" if any(value == "peak" for _, value, _, _ in found) else "peak"
    found += [("register", pleines, *m.span()) for m in vocabulary.PLEINES.finditer(text)]
    day_and_night = vocabulary.DAY_AND_NIGHT
    if all(pattern.search(text) for pattern in day_and_night.values()):
        found += [("register", value, *m.span()) for value, p in day_and_night.items() for m in p.finditer(text)]
    if not vocabulary.ENGLISH.search(text):
        found += [("utility", "electricity", *m.span()) for m in vocabulary.DO.finditer(text)]
    return sorted(found, key=lambda f: f[2])


def _label(readings: list[Entity], mentions: list[Entity], key: str) -> None:
    """Give each reading the mention it belongs to: the one before it, or after it when the numbers come first.

    A single reading takes the only mention there is, wherever it stands.
    """
    values = {mention["value"] for mention in mentions}
    if len(readings) == 1 and len(values) == 1:
        readings[0][key] = values.pop()  # type: ignore[literal-required]
        return
    if not readings or not mentions:
        return
    before = mentions[0]["start"] < readings[0]["start"]
    for i, reading in enumerate(readings):
        left = readings[i - 1]["end"] if i else 0
        right = readings[i + 1]["start"] if i + 1 < len(readings) else 1 << 30
        near = [
            mention["value"]
            for mention in mentions
            if (left <= mention["start"] < reading["start"] if before else reading["end"] <= mention["start"] < right)
        ]
        if near:
            reading[key] = near[-1] if before else near[0]  # type: ignore[literal-required]


def spelled_out(text: str) -> Folded:
    """A message as typed, folded, its number words as digits: what all rules read."""
    return numbers.spell_out(fold(text))


def find(text: str, today: date, patterns: Patterns = DEFAULT_PATTERNS) -> list[Entity]:
    """The entities of a message as typed, in order of position. Never raises.

    `today` is the day that "hier" and "le 15" are counted from, in the customer's time zone.
    """
    return find_in(spelled_out(text), text, today, patterns)


def find_in(folded: Folded, text: str, today: date, patterns: Patterns = DEFAULT_PATTERNS) -> list[Entity]:
    """The same, of a message that is `spelled_out` already."""
    spans = numeric_spans(folded.text, today, patterns)
    has_reading = any(span.kind == "reading" for span in spans)
    entities: list[Entity] = []

    def add(entity: str, value: str, start: int, end: int) -> Entity:
        first, last = folded.span(start, end)
        entities.append({"entity": entity, "value": value, "start": first, "end": last})
        return entities[-1]

    for span in spans:
        if span.kind in ("reference", "contract", "meter", "count"):
            add(span.kind, span.value, span.start, span.end)
        elif span.kind == "amount" and span.value:
            entity = add("amount", span.value, span.start, span.end)
            if span.number and span.number.negative:
                entity["negative"] = True
        elif span.kind == "date" and span.date is not None:
            mention = span.date
            # A reading is taken before it is sent.
            day = mention.past if has_reading and not mention.told else mention.value
            entity = add("date", day.isoformat(), span.start, span.end)
            if mention.ambiguous:
                entity["past"], entity["future"] = mention.past.isoformat(), mention.future.isoformat()
            if mention.until:
                entity["until"] = mention.until.isoformat()
        if span.kind == "reading" or span.also_reading:
            number = span.number or numbers.Number(span.start, span.end, span.value)
            entity = add("reading", number.integer, number.start, number.end)
            entity["digits"] = number.digits
            if number.decimals is not None:
                entity["decimals"] = number.decimals
            if number.negative:
                entity["negative"] = True
            if span.labelled:
                entity["labelled"] = True
            if span.also_reading:
                entity["alternative"] = span.kind
            if span.utility:
                entity["utility"] = span.utility

    for name, value, start, end in _mentions(folded.text):
        add(name, value, start, end)
    for m in vocabulary.WATER_UNFOLDED.finditer(text):
        entities.append({"entity": "utility", "value": "water", "start": m.start(), "end": m.end()})

    entities.sort(key=lambda e: (e["start"], e["entity"] == "reading"))
    readings = [e for e in entities if e["entity"] == "reading"]
    for key in ("register", "utility"):
        _label(readings, [e for e in entities if e["entity"] == key], key)
    return entities
