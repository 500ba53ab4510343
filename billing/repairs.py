"""Slips of hand and eye that explain an unlikely reading, and the index that was probably meant.

A repair is an offer. It is made only when the repaired index is in the usual band, much nearer the expected
use than the reading given, and the only one of its shape that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from billing.findings import Code, Finding
from billing.limits import Limits
from billing.registers import RegisterFacts


@dataclass(frozen=True, slots=True)
class Target:
    """Where the true index must be: `low` to `high` index units after `base` on a dial of `size` indexes.

    `base` is None on a register that was never read: every index is then as good. `expected` is None while
    the usual use is not known; `slack` is the difference that does not matter. All in index units.
    """

    base: int | None
    low: int
    high: int
    size: int
    expected: float | None
    slack: float

    def holds(self, index: int) -> bool:
        """Whether `index` is plausible, and shows some use."""
        if not 0 <= index < self.size:
            return False
        return self.base is None or max(self.low, 1) <= (index - self.base) % self.size <= self.high


def slips(value: int, register: RegisterFacts, target: Target, limits: Limits) -> Iterator[Finding]:
    """The slips that explain `value`, the likeliest first; `value` is not negative and not plausible.

    While the usual use is not known, only the length of the number speaks: red digits sent along.
    """
    most_red = limits.red_digits_m3 if register.unit == "m3" else limits.red_digits_kwh
    if value >= target.size * 10 ** max(most_red, 1):
        return
    overlong = value >= target.size
    if target.base is None or target.expected is None:
        shortened = next(red_digits(value, register.digits, most_red), None) if overlong else None
        if shortened is not None and target.holds(shortened):
            yield Finding(Code.DECIMAL_INCLUDED, repair=shortened)
        return

    turned = value - target.base if overlong else register.advance(target.base, value)
    distance = abs(turned - target.expected)
    near = _narrowed(target, distance, limits)

    red = _only(red_digits(value, register.digits, most_red), near)
    if red is not None:
        yield Finding(Code.DECIMAL_INCLUDED, repair=red)
    if not overlong and (swapped := _only(swaps(value, register.digits), near)) is not None:
        yield Finding(Code.SWAPPED_DIGITS, repair=swapped)
    if red is None and (cut := _only(deletions(value), near)) is not None:
        yield Finding(Code.EXTRA_DIGIT, repair=cut)
    if len(str(value)) < len(str(target.base)):
        yield Finding(Code.MISSING_DIGIT, repair=_only(insertions(value), near))
    elif not overlong and distance >= limits.clarity**2 * max(target.expected, target.slack):
        changed = _only(substitutions(value, register.digits), near)
        if changed is not None:
            yield Finding(Code.WRONG_DIGIT, repair=changed)
    reach = limits.sibling_ratio * max(target.expected, target.slack)
    for code, index in register.siblings.items():
        if not overlong and (value - index) % target.size <= reach:
            yield Finding(Code.OTHER_REGISTER, register=code)


def red_digits(value: int, digits: int, most_red: int) -> Iterator[int]:
    """The index without the decimal digits that may have been sent along."""
    overlong = len(str(value)) - digits
    for count in range(max(overlong, 1), most_red + 1):
        yield value // 10**count


def swaps(value: int, digits: int) -> Iterator[int]:
    """Every exchange of two neighbouring digits, leading zeros of the dial included."""
    text = str(value).zfill(digits)
    for i in range(len(text) - 1):
        if text[i] != text[i + 1]:
            yield int(text[:i] + text[i + 1] + text[i] + text[i + 2 :])


def deletions(value: int) -> Iterator[int]:
    """Every index with one digit less."""
    unit = 1
    while value >= 10 and unit <= value:
        yield value // (unit * 10) * unit + value % unit
        unit *= 10


def insertions(value: int) -> Iterator[int]:
    """Every index with one digit more."""
    unit = 1
    while unit <= max(value, 1) * 10:
        head, tail = divmod(value, unit)
        for digit in range(10):
            yield (head * 10 + digit) * unit + tail
        unit *= 10


def substitutions(value: int, digits: int) -> Iterator[int]:
    """Every index with one digit changed."""
    for position in range(digits):
        unit = 10**position
        own = value // unit % 10
        for digit in range(10):
            if digit != own:
                yield value + (digit - own) * unit


def _narrowed(target: Target, distance: float, limits: Limits) -> Target:
    """The part of the target clearly nearer the expected use than a reading `distance` away from it."""
    assert target.expected is not None
    reach = max(distance / limits.clarity, min(distance / 2, target.slack))
    return replace(
        target,
        low=max(target.low, int(target.expected - reach)),
        high=min(target.high, int(target.expected + reach)),
    )


def _only(candidates: Iterable[int], target: Target) -> int | None:
    """The one candidate that the target holds; None when there is none, or several."""
    base, size = target.base or 0, target.size
    low, high = max(target.low, 1), target.high
    found = {index for index in candidates if low <= (index - base) % size <= high and index < size}
    return found.pop() if len(found) == 1 else None
