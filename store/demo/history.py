"""Two years of a made-up household: what it used by season, what was read or estimated, what was billed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import cos, tau
from random import Random

from billing.bill import Bill, Period, Use, compute
from billing.estimation import estimate
from billing.registers import IndexPoint, RegisterFacts
from billing.tariff import TARIFFS, Tariff, load
from store.demo.households import Climate, Dial, Supply
from store.models import BillBasis, RegisterCode

MONTH_DAYS = 30.4375
MIDWINTER, MIDSUMMER = 15, 213
"""Days of the year: 15 January and 1 August."""
ISSUED_AFTER = timedelta(days=3)
DUE_AFTER = timedelta(days=21)
"""Demo values: how long a customer has to pay is not public."""
OPERATOR = "onee"
"""Whose tariffs the demo customers are billed by."""
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
    """A bill from `start`. `usage` is what it adds to those before, less than nothing after too high an estimate."""

    start: date
    basis: BillBasis
    bill: Bill
    usage: int
    advances: Decimal
    credit: Decimal = Decimal(0)

    @property
    def end(self) -> date:
        return self.bill.period.end

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
    """A bill a month. Each is for all that was used since the last real reading, less what the estimated bills
    since then have asked for: months put right together never add up to one month's tranches.
    """
    tariff = load(TARIFFS / OPERATOR)[supply.tariff]
    bills: list[BillDraft] = []
    since, advanced, used = days[0], Decimal(0), 0
    for (start, end), is_real in zip(pairwise(days), real[1:], strict=True):
        uses = _uses(supply, tracks, since, end)
        bill = compute(tariff, Period(since, end), uses, advances=advanced)
        usage = int(sum(use.quantity for use in uses))
        basis = BillBasis.READ if is_real else BillBasis.ESTIMATED
        bills.append(BillDraft(start, basis, bill, usage - used, advanced))
        since, advanced, used = (end, Decimal(0), 0) if is_real else (since, bill.total + advanced, usage)
    if supply.owed is not None:
        _settle(supply, tariff, bills)
    return bills


def _uses(supply: Supply, tracks: Sequence[Track], since: date, end: date) -> list[Use]:
    """What each register of the meter in place turned. A meter is replaced on the day of a real reading."""
    track = next(track for track in tracks if track.removed_on is None or end <= track.removed_on)
    return [
        Use.between(_facts(supply, dial, ()), *(_point(track.points[dial.code], day) for day in (since, end)))
        for dial in supply.dials
    ]


def _point(points: Sequence[IndexPoint], day: date) -> IndexPoint:
    return next(point for point in points if point.taken_on == day)


def _settle(supply: Supply, tariff: Tariff, bills: list[BillDraft]) -> None:
    """Bring the unpaid bills to what is said to be owed, with a credit from before on the first of them."""
    assert supply.owed is not None
    first = len(bills) - supply.unpaid
    credit = sum((draft.bill.total for draft in bills[first:]), Decimal(0)) - supply.owed
    draft = bills[first]
    bill = compute(tariff, draft.bill.period, draft.bill.uses, advances=draft.advances, credit=credit)
    bills[first] = replace(draft, bill=bill, credit=credit)


def _from(track: Track, first: date) -> Track:
    points = {code: [p for p in known if p.taken_on >= first] for code, known in track.points.items()}
    return Track(track.installed_on, track.removed_on, points)
