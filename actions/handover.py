"""Handing the conversation to a person. From then on the assistant is silent until it is released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.casework import Case
from actions.leaving import form_left
from actions.message import Message
from actions.speech import button, say, words
from actions.turn import Turn, current_turn
from billing.calendar import CASABLANCA
from store.conversations import previous_message
from store.hand_over_queue import Place, place
from store.hand_overs import open_hand_over


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence to say: a response and what fills it."""

    response: str
    params: Mapping[str, Any] = field(default_factory=dict)


BECAUSE: Mapping[str, str] = {
    "lost": "utter_lost_for_good",
    "anger": "utter_sorry",
    "poisoned": "utter_poisoned",
    "identification": "utter_not_identified",
}
"""What is said before the place in the queue, by the reason."""


async def hand_over(turn: Turn, reason: str, *, was_offered: bool = False) -> list[Line]:
    """Put the conversation in the agents' queue, and what to tell the customer of it.

    Someone in danger is told whom to call, and nothing of a place in a queue. Why a person comes is not told again
    to whom one `was_offered` for that reason.
    """
    made = await open_hand_over(
        turn.session, turn.conversation, reason, turn.now, actor=turn.actor, language=turn.language
    )
    standing = await place(turn.session, made, turn.operator, turn.now)
    if reason == "danger":
        return [_alarm(turn, standing)]
    because = [Line(BECAUSE[reason])] if reason in BECAUSE and not was_offered else []
    return [*because, _queued(turn, standing)]


def _alarm(turn: Turn, standing: Place) -> Line:
    """Nobody in danger may wait for an answer that does not come before morning."""
    phones = {"emergency": turn.operator.emergency_phone, "rescue": turn.operator.rescue_phone}
    if standing.opens_at is None:
        return Line("utter_danger", phones)
    return Line("utter_danger_closed", phones | _opening(standing.opens_at))


def _queued(turn: Turn, standing: Place) -> Line:
    phone = turn.operator.customer_relations_phone
    if standing.opens_at is not None:
        return Line("utter_handed_over_closed", {"phone": phone, **_opening(standing.opens_at)})
    told = {"phone": phone, "position": standing.position}
    if standing.expected_wait is None:
        return Line("utter_handed_over", told)
    return Line("utter_handed_over_wait", {**told, "wait": _wait(standing.expected_wait)})


def _opening(moment: datetime) -> dict[str, Any]:
    local = moment.astimezone(CASABLANCA)
    return {"day": local.date(), "time": f"{local:%H:%M}"}


def _wait(expected: timedelta) -> dict[str, Any]:
    """A waiting time as people say it, rather too long than too short."""
    minutes = max(ceil(expected.total_seconds() / 60), 1)
    if minutes > MOST_MINUTES:
        return words("utter_wait_hours", count=ceil(minutes / 60))
    return words("utter_wait_minutes", count=minutes if minutes <= EXACT_MINUTES else ceil(minutes / 5) * 5)


EXACT_MINUTES, MOST_MINUTES = 10, 90
"""Minutes up to which a wait is told to the minute, and above which in hours."""


async def bring_a_person(
    dispatcher: CollectingDispatcher, turn: Turn, reason: str, *, was_offered: bool = False
) -> list[EventType]:
    """Hand over and say so; whatever form was open is left."""
    for line in await hand_over(turn, reason, was_offered=was_offered):
        say(dispatcher, line.response, **line.params)
    return [*form_left(), SlotSet("offer", None)]


async def alarm(dispatcher: CollectingDispatcher, turn: Turn) -> list[EventType]:
    """Tell someone in danger whom to call at once, and bring a person."""
    return await bring_a_person(dispatcher, turn, "danger")


REASON = "reason"
"""In the button that takes an offer: why it was made."""


def offer_agent(
    dispatcher: CollectingDispatcher, turn: Turn, response: str, *, reason: str = "asked", **params: Any
) -> list[EventType]:
    """Say `response` and offer a person; a plain "yes" in the next message takes the offer, for `reason`."""
    why = None if reason == "asked" else {REASON: reason}
    say(dispatcher, response, buttons=[button("utter_choice_agent", "talk_to_agent", why)], **params)
    return [SlotSet("offer", {"what": "agent", "message": turn.message_id, "reason": reason})]


class TalkToAgent(Action):
    """The customer asks for a person."""

    def name(self) -> str:
        return "action_talk_to_agent"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        message = Message.of(tracker)
        if message.first("danger"):
            return await alarm(dispatcher, turn)
        if (reason := message.first(REASON)) is not None:
            return await bring_a_person(dispatcher, turn, str(reason), was_offered=True)
        offer = tracker.get_slot("offer")
        if offer and offer["what"] == "agent" and await _just_made(turn, offer):
            return await _taken(dispatcher, turn, offer)
        return await bring_a_person(dispatcher, turn, "asked")


class Affirm(Action):
    """A "yes" outside a question of a form: it takes the offer just made, of a person or to go on with a request."""

    def name(self) -> str:
        return "action_affirm"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        offer = tracker.get_slot("offer")
        if offer and await _just_made(turn, offer):
            if offer["what"] == "parked":
                return [SlotSet("offer", None), *_gone_on_with(dispatcher, tracker)]
            return await _taken(dispatcher, turn, offer)
        if not tracker.active_loop.get("name"):
            say(dispatcher, "utter_what_next")
        return []


class Deny(Action):
    """A "no" outside a question of a form."""

    def name(self) -> str:
        return "action_deny"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        events: list[EventType] = [SlotSet("offer", None)]
        offer = tracker.get_slot("offer")
        if offer and offer["what"] == "parked" and await _just_made(current_turn(), offer):
            say(dispatcher, "utter_parked_left")
            return [*events, SlotSet("parked", None)]
        if not tracker.active_loop.get("name"):
            say(dispatcher, "utter_what_next")
        return events


def _gone_on_with(dispatcher: CollectingDispatcher, tracker: Tracker) -> list[EventType]:
    """Take up the request that was put aside, by the facts of today."""
    try:
        case = Case.load(tracker.get_slot("parked")["case"])
    except (KeyError, TypeError):  # put aside by another release of ours
        say(dispatcher, "utter_what_next")
        return [SlotSet("parked", None)]
    case.step = None
    return case.opened()


async def _taken(dispatcher: CollectingDispatcher, turn: Turn, offer: Mapping[str, Any]) -> list[EventType]:
    """Bring the person that was offered, for the reason of the offer."""
    return await bring_a_person(dispatcher, turn, offer.get("reason", "asked"), was_offered=True)


async def _just_made(turn: Turn, offer: dict[str, Any]) -> bool:
    previous = await previous_message(turn.session, turn.conversation.id, turn.message_id)
    return previous is not None and previous.id == offer.get("message")
