"""Why a bill is not what another one was: the difference of the totals, shared out among its causes.

The causes are `Cause`. Six of them act on each other (more days make a dearer price weigh more) and are told
apart exactly by the Shapley value over what the bill would have been with some of them old and some new
(`billing.shapley`, `billing.counterfactual`); regularisation and arrears only add up.

*Using more* and *crossing a tranche* are two causes. From 310 to 311 kWh in 30 days the energy costs 67.75 DH
more: 1.27 for the kWh (at the mean of 1.1676 and 1.3817), 66.48 because all of them are now priced in the next
tranche. The exemption from the levy ends at 200 kWh a month: passing it is told under taxes.

*Regularisation.* A bill on a real index covers the time since the last real one and takes off what estimated
bills asked for. With `advanced_to`, the day up to which they went, only the days after it count as this bill's
own. What the days before really came to, less what was asked for, is the regularisation: a household whose
estimates were right sees none, although its bill counts twice the days.

Each effect is rounded to the centime; what then misses of the difference is the effect `rounding`, and so the
effects always sum to the difference. A bill against the same period of last year is explained in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from billing.bill import Bill
from billing.cliff import Cliff, avoidable_cliff
from billing.counterfactual import Cost, Side, charged, fixed, levied
from billing.lines import NOTHING, round_half_up
from billing.parameter import Span
from billing.shapley import shares
from billing.tariff import Tariff


class Cause(StrEnum):
    """Why the total moved."""

    DAYS = "days"
    DAILY_USE = "daily_use"
    TRANCHE = "tranche"  # the row of the price list that the use of a month ends in
    PRICES = "prices"
    FIXED_CHARGES = "fixed_charges"  # what they are a month; that there are more days is under DAYS
    TAXES = "taxes"  # VAT, the levy and whether it is due, the stamp
    REGULARISATION = "regularisation"  # what is made up for earlier estimates, advances taken off
    ARREARS = "arrears"  # left unpaid, or owed to the customer
    ROUNDING = "rounding"


class NothingToCompare(LookupError):
    """There is no bill to hold this one against; the message is one line."""


@dataclass(frozen=True, slots=True)
class BilledPeriod:
    """A bill with what it was computed from.

    `advanced_to` is the last day that estimated bills asked for already, when the bill takes them off. Raises
    ValueError when the bill is not one of this tariff, or that day is not within its period.
    """

    tariff: Tariff
    bill: Bill
    advanced_to: date | None = None

    def __post_init__(self) -> None:
        period = self.bill.period
        if self.advanced_to and not period.start < self.advanced_to < period.end:
            raise ValueError(f"{self.advanced_to} is not between {period.start} and {period.end}")
        if self.bill.tariff != self.tariff.name or not _comes_to_its_total(self):
            raise ValueError(f"a bill of {self.bill.total} DH on {self.bill.tariff} is not one of {self.tariff.name}")

    @property
    def estimated(self) -> bool:
        """Whether an index that it goes by was not read."""
        return any(use.estimated for use in self.bill.uses)

    @property
    def own(self) -> Span:
        """The days that no bill asked for before."""
        billed = self.bill.period.billed
        return Span(self.advanced_to + timedelta(days=1), billed.last) if self.advanced_to else billed


@dataclass(frozen=True, slots=True)
class Effect:
    """How much a cause added to the total, in dirhams; below zero it took off."""

    code: Cause
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Explanation:
    """The difference and its causes.

    `effects` sum to `difference`; none is zero, the largest is first and `rounding` last. `cliff` tells when
    a little less use would have made a lower bill.
    """

    previous: BilledPeriod
    current: BilledPeriod
    effects: tuple[Effect, ...]
    cliff: Cliff | None

    @property
    def previous_total(self) -> Decimal:
        return self.previous.bill.total

    @property
    def total(self) -> Decimal:
        return self.current.bill.total

    @property
    def difference(self) -> Decimal:
        return self.total - self.previous_total

    def main(self, count: int = 3) -> tuple[Effect, ...]:
        """The effects to tell first; never the rounding."""
        return tuple(effect for effect in self.effects if effect.code is not Cause.ROUNDING)[:count]


def explain(previous: BilledPeriod | None, current: BilledPeriod) -> Explanation:
    """Share out `current` total - `previous` total among the causes. Raises NothingToCompare."""
    if previous is None:
        raise NothingToCompare("there is no earlier bill to compare this one with")
    if previous.tariff.unit != current.tariff.unit:
        raise NothingToCompare(f"a bill of {previous.tariff.unit} is not compared with one of {current.tariff.unit}")
    exact = _interacting(_side(previous, previous.own), _side(current, current.own))
    exact[Cause.TAXES] += _amount(current, "stamp") - _amount(previous, "stamp")
    exact[Cause.REGULARISATION] = _settled(current) - _settled(previous)
    exact[Cause.ARREARS] = _amount(current, "arrears", "credit") - _amount(previous, "arrears", "credit")
    amounts = {cause: round_half_up(amount, 2) for cause, amount in exact.items()}
    told = sum(amounts.values(), NOTHING)
    effects = [Effect(cause, amount) for cause, amount in amounts.items() if amount]
    effects.sort(key=lambda effect: abs(effect.amount), reverse=True)
    if missing := current.bill.total - previous.bill.total - told:
        effects.append(Effect(Cause.ROUNDING, missing))
    return Explanation(previous, current, tuple(effects), avoidable_cliff(current.tariff, current.bill))


def _interacting(old: Side, new: Side) -> dict[Cause, Fraction]:
    """The effects of the causes that act on each other."""
    sides = (old, new)
    priced: dict[tuple[bool, bool, bool], Cost] = {
        (use, tranche, prices): charged(sides[use], sides[tranche], sides[prices])
        for use in (False, True)
        for tranche in (False, True)
        for prices in (False, True)
    }
    connected = [fixed(side) for side in sides]
    levy = [[levied(use, taxes) for taxes in sides] for use in sides]

    def cost(changed: Sequence[bool]) -> Fraction:
        days, use, tranche, prices, fixed_charges, taxes = changed
        day = priced[use, tranche, prices].taxed_as(priced[use, tranche, taxes])
        day += connected[fixed_charges].taxed_as(connected[taxes])
        return sides[days].billed.days * (day + levy[use][taxes])

    causes = (Cause.DAYS, Cause.DAILY_USE, Cause.TRANCHE, Cause.PRICES, Cause.FIXED_CHARGES, Cause.TAXES)
    return dict(zip(causes, shares(len(causes), cost), strict=True))


def _settled(billed: BilledPeriod) -> Fraction:
    """What the days asked for before really come to, less the advances taken off."""
    earlier = Fraction(0)
    if billed.advanced_to:
        earlier = _side(billed, billed.bill.period.billed).cost - _side(billed, billed.own).cost
    return earlier + _amount(billed, "advance")


def _side(billed: BilledPeriod, days: Span) -> Side:
    """The bill's daily use on some of its days."""
    daily = dict.fromkeys(billed.tariff.registers, Fraction(0))
    for use in billed.bill.uses:
        daily[use.register] += Fraction(use.quantity) / billed.bill.period.days
    return Side(billed.tariff, days, daily)


def _comes_to_its_total(billed: BilledPeriod) -> bool:
    exact = _side(billed, billed.bill.period.billed).cost + _amount(billed, "advance", "arrears", "credit")
    return Fraction(round_half_up(exact, 2)) + _amount(billed, "stamp") == Fraction(billed.bill.total)


def _amount(billed: BilledPeriod, *codes: str) -> Fraction:
    """What the lines of these codes come to."""
    return sum((Fraction(line.amount) for line in billed.bill.lines if line.code in codes), Fraction(0))
