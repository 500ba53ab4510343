"""What is wrong with a schedule that an agent wrote or changed by hand, before it is put to the customer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import islice, pairwise

from billing.schedule import Schedule, last_deferral, last_first_day, payment_days
from billing.schedule_policy import DeferralPolicy, InstalmentPolicy, in_centimes
from billing.working_days import WorkingDays


class Fault(StrEnum):
    """What is wrong; the comment says which field of Flaw has the nearest that is right."""

    EMPTY = "empty"
    SUM_NOT_DEBT = "sum_not_debt"  # `amount`: what is missing, negative when there is too much
    AMOUNT_NOT_PAYABLE = "amount_not_payable"  # not above zero, or a fraction of a centime
    NOT_IN_ORDER = "not_in_order"  # on the day of the payment before it, or earlier
    DATE_PAST = "date_past"  # `day`: the first possible
    NOT_WORKING_DAY = "not_working_day"  # `day`: the next working day

    TOO_MANY_PARTS = "too_many_parts"  # `parts`: the most
    TOO_FEW_PARTS = "too_few_parts"  # `parts`: the fewest
    DEBT_TOO_SMALL = "debt_too_small"  # `amount`: the smallest debt
    FIRST_TOO_SMALL = "first_too_small"  # `amount`: the smallest first payment
    PART_TOO_SMALL = "part_too_small"  # `amount`: the smallest payment
    DATE_TOO_FAR = "date_too_far"  # `day`: the last possible


BEYOND_POLICY = frozenset(
    {
        Fault.TOO_MANY_PARTS,
        Fault.TOO_FEW_PARTS,
        Fault.DEBT_TOO_SMALL,
        Fault.FIRST_TOO_SMALL,
        Fault.PART_TOO_SMALL,
        Fault.DATE_TOO_FAR,
    }
)
"""Sound, but more than the policy allows; a schedule with another fault cannot be kept by anybody."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong: with the payment at `position`, counted from 1, or with the whole when that is None."""

    fault: Fault
    position: int | None = None
    day: date | None = None
    parts: int | None = None
    amount: Decimal | None = None

    @property
    def beyond_policy(self) -> bool:
        """Whether only the operator's policy stands against it."""
        return self.fault in BEYOND_POLICY


def flaws(
    schedule: Schedule,
    debt: Decimal,
    today: date,
    policy: DeferralPolicy | InstalmentPolicy,
    working: WorkingDays,
    *,
    due_on: date | None = None,
) -> list[Flaw]:
    """All that is wrong with `schedule`, that of the whole first, then by position; empty when it is fine.

    `debt` is in dirhams; `due_on`, as for a proposal, only matters to a deferral.
    """
    if not schedule:
        return [Flaw(Fault.EMPTY)]
    found = [*_unsound(schedule, debt, today, working)]
    if isinstance(policy, DeferralPolicy):
        found += _beyond_deferral(schedule, debt, last_deferral(today, policy, working, due_on=due_on), policy)
    else:
        found += _beyond_instalments(schedule, debt, today, policy, working)
    return sorted(found, key=lambda flaw: flaw.position or 0)


def _unsound(schedule: Schedule, debt: Decimal, today: date, working: WorkingDays) -> Iterator[Flaw]:
    missing = debt - sum(part.amount for part in schedule)
    if missing:
        yield Flaw(Fault.SUM_NOT_DEBT, amount=missing)
    for position, part in enumerate(schedule, start=1):
        if not in_centimes(part.amount) or part.amount <= 0:
            yield Flaw(Fault.AMOUNT_NOT_PAYABLE, position)
        if part.due_on < today:
            yield Flaw(Fault.DATE_PAST, position, day=working.on_or_after(today))
        elif part.due_on not in working:
            yield Flaw(Fault.NOT_WORKING_DAY, position, day=working.on_or_after(part.due_on))
    for position, (before, part) in enumerate(pairwise(schedule), start=2):
        if part.due_on <= before.due_on:
            yield Flaw(Fault.NOT_IN_ORDER, position)


def _beyond_deferral(schedule: Schedule, debt: Decimal, last: date, policy: DeferralPolicy) -> Iterator[Flaw]:
    if debt < policy.min_debt:
        yield Flaw(Fault.DEBT_TOO_SMALL, amount=policy.min_debt)
    if len(schedule) > 1:
        yield Flaw(Fault.TOO_MANY_PARTS, parts=1)
    for position, part in enumerate(schedule, start=1):
        if part.due_on > last:
            yield Flaw(Fault.DATE_TOO_FAR, position, day=last)


def _beyond_instalments(
    schedule: Schedule, debt: Decimal, today: date, policy: InstalmentPolicy, working: WorkingDays
) -> Iterator[Flaw]:
    if debt < policy.least_debt():
        yield Flaw(Fault.DEBT_TOO_SMALL, amount=policy.least_debt())
    if len(schedule) < policy.min_parts:
        yield Flaw(Fault.TOO_FEW_PARTS, parts=policy.min_parts)
    if len(schedule) > policy.max_parts:
        yield Flaw(Fault.TOO_MANY_PARTS, parts=policy.max_parts)
    yield from _small_parts(schedule, policy.least_first(debt), policy.min_part)

    last_first = last_first_day(today, policy, working)
    start = max(last_first, today + timedelta(policy.first_within_days))
    last = next(islice(payment_days(start, last_first, policy.every, working), policy.max_parts - 1, None))
    for position, part in enumerate(schedule, start=1):
        latest = last_first if position == 1 else last
        if part.due_on > latest:
            yield Flaw(Fault.DATE_TOO_FAR, position, day=latest)


def _small_parts(schedule: Schedule, least_first: Decimal, min_part: Decimal) -> Iterator[Flaw]:
    if schedule[0].amount < least_first:
        yield Flaw(Fault.FIRST_TOO_SMALL, 1, amount=least_first)
    for position, part in enumerate(schedule[1:], start=2):
        if part.amount < min_part:
            yield Flaw(Fault.PART_TOO_SMALL, position, amount=min_part)
