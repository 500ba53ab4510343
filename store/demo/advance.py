"""An advance in kWh that the demo's prepaid customer is paying back, recharge by recharge."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from billing.calendar import CASABLANCA
from billing.reference import Kind, new_reference
from store.models import LedgerKind, RequestKind, RequestState
from store.prepaid import ADVANCED

CONTRACT = "10000004"
REFERENCE = new_reference(Kind.KWH_ADVANCE, Random("advance"))
GIVEN = Decimal(20)
DAYS_AGO = 62
RECHARGES = ((41, Decimal(30), Decimal("7.50")), (17, Decimal(20), Decimal("5.00")))
"""How many days ago, what was bought, what of it paid back: kWh."""


def request(today: date) -> dict[str, Any]:
    """The request that the advance was granted for."""
    asked_at = _moment(today, DAYS_AGO + 1)
    return {
        "reference": REFERENCE,
        "kind": RequestKind.KWH_ADVANCE,
        "state": RequestState.BEING_PAID,
        "conversation_id": None,
        "message_id": None,
        "details": {ADVANCED: str(GIVEN)},
        "reason": None,
        "due_on": None,
        "created_at": asked_at,
        "changed_at": _moment(today, RECHARGES[0][0]),
    }


def ledger(today: date) -> Iterator[dict[str, Any]]:
    """The advance and what recharges paid back of it."""
    given_at = _moment(today, DAYS_AGO)
    yield {"at": given_at, "kind": LedgerKind.ADVANCE, "kwh": GIVEN, "bought": None, "reference": REFERENCE}
    for number, (days_ago, bought, paid_back) in enumerate(RECHARGES, start=1):
        yield {
            "at": _moment(today, days_ago),
            "kind": LedgerKind.RECOVERY,
            "kwh": -paid_back,
            "bought": bought,
            "reference": f"DEMO-{number}",
        }


def _moment(today: date, days_ago: int) -> datetime:
    return datetime.combine(today - timedelta(days=days_ago), time(11), CASABLANCA)
