"""A cut or a leak that the customer reports; whatever is dangerous goes to a person at once."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions import casework
from actions.cases.outage import Outage
from actions.handover import alarm
from actions.message import Message
from actions.turn import current_turn


class ReportOutage(Action):
    """No power, no water, a leak: the danger first, then what is known, then the report."""

    def name(self) -> str:
        return "action_report_outage"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        if Message.of(tracker).first("danger"):
            return await alarm(dispatcher, current_turn())
        return await casework.start(Outage(), dispatcher, tracker, known=False)
