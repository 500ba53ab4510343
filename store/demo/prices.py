"""What a demo bill comes to: the grids of 2017 and the fixed fee, all taxes included. For demo data only.

Contributions billed per kWh are left out. Prices and limits are those published for households: electricity
DH/kWh (arrêté 2451-14), water DH/m3, limits per month.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from store.models import RegisterCode
from store.types import CENTIMES


@dataclass(frozen=True, slots=True)
class Grid:
    """Up to the last progressive limit each step has its own price; above it one price holds for everything."""

    progressive: tuple[tuple[int, Decimal], ...]
    selective: tuple[tuple[int | None, Decimal], ...]
    monthly_fee: Decimal

    def cost(self, usage: int, months: int) -> Decimal:
        """Dirhams for `usage` over `months`, so that a long period is not pushed into a dearer step."""
        monthly = Decimal(usage) / months
        if monthly <= self.progressive[-1][0]:
            cost = below = Decimal(0)
            for limit, price in self.progressive:
                within = min(monthly, Decimal(limit))
                cost += (within - below) * price
                below = within
        else:
            price = next(price for limit, price in self.selective if limit is None or monthly <= limit)
            cost = monthly * price
        return (cost * months).quantize(CENTIMES, ROUND_HALF_UP)


ELECTRICITY = Grid(
    progressive=((100, Decimal("0.9010")), (150, Decimal("1.0732"))),
    selective=(
        (210, Decimal("1.0732")),
        (310, Decimal("1.1676")),
        (510, Decimal("1.3817")),
        (None, Decimal("1.5958")),
    ),
    monthly_fee=Decimal("19.66"),
)
WATER = Grid(
    progressive=((6, Decimal("2.37")), (12, Decimal("7.39"))),
    selective=((20, Decimal("7.39")), (35, Decimal("10.98")), (None, Decimal("11.03"))),
    monthly_fee=Decimal("6.00"),
)
TWO_PERIODS = {RegisterCode.PEAK: Decimal("2.2251"), RegisterCode.OFF_PEAK: Decimal("1.2391")}


def cost(tariff: str, usage: Mapping[RegisterCode, int], months: int) -> Decimal:
    """Dirhams for what the registers turned over `months`, without the fixed fee."""
    if RegisterCode.TOTAL in usage:
        return grid(tariff).cost(usage[RegisterCode.TOTAL], months)
    total = sum((TWO_PERIODS[code] * turned for code, turned in usage.items()), Decimal(0))
    return total.quantize(CENTIMES, ROUND_HALF_UP)


def grid(tariff: str) -> Grid:
    return WATER if tariff == "household_water" else ELECTRICITY
