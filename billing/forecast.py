"""What will I pay if…: the bill of a use that is not there yet.

*If my index is N*: `Pace.of_uses([Use.between(register, last, IndexPoint(n, today, real=True))], days)`.
*If I use N kWh*: the same with `Use(register, n)` over the days of the period. *If I use 10 % less*: the pace of
the last bill, `.changed(-10)`. `simulate` carries the pace to the end of the coming period, so that tranches,
fixed charges and caps are those of the bill that will come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billing.bill import Bill, EmptyPeriod, NegativeUse, Period, Use, compute
from billing.lines import NOTHING, round_half_up
from billing.tariff import Tariff


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a meter turns: kWh or m3 a day, exact, by register."""

    daily: Mapping[str, Fraction]

    @classmethod
    def of_uses(cls, uses: Sequence[Use], days: int) -> Pace:
        """The mean of `uses` over `days`. Raises EmptyPeriod."""
        if days <= 0:
            raise EmptyPeriod(f"no pace over {days} days")
        daily: dict[str, Fraction] = {}
        for use in uses:
            daily[use.register] = daily.get(use.register, Fraction(0)) + Fraction(use.quantity) / days
        return cls(daily)

    def changed(self, percent: Decimal | int) -> Pace:
        """So many percent more, or less when below zero. Raises NegativeUse below -100."""
        if percent < -100:
            raise NegativeUse(f"nobody uses {-percent} % less: 100 % less is nothing at all")
        ratio = 1 + Fraction(percent) / 100
        return Pace({register: daily * ratio for register, daily in self.daily.items()})

    def over(self, days: int) -> tuple[Use, ...]:
        """The uses of so many days at this pace, to the nearest whole unit as an index has none smaller."""
        return tuple(
            Use(register, round_half_up(daily * days, 0), estimated=True) for register, daily in self.daily.items()
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """Three bills of one period: the likely use, and the ends of an 80 % interval."""

    low: Bill
    likely: Bill
    high: Bill


def simulate(
    tariff: Tariff,
    period: Period,
    pace: Pace,
    *,
    advances: Decimal = NOTHING,
    arrears: Decimal = NOTHING,
    credit: Decimal = NOTHING,
    subscribed_kw: Decimal | None = None,
) -> Bill:
    """The bill of `period` if the meter turns at `pace` all along. Raises what `compute` raises."""
    return compute(
        tariff,
        period,
        pace.over(period.days),
        advances=advances,
        arrears=arrears,
        credit=credit,
        subscribed_kw=subscribed_kw,
    )
