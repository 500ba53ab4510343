"""Advances in kWh to prepaid households of modest income, recovered from later recharges.

That there are such advances is official; their size and the rate of recovery are the operator's to set. The
ledger is append-only: what a customer still owes in kWh is the sum of its entries.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from billing.calendar import local_day

_HUNDREDTH = Decimal("0.01")
_NONE = Decimal("0.00")


class EntryKind(StrEnum):
    """What an entry of the ledger records."""

    ADVANCE = "advance"  # kWh given: positive
    RECOVERY = "recovery"  # kWh kept back at a recharge: negative, or 0 when it paid nothing back
    CORRECTION = "correction"  # by an agent: either


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement of a customer's ledger; `kwh` adds to what is owed and has no more than two decimals.

    `reference` is the number of the advance, `K-…`, or the recharge's own. A correction under an advance's
    number that takes all of it back undoes it. Raises ValueError when `on` is not aware or `kwh` has more
    decimals, has the wrong sign for its kind, or is zero in anything but a recovery.
    """

    on: datetime
    kind: EntryKind
    kwh: Decimal
    reference: str

    def __post_init__(self) -> None:
        if self.on.utcoffset() is None:
            raise ValueError("an entry's time must be aware of its zone")
        if not _in_hundredths(self.kwh):
            raise ValueError(f"an entry's kWh have two decimals, not {self.kwh}")
        possible = {
            EntryKind.ADVANCE: self.kwh > 0,
            EntryKind.RECOVERY: self.kwh <= 0,
            EntryKind.CORRECTION: self.kwh != 0,
        }
        if not possible[self.kind]:
            raise ValueError(f"{self.kind}: {self.kwh} kWh cannot be")


@dataclass(frozen=True, slots=True)
class AdvancePolicy:
    """What may be advanced, and how it is recovered. Raises ValueError when a value makes no sense."""

    kwh: Decimal
    """One advance."""
    recovery_percent: Decimal
    """Share of each recharge's kWh that goes to pay back: above 0, at most 100."""
    most_outstanding: Decimal
    """kWh that may be owed at one time, a new advance included."""
    least_days_between: int
    """Days from one advance to the next."""
    most_per_year: int
    """Advances in a calendar year."""

    def __post_init__(self) -> None:
        if not _in_hundredths(self.kwh) or self.kwh <= 0:
            raise ValueError("kwh must be above 0, with at most two decimals")
        if not 0 < self.recovery_percent <= 100:
            raise ValueError("recovery_percent must be above 0 and at most 100")
        if self.most_outstanding < self.kwh:
            raise ValueError("most_outstanding must be at least one advance")
        if self.least_days_between < 0 or self.most_per_year < 1:
            raise ValueError("least_days_between must be 0 or more, most_per_year 1 or more")


class Hindrance(StrEnum):
    """What is in the way of another advance."""

    OUTSTANDING = "outstanding"  # too much is still owed
    TOO_SOON = "too_soon"  # after the last advance
    YEAR_USED_UP = "year_used_up"


class NotYet(ValueError):
    """Another advance is not possible today.

    `hindrances` are all that is in the way. `owed` and `to_recover` are the kWh owed and those that must be
    recovered first, 0 when none; `from_day` is the first day that the other rules allow, today when they do.
    """

    def __init__(
        self, hindrances: tuple[Hindrance, ...], *, owed: Decimal, to_recover: Decimal, from_day: date
    ) -> None:
        super().__init__(", ".join(hindrances))
        self.hindrances = hindrances
        self.owed = owed
        self.to_recover = to_recover
        self.from_day = from_day


def outstanding(entries: Iterable[Entry]) -> Decimal:
    """The kWh still owed; negative when a correction gave more back than was owed."""
    return sum((entry.kwh for entry in entries), start=_NONE)


def total(entries: Iterable[Entry], kind: EntryKind) -> Decimal:
    """The sum of one kind of entries, signed, in kWh."""
    return outstanding(entry for entry in entries if entry.kind is kind)


def allowed(entries: Iterable[Entry], policy: AdvancePolicy, today: date) -> Decimal:
    """The kWh that a customer may ask for today: one advance. Raises NotYet.

    Who is of modest income is not known here, nor which requests still wait for a decision.
    """
    ledger = tuple(entries)
    days = _advance_days(ledger)
    years = Counter(day.year for day in days)
    owed = outstanding(ledger)
    to_recover = max(owed + policy.kwh - policy.most_outstanding, _NONE)
    spaced = max((day + timedelta(policy.least_days_between) for day in days), default=today)
    hindrances = {
        Hindrance.OUTSTANDING: to_recover > 0,
        Hindrance.TOO_SOON: spaced > today,
        Hindrance.YEAR_USED_UP: years[today.year] >= policy.most_per_year,
    }
    if not any(hindrances.values()):
        return policy.kwh

    from_day = max(spaced, today)
    while years[from_day.year] >= policy.most_per_year:
        from_day = date(from_day.year + 1, 1, 1)
    raise NotYet(
        tuple(hindrance for hindrance, holds in hindrances.items() if holds),
        owed=owed,
        to_recover=to_recover,
        from_day=from_day,
    )


def recovered(owed: Decimal, bought: Decimal, policy: AdvancePolicy) -> Decimal:
    """The kWh kept back from a recharge of `bought` kWh, rounded down to 0.01; the customer receives the others.

    Never more than `owed`, 0 when nothing is owed. Raises ValueError for a negative recharge, which is for a
    correction to undo.
    """
    if bought < 0:
        raise ValueError(f"a recharge cannot be negative: {bought} kWh")
    share = (bought * policy.recovery_percent / 100).quantize(_HUNDREDTH, ROUND_FLOOR)
    return max(min(share, owed), _NONE)


def _advance_days(ledger: Iterable[Entry]) -> list[date]:
    """The days, in Morocco, of the advances that no correction undid."""
    kept: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entry in ledger:
        if entry.kind is not EntryKind.RECOVERY:
            kept[entry.reference] += entry.kwh
    return [local_day(e.on) for e in ledger if e.kind is EntryKind.ADVANCE and kept[e.reference] > 0]


def _in_hundredths(kwh: Decimal) -> bool:
    return kwh.is_finite() and kwh % _HUNDREDTH == 0
