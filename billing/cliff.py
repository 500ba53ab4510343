"""The bill that a little less use would have made: "2 kWh less, and you paid 69.53 DH less"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

from billing.bill import Bill, Use, compute
from billing.lines import NOTHING
from billing.tariff import Tariff
from billing.thresholds import Threshold, thresholds

REACH = Fraction(5, 100)
"""How far above a limit, as a share of it, using less is still a matter of little. L."""


@dataclass(frozen=True, slots=True)
class Cliff:
    """With `less` whole units less on the register of `threshold`, the bill was `saved` dirhams lower."""

    threshold: Threshold
    less: int
    saved: Decimal


def avoidable_cliff(tariff: Tariff, bill: Bill) -> Cliff | None:
    """The dearest cliff that the use of `bill` is little above; None when it is not near any.

    The saving is that of the whole bill, levy and stamp included: both are computed to the centime.
    """
    cliffs: list[Cliff] = []
    for threshold in thresholds(tariff, bill.period):
        used = sum((Fraction(use.quantity) for use in bill.uses if use.register == threshold.register), Fraction(0))
        above = used - threshold.limit
        less = ceil(above)
        if threshold.jumps and 0 < above <= REACH * threshold.limit and less <= used:
            saved = bill.total - _with_less(tariff, bill, threshold.register, less).total
            cliffs.append(Cliff(threshold, less, saved))
    return max(
        (cliff for cliff in cliffs if cliff.saved > 0), key=lambda cliff: (cliff.saved, -cliff.less), default=None
    )


def _with_less(tariff: Tariff, bill: Bill, register: str, less: int) -> Bill:
    """The same bill for `less` units less on a register."""
    amounts = {line.code: line.amount for line in bill.lines}
    return compute(
        tariff,
        bill.period,
        [*_fewer(bill.uses, register, Decimal(less))],
        advances=-amounts.get("advance", NOTHING),
        arrears=amounts.get("arrears", NOTHING),
        credit=-amounts.get("credit", NOTHING),
        cash="stamp" in amounts,
    )


def _fewer(uses: Iterable[Use], register: str, less: Decimal) -> Iterable[Use]:
    """The uses with so much taken off a register, the meters that it had one after the other."""
    for use in uses:
        off = min(use.quantity, less) if use.register == register else Decimal(0)
        less -= off
        yield Use(use.register, use.quantity - off, estimated=use.estimated)
