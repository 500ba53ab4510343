"""The bill that a contract gets next: where it starts, where it ends, and what it may come to.

It starts from the last real index that was billed: the end of a bill on a real index, or what the estimated bills
since then start from. Those are advances: the coming bill covers their days again and takes them off. It ends where
the contract's bills usually do, and not before today: whatever was not billed yet will be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import median_low

from actions.billed import NotRecomputable, billed, tariff_of
from actions.supply import Supply
from billing.bill import Bill, BillError, Period, Use, compute
from billing.expected_use import NotForeseeable, expected_use
from billing.forecast import Forecast, Pace
from billing.lines import NOTHING, round_half_up
from billing.parameter import NoTariff
from billing.registers import IndexPoint, RegisterFacts
from billing.tariff import Tariff
from store.models import Bill as StoredBill
from store.models import BillBasis

UNSURE = (NotForeseeable, NotRecomputable, BillError, NoTariff)
"""What says that there is no right figure to give."""

BILLS_FOR_LENGTH = 12
"""Bills whose lengths tell when the next one ends."""


@dataclass(frozen=True, slots=True)
class Metered:
    """A register, and `start`: its real index on the day that the coming bill starts from."""

    facts: RegisterFacts
    start: IndexPoint

    @classmethod
    def since(cls, facts: RegisterFacts, day: date) -> Metered:
        """Raises NotForeseeable when the register was not really read on that day."""
        start = facts.last_real(day)
        if start is None or start.taken_on != day:
            raise NotForeseeable(f"register {facts.code} of the meter in place was not read on {day}")
        return cls(facts, start)

    def until(self, index: int, on: date) -> Use:
        """What was turned since the start, were the register read at `index`. Raises NegativeUse."""
        return Use.between(self.facts, self.start, IndexPoint(index, on, real=True))

    def expected(self, until: date) -> tuple[Decimal, Decimal, Decimal]:
        """Low, likely and high use from the start until a day: what was read, and what is foreseen after it.

        A day before the last real index gets its share of what was read. Raises NotForeseeable.
        """
        last = self.facts.last_real() or self.start
        read = self.until(last.value, last.taken_on).quantity
        if until > last.taken_on:
            more = expected_use(self.facts, until)
            return read + more.low, read + more.likely, read + more.high
        days = (last.taken_on - self.start.taken_on).days
        share = round_half_up(Fraction(read) * (until - self.start.taken_on).days / days, 0) if days else Decimal(0)
        return share, share, share


@dataclass(frozen=True, slots=True)
class Expected:
    """The uses of all registers over some days, all low together or all high."""

    low: tuple[Use, ...]
    likely: tuple[Use, ...]
    high: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class ComingBill:
    """What the next bill goes by.

    It covers the time from `since` until `until`. Bills were sent up to `billed_to`: after `since` when the last
    ones were estimated, which asked for `advances` (dirhams) in all. `usual_days` is how long its bills usually are.
    """

    tariff: Tariff
    since: date
    billed_to: date
    until: date
    usual_days: int
    advances: Decimal
    registers: tuple[Metered, ...]

    @property
    def estimated(self) -> bool:
        """Whether the last bill was, so that there is something to make up for."""
        return self.billed_to > self.since

    @property
    def period(self) -> Period:
        return Period(self.since, self.until)

    @property
    def read_on(self) -> date | None:
        """The day on which all registers were really read last; None when it is not one day."""
        days = {(metered.facts.last_real() or metered.start).taken_on for metered in self.registers}
        return days.pop() if len(days) == 1 else None

    def uses(self, indexes: Mapping[str, int], on: date) -> tuple[Use, ...]:
        """What the registers turned since the start, were they read at `indexes`. Raises NegativeUse."""
        return tuple(metered.until(indexes[metered.facts.code], on) for metered in self.registers)

    def expected(self, until: date) -> Expected:
        """The uses since the start. Raises NotForeseeable."""
        found = [(metered.facts.code, metered.expected(until)) for metered in self.registers]
        low, likely, high = (
            tuple(Use(code, quantities[which], estimated=True) for code, quantities in found) for which in range(3)
        )
        return Expected(low, likely, high)

    def usual_pace(self) -> Pace:
        """How fast the meter turns up to the end of the bill, as far as known. Raises NotForeseeable."""
        return Pace.of_uses(self.expected(self.until).likely, self.period.days)

    def bill(self, uses: Sequence[Use], until: date) -> Bill:
        """The bill of `uses` since the start, advances taken off. Raises what `compute` raises."""
        return compute(self.tariff, Period(self.since, until), uses, advances=self.advances)

    def forecast(self, until: date) -> Forecast:
        """What the bill comes to if it ends on `until`, with its interval.

        On `billed_to` that is the regularisation: what the estimated bills should have asked for, less what they
        did. Raises NotForeseeable, and what `compute` raises.
        """
        expected = self.expected(until)
        return Forecast(*(self.bill(uses, until) for uses in (expected.low, expected.likely, expected.high)))

    def settled(self) -> Bill | None:
        """What the estimated days come to by the real index read since, without advances.

        None unless all registers were read on one day, not before the estimated days end, and not so long after
        that most of what the index shows is of other days. Raises what `compute` raises.
        """
        estimated = Period(self.since, self.billed_to)
        if not self.estimated or self.read_on is None:
            return None
        if not 0 <= (self.read_on - self.billed_to).days <= estimated.days:
            return None
        return compute(self.tariff, estimated, self.expected(self.billed_to).likely)


def coming_bill(supply: Supply, bills: Sequence[StoredBill], operator: str, today: date) -> ComingBill:
    """The next bill of a contract, from its bills so far, oldest first.

    Raises NotForeseeable when there is no bill yet, or the meter in place was not read when it starts, and
    NotRecomputable when the last bill is an estimate whose amount cannot be accounted for.
    """
    if not bills:
        raise NotForeseeable(f"contract {supply.contract.number} has no bill yet")
    last = bills[-1]
    since, advances = last.period_end, NOTHING
    if last.basis is BillBasis.ESTIMATED:
        estimate = billed(last, operator).bill
        since, advances = estimate.period.start, last.advances + last.total - last.arrears + last.credit
    usual_days = max(_usual_days(bills), 1)
    return ComingBill(
        tariff=tariff_of(operator, supply.contract.tariff),
        since=since,
        billed_to=last.period_end,
        until=max(last.period_end + timedelta(days=usual_days), today),
        usual_days=usual_days,
        advances=advances,
        registers=tuple(Metered.since(supply.facts(code), since) for code in supply.codes),
    )


def _usual_days(bills: Sequence[StoredBill]) -> int:
    return median_low((bill.period_end - bill.period_start).days for bill in bills[-BILLS_FOR_LENGTH:])


__all__ = ["UNSURE", "ComingBill", "Expected", "Metered", "coming_bill"]
