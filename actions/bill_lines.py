"""The lines of a bill as customers hear them, and what each kind of line is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

from rasa_sdk.executor import CollectingDispatcher

from actions.billed import NotRecomputable, billed
from actions.speech import UNITS, Spare, button, say
from actions.turn import Turn
from billing.explanation import BilledPeriod
from billing.lines import NOTHING, Line
from billing.quantity import Quantity
from billing.tariff import Label
from store.models import Bill, Contract

MEANINGS: Mapping[str, tuple[str, ...]] = {
    "tppan": ("tppan",),
    "fixed_charge": ("fixed_charge",),
    "vat": (),
    "regularisation": ("advance",),
    "advance": ("advance",),
    "stamp": ("stamp",),
    "tranche": (),
    "price": (),
    "arrears": ("arrears", "credit"),
}
"""What may be asked about in general, and the codes of its lines. VAT is on many, and prices on those of the use."""

LAST = Spare(100)
"""What goes first."""


def label_in(language: str, label: Label) -> str:
    """What a line is called, in the nearest language that the tariffs have."""
    match language:
        case "ar" | "ary":
            return label.ar
        case "en":
            return label.en
    return label.fr


def tell_line(dispatcher: CollectingDispatcher, turn: Turn, line: Line, spare: Spare | None = None) -> None:
    """One line with its amount, all taxes in, and its quantity where that is of something used."""
    label = label_in(turn.language, line.label)
    if line.quantity is None or line.unit not in UNITS:
        say(dispatcher, "utter_bill_line_plain", label=label, amount=line.amount, spare=spare)
        return
    say(
        dispatcher,
        "utter_bill_line",
        label=label,
        quantity=Quantity(line.quantity),
        unit=UNITS[line.unit],
        amount=line.amount,
        spare=spare,
    )


def tell_meaning(
    dispatcher: CollectingDispatcher, turn: Turn, topic: str, contract: Contract | None, bills: Sequence[Bill]
) -> None:
    """What a kind of line is; and what the customer's own came to in the last of the `bills` of their `contract`."""
    say(dispatcher, f"utter_line_{topic}")
    if contract is None or not bills:
        return
    with suppress(NotRecomputable):
        _tell_own(dispatcher, turn, topic, billed(bills[-1], turn.operator.tariffs))
    why = button("utter_intent_explain_bill", "explain_bill", {"contract": contract.number})
    say(dispatcher, "utter_line_ask_why", buttons=[why], spare=LAST)


def vat_by_rate(lines: Iterable[Line]) -> dict[Decimal, tuple[Decimal, Decimal]]:
    """For each rate of VAT above zero, in dirhams: what it is asked on, and the VAT itself."""
    summary: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for line in lines:
        if line.vat_rate:
            net, vat = summary.get(line.vat_rate, (NOTHING, NOTHING))
            summary[line.vat_rate] = (net + line.amount_ht, vat + line.amount_vat)
    return summary


def percentage(rate: Decimal) -> Quantity:
    """A rate such as 0.20 as the number before the percent sign."""
    return Quantity(format((rate * 100).normalize(), "f"))


def _tell_own(dispatcher: CollectingDispatcher, turn: Turn, topic: str, period: BilledPeriod) -> None:
    """The customer's own lines of that kind."""
    vat = sorted(vat_by_rate(period.bill.lines).items()) if topic == "vat" else []
    lines = [line for line in period.bill.lines if _is_about(topic, line, period)]
    say(dispatcher, "utter_line_yours" if vat or lines else "utter_line_none", spare=Spare(1))
    for order, (rate, (_, amount)) in enumerate(vat, start=1):
        say(dispatcher, "utter_line_vat_rate", rate=percentage(rate), amount=amount, spare=Spare(order))
    for order, line in enumerate(lines, start=1):
        tell_line(dispatcher, turn, line, Spare(order))


def _is_about(topic: str, line: Line, period: BilledPeriod) -> bool:
    if topic in ("tranche", "price"):
        return any(line.code.startswith(charge.code) for charge in period.tariff.charges)
    return line.code in MEANINGS[topic]
