"""Where a request stands, taking it back, changing it: `check_request`."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import casework
from actions.cases.addition import Addition
from actions.cases.chosen_request import MOST_SHOWN, ask_which_request, senders_request, senders_requests
from actions.cases.deferral import Deferral
from actions.cases.instalments import Instalments
from actions.cases.time_to_pay import TimeToPay
from actions.cases.withdrawal import Withdrawal
from actions.contract_choice import identify_first, kept_while_identified
from actions.message import Message
from actions.speech import button, say, words
from actions.supply import senders_contracts
from actions.turn import Turn, current_turn
from store.models import Request, RequestKind, RequestState
from store.requests import GRANTABLE, OPEN, PAYING, kind_words, spoken

QUESTION = "request_question"
"""The slot that keeps the reference asked about while the sender says who they are."""
CHANGED_BY: dict[RequestKind, type[TimeToPay]] = {
    RequestKind.DEFERRAL: Deferral,
    RequestKind.INSTALMENTS: Instalments,
}
"""Kinds whose dates and amounts can be changed; to the others the customer adds words."""


class CheckRequest(Action):
    """Where is my request? Also its withdrawal and its change, where that is what the message is about."""

    def name(self) -> str:
        return "action_check_request"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        message = Message.of(tracker)
        if not tracker.active_loop.get("name"):
            if Withdrawal.topic in message.values("request_topic"):
                return await withdraw(turn, dispatcher, tracker)
            if Addition.topic in message.values("request_topic"):
                return await change(turn, dispatcher, tracker)
        kept = kept_while_identified(tracker, QUESTION)
        reference = message.first("reference") or kept
        over: list[EventType] = [SlotSet(QUESTION, None)] if kept else []
        if reference is not None:
            return await self._one(turn, dispatcher, str(reference)) or over
        requests = await senders_requests(turn)
        if not requests and not await senders_contracts(turn):
            return _identified_first(None)
        _say_all(turn, dispatcher, requests)
        return over

    async def _one(self, turn: Turn, dispatcher: CollectingDispatcher, reference: str) -> list[EventType]:
        """Answer about one request. A stranger is asked who they are, whether it exists or not."""
        request = await senders_request(turn, reference)
        if request is not None:
            say_request(turn, dispatcher, request)
        elif await senders_contracts(turn):
            say(dispatcher, "utter_request_unknown", reference=reference)
        else:
            return _identified_first(reference)
        return []


async def withdraw(turn: Turn, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[EventType]:
    """Lead the customer to take back the request that the message names, or one of theirs."""
    known = not await senders_requests(turn)
    return await casework.start(Withdrawal(), dispatcher, tracker, known=known)


async def change(turn: Turn, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[EventType]:
    """Lead the customer to change the request that the message names, or one of theirs."""
    message = Message.of(tracker)
    reference = message.first("reference")
    requests = await senders_requests(turn)
    if not requests and not await senders_contracts(turn):
        return _identified_first(reference)
    named = [request for request in requests if request.state in OPEN and reference in (None, request.reference)]
    if len(named) > 1:
        ask_which_request(dispatcher, named, Addition.topic)
        return []
    if named and named[0].kind in CHANGED_BY:
        case = CHANGED_BY[named[0].kind]()
        await case.absorb(turn, dispatcher, message)
        case.reference = named[0].reference
        return case.opened()
    return await casework.start(Addition(), dispatcher, tracker, known=False)


def _identified_first(reference: Any | None) -> list[EventType]:
    """Ask who is writing, then tell how the request of `reference` stands, or theirs."""
    return [SlotSet(QUESTION, reference), *identify_first("requests", None)]


def say_request(turn: Turn, dispatcher: CollectingDispatcher, request: Request) -> None:
    """How a request stands, with what can still be done about it."""
    choices = []
    if request.state in OPEN:
        choices = [
            button(f"utter_choice_{topic}", "check_request", {"reference": request.reference, "request_topic": topic})
            for topic in (Addition.topic, Withdrawal.topic)
        ]
    response, params = spoken(request, turn.today)
    say(dispatcher, response, buttons=choices, **params)


def is_current(request: Request) -> bool:
    """Whether there is something to come: a decision, or payments."""
    return request.state in OPEN or (request.kind in GRANTABLE and request.state in PAYING)


def _say_all(turn: Turn, dispatcher: CollectingDispatcher, requests: list[Request]) -> None:
    """Those that something is to come of, the latest few; else the last one; else that there is none."""
    current = [request for request in requests if is_current(request)][:MOST_SHOWN]
    if not requests:
        say(dispatcher, "utter_request_none")
    elif len(current) <= 1:
        say_request(turn, dispatcher, next(iter(current), requests[0]))
    else:
        say(
            dispatcher,
            "utter_request_list",
            buttons=[_choice(request) for request in current],
            requests=[_line(request) for request in current],
        )


def _line(request: Request) -> dict[str, Any]:
    state = RequestState.GRANTED if request.state is RequestState.BEING_PAID else request.state
    return words(
        "utter_request_line",
        reference=request.reference,
        what=kind_words(request),
        state=words(f"utter_request_state_{state}"),
    )


def _choice(request: Request) -> dict[str, Any]:
    carried = {"reference": request.reference}
    return button("utter_choice_request", "check_request", carried, reference=request.reference)
