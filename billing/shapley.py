"""Who brought how much: the Shapley value of a difference, exact.

Each factor goes from its old state to its new one. How much that changes the value depends on which factors
have changed before; a factor's share is its mean effect over all the orders in which they could change. It is
the one rule whose shares always sum to the whole difference, give nothing to a factor without effect, and
treat equals alike (L. S. Shapley, 1953). 2^n values are needed for n factors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import factorial

Value = Callable[[Sequence[bool]], Fraction]
"""What the thing is worth when the factors marked True are new and the others old."""


def shares(factors: int, value: Value) -> list[Fraction]:
    """The share of each factor in `value(all new) - value(all old)`."""
    values = [value([bool(new & 1 << factor) for factor in range(factors)]) for new in range(1 << factors)]
    # Of all the orders, in how many exactly `before` given factors, and no others, have changed ahead of one.
    everybody = factorial(factors)
    orders = [factorial(before) * factorial(factors - before - 1) for before in range(factors)]
    found: list[Fraction] = []
    for factor in range(factors):
        weighed = Fraction(0)
        for before in range(1 << factors):
            step = values[before | 1 << factor] - values[before]
            if step and not before & 1 << factor:
                weighed += orders[before.bit_count()] * step
        found.append(weighed / everybody)
    return found
