"""What the copy of a bill is set from: whose, of when, the indexes, every line, VAT by rate, what is left to pay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from actions.bill_lines import label_in, percentage, vat_by_rate
from actions.bill_pictures import drawn_language
from actions.billed import billed
from actions.speech import UNITS, Attachment, words
from actions.turn import Turn
from billing.explanation import BilledPeriod
from billing.lines import Line
from billing.quantity import Quantity
from store.models import Bill, BillBasis, Contract, Customer

COLUMNS = ("item", "quantity", "unit_price", "vat", "amount")

Pair = list[Any]
"""A label and its value."""


async def copy_of(turn: Turn, contract: Contract, bill: Bill) -> Attachment:
    """The order for a copy. Raises NotRecomputable."""
    period = billed(bill, turn.operator.tariffs)
    customer = await turn.session.get_one(Customer, contract.customer_id)
    return {
        "make": "bill_copy",
        "name": f"facture-{bill.period_end:%Y-%m}.pdf",
        "spec": {
            "language": drawn_language(turn),
            "date": turn.today.isoformat(),
            "operator": {"name": turn.operator.name, "phone": turn.operator.customer_relations_phone},
            "title": words("utter_copy_title", number=bill.number),
            "copy_label": words("utter_copy_mark"),
            "fields": [*_holder(customer, contract), *_bill(turn, bill, period), *_indexes(period)],
            "columns": [words(f"utter_copy_column_{column}") for column in COLUMNS],
            "lines": [_cells(turn, line) for line in period.bill.lines],
            "totals": list(_totals(bill, period)),
            "notes": [words("utter_copy_note")],
        },
    }


def _holder(customer: Customer, contract: Contract) -> Iterator[Pair]:
    yield _pair("customer", customer.name)
    yield _pair("address", f"{contract.address}, {contract.commune}")
    yield _pair("contract", contract.number)
    for meter in contract.meters:
        if meter.removed_on is None:
            yield _pair("meter", meter.number)


def _bill(turn: Turn, bill: Bill, period: BilledPeriod) -> Iterator[Pair]:
    yield _pair("period", words("utter_copy_days", start=bill.period_start, end=bill.period_end))
    yield _pair("issued", bill.issued_on)
    yield _pair("due", bill.due_on)
    yield _pair("basis", words(f"utter_copy_{'estimated' if bill.basis is BillBasis.ESTIMATED else 'read'}"))
    yield _pair("tariff", label_in(turn.language, period.tariff.label))


def _indexes(period: BilledPeriod) -> Iterator[Pair]:
    """From which index to which, and what that makes; the days are those since the last real index."""
    days = period.bill.period
    for use in period.bill.uses:
        if use.previous is None or use.new is None:
            continue
        told = words(
            "utter_copy_use",
            previous=str(use.previous),
            start=days.start,
            value=str(use.new),
            end=days.end,
            quantity=Quantity(use.quantity),
            unit=UNITS[period.tariff.unit],
        )
        yield _pair(f"index_{use.register}", told)


def _cells(turn: Turn, line: Line) -> list[Any]:
    quantity: Any = ""
    if line.quantity is not None:
        unit = UNITS.get(line.unit) or words("utter_copy_months")
        quantity = words("utter_copy_quantity", quantity=Quantity(line.quantity), unit=unit)
    return [
        label_in(turn.language, line.label),
        quantity,
        "" if line.unit_price is None else Quantity(line.unit_price),
        words("utter_copy_rate", rate=percentage(line.vat_rate)) if line.vat_rate else "",
        line.amount,
    ]


def _totals(bill: Bill, period: BilledPeriod) -> Iterator[Pair]:
    for rate, (net, vat) in sorted(vat_by_rate(period.bill.lines).items()):
        yield [words("utter_copy_vat_of", rate=percentage(rate), amount=net), vat]
    yield _pair("total", bill.total)
    yield _pair("paid", bill.paid)
    left = bill.total - bill.paid
    yield _pair("left", left) if left >= 0 else _pair("credit", -left)


def _pair(label: str, value: Any) -> Pair:
    return [words(f"utter_copy_{label}"), value]
