"""Checks a reading: refuse, ask once more, or accept. The rules of validation, estimation and editing (VEE).

Nothing is corrected here: a repair is a question to the customer. A reading confirmed twice is kept and
flagged for an agent by the caller; only `Severity.REFUSE` cannot be insisted on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from math import ceil, floor

from billing.findings import Code, Finding, Severity, Verdict
from billing.limits import DEFAULTS, Limits
from billing.registers import IndexPoint, RegisterFacts
from billing.repairs import Target, slips
from billing.usage import SEASON_DAYS, Band, physical_bound, slack, usual_band

ONE_DAY = timedelta(days=1)

_NOT_A_SLIP = frozenset({Code.ZERO_INDEX, Code.ZERO_USAGE, Code.SAME_AS_ESTIMATE})
"""To be confirmed, though the number itself is plausible: nothing to repair."""


def check(value: int, taken_on: date, today: date, register: RegisterFacts, limits: Limits = DEFAULTS) -> Verdict:
    """Hold `value`, read on `taken_on`, against what is known of `register`. Raises nothing.

    An index already standing for that day is told, and is otherwise left aside: a second reading of a day is
    compared with the one before, so that a slip can be corrected.
    """
    previous = register.last_real()
    if misdated := tuple(_date_findings(taken_on, today, register)):
        return Verdict(value, taken_on, previous, None, None, None, misdated)
    if previous is None:
        return _check_first(value, taken_on, register, limits)
    same_day: tuple[Finding, ...] = ()
    if previous.taken_on == taken_on:
        if previous.value == value:
            return Verdict(value, taken_on, previous, 0, 0, None, (Finding(Code.DUPLICATE),))
        same_day = (Finding(Code.SAME_DAY, bound=previous.value),)
        previous = register.last_real(taken_on - ONE_DAY) or previous

    days = (taken_on - previous.taken_on).days
    band = usual_band(register, previous, taken_on, limits)
    bound = physical_bound(register, days, limits)
    target = _target(register, previous, band, bound, limits)
    found = list(_dial_findings(value, register, target))
    turned: int | None = None
    if not found:
        turned = register.advance(previous.value, value)
        rollover = value < previous.value and 0 < turned <= target.high
        if not rollover:
            turned = value - previous.value
        found += _use_findings(turned, register, previous, target, bound)
        found += _estimate_findings(value, turned, register, previous, taken_on)
        if rollover:
            found.append(Finding(Code.ROLLOVER))
    found = _explained(value, found, register, target, limits)
    return Verdict(
        value=value,
        taken_on=taken_on,
        previous=previous,
        days=days,
        usage=None if turned is None or turned < 0 else turned * register.multiplier,
        usual_month=None if band is None else round(band.daily * SEASON_DAYS * register.multiplier),
        findings=(*same_day, *found),
    )


def _check_first(value: int, taken_on: date, register: RegisterFacts, limits: Limits) -> Verdict:
    """A register never read before: there is only its dial to hold the value against."""
    target = Target(None, 0, 0, register.size, None, slack(register, limits))
    found = list(_dial_findings(value, register, target))
    if value == 0:
        found.append(Finding(Code.ZERO_INDEX))
    found = _explained(value, found, register, target, limits)
    return Verdict(value, taken_on, None, None, None, None, tuple(found))


def _date_findings(taken_on: date, today: date, register: RegisterFacts) -> Iterator[Finding]:
    if taken_on > today:
        yield Finding(Code.FUTURE)
    if register.installed_on is not None and taken_on < register.installed_on:
        yield Finding(Code.BEFORE_INSTALLED)
    elif (last := register.last_real()) is not None and taken_on < last.taken_on:
        yield Finding(Code.BEFORE_LAST)


def _target(
    register: RegisterFacts, previous: IndexPoint, band: Band | None, bound: int | None, limits: Limits
) -> Target:
    """Where a plausible index lies: in the band, else below what the meter and a share of the dial allow."""
    high = band.high if band else limits.rollover_share * register.size
    if bound is not None:
        high = min(high, bound / register.multiplier)
    return Target(
        base=previous.value,
        low=ceil(band.low) if band else 0,
        high=floor(high),
        size=register.size,
        expected=band.expected if band else None,
        slack=slack(register, limits),
    )


def _dial_findings(value: int, register: RegisterFacts, target: Target) -> Iterator[Finding]:
    """What the dial of this meter cannot show."""
    if value < 0:
        yield Finding(Code.NEGATIVE, repair=-value if target.holds(-value) else None)
    elif value >= register.size:
        yield Finding(Code.TOO_MANY_DIGITS, bound=register.digits)


def _use_findings(
    turned: int, register: RegisterFacts, previous: IndexPoint, target: Target, bound: int | None
) -> Iterator[Finding]:
    usage = turned * register.multiplier
    if turned < 0:
        yield Finding(Code.LOWER_THAN_LAST, bound=previous.value)
    elif turned == 0:
        yield Finding(Code.ZERO_USAGE)
    elif bound is not None and usage > bound:
        yield Finding(Code.IMPOSSIBLE, bound=bound)
    elif turned > target.high:
        yield Finding(Code.HIGH, bound=target.high * register.multiplier)
    elif turned < target.low:
        yield Finding(Code.LOW, bound=target.low * register.multiplier)


def _estimate_findings(
    value: int, turned: int, register: RegisterFacts, previous: IndexPoint, taken_on: date
) -> Iterator[Finding]:
    """How a rising index compares with what was estimated since the previous real one."""
    last = next((p for p in reversed(register.history) if p.taken_on <= taken_on), previous)
    if last.real or turned <= 0:
        return
    if value == last.value:
        yield Finding(Code.SAME_AS_ESTIMATE)
    elif turned < register.advance(previous.value, last.value):
        yield Finding(Code.BELOW_ESTIMATE, bound=last.value)


def _explained(
    value: int, found: list[Finding], register: RegisterFacts, target: Target, limits: Limits
) -> list[Finding]:
    """The findings, with why the customer may have sent this: another number of the bill, or a slip.

    Another number comes first, unless the usual use speaks for the value; a slip explains what is odd.
    """
    odd = any(f.severity is not Severity.ACCEPT and f.code not in _NOT_A_SLIP for f in found)
    if value < 0 or not (odd or target.expected is None):
        return found
    if value == _number(register.contract_number):
        return [Finding(Code.CONTRACT_NUMBER), *found]
    if value == _number(register.meter_number):
        return [Finding(Code.METER_NUMBER), *found]
    return [*found, *slips(value, register, target, limits)] if odd else found


def _number(identifier: str) -> int | None:
    return int(identifier) if identifier.isascii() and identifier.isdigit() else None
