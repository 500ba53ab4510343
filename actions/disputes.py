"""A complaint: about a bill it is kept with the bill's explanation for the person who looks at it.

What it is about otherwise is asked and kept by `actions.cases.complaint`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import casework
from actions.bill_comparison import compared
from actions.bill_question import SLOT, BillQuestion
from actions.billed import NotRecomputable
from actions.cases.complaint import Complaint, answered_by
from actions.filing import add_words, file_for_sender
from actions.handover import alarm
from actions.leaving import form_left
from actions.message import Message
from actions.speech import say
from actions.turn import Turn, current_turn
from billing.explanation import Explanation, NothingToCompare
from store.bills import bills_of
from store.conversations import previous_message
from store.models import Bill, Contract, RequestKind
from store.requests import open_requests

LOOKED_UP = frozenset({"reading"})
"""Subjects of a complaint that are looked up on the contract, so that we must know who is writing."""
TURNS_AFTER = 2
"""For how many of the customer's messages after an explanation a complaint is taken to be about that bill. L."""


def explained(turn: Turn, contract: Contract, bill: Bill) -> EventType:
    """Remember which bill was just spoken of."""
    return SlotSet("explained", {"contract": contract.number, "bill": bill.number, "message": turn.message_id})


class Complain(Action):
    """Open a complaint: at once about a bill, else led by the form."""

    def name(self) -> str:
        return "action_complain"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        message = Message.of(tracker)
        if message.first("danger"):
            return await alarm(dispatcher, turn)
        question = await _question(turn, tracker)
        grievance = message.first("grievance")
        if grievance == "bill" or (grievance is None and (question.topic == "disagree" or question.bill)):
            return [*_complaint_left(tracker), *await _about_bill(turn, dispatcher, tracker, question)]
        return await casework.start(Complaint(), dispatcher, tracker, known=grievance in LOOKED_UP)


def _complaint_left(tracker: Tracker) -> list[EventType]:
    """The events that close the complaint that the form was asking about, once it turns out to be about a bill."""
    case = tracker.get_slot(casework.SLOT)
    return form_left() if case and case["kind"] == Complaint.kind else []


async def _about_bill(
    turn: Turn, dispatcher: CollectingDispatcher, tracker: Tracker, question: BillQuestion
) -> list[EventType]:
    over: list[EventType] = [SlotSet(SLOT, None)]
    contracts = await question.contracts(turn)
    if not contracts:
        return replace(question, topic="disagree").identify_first("complaint")
    if len(contracts) > 1:
        replace(question, topic="disagree").ask_which(dispatcher, "complain", contracts)
        return over
    (contract,) = contracts
    bills = await bills_of(turn.session, contract.id)
    position = next((at for at, bill in enumerate(bills) if bill.number == question.bill), len(bills) - 1)
    if position < 0:  # no bill yet: the form takes the words
        case = Complaint(category="other", contract=contract.number)
        return [*over, *await casework.start(case, dispatcher, tracker)]
    await _take(dispatcher, turn, contract, bills[: position + 1], question.words)
    return over


async def _question(turn: Turn, tracker: Tracker) -> BillQuestion:
    """What the message says, about the bill just explained where it names no other."""
    question = BillQuestion.of(tracker)
    last: dict[str, Any] | None = tracker.get_slot("explained")
    if question.bill is not None or not last or not await _just_explained(turn, last):
        return question
    if question.utility is not None or question.contract not in (None, last["contract"]):
        return question
    return replace(question, contract=last["contract"], bill=last["bill"])


async def _just_explained(turn: Turn, last: dict[str, Any]) -> bool:
    """Whether the explanation answered this message, or one of the `TURNS_AFTER` before it."""
    message_id = turn.message_id
    for _ in range(TURNS_AFTER):
        if message_id == last["message"]:
            return True
        previous = await previous_message(turn.session, turn.conversation.id, message_id)
        if previous is None:
            return False
        message_id = previous.id
    return bool(message_id == last["message"])


async def _take(
    dispatcher: CollectingDispatcher, turn: Turn, contract: Contract, bills: Sequence[Bill], said: str
) -> None:
    """Store the complaint about the last of `bills`; said again, it keeps its reference and what is new is added."""
    bill = bills[-1]
    for request in await open_requests(turn.session, contract.id, RequestKind.COMPLAINT):
        if request.details.get("bill") == bill.number:
            add_words(request, [said])
            say(dispatcher, "utter_complaint_known", reference=request.reference)
            return
    request = await file_for_sender(
        turn,
        RequestKind.COMPLAINT,
        {"category": "bill", **_details(bills, turn.operator.tariffs), "words": [said]},
        contract=contract,
        due_on=answered_by(turn),
    )
    params: dict[str, Any] = {"reference": request.reference, "start": bill.period_start, "end": bill.period_end}
    if request.due_on is None:
        say(dispatcher, "utter_complaint_received", **params)
    else:
        say(dispatcher, "utter_complaint_received_until", due_on=request.due_on, **params)


def _details(bills: Sequence[Bill], tariffs: str) -> dict[str, Any]:
    """The bill as the person who looks at it needs it; amounts as text, for JSON has no decimals."""
    bill = bills[-1]
    details: dict[str, Any] = {
        "bill": bill.number,
        "period": {"start": bill.period_start.isoformat(), "end": bill.period_end.isoformat()},
        "basis": bill.basis.value,
        "total": str(bill.total),
    }
    try:
        found = compared(bills, tariffs)
    except (NotRecomputable, NothingToCompare) as unknown:
        return {**details, "not_explained": str(unknown)}
    return {**details, **_explanation(found)}


def _explanation(found: Explanation) -> dict[str, Any]:
    return {
        "previous_total": str(found.previous_total),
        "difference": str(found.difference),
        "effects": [{"code": effect.code.value, "amount": str(effect.amount)} for effect in found.effects],
    }
