"""The customer's own settings: language, messages, personal data."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.handover import offer_agent
from actions.message import Message
from actions.speech import button, say
from actions.turn import Turn, current_turn
from store.models import Audit

LANGUAGES = ("fr", "ar", "ary", "ary-Latn", "en")


class ChangeLanguage(Action):
    """Answer in the language asked for from now on, whatever the customer writes in."""

    def name(self) -> str:
        return "action_change_language"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        wanted = Message.of(tracker).first("language")
        if wanted not in LANGUAGES:
            say(
                dispatcher,
                "utter_ask_language",
                buttons=[
                    button(f"utter_language_{code.replace('-', '_')}", "change_language", {"language": code})
                    for code in ("fr", "ar", "en")
                ],
            )
            return []
        turn.language = str(wanted)
        say(dispatcher, "utter_language_changed")
        return [SlotSet("pinned_language", wanted)]


class OptOut(Action):
    """Stop messages that the customer did not ask for. Their own questions are still answered."""

    def name(self) -> str:
        return "action_opt_out"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        if turn.conversation.opted_out_at is None:
            turn.conversation.opted_out_at = turn.now
            turn.session.add(
                Audit(
                    at=turn.now,
                    actor=turn.actor,
                    action="conversation.opted_out",
                    subject=f"conversation:{turn.conversation.id}",
                )
            )
        say(dispatcher, "utter_opted_out")
        return []


def opted_out_remark(dispatcher: CollectingDispatcher, turn: Turn) -> None:
    """Say that news of a request comes only when asked for, to someone who wants no messages."""
    if turn.conversation.opted_out_at is not None:
        say(dispatcher, "utter_opted_out_remark")


class Privacy(Action):
    """Who keeps what and why, and how to see, correct or erase it (law 09-08)."""

    def name(self) -> str:
        return "action_privacy"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        return offer_agent(
            dispatcher,
            turn,
            "utter_privacy",
            controller=turn.operator.privacy.controller,
            phone=turn.operator.customer_relations_phone,
        )
