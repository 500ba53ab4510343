"""How much time an operator is ready to give for a debt: the bounds within which a customer may ask.

A policy opens the door to a request, it grants nothing: that is for a person. Paying later or in parts costs
nothing, so there is no place for a fee here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Literal

CENTIME = Decimal("0.01")

Rhythm = Literal["month"] | int
"""From one payment to the next: the same day of the next month, or so many days."""


def in_centimes(amount: Decimal) -> bool:
    """Whether an amount of dirhams can be paid: finite, and nothing smaller than a centime in it."""
    return amount.is_finite() and amount % CENTIME == 0


@dataclass(frozen=True, slots=True)
class DeferralPolicy:
    """Paying the whole debt later ("report"). Raises ValueError when a value makes no sense."""

    max_days: int
    """How many days after today, or after the day the bill falls due when that is later."""
    min_debt: Decimal
    """Dirhams; nothing smaller can be put off."""

    def __post_init__(self) -> None:
        _require(self.max_days >= 1, "max_days must be 1 or more")
        _require(in_centimes(self.min_debt) and self.min_debt >= 0, "min_debt must be dirhams and whole centimes")


@dataclass(frozen=True, slots=True)
class InstalmentPolicy:
    """Paying in parts ("facilités"), the first one included. Raises ValueError when a value makes no sense."""

    min_parts: int
    max_parts: int
    first_percent: Decimal
    """Share of the debt that the first payment must be at least: 0 to less than 100."""
    min_part: Decimal
    """Dirhams; no payment may be smaller."""
    every: Rhythm
    first_within_days: int
    """How many days after today the first payment may be; 0 is today."""
    min_debt: Decimal
    """Dirhams; nothing smaller can be paid in parts."""

    def __post_init__(self) -> None:
        _require(2 <= self.min_parts <= self.max_parts, "parts must be 2 or more, min_parts at most max_parts")
        _require(0 <= self.first_percent < 100, "first_percent must be 0 to less than 100")
        _require(in_centimes(self.min_part) and self.min_part > 0, "min_part must be a centime or more")
        _require(self.every == "month" or self.every >= 1, "every must be month or 1 day or more")
        _require(self.first_within_days >= 0, "first_within_days must be 0 or more")
        _require(in_centimes(self.min_debt) and self.min_debt >= 0, "min_debt must be dirhams and whole centimes")

    def least_debt(self) -> Decimal:
        """The smallest debt that can be cut into `min_parts` without going below another bound."""
        after_first = self.min_part * (self.min_parts - 1)
        for_share = (after_first * 100 / (100 - self.first_percent)).quantize(CENTIME, ROUND_CEILING)
        return max(self.min_debt, self.min_part * self.min_parts, for_share)

    def least_first(self, debt: Decimal) -> Decimal:
        """The smallest first payment of `debt`: the share asked for, rounded up to the centime."""
        share = (debt * self.first_percent / 100).quantize(CENTIME, ROUND_CEILING)
        return max(self.min_part, share)

    def most_parts(self, debt: Decimal, first: Decimal | None = None) -> int:
        """Into how many parts `debt` can be cut when the first payment is `first`, or the smallest possible.

        Below `min_parts` when it cannot be cut at all.
        """
        rest = debt - (self.least_first(debt) if first is None else first)
        return min(self.max_parts, 1 + int(rest // self.min_part)) if rest > 0 else 1


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
