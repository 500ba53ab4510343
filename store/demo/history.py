"""Two years of a made-up household: what it used by season, what was read or estimated, what was billed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import cos, tau
from random import Random

from billing.estimation import estimate
from billing.registers import IndexPoint, RegisterFacts
from store.demo.households import Climate, Dial, Supply
from store.demo.prices import cost, grid
from store.models import BillBasis, RegisterCode

MONTH_DAYS = 30.4375
MIDWINTER, MIDSUMMER = 15, 213
"""Days of the year: 15 January and 1 August."""
ISSUED_AFTER = timedelta(days=3)
DUE_AFTER = timedelta(days=21)
"""Demo values: how long a customer has to pay is not public."""
TURNED_SINCE_ZERO = 8
"""Readings since a dial that rolled over went through zero."""


@dataclass(frozen=True, slots=True)
class Track:
    """A meter in place from `installed_on` to `removed_on`, with the indexes of each register, oldest first."""

    installed_on: date
    removed_on: date | None
    points: dict[RegisterCode, list[IndexPoint]]


@dataclass(frozen=True, slots=True)
class BillDraft:
    """A bill; `usage` is what it adds to the bills before, less than nothing after too high an estimate."""

    start: date
    end: date
    basis: BillBasis
    usage: int
    total: Decimal

    @property
    def issued_on(self) -> date:
        return self.end + ISSUED_AFTER

    @property
    def due_on(self) -> date:
        return self.issued_on + DUE_AFTER


@dataclass(frozen=True, slots=True)
class History:
    opened_on: date
    tracks: list[Track]
    bills: list[BillDraft]


def history(supply: Supply, today: date, rng: Random) -> History:
    """Work the history out. It starts two cycles early, so that the first estimate kept has something to go on."""
    before = 2 * supply.cycle if supply.months else 0
    first = supply.months + before
    countdown = range(first, -1, -1)
    days = [today - timedelta(days=supply.last_cycle_day + round(MONTH_DAYS * ago)) for ago in countdown]
    real = [
        ago in (first, supply.meter_replaced) or (ago - supply.estimates_since) % supply.cycle == 0
        for ago in countdown
    ]
    opened_on = days[0] - timedelta(days=rng.randrange(400, 4000)) if supply.months else days[0]
    tracks = _tracks(supply, opened_on, days, real, rng)
    kept = days[before]
    return History(
        opened_on,
        [_from(track, kept) for track in tracks],
        [bill for bill in _bills(supply, days, real, tracks) if bill.start >= kept],
    )


def _tracks(supply: Supply, opened_on: date, days: Sequence[date], real: Sequence[bool], rng: Random) -> list[Track]:
    """The meter, or the two where it was replaced: the new one starts from zero the day the old one goes."""
    old: dict[RegisterCode, list[IndexPoint]] = {}
    new: dict[RegisterCode, list[IndexPoint]] = {}
    end = len(days) - 1 - (supply.meter_replaced or 0)
    for dial in supply.dials:
        usage = _usage(dial, supply, days, rng)
        last_read = max(position for position, is_real in enumerate(real[: end + 1]) if is_real)
        first = _last_index(dial, supply, usage) - sum(usage[: last_read + 1])
        old[dial.code] = _points(supply, dial, days[: end + 1], real[: end + 1], usage[: end + 1], first)
        if supply.meter_replaced is not None:
            new[dial.code] = _points(supply, dial, days[end:], real[end:], [0, *usage[end + 1 :]], 0)
    if not new:
        return [Track(opened_on, None, old)]
    return [Track(opened_on, days[end], old), Track(days[end], None, new)]


def _usage(dial: Dial, supply: Supply, days: Sequence[date], rng: Random) -> list[int]:
    """What the register turns up to each day since the one before; nothing before the first."""
    usage = [0]
    for start, end in pairwise(days):
        length = (end - start).days
        usual = dial.monthly * length / MONTH_DAYS * _season(start + timedelta(days=length // 2), supply.climate)
        usage.append(round(usual * max(rng.gauss(1, supply.unevenness), 0.2)))
    return usage


def _last_index(dial: Dial, supply: Supply, usage: Sequence[int]) -> int:
    if not supply.rolled_over:
        return dial.last
    since_zero = usage[-TURNED_SINCE_ZERO:]
    return sum(since_zero) - since_zero[0] // 2


def _season(day: date, climate: Climate) -> float:
    """How many times the use of a mild day this day sees."""
    position = day.timetuple().tm_yday

    def nearness(middle: int) -> float:
        return max(cos(tau * (position - middle) / 365), 0) ** 2

    return 1 + climate.winter * nearness(MIDWINTER) + climate.summer * nearness(MIDSUMMER)


def _points(
    supply: Supply, dial: Dial, days: Sequence[date], real: Sequence[bool], usage: Sequence[int], first: int
) -> list[IndexPoint]:
    """The indexes of a register on `days`, starting from `first`: its own where it is read, else estimates."""
    points: list[IndexPoint] = []
    index = first
    for day, is_real, turned in zip(days, real, usage, strict=True):
        index += turned
        shown = index % 10**supply.digits if is_real else estimate(_facts(supply, dial, points), day).index
        points.append(IndexPoint(shown, day, is_real))
    return points


def _facts(supply: Supply, dial: Dial, known: Sequence[IndexPoint]) -> RegisterFacts:
    return RegisterFacts(
        code=dial.code,
        digits=supply.digits,
        multiplier=1,
        subscribed_kw=None if supply.watts is None else Decimal(supply.watts) / 1000,
        unit=supply.unit.value,
        history=tuple(known),
        contract_number=supply.contract,
        meter_number="",
    )


def _bills(supply: Supply, days: Sequence[date], real: Sequence[bool], tracks: Sequence[Track]) -> list[BillDraft]:
    """A bill a month. Each is the cost of all that was used since the last real reading, less what the
    estimated bills since then have asked for: months put right together never add up to one month's steps.
    """
    advances = _advances(supply, tracks)
    bills: list[BillDraft] = []
    used: Counter[RegisterCode] = Counter()
    months, billed = 0, Decimal(0)
    fee = grid(supply.tariff).monthly_fee
    for (start, end), is_real in zip(pairwise(days), real[1:], strict=True):
        added = advances[end]
        months += 1
        used.update(added)
        worth = cost(supply.tariff, used, months)
        basis = BillBasis.READ if is_real else BillBasis.ESTIMATED
        bills.append(BillDraft(start, end, basis, sum(added.values()), _uneven(worth - billed + fee)))
        billed = worth
        if is_real:
            used, months, billed = Counter(), 0, Decimal(0)
    for position, total in enumerate(supply.last_totals, start=len(bills) - len(supply.last_totals)):
        bills[position] = replace(bills[position], total=total)
    return bills


def _advances(supply: Supply, tracks: Sequence[Track]) -> dict[date, dict[RegisterCode, int]]:
    """By how much the indexes of each day, read or estimated, are ahead of those before."""
    advances: dict[date, dict[RegisterCode, int]] = {}
    for track in tracks:
        for dial in supply.dials:
            facts = _facts(supply, dial, ())
            for earlier, later in pairwise(track.points[dial.code]):
                day = advances.setdefault(later.taken_on, {})
                day[dial.code] = facts.advance(earlier.value, later.value)
    return advances


def _uneven(total: Decimal) -> Decimal:
    """Never a whole number of dirhams: an amount that proves a contract should not be easy to guess."""
    return total + Decimal("0.05") if total == total.to_integral_value() else total


def _from(track: Track, first: date) -> Track:
    points = {code: [p for p in known if p.taken_on >= first] for code, known in track.points.items()}
    return Track(track.installed_on, track.removed_on, points)
