"""A bill: what a period's use comes to, line by line as the Moroccan bill prints it.

Everything is computed exactly, as fractions, and rounded to the centime once per line (`billing.lines`). Where
the rounded lines do not add up to the exact total rounded once, a line `rounding` says so.

A price or a VAT rate that changes within the period cuts it there: the use is shared out by days, and each
part has its own line under the same code. The tranche follows from the daily use of the whole period.

An estimated bill is an advance on the use since the last real reading. The bill of the next real reading
covers all that time and takes `advances`, what the estimated bills asked for, off as one line without VAT:
its split between net and tax is on those bills, not on this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from billing.limits import DEFAULTS as LIMITS
from billing.lines import NOTHING, Item, Line, round_half_up, rounded
from billing.parameter import NoTariff, Span, spans
from billing.registers import IndexPoint, RegisterFacts
from billing.tariff import Charge, FixedCharge, Levy, Tariff

MOST = Decimal(10**9)
"""Beyond any dial, in kWh, m3 or dirhams: a slip, not a use."""


class BillError(ValueError):
    """There is no right bill for this; the message is one line."""


class EmptyPeriod(BillError):
    """The period has no day in it."""


class NegativeUse(BillError):
    """The register went back."""


class ImpossibleUse(BillError):
    """More than the connection can carry, or not a quantity at all."""


class WrongRegister(BillError):
    """A register that the tariff does not know, or one that it needs and was not given."""


class WrongAmount(BillError):
    """An amount of money that is negative or not in whole centimes."""


@dataclass(frozen=True, slots=True)
class Period:
    """From one index to the next: `start`, the day of the previous one, is not billed, `end` is."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def billed(self) -> Span:
        """The days billed, both included."""
        return Span(self.start + timedelta(days=1), self.end)


@dataclass(frozen=True, slots=True)
class Use:
    """What a register turned, in kWh or m3. A meter replaced within the period makes two uses of a register."""

    register: str
    quantity: Decimal
    previous: int | None = None
    new: int | None = None
    estimated: bool = False

    @classmethod
    def between(cls, register: RegisterFacts, previous: IndexPoint, new: IndexPoint) -> Use:
        """The use from one index to the next, through zero if the dial rolled over. Raises NegativeUse."""
        turned = register.advance(previous.value, new.value)
        if turned < 0:
            raise NegativeUse(f"register {register.code} goes back from {previous.value} to {new.value}")
        quantity = Decimal(turned * register.multiplier)
        return cls(register.code, quantity, previous.value, new.value, estimated=not new.real)


@dataclass(frozen=True, slots=True)
class Bill:
    """The lines, and what they come to. A total below zero is owed to the customer."""

    tariff: str
    period: Period
    uses: tuple[Use, ...]
    lines: tuple[Line, ...]
    total: Decimal


def compute(
    tariff: Tariff,
    period: Period,
    uses: Sequence[Use],
    *,
    advances: Decimal = NOTHING,
    arrears: Decimal = NOTHING,
    credit: Decimal = NOTHING,
    cash: bool = False,
    subscribed_kw: Decimal | None = None,
) -> Bill:
    """The bill of `uses` over `period`, in dirhams.

    `advances` is what estimated bills asked for already, `arrears` what older bills left unpaid, `credit` what
    is owed to the customer; all positive. `cash` adds the stamp on what is then to pay. A use above what
    `subscribed_kw` lets through is refused, with the margin that readings are granted.
    Raises BillError, and NoTariff for days before the tariff begins.
    """
    _check_period(tariff, period)
    _check_uses(tariff, period, uses, subscribed_kw)
    for name, amount in (("advances", advances), ("arrears", arrears), ("credit", credit)):
        _check_amount(name, amount)
    items = [*_consumption(tariff, period, uses)]
    for code, amount in (("advance", -advances), ("arrears", arrears), ("credit", -credit)):
        if amount:
            items.append(Item(code, tariff.labels[code], Fraction(amount)))
    lines = rounded(items)
    exact = round_half_up(sum((item.amount for item in items), Fraction(0)), 2)
    residue = exact - sum((line.amount for line in lines), NOTHING)
    if residue:
        lines += rounded([Item("rounding", tariff.labels["rounding"], Fraction(residue))])
    if cash and (stamp := round_half_up(Fraction(tariff.stamp.rate.on(period.end)) * Fraction(exact), 2)) > 0:
        lines += rounded([Item("stamp", tariff.stamp.label, Fraction(stamp))])
    total = sum((line.amount for line in lines), NOTHING)
    return Bill(tariff.name, period, tuple(uses), tuple(lines), total)


def _consumption(tariff: Tariff, period: Period, uses: Sequence[Use]) -> Iterator[Item]:
    """What the period itself costs: use, fixed charges and levy."""
    used = {register: Fraction(0) for register in tariff.registers}
    for use in uses:
        used[use.register] += Fraction(use.quantity)
    for charge in tariff.charges:
        yield from _charged(charge, tariff, period, used[charge.register])
    for fixed in tariff.fixed:
        yield from _fixed(fixed, tariff, period)
    if tariff.levy:
        yield from _levied(tariff.levy, tariff, period, sum(used.values(), Fraction(0)))


def _charged(charge: Charge, tariff: Tariff, period: Period, use: Fraction) -> Iterator[Item]:
    for span in spans(period.billed, charge.price, charge.vat):
        grid = charge.price.on(span.first)
        share, months = use * span.days / period.days, Fraction(span.days, tariff.month_days)
        for tranche, quantity in grid.spread(share, months):
            code = charge.code if grid.flat else f"{charge.code}_{tranche.number}"
            label = charge.label.filled(tranche=tranche.number, limits=grid.limits(tranche))
            price, vat = Fraction(tranche.price), charge.vat.on(span.first)
            yield Item(code, label, quantity * price, quantity, tariff.unit, price, vat)


def _fixed(fixed: FixedCharge, tariff: Tariff, period: Period) -> Iterator[Item]:
    for span in spans(period.billed, fixed.amount, fixed.vat):
        months, price = Fraction(span.days, tariff.month_days), Fraction(fixed.amount.on(span.first))
        vat = fixed.vat.on(span.first)
        yield Item(fixed.code, fixed.label, months * price, months, "month", price, vat)


def _levied(levy: Levy, tariff: Tariff, period: Period, use: Fraction) -> Iterator[Item]:
    monthly = use * tariff.month_days / period.days
    for span in spans(period.billed, *levy.parameters):
        share, months = use * span.days / period.days, Fraction(span.days, tariff.month_days)
        if levy.exempt_upto and monthly <= levy.exempt_upto.on(span.first):
            continue
        due = sum((q * Fraction(t.price) for t, q in levy.rates.on(span.first).spread(share, months)), Fraction(0))
        if due:
            due = min(due, Fraction(levy.cap.on(span.first)) * months)
            yield Item(levy.code, levy.label, due, share, tariff.unit)


def _check_period(tariff: Tariff, period: Period) -> None:
    if period.days <= 0:
        raise EmptyPeriod(f"no day to bill from {period.start} to {period.end}")
    if period.billed.first < tariff.first:
        raise NoTariff(f"tariff {tariff.name}", period.billed.first, tariff.first)


def _check_uses(tariff: Tariff, period: Period, uses: Sequence[Use], subscribed_kw: Decimal | None) -> None:
    given = {use.register for use in uses}
    registers = f"tariff {tariff.name} bills {' and '.join(tariff.registers)}"
    if unknown := sorted(given - set(tariff.registers)):
        raise WrongRegister(f"no register {unknown[0]} to bill: {registers}")
    if missing := [register for register in tariff.registers if register not in given]:
        raise WrongRegister(f"register {missing[0]} is missing: {registers}")
    for use in uses:
        if not use.quantity.is_finite() or abs(use.quantity) > MOST:
            raise ImpossibleUse(f"{use.quantity} {tariff.unit} on register {use.register} is not a use")
        if use.quantity < 0:
            raise NegativeUse(f"the use of register {use.register} is below zero: {use.quantity} {tariff.unit}")
    if subscribed_kw is not None and tariff.unit == "kWh":
        total = sum((use.quantity for use in uses), Decimal(0))
        # The margin and the day more are those of the reading checks: an index taken there is billed here.
        bound = subscribed_kw * LIMITS.power_margin * 24 * (period.days + 1)
        if total > bound:
            what = f"{total} kWh in {period.days} days is more than {subscribed_kw} kW can draw"
            raise ImpossibleUse(f"{what}: {int(bound)} kWh at most")


def _check_amount(name: str, amount: Decimal) -> None:
    if not amount.is_finite() or not 0 <= amount <= MOST or amount != round(amount, 2):
        raise WrongAmount(f"{name} must be dirhams and centimes, zero or more, not {amount}")
