"""The payments that a customer may ask to make later or in parts, and the nearest possible when they may not.

A schedule sums to the debt to the centime and falls on working days, one after the other. It is what is asked
for, never what is granted: a person decides. Amounts are dirhams in Decimal, whole centimes.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import count

from billing.schedule_policy import CENTIME, DeferralPolicy, InstalmentPolicy, Rhythm, in_centimes
from billing.working_days import WorkingDays

_DIRHAM = Decimal(1)


@dataclass(frozen=True, slots=True)
class Instalment:
    """One payment: `amount` dirhams, due on a working day."""

    due_on: date
    amount: Decimal


Schedule = tuple[Instalment, ...]
"""Payments in the order of their dates; a deferral is a schedule of one."""


class Obstacle(StrEnum):
    """Why what was asked for cannot be; the comment says which field of NotPossible has the nearest that can."""

    NOTHING_OWED = "nothing_owed"
    DEBT_TOO_SMALL = "debt_too_small"  # `amount`: the smallest debt that may be put off or cut
    DATE_PAST = "date_past"  # `day`: the first possible
    NO_DELAY = "no_delay"  # `day`: the first possible; the day asked for is today, or the bill is not due before it
    DATE_TOO_FAR = "date_too_far"  # `day`: the last possible
    TOO_MANY_PARTS = "too_many_parts"  # `parts`: the most for this debt and this first payment
    TOO_FEW_PARTS = "too_few_parts"  # `parts`: the fewest
    AMOUNT_ABOVE_DEBT = "amount_above_debt"  # `amount`: the debt
    FIRST_TOO_SMALL = "first_too_small"  # `amount`: the smallest first payment
    REST_TOO_SMALL = "rest_too_small"  # `amount`: the largest first payment that leaves enough to cut


class NotPossible(ValueError):
    """The policy does not let a customer ask for this; `obstacle` is why, one of the others the nearest."""

    def __init__(
        self,
        obstacle: Obstacle,
        *,
        day: date | None = None,
        parts: int | None = None,
        amount: Decimal | None = None,
    ) -> None:
        super().__init__(obstacle.value)
        self.obstacle = obstacle
        self.day = day
        self.parts = parts
        self.amount = amount


@dataclass(frozen=True, slots=True)
class InstalmentWish:
    """How a customer would like to pay: in how many parts, and the first one's dirhams and day where they say."""

    parts: int
    first: Decimal | None = None
    first_on: date | None = None


def deferral(
    debt: Decimal,
    until: date,
    today: date,
    policy: DeferralPolicy,
    working: WorkingDays,
    *,
    due_on: date | None = None,
) -> Schedule:
    """The whole debt on `until`, or on the next working day, or on the one before where the next is too late.

    `due_on` is when it falls due now, if that is still to come. Raises NotPossible, and ValueError for a debt
    with a fraction of a centime.
    """
    _check_debt(debt, policy.min_debt)
    start = max(today, due_on or today)
    first = working.after(start, 1)
    last = last_deferral(today, policy, working, due_on=due_on)
    if until < today:
        raise NotPossible(Obstacle.DATE_PAST, day=first)
    if until <= start:
        raise NotPossible(Obstacle.NO_DELAY, day=first)
    if until > max(last, start + timedelta(policy.max_days)):
        raise NotPossible(Obstacle.DATE_TOO_FAR, day=last)
    return (Instalment(min(working.on_or_after(until), last), debt),)


def last_deferral(today: date, policy: DeferralPolicy, working: WorkingDays, *, due_on: date | None = None) -> date:
    """The last working day until which a debt may be put off; one at least, however narrow the policy."""
    start = max(today, due_on or today)
    return max(working.on_or_before(start + timedelta(policy.max_days)), working.after(start, 1))


def instalments(
    debt: Decimal, wish: InstalmentWish, today: date, policy: InstalmentPolicy, working: WorkingDays
) -> Schedule:
    """The debt in `wish.parts` payments, in amounts that are easy to say.

    All are whole dirhams where the policy has room for it, except one that takes what is left: the first, or
    the last when the customer chose the first. Unless the customer says so the first is on the last day
    possible, which leaves time to decide. Raises NotPossible, and ValueError for a debt with a fraction of a
    centime.
    """
    _check_debt(debt, policy.least_debt())
    amounts = _amounts(debt, wish, policy)
    last = last_first_day(today, policy, working)
    day = wish.first_on or last
    if day < today:
        raise NotPossible(Obstacle.DATE_PAST, day=working.on_or_after(today))
    if day > max(last, today + timedelta(policy.first_within_days)):
        raise NotPossible(Obstacle.DATE_TOO_FAR, day=last)
    days = payment_days(day, last, policy.every, working)
    return tuple(Instalment(due_on, amount) for due_on, amount in zip(days, amounts, strict=False))


def last_first_day(today: date, policy: InstalmentPolicy, working: WorkingDays) -> date:
    """The last working day on which a first payment may be; one at least, however narrow the policy."""
    latest = today + timedelta(policy.first_within_days)
    return max(working.on_or_before(latest), working.on_or_after(today))


def payment_days(start: date, last_first: date, every: Rhythm, working: WorkingDays) -> Iterator[date]:
    """The working days of payments that start on `start`, or on `last_first` where no other is left; endless.

    A later one is counted from `start` as the customer said it, so that the 31st stays the end of the month.
    """
    day = min(working.on_or_after(start), last_first)
    yield day
    for number in count(1):
        wanted = _months_after(start, number) if every == "month" else start + timedelta(every * number)
        # A long closure moves several payments to the same day: then they follow one another.
        day = max(working.on_or_after(wanted), working.after(day, 1))
        yield day


def _amounts(debt: Decimal, wish: InstalmentWish, policy: InstalmentPolicy) -> tuple[Decimal, ...]:
    if wish.parts < policy.min_parts:
        raise NotPossible(Obstacle.TOO_FEW_PARTS, parts=policy.min_parts)
    first = None if wish.first is None else _payable(wish.first, debt, policy)
    most = policy.most_parts(debt, first)
    if most < policy.min_parts:
        largest = debt - policy.min_part * (policy.min_parts - 1)
        raise NotPossible(Obstacle.REST_TOO_SMALL, amount=largest)
    if wish.parts > most:
        raise NotPossible(Obstacle.TOO_MANY_PARTS, parts=most)

    later = wish.parts - 1
    if first is not None:
        share = _easy((debt - first) / later, policy.min_part)
        return (first, *[share] * (later - 1), debt - first - share * (later - 1))
    share = _easy(min(debt / wish.parts, (debt - policy.least_first(debt)) / later), policy.min_part)
    return (debt - share * later, *[share] * later)


def _payable(first: Decimal, debt: Decimal, policy: InstalmentPolicy) -> Decimal:
    """What a customer offers to pay first, to the centime, when it is neither too much nor too little."""
    if first > debt:
        raise NotPossible(Obstacle.AMOUNT_ABOVE_DEBT, amount=debt)
    if first < (least := policy.least_first(debt)):
        raise NotPossible(Obstacle.FIRST_TOO_SMALL, amount=least)
    return first.quantize(CENTIME, ROUND_HALF_UP)


def _easy(share: Decimal, least: Decimal) -> Decimal:
    """`share` down to the dirham, or to the centime where the dirham is below `least`."""
    dirhams = share.quantize(_DIRHAM, ROUND_FLOOR).quantize(CENTIME)
    return dirhams if dirhams >= least else share.quantize(CENTIME, ROUND_FLOOR)


def _months_after(start: date, months: int) -> date:
    """The same day `months` later, or the last of a month that has no such day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _check_debt(debt: Decimal, least: Decimal) -> None:
    if not in_centimes(debt):
        raise ValueError(f"a debt is in whole centimes, not {debt}")
    if debt <= 0:
        raise NotPossible(Obstacle.NOTHING_OWED)
    if debt < least:
        raise NotPossible(Obstacle.DEBT_TOO_SMALL, amount=least)
