"""Stopping: what is being asked for now, or a request that was sent before."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.cases.withdrawal import Withdrawal
from actions.leaving import form_left
from actions.message import Message
from actions.requests import withdraw
from actions.speech import say
from actions.turn import current_turn


class Cancel(Action):
    """The customer stops what we were doing, and nothing of it is kept; outside a form, takes a request back."""

    def name(self) -> str:
        return "action_cancel"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        message = Message.of(tracker)
        if tracker.active_loop.get("name"):
            say(dispatcher, "utter_cancelled")
        elif message.first("reference") or Withdrawal.topic in message.values("request_topic"):
            return await withdraw(current_turn(), dispatcher, tracker)
        else:
            say(dispatcher, "utter_nothing_to_cancel")
        return form_left()
