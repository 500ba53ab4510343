"""Leaving a form half-way, because the customer asks for it or for a person."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.speech import say


def form_left() -> list[EventType]:
    """The events that leave any form and forget what it gathered."""
    return [
        ActiveLoop(None),
        SlotSet("requested_slot", None),
        SlotSet("draft", None),
        SlotSet("case", None),
        SlotSet("claim", None),
        SlotSet("wish", None),
    ]


class Cancel(Action):
    """The customer stops what we were doing; nothing of it is kept."""

    def name(self) -> str:
        return "action_cancel"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        active = tracker.active_loop.get("name")
        say(dispatcher, "utter_cancelled" if active else "utter_nothing_to_cancel")
        return form_left()
