"""Questions with a general answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.handover import alarm
from actions.lost import lost_again
from actions.message import Message
from actions.speech import say
from actions.turn import current_turn


class _Answer(Action, ABC):
    """One response, filled from the operator's bundle."""

    response: str

    @abstractmethod
    def name(self) -> str: ...

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        operator = current_turn().operator
        say(
            dispatcher,
            self.response,
            operator=operator.name,
            phone=operator.customer_relations_phone,
            emergency=operator.emergency_phone,
            page=operator.payment_page,
        )
        return []


class HowToReadMeter(_Answer):
    response = "utter_how_to_read_meter"

    def name(self) -> str:
        return "action_how_to_read_meter"


class Greet(_Answer):
    response = "utter_greet"

    def name(self) -> str:
        return "action_greet"


class Help(_Answer):
    response = "utter_help"

    def name(self) -> str:
        return "action_help"


OURS = ("shock", "fire", "cable", "flood")
"""Dangers that may come from our lines and pipes, whatever else the message is taken for."""


class OutOfScope(Action):
    """Stay in our domain, politely; the second time in a row offer a person, for it may be ours after all."""

    def name(self) -> str:
        return "action_out_of_scope"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        if Message.of(tracker).first("danger") in OURS:
            return await alarm(dispatcher, turn)
        if (again := await lost_again(dispatcher, turn)) is not None:
            return again
        say(dispatcher, "utter_out_of_scope", operator=turn.operator.name)
        return []
