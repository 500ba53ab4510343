"""Handing the conversation to a person. From then on the assistant is silent until it is released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.casework import Case
from actions.leaving import form_left
from actions.message import Message
from actions.speech import button, say
from actions.turn import Turn, current_turn
from store.conversations import previous_message
from store.models import Audit, Holder


def hand_over(turn: Turn, reason: str) -> None:
    """Put the conversation in the agents' queue, with why."""
    turn.conversation.holder = Holder.AGENT
    turn.conversation.handed_over_at = turn.now
    turn.conversation.handover_reason = reason
    turn.session.add(
        Audit(
            at=turn.now,
            actor=turn.actor,
            action="conversation.handed_over",
            subject=f"conversation:{turn.conversation.id}",
            details={"reason": reason},
        )
    )


def offer_agent(dispatcher: CollectingDispatcher, turn: Turn, response: str, **params: Any) -> list[EventType]:
    """Say `response` and offer a person; a plain "yes" in the next message takes the offer."""
    say(dispatcher, response, buttons=[button("utter_choice_agent", "talk_to_agent")], **params)
    return [SlotSet("offer", {"what": "agent", "message": turn.message_id})]


def alarm(dispatcher: CollectingDispatcher, turn: Turn) -> list[EventType]:
    """Tell someone in danger whom to call at once, and bring a person; whatever form was open is left."""
    operator = turn.operator
    say(dispatcher, "utter_danger", emergency=operator.emergency_phone, rescue=operator.rescue_phone)
    hand_over(turn, "danger")
    return [*form_left(), SlotSet("offer", None)]


class TalkToAgent(Action):
    """The customer asks for a person."""

    def name(self) -> str:
        return "action_talk_to_agent"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        if Message.of(tracker).first("danger"):
            return alarm(dispatcher, turn)
        hand_over(turn, "asked")
        say(dispatcher, "utter_handed_over", phone=turn.operator.customer_relations_phone)
        return [*form_left(), SlotSet("offer", None)]


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
            hand_over(turn, "asked")
            say(dispatcher, "utter_handed_over", phone=turn.operator.customer_relations_phone)
            return [*form_left(), SlotSet("offer", None)]
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


async def _just_made(turn: Turn, offer: dict[str, Any]) -> bool:
    previous = await previous_message(turn.session, turn.conversation.id, turn.message_id)
    return previous is not None and previous.id == offer.get("message")


async def was_lost(turn: Turn) -> bool:
    """Whether the customer's last message was not understood, or not our business."""
    previous = await previous_message(turn.session, turn.conversation.id, turn.message_id)
    return previous is not None and (previous.understood or {}).get("intent") in ("nlu_fallback", "out_of_scope")


CHOICES = 2
"""How many of the likeliest intents the question "do you mean A or B?" is made from."""
NOT_PROPOSED = frozenset(
    {"affirm", "deny", "greet", "goodbye", "thank", "cancel", "talk_to_agent", "out_of_scope", "nlu_fallback"}
)
"""Meanings that nobody needs to choose from a list."""


def proposed(ranking: Sequence[Mapping[str, Any]]) -> list[str]:
    """The intents that a customer whose message was unsure may choose from, the likeliest first."""
    return [each["name"] for each in ranking[:CHOICES] if each["name"] not in NOT_PROPOSED]


class Lost(Action):
    """The message was not understood: ask which of the likely meanings, or offer a person the second time."""

    def name(self) -> str:
        return "action_lost"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        if Message.of(tracker).first("danger"):
            return alarm(dispatcher, turn)
        latest = tracker.latest_message
        likely = proposed(latest.get("intent_ranking", ()))
        if await was_lost(turn):
            return offer_agent(dispatcher, turn, "utter_lost_again")
        if tracker.active_loop.get("name"):
            say(dispatcher, "utter_lost_in_form")  # its question follows
            return []
        if latest.get("certainty") == "unsure" and likely:
            say(
                dispatcher,
                "utter_did_you_mean",
                buttons=[
                    *(button(f"utter_intent_{name}", name) for name in likely),
                    button("utter_choice_agent", "talk_to_agent"),
                ],
            )
            return []
        say(dispatcher, "utter_lost")
        return []
