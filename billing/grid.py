"""A price list by tranche, and the Moroccan rule for reading it.

Up to the last *progressive* limit each tranche is billed at its own price. Above it the grid is *selective*:
the whole use is billed at the price of the tranche reached (arrêté 2451-14, B.O. 6275 bis of 22 July 2014).
Limits are per month and grow with the period, so that three months never pile up in the dear tranches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Tranche:
    """`price` holds up to `upto` a month, included; None for the last. Both in the units of the parameter."""

    number: int
    upto: Decimal | None
    price: Decimal
    selective: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """Tranches in ascending order; only the last is open, and after a selective one all are selective."""

    tranches: tuple[Tranche, ...]

    @property
    def flat(self) -> bool:
        """One price whatever the use."""
        return len(self.tranches) == 1

    def reached(self, monthly: Fraction) -> Tranche:
        """The tranche in which a use of `monthly` a month ends; a limit belongs to the tranche below it."""
        return next(tranche for tranche in self.tranches if tranche.upto is None or monthly <= tranche.upto)

    def above(self, tranche: Tranche) -> Decimal:
        """The limit above which `tranche` begins."""
        return self.tranches[tranche.number - 2].upto or Decimal(0) if tranche.number > 1 else Decimal(0)

    def limits(self, tranche: Tranche) -> str:
        """The tranche's first and last unit a month, as a bill names it: 0-100, 101-150, > 510."""
        above = self.above(tranche)
        if tranche.upto is None:
            return f"> {above}"
        first = above + 1 if above and above == int(above) else above
        return f"{first}-{tranche.upto}"

    def spread(self, use: Fraction, months: Fraction) -> Iterator[tuple[Tranche, Fraction]]:
        """How much of `use` over `months` is billed in which tranche; nothing for no use."""
        reached = self.reached(use / months)
        if reached.selective:
            yield reached, use
            return
        for tranche in self.tranches[: reached.number]:
            limit = use if tranche is reached else Fraction(tranche.upto or 0) * months
            within = limit - Fraction(self.above(tranche)) * months
            if within > 0:
                yield tranche, within
