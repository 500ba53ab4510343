"""Leaving a form half-way, because the customer asks for it or for a person."""

from __future__ import annotations

from rasa_sdk.events import ActiveLoop, EventType, SlotSet


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
