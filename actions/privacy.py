"""Personal data (law 09-08): what is kept, a copy of it, and the way to have it corrected or erased."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions import casework
from actions.cases.personal_data import Erasure, PersonalDataCase, Rectification
from actions.leaving import form_left
from actions.message import Message
from actions.speech import Attachment, button, say, words
from actions.turn import Turn, current_turn
from store.personal_data import held

WISHES: dict[str, type[PersonalDataCase]] = {case.topic: case for case in (Rectification, Erasure)}
EXPORT: Attachment = {"make": "personal_data", "name": "donnees.json", "spec": {}}
"""Gathered when it is sent or fetched: the message itself keeps none of it."""


class Privacy(Action):
    """Show what is held, send a copy, or take a wish to correct or erase it."""

    def name(self) -> str:
        return "action_privacy"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        topic = Message.of(tracker).first("request_topic")
        wish = WISHES.get(topic or "")
        # Not in the place of another request in the making: that would be lost.
        if wish is not None and tracker.active_loop.get("name") != casework.FORM:
            return [*form_left(), *await casework.start(wish(), dispatcher, tracker, known=False)]
        if topic == "export":
            say(dispatcher, "utter_personal_data_copy", attachment=EXPORT)
        else:
            await _show(dispatcher, turn)
        return []


async def _show(dispatcher: CollectingDispatcher, turn: Turn) -> None:
    found = await held(turn.session, turn.conversation, turn.now)
    say(
        dispatcher,
        "utter_personal_data",
        buttons=[
            button(f"utter_choice_personal_data_{topic}", "privacy", {"request_topic": topic})
            for topic in ("export", Rectification.topic, Erasure.topic)
        ],
        controller=turn.operator.privacy.controller,
        since=found.since,
        messages=found.messages,
        readings=found.readings,
        requests=found.requests,
        contracts=found.contracts,
        unasked=words("utter_unasked_no" if found.opted_out else "utter_unasked_yes"),
    )
