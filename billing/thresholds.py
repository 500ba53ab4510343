"""Where a bill changes pace as the use grows: limits of tranches, and the end of an exemption."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billing.bill import Period
from billing.parameter import spans
from billing.tariff import Tariff


@dataclass(frozen=True, slots=True)
class Threshold:
    """`limit` is the last kWh or m3 of `register` below it, over the period; not whole when limits are scaled.

    `code` is that of the charge or the levy, `monthly` the limit as the law names it. Where it `jumps`, one
    unit more makes the units before it dearer too.
    """

    code: str
    register: str
    monthly: Decimal
    limit: Fraction
    jumps: bool


def thresholds(tariff: Tariff, period: Period) -> list[Threshold]:
    """All those of the period, by register and ascending.

    The levy goes by the use of all registers together: its exemption is a threshold of a meter that has one.
    """
    found: set[Threshold] = set()
    months = Fraction(period.days, tariff.month_days)
    for charge in tariff.charges:
        for span in spans(period.billed, charge.price):
            grid = charge.price.on(span.first)
            for tranche in grid.tranches[1:]:
                above = grid.above(tranche)
                found.add(Threshold(charge.code, charge.register, above, Fraction(above) * months, tranche.selective))
    if tariff.levy and tariff.levy.exempt_upto and len(tariff.registers) == 1:
        exempt = tariff.levy.exempt_upto
        for span in spans(period.billed, exempt):
            upto = exempt.on(span.first)
            found.add(Threshold(tariff.levy.code, tariff.registers[0], upto, Fraction(upto) * months, jumps=True))
    return sorted(found, key=lambda threshold: (threshold.register, threshold.limit, threshold.code))
