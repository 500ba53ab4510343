"""The latest bill of a contract held against the one before it, and against the same period of last year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from actions.billed import NotRecomputable, billed
from billing.explanation import Explanation, NothingToCompare, explain
from store.models import Bill

A_YEAR = timedelta(days=365)
SAME_SEASON = timedelta(days=20)
"""How far apart the middles of two periods may be for them to be the same one, a year apart."""


class BillMissing(NothingToCompare):
    """Between `before` and `after` no bill is known: the difference would be that of more than one bill."""

    def __init__(self, before: date, after: date) -> None:
        super().__init__(f"no bill is known from {before} to {after}")
        self.before = before
        self.after = after


def compared(bills: Sequence[Bill], tariffs: str) -> Explanation:
    """Why the last of `bills`, oldest first, is not what the one before it was.

    Raises NotRecomputable, also when two bills are for the same days; NothingToCompare for a first bill and
    BillMissing after a gap.
    """
    current = billed(bills[-1], tariffs)
    if len(bills) < 2:
        raise NothingToCompare("there is no earlier bill to compare this one with")
    before, after = bills[-2], bills[-1]
    apart = after.period_start - before.period_end
    if apart < timedelta(0):
        raise NotRecomputable(f"bills {before.number} and {after.number} are for the same days")
    # A bill may begin on the day the one before ended, or on the next.
    if apart > timedelta(days=1):
        raise BillMissing(before.period_end, after.period_start)
    return explain(billed(before, tariffs), current)


def compared_with_last_year(bills: Sequence[Bill], tariffs: str) -> Explanation | None:
    """The same against the same period of last year; None where that bill is not known or cannot be recomputed."""
    current = bills[-1]
    wanted = _middle(current) - A_YEAR
    found = min(bills[:-1], key=lambda bill: abs(_middle(bill) - wanted), default=None)
    if found is None or abs(_middle(found) - wanted) > SAME_SEASON:
        return None
    try:
        return explain(billed(found, tariffs), billed(current, tariffs))
    except (NotRecomputable, NothingToCompare):
        return None


def _middle(bill: Bill) -> date:
    return bill.period_start + (bill.period_end - bill.period_start) / 2
