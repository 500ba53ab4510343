"""A supply asked for at a distance."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions import casework
from actions.cases.subscription import Subscription


class RequestSubscription(Action):
    """The customer wants a meter, electricity or water, or another's contract."""

    def name(self) -> str:
        return "action_request_subscription"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        return await casework.start(Subscription(), dispatcher, tracker, known=False)
