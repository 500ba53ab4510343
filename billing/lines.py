"""Lines of a bill: an exact item rounded the way a bill prints it.

The amount is rounded to the centime, half up, with all taxes in; `amount_ht` is what remains of it without
VAT, rounded, and `amount_vat` the rest, so that on every line the two add up to the amount. Unit prices are
before tax, rounded to six decimals and at least four: they are for reading, no amount is computed from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billing.tariff import Label

UNIT_PRICE_DECIMALS = (4, 6)
"""At least, at most."""
QUANTITY_DECIMALS = (0, 3)
NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Item:
    """A line before rounding: `amount` and `price`, in dirhams, have all taxes in."""

    code: str
    label: Label
    amount: Fraction
    quantity: Fraction | None = None
    unit: str = ""
    price: Fraction | None = None
    vat: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the bill, in dirhams. `unit` is kWh, m3 or month, empty where there is no quantity.

    `unit_price` is before tax; None where the amount is not a quantity times one price.
    """

    code: str
    label: Label
    quantity: Decimal | None
    unit: str
    unit_price: Decimal | None
    vat_rate: Decimal
    amount_ht: Decimal
    amount_vat: Decimal
    amount: Decimal


def rounded(items: Iterable[Item]) -> list[Line]:
    """The items as lines. Quantities are rounded so that the tranches of a use still add up to it."""
    lines: list[Line] = []
    exact: dict[str, Fraction] = {}
    shown: dict[str, Decimal] = {}
    for item in items:
        quantity = None
        if item.quantity is not None:
            kind = item.code.rstrip("0123456789")
            exact[kind] = exact.get(kind, Fraction(0)) + item.quantity
            upto = round_half_up(exact[kind], QUANTITY_DECIMALS[1])
            quantity = upto - shown.get(kind, Decimal(0))
            shown[kind] = upto
        lines.append(_line(item, quantity))
    return lines


def round_half_up(value: Fraction, decimals: int) -> Decimal:
    """`value` with so many decimals, halves away from zero."""
    # In integers: this is most of what computing a bill costs.
    units = (2 * abs(value.numerator) * 10**decimals + value.denominator) // (2 * value.denominator)
    return Decimal(-units if value < 0 else units).scaleb(-decimals)


def _line(item: Item, quantity: Decimal | None) -> Line:
    amount = round_half_up(item.amount, 2)
    amount_ht = round_half_up(Fraction(amount) / (1 + Fraction(item.vat)), 2)
    return Line(
        code=item.code,
        label=item.label,
        quantity=None if quantity is None else _trimmed(quantity, QUANTITY_DECIMALS[0]),
        unit=item.unit,
        unit_price=None if item.price is None else _unit_price(item.price, item.vat),
        vat_rate=item.vat,
        amount_ht=amount_ht,
        amount_vat=amount - amount_ht,
        amount=amount,
    )


def _unit_price(price: Fraction, vat: Decimal) -> Decimal:
    least, most = UNIT_PRICE_DECIMALS
    return _trimmed(round_half_up(price / (1 + Fraction(vat)), most), least)


def _trimmed(value: Decimal, least: int) -> Decimal:
    """Without the zeros at the end, down to `least` decimals."""
    decimals = -int(value.normalize().as_tuple().exponent)
    return value.quantize(Decimal(1).scaleb(-max(least, decimals)))
