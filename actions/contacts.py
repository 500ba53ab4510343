"""How to reach the utility: its telephone, a person here, the agencies of a commune."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.case_questions import CommuneCase
from actions.casework import Question, answer
from actions.message import Message
from actions.speech import say, words
from actions.supply import senders_contracts
from actions.turn import Turn, current_turn
from store.models import Place, PlaceKind
from store.places import places_in

AGENCIES = 2
"""Agencies told of a commune: what fits in a text message."""
ABOUT_AGENCIES = frozenset({"agency", "hours"})


class ContactInfo(Action):
    """The telephone for everybody; the agencies for who asks for one or names a commune."""

    def name(self) -> str:
        return "action_contact_info"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        message = Message.of(tracker)
        if message.first("commune") is None and not ABOUT_AGENCIES & set(message.values("request_topic")):
            say_telephone(turn, dispatcher)
            return []
        return await answer(Agencies(), dispatcher, message, known=False)


def say_telephone(turn: Turn, dispatcher: CollectingDispatcher) -> None:
    """The customer relations number, and the word that brings a person here."""
    operator = turn.operator
    say(dispatcher, "utter_contact_info", operator=operator.name, phone=operator.customer_relations_phone)


@dataclass
class Agencies(CommuneCase, Question):
    """The agencies of the commune named, else of those of the sender's contracts."""

    kind: ClassVar[str] = "agencies"

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        if self.step is None:
            self.commune = message.first("commune")
            return True
        return self.absorb_commune(dispatcher, message, each_miss_said=False)

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        mine = {contract.commune for contract in await senders_contracts(turn)}
        communes = [self.commune] if self.commune else sorted(mine)
        if not communes and self.may_ask_commune:
            return "commune"
        self.over = True
        if not communes:
            say_telephone(turn, dispatcher)
        for commune in communes:
            await _tell(turn, dispatcher, commune)
        return None

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        say(dispatcher, "utter_ask_agency_town", phone=turn.operator.customer_relations_phone)


async def _tell(turn: Turn, dispatcher: CollectingDispatcher, commune: str) -> None:
    agencies = await places_in(turn.session, PlaceKind.AGENCY, commune, AGENCIES)
    phone = turn.operator.customer_relations_phone
    if agencies:
        lines = [_agency(place) for place in agencies]
        say(dispatcher, "utter_agencies", commune=commune, lines=lines, phone=phone)
    else:
        say(dispatcher, "utter_no_agency", commune=commune, phone=phone)


def _agency(place: Place) -> dict[str, Any]:
    if place.hours:
        return words("utter_agency_open", name=place.name, address=place.address, hours=place.hours)
    return words("utter_agency", name=place.name, address=place.address)
