"""How much is left before the next limit of the price list, and what passing it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor

from billing.bill import EmptyPeriod, Period, Use, compute
from billing.tariff import Tariff
from billing.thresholds import Threshold, thresholds


@dataclass(frozen=True, slots=True)
class NextTranche:
    """The next threshold that a use meets, limits scaled to the whole period.

    `left` whole units stay below it. `days_left` is how many days more they last at the pace so far; None when
    they outlast the period, or no day has passed yet. `crossing` is what the first unit above costs in
    dirhams, over what the last one below makes the whole bill.
    """

    threshold: Threshold
    left: int
    days_left: int | None
    crossing: Decimal


def to_next_tranche(tariff: Tariff, period: Period, used: Sequence[Use], on: date) -> NextTranche | None:
    """The next threshold for what was `used` from the start of `period` until `on`.

    None in the last tranche, and for a flat price. Of several registers, the one with the least left.
    Raises EmptyPeriod when `on` is not within the period, and what `compute` raises.
    """
    if not period.start <= on <= period.end:
        raise EmptyPeriod(f"{on} is not between {period.start} and {period.end}")
    so_far = {register: Fraction(0) for register in tariff.registers}
    for use in compute(tariff, period, used).uses:
        so_far[use.register] += Fraction(use.quantity)
    ahead = [threshold for threshold in thresholds(tariff, period) if so_far[threshold.register] <= threshold.limit]
    nearest = min(ahead, key=lambda threshold: threshold.limit - so_far[threshold.register], default=None)
    if nearest is None:
        return None
    left = nearest.limit - so_far[nearest.register]
    return NextTranche(
        threshold=nearest,
        left=floor(left),
        days_left=_days_left(left, so_far[nearest.register], period, on),
        crossing=_crossing(tariff, period, so_far, nearest),
    )


def _days_left(left: Fraction, used: Fraction, period: Period, on: date) -> int | None:
    days = (on - period.start).days
    if not days or not used:
        return None
    lasting = floor(left * days / used)
    return lasting if lasting < (period.end - on).days else None


def _crossing(tariff: Tariff, period: Period, so_far: dict[str, Fraction], threshold: Threshold) -> Decimal:
    """The bill of the first whole unit above the limit, less that of the last one below."""
    last = floor(threshold.limit)
    others = [Use(name, Decimal(floor(use))) for name, use in so_far.items() if name != threshold.register]
    below, above = (
        compute(tariff, period, [*others, Use(threshold.register, Decimal(units))]) for units in (last, last + 1)
    )
    return above.total - below.total
