"""Why a bill is what it is: estimated or really read first, then what changed since the one before it.

Told to nobody but the contract's own people. What cannot be told to the centime is not told: the customer hears
what is known, and is offered a person.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import count
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.bill_comparison import BillMissing, compared, compared_with_last_year
from actions.bill_copies import copy_of
from actions.bill_lines import MEANINGS, tell_line, tell_meaning
from actions.bill_pictures import picture_of
from actions.bill_question import SLOT, BillQuestion
from actions.billed import NotRecomputable, billed
from actions.disputes import explained
from actions.handover import offer_agent
from actions.speech import UNITS, Attachment, Spare, button, say, words
from actions.turn import Turn, current_turn
from billing.explanation import BilledPeriod, Cause, Effect, Explanation, NothingToCompare
from billing.lines import round_half_up
from billing.quantity import Quantity
from store.bills import bills_of, use_from_json
from store.models import Bill, BillBasis, Billing, Contract

DETAIL_PARTS = 3
"""SMS parts that the whole detail of a bill may take; the copy has what is left out."""
MAIN_EFFECTS = 3
PICTURED = frozenset({"whatsapp", "telegram"})
"""Channels that show pictures."""


class ExplainBill(Action):
    """Answer a question about the sender's latest bill, or about what a line of any bill means."""

    def name(self) -> str:
        return "action_explain_bill"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        question = BillQuestion.of(tracker)
        if question.topic == "disagree":
            return [FollowupAction("action_complain")]
        contracts = await question.contracts(turn)
        answered: list[EventType] = [SlotSet(SLOT, None)]
        if question.topic in MEANINGS:  # told to anybody; the own amount only where the contract is certain
            contract = contracts[0] if len(contracts) == 1 else None
            bills = await bills_of(turn.session, contract.id) if contract else []
            tell_meaning(dispatcher, turn, str(question.topic), contract, bills)
            return answered
        if not contracts:
            return question.identify_first("bill")
        if len(contracts) > 1:
            question.ask_which(dispatcher, "explain_bill", contracts)
            return answered
        return [*answered, *await _answer(dispatcher, turn, question, contracts[0])]


async def _answer(
    dispatcher: CollectingDispatcher, turn: Turn, question: BillQuestion, contract: Contract
) -> list[EventType]:
    bills = await bills_of(turn.session, contract.id)
    if not bills and contract.billing is Billing.PREPAID:
        say(dispatcher, "utter_balance_prepaid", contract=contract.number)
        return []
    if not bills:
        return offer_agent(dispatcher, turn, "utter_bill_none", contract=contract.number)
    try:
        match question.topic:
            case "copy":
                await _tell_copy(dispatcher, turn, contract, bills[-1])
            case "estimated":
                _tell_indexes(dispatcher, contract, bills[-1])
            case "detail":
                _tell_detail(dispatcher, turn, contract, bills)
            case _:
                tell_changes(dispatcher, turn, contract, bills)
    except NothingToCompare as unknown:
        return [
            *_tell_what_is_known(dispatcher, turn, contract, bills[-1], unknown),
            explained(turn, contract, bills[-1]),
        ]
    except NotRecomputable:
        tell_basis(dispatcher, contract, bills[-1])
        offered = offer_agent(dispatcher, turn, "utter_bill_unexplained", total=bills[-1].total)
        return [*offered, explained(turn, contract, bills[-1])]
    return [explained(turn, contract, bills[-1])]


def _tell_what_is_known(
    dispatcher: CollectingDispatcher, turn: Turn, contract: Contract, bill: Bill, unknown: NothingToCompare
) -> list[EventType]:
    """The bill by itself, where there is none to hold it against."""
    tell_basis(dispatcher, contract, bill)
    if isinstance(unknown, BillMissing):
        return offer_agent(
            dispatcher, turn, "utter_bill_gap", total=bill.total, start=unknown.before, end=unknown.after
        )
    return offer_agent(dispatcher, turn, "utter_bill_first", total=bill.total)


# --- why it is more or less than the one before -----------------------------------------------------------


def tell_changes(dispatcher: CollectingDispatcher, turn: Turn, contract: Contract, bills: list[Bill]) -> None:
    """Why the last of `bills`, oldest first, is what it is. Raises NotRecomputable and NothingToCompare."""
    bill = bills[-1]
    found = compared(bills, turn.operator.tariffs)
    brief = _is_brief(turn)
    tell_basis(dispatcher, contract, bill)
    _tell_difference(dispatcher, found)
    for order, effect in enumerate(found.main(MAIN_EFFECTS)):
        _tell_effect(dispatcher, found, effect, brief=brief, spare=Spare(order + 1) if order else None)
    _tell_cliff(dispatcher, found)
    if not brief:
        _tell_last_year(dispatcher, turn, bills)
    say(
        dispatcher,
        "utter_bill_ask_more",
        buttons=_more(contract, bill, "detail", "copy", "disagree"),
        attachment=_picture(turn, contract, bills, found),
        spare=Spare(MAIN_EFFECTS + 1),
    )


def tell_basis(dispatcher: CollectingDispatcher, contract: Contract, bill: Bill) -> None:
    """Estimated or really read: what customers ask first."""
    say(
        dispatcher,
        "utter_bill_estimated" if bill.basis is BillBasis.ESTIMATED else "utter_bill_read",
        contract=contract.number,
        start=bill.period_start,
        end=bill.period_end,
    )


def _tell_difference(dispatcher: CollectingDispatcher, found: Explanation) -> None:
    numbers: dict[str, Any] = {
        "total": found.total,
        "previous": found.previous_total,
        "difference": abs(found.difference),
    }
    if found.difference:
        say(dispatcher, "utter_bill_more" if found.difference > 0 else "utter_bill_less", **numbers)
    else:
        say(dispatcher, "utter_bill_same", total=found.total)


def _tell_effect(
    dispatcher: CollectingDispatcher, found: Explanation, effect: Effect, *, brief: bool, spare: Spare | None
) -> None:
    """A cause and its amount with its sign; brief on SMS, with the figures behind it elsewhere."""
    amount: dict[str, Any] = {"sign": "+" if effect.amount > 0 else "-", "amount": abs(effect.amount)}
    match effect.code:
        case Cause.DAYS if not brief:
            days, usual = found.current.own.days, found.previous.own.days
            say(dispatcher, "utter_effect_days", days=days, usual=usual, **amount)
        case Cause.DAILY_USE if not brief and len(found.current.tariff.registers) == 1:
            usage, often = _daily_use(found.current), _daily_use(found.previous)
            unit = UNITS[found.current.tariff.unit]
            say(dispatcher, "utter_effect_daily_use", usage=usage, usual=often, unit=unit, **amount)
        case Cause.TRANCHE if not brief:
            say(dispatcher, f"utter_effect_tranche_{'more' if effect.amount > 0 else 'less'}", **amount)
        case _:
            say(dispatcher, "utter_effect", spare=spare, cause=words(f"utter_cause_{effect.code}"), **amount)


def _daily_use(period: BilledPeriod) -> Quantity:
    total = sum((Fraction(use.quantity) for use in period.bill.uses), Fraction(0))
    return Quantity(round_half_up(total / period.bill.period.days, 1))


def _tell_cliff(dispatcher: CollectingDispatcher, found: Explanation) -> None:
    """What a little less use would have saved, where that is a tranche's limit."""
    if (cliff := found.cliff) is None:
        return
    say(
        dispatcher,
        "utter_bill_cliff",
        less=cliff.less,
        unit=UNITS[found.current.tariff.unit],
        saved=cliff.saved,
        limit=Quantity(cliff.threshold.monthly),
        spare=Spare(1),
    )


def _tell_last_year(dispatcher: CollectingDispatcher, turn: Turn, bills: list[Bill]) -> None:
    found = compared_with_last_year(bills, turn.operator.tariffs)
    if found is None or not found.difference or not found.main(1):
        return
    (main,) = found.main(1)
    say(
        dispatcher,
        "utter_bill_year_more" if found.difference > 0 else "utter_bill_year_less",
        previous=found.previous_total,
        difference=abs(found.difference),
        cause=words(f"utter_cause_{main.code}"),
    )


def _picture(turn: Turn, contract: Contract, bills: list[Bill], found: Explanation) -> Attachment | None:
    if turn.conversation.channel not in PICTURED:
        return None
    return picture_of(turn, contract, bills, found)


# --- the rest, on request ---------------------------------------------------------------------------------


def _tell_detail(dispatcher: CollectingDispatcher, turn: Turn, contract: Contract, bills: list[Bill]) -> None:
    """Every effect, then every line; on SMS as many as there is room for."""
    bill = bills[-1]
    period = billed(bill, turn.operator.tariffs)
    say(
        dispatcher,
        "utter_bill_detail",
        number=bill.number,
        start=bill.period_start,
        end=bill.period_end,
        total=bill.total,
    )
    order = count(1)
    if found := _compared_if_possible(turn, bills):
        for effect in found.effects:
            _tell_effect(dispatcher, found, effect, brief=_is_brief(turn), spare=Spare(next(order), DETAIL_PARTS))
    first = next(order)
    say(dispatcher, "utter_bill_lines", spare=Spare(first, DETAIL_PARTS))
    for place, line in enumerate(period.bill.lines):
        tell_line(dispatcher, turn, line, Spare(first + place, DETAIL_PARTS))
    say(
        dispatcher,
        "utter_bill_total",
        total=bill.total,
        buttons=_more(contract, bill, "copy", "disagree"),
    )


def _compared_if_possible(turn: Turn, bills: list[Bill]) -> Explanation | None:
    try:
        return compared(bills, turn.operator.tariffs)
    except (NothingToCompare, NotRecomputable):
        return None


async def _tell_copy(dispatcher: CollectingDispatcher, turn: Turn, contract: Contract, bill: Bill) -> None:
    say(
        dispatcher,
        "utter_bill_copy",
        start=bill.period_start,
        end=bill.period_end,
        attachment=await copy_of(turn, contract, bill),
    )


def _tell_indexes(dispatcher: CollectingDispatcher, contract: Contract, bill: Bill) -> None:
    """What the bill goes by, register by register; only the first sentence where the indexes are not known."""
    tell_basis(dispatcher, contract, bill)
    for use in map(use_from_json, bill.uses or ()):
        if use.previous is not None and use.new is not None and bill.billed_from is not None:
            say(
                dispatcher,
                f"utter_bill_index_{use.register}",
                previous=str(use.previous),
                start=bill.billed_from,
                value=str(use.new),
                end=bill.period_end,
            )


def _more(contract: Contract, bill: Bill, *topics: str) -> list[dict[str, Any]]:
    """Buttons for what else there is to say of this bill."""
    return [
        button(
            f"utter_choice_{topic}",
            "complain" if topic == "disagree" else "explain_bill",
            {"contract": contract.number, "topic": topic, "bill": bill.number},
        )
        for topic in topics
    ]


def _is_brief(turn: Turn) -> bool:
    return turn.conversation.channel == "sms"
