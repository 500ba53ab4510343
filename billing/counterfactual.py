"""What a bill would have come to, had one cause been that of another bill.

The same rules as `billing.bill`, without lines or rounding, and taken apart so that each cause can come from
one bill or the other. A cost is `days` times what a day costs, for limits, fixed charges and caps all scale
with the days.

*Daily use and tranche.* A selective grid prices the whole use by the tranche that it ends in, so a little more
use can cost a lot more. Here the two are told apart: one bill says how much is used a day, one bill's use says
which row of the grid prices it. 311 kWh a month on the row of 310 are 311 x 1.1676 DH; 310 kWh on the row of
311 are 310 x 1.3817 DH. The progressive tranches are one row together, whose last price goes on above its
limit. Where both come from one bill, the price is the one of the law.

*Prices and taxes.* Prices are kept with all taxes in. Prices of one bill under the taxes of another are its
prices before tax with the VAT of the other added, but never further than the prices of the other. So a VAT
that rose while the price before tax fell as much, as each did since 2017, is no change to anybody.

*Taxes* also say whether the levy is due. A household passes its exemption by using more, but what appears on
its bill is a tax.

*Other registers.* A use is taken to the registers of another meter by the shares that they have there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from billing.grid import Grid
from billing.parameter import Span, spans
from billing.tariff import Tariff


@dataclass(frozen=True, slots=True)
class Cost:
    """Dirhams a day: with all taxes, and before VAT."""

    amount: Fraction
    before_tax: Fraction

    @classmethod
    def summed(cls, parts: Iterable[tuple[Fraction, Fraction]]) -> Cost:
        """The sum of amounts with all taxes, each with its VAT rate."""
        amount = before_tax = Fraction(0)
        for part, rate in parts:
            amount += part
            before_tax += part / (1 + rate)
        return cls(amount, before_tax)

    def taxed_as(self, other: Cost) -> Fraction:
        """This cost with the taxes of `other`, but never beyond `other`."""
        if not other.before_tax or self.amount == other.amount:
            return self.amount
        taxed = self.before_tax * other.amount / other.before_tax
        return min(max(taxed, min(self.amount, other.amount)), max(self.amount, other.amount))


@dataclass(frozen=True, eq=False)
class Side:
    """One of two bills: `billed` are its days, `daily` its use a day by register (kWh or m3)."""

    tariff: Tariff
    billed: Span
    daily: Mapping[str, Fraction]

    @cached_property
    def total(self) -> Fraction:
        """Use a day of all registers."""
        return sum(self.daily.values(), Fraction(0))

    @property
    def cost(self) -> Fraction:
        """What these days come to, in dirhams: use, fixed charges and levy."""
        day = charged(self, self, self).amount + fixed(self).amount + levied(self, self)
        return self.billed.days * day


def charged(use: Side, tranche: Side, prices: Side) -> Cost:
    """A day of use: as much as `use`, priced on the row that `tranche` reached, with the prices of `prices`."""
    return Cost.summed(_charges(use, tranche, prices))


def fixed(side: Side) -> Cost:
    """A day of connection."""
    return Cost.summed(_fixed_charges(side))


def levied(use: Side, taxes: Side) -> Fraction:
    """A day of levy on as much as `use`, by the rules of `taxes` and due if it is due there."""
    levy, month = taxes.tariff.levy, taxes.tariff.month_days
    if levy is None:
        return Fraction(0)
    day, reaching = Fraction(0), taxes.total * month
    for span in spans(taxes.billed, *levy.parameters):
        if levy.exempt_upto is None or reaching > levy.exempt_upto.on(span.first):
            due = _priced(levy.rates.on(span.first), use.total * month, reaching)
            day += _share(span, taxes) * min(due, Fraction(levy.cap.on(span.first))) / month
    return day


def _charges(use: Side, tranche: Side, prices: Side) -> Iterator[tuple[Fraction, Fraction]]:
    quantities, reaching = _on_registers_of(prices, use), _on_registers_of(prices, tranche)
    month = prices.tariff.month_days
    for charge in prices.tariff.charges:
        quantity, reached = quantities[charge.register] * month, reaching[charge.register] * month
        for span in spans(prices.billed, charge.price, charge.vat):
            monthly = _priced(charge.price.on(span.first), quantity, reached)
            yield _share(span, prices) * monthly / month, Fraction(charge.vat.on(span.first))


def _fixed_charges(side: Side) -> Iterator[tuple[Fraction, Fraction]]:
    for charge in side.tariff.fixed:
        for span in spans(side.billed, charge.amount, charge.vat):
            monthly = Fraction(charge.amount.on(span.first))
            yield _share(span, side) * monthly / side.tariff.month_days, Fraction(charge.vat.on(span.first))


def _share(span: Span, side: Side) -> Fraction:
    return Fraction(span.days, side.billed.days)


def _on_registers_of(side: Side, use: Side) -> Mapping[str, Fraction]:
    """The use a day of one side on the registers of another."""
    if use.daily.keys() == side.daily.keys():
        return use.daily
    if not side.total:
        return {register: use.total / len(side.daily) for register in side.daily}
    return {register: use.total * daily / side.total for register, daily in side.daily.items()}


def _priced(grid: Grid, monthly: Fraction, reaching: Fraction) -> Fraction:
    """What `monthly` costs a month on the row of the grid that a use of `reaching` is priced on."""
    reached = grid.reached(reaching)
    if reached.selective:
        return monthly * Fraction(reached.price)
    cost = Fraction(0)
    progressive = [tranche for tranche in grid.tranches if not tranche.selective]
    for tranche in progressive:
        upto = monthly if tranche is progressive[-1] else min(monthly, Fraction(tranche.upto or 0))
        cost += max(upto - Fraction(grid.above(tranche)), Fraction(0)) * Fraction(tranche.price)
    return cost
