"""The index to bill on when nobody read the meter.

The last two months really read give a mean daily use, to two decimals; times the days elapsed, truncated,
it is added to the last index really read (the practice of the Californian utilities, and ONEE's "the last
two months really read"). A new customer is estimated on the subscribed power. All arithmetic is decimal, so
that an agent can redo it on paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from billing.registers import IndexPoint, RegisterFacts

_HUNDREDTH = Decimal("0.01")


class Basis(StrEnum):
    """What the daily use of an estimate rests on."""

    HISTORY = "history"
    SUBSCRIBED_POWER = "subscribed_power"
    HOUSEHOLD = "household"  # a new water customer: a configured daily volume


@dataclass(frozen=True, slots=True)
class EstimationRules:
    """How to estimate. Each value says how sure we are: H official, M good practice, L our judgement."""

    read_days: int = 55
    """Real readings are taken back until they span this many days: two months, read a few days early. M."""
    least_days: int = 15
    """A history shorter than this says nothing yet: the customer is new. L."""
    kwh_per_kw_day: Decimal = Decimal("1")
    """New customer: kWh a day for each subscribed kW ("power x days"). The factor 1 is L."""
    m3_per_day: Decimal = Decimal("0.3")
    """New water customer: m3 a day. L."""


DEFAULTS = EstimationRules()


class NotEstimable(ValueError):
    """There is no index to start from, or neither history nor subscribed power to estimate with."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimated index and how it was found.

    `daily_use` (two decimals) and `usage` are in kWh or m3; `days` run since `since`, the last real index.
    `rollover` tells that the dial goes through zero on the way.
    """

    index: int
    usage: int
    daily_use: Decimal
    days: int
    since: IndexPoint
    basis: Basis
    rollover: bool


def estimate(register: RegisterFacts, on: date, rules: EstimationRules = DEFAULTS) -> Estimate:
    """Estimate the index of `register` on the day `on`, from the real points up to that day.

    Raises NotEstimable when there is no real index by then, or the customer is new and the subscribed power
    is not known.
    """
    read = [point for point in register.history if point.real and point.taken_on <= on]
    if not read:
        raise NotEstimable(f"register {register.code} has no real index by {on}")
    since = read[-1]
    days = (on - since.taken_on).days
    daily, basis = _daily_use(register, read, rules)
    turned = int(daily * days / register.multiplier)
    return Estimate(
        index=(since.value + turned) % register.size,
        usage=turned * register.multiplier,
        daily_use=daily,
        days=days,
        since=since,
        basis=basis,
        rollover=since.value + turned >= register.size,
    )


def _daily_use(register: RegisterFacts, read: list[IndexPoint], rules: EstimationRules) -> tuple[Decimal, Basis]:
    """Mean daily use in kWh or m3, to two decimals, and where it comes from."""
    last = read[-1]
    turned = 0
    span = 0
    for earlier, later in zip(reversed(read[:-1]), reversed(read), strict=False):
        turned += register.advance(earlier.value, later.value)
        span = (last.taken_on - earlier.taken_on).days
        if span >= rules.read_days:
            break
    if span >= rules.least_days:
        mean = Decimal(max(turned, 0) * register.multiplier) / span
        return mean.quantize(_HUNDREDTH, ROUND_HALF_UP), Basis.HISTORY
    if register.unit == "m3":
        return rules.m3_per_day.quantize(_HUNDREDTH, ROUND_HALF_UP), Basis.HOUSEHOLD
    if register.subscribed_kw is None:
        raise NotEstimable(f"register {register.code}: no history and no subscribed power")
    use = register.subscribed_kw * rules.kwh_per_kw_day
    return use.quantize(_HUNDREDTH, ROUND_HALF_UP), Basis.SUBSCRIBED_POWER
