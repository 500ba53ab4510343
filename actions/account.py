"""The customer's own settings: language, and messages that they did not ask for."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.message import Message
from actions.speech import button, say
from actions.turn import Turn, current_turn
from store.opt_outs import opt_out

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
        await opt_out(turn.session, turn.conversation, turn.actor, turn.now)
        say(dispatcher, "utter_opted_out")
        return []


def opted_out_remark(dispatcher: CollectingDispatcher, turn: Turn) -> None:
    """Say that news of a request comes only when asked for, to someone who wants no messages."""
    if turn.conversation.opted_out_at is not None:
        say(dispatcher, "utter_opted_out_remark")
