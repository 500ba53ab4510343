"""What the picture of an explained bill is drawn from: the difference step by step, and the usage by month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from actions.account import LANGUAGES
from actions.speech import UNITS, Attachment, words
from actions.turn import Turn
from billing.explanation import Explanation
from billing.tariff import Tariff
from store.models import Bill, BillBasis, Contract

MONTHS = 13
"""A year, and the same month of the year before."""
MONTH_DAYS = range(25, 37)
"""Days of a bill that counts as a month's: the limits drawn beside it are for a month."""


def picture_of(turn: Turn, contract: Contract, bills: Sequence[Bill], found: Explanation) -> Attachment:
    """The order for a picture that explains the last of `bills`, oldest first."""
    bill = bills[-1]
    period = {"start": bill.period_start, "end": bill.period_end}
    return {
        "make": "bill_picture",
        "name": f"facture-{bill.period_end:%Y-%m}.png",
        "spec": {
            "language": drawn_language(turn),
            "title": words("utter_picture_title", total=found.total),
            "subtitle": words("utter_picture_subtitle", contract=contract.number, **period),
            "waterfall": _waterfall(found),
            "usage": _usage(bills[-MONTHS:], found.current.tariff),
        },
    }


def drawn_language(turn: Turn) -> str:
    """The language of a picture or a document: one that we write; French for whoever we only greet in theirs."""
    return turn.language if turn.language in LANGUAGES else "fr"


def _waterfall(found: Explanation) -> dict[str, Any]:
    return {
        "title": words("utter_picture_why"),
        "bars": [
            _bar(words("utter_picture_before"), found.previous_total, "start"),
            *(_bar(words(f"utter_cause_{each.code}"), each.amount, "effect") for each in found.effects),
            _bar(words("utter_picture_now"), found.total, "total"),
        ],
    }


def _bar(label: dict[str, Any], amount: Decimal, kind: str) -> dict[str, Any]:
    return {"label": label, "amount": str(amount), "kind": kind}


def _usage(bills: Sequence[Bill], tariff: Tariff) -> dict[str, Any] | None:
    """What each month's bill added, against the tranches' limits; None where bills are not by the month.

    A month that only gave back what had been estimated too much has no use to show.
    """
    months = [bill for bill in bills if _is_month(bill) and bill.usage >= 0]
    if not months or months[-1] is not bills[-1]:
        return None
    unit, limits = UNITS[tariff.unit], _limits(tariff, bills[-1].period_end)
    return {
        "title": words("utter_picture_usage" if limits else "utter_picture_usage_only"),
        "unit": unit,
        "months": [
            {"label": _month(bill), "value": bill.usage, "estimated": bill.basis is BillBasis.ESTIMATED}
            for bill in months
        ],
        "limits": [{"label": f"{limit} {unit}", "value": limit} for limit in limits],
        "estimated_label": words("utter_picture_estimated"),
    }


def _is_month(bill: Bill) -> bool:
    return (bill.period_end - bill.period_start).days in MONTH_DAYS


def _month(bill: Bill) -> str:
    """The month that most of a bill's days are in, in figures that every language reads."""
    return f"{bill.period_start + (bill.period_end - bill.period_start) / 2:%m/%y}"


def _limits(tariff: Tariff, on: date) -> list[int]:
    """Where a tranche ends, in units a month; none on several registers, which have prices of their own."""
    if len(tariff.registers) > 1:
        return []
    grid = tariff.charges[0].price.on(on)
    return [int(tranche.upto) for tranche in grid.tranches if tranche.upto is not None]
