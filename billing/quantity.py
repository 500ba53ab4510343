"""Numbers that are not money."""

from __future__ import annotations

from decimal import Decimal


class Quantity(Decimal):
    """A number that is not money: kWh, a unit price, a rate. It is written with the decimals that it has."""
