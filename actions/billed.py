"""A stored bill as the rules of `billing` see it, recomputed from what it was made of."""

from __future__ import annotations

from billing.bill import BillError, Period, compute
from billing.explanation import BilledPeriod
from billing.parameter import NoTariff
from billing.tariff import TARIFFS, Tariff, load
from store.bills import use_from_json
from store.models import Bill


class NotRecomputable(LookupError):
    """The bill came without its details, or they do not give its total; the message is one line."""


def tariff_of(operator: str, name: str) -> Tariff:
    """Raises `NotRecomputable` when the operator has no such tariff."""
    tariff = load(TARIFFS / operator).get(name)
    if tariff is None:
        raise NotRecomputable(f"{operator} has no tariff {name!r}")
    return tariff


def billed(row: Bill, operator: str) -> BilledPeriod:
    """The bill with its lines and its tariff.

    A bill that does not come out at its total to the centime is not explained: a right-looking explanation of
    another amount would be worse than none. Raises `NotRecomputable`.
    """
    if row.uses is None or row.tariff is None or row.billed_from is None:
        raise NotRecomputable(f"bill {row.number} came without its indexes")
    tariff = tariff_of(operator, row.tariff)
    period = Period(row.billed_from, row.period_end)
    advanced_to = row.period_start if row.billed_from < row.period_start else None
    try:
        uses = [use_from_json(use) for use in row.uses]
        bill = compute(tariff, period, uses, advances=row.advances, arrears=row.arrears, credit=row.credit)
        found = BilledPeriod(tariff, bill, advanced_to)
    except (BillError, NoTariff, ValueError) as error:
        raise NotRecomputable(f"bill {row.number}: {error}") from error
    if bill.total != row.total:
        raise NotRecomputable(f"bill {row.number} asks for {row.total}, its details come to {bill.total}")
    return found
