"""Prepaid meters: where to recharge, when the mobile team comes, and kWh in advance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions import casework
from actions.case_questions import CommuneCase
from actions.cases.kwh_advance import KwhAdvance
from actions.cases.kwh_ledger import KwhLedger
from actions.cases.recharge_visit import RechargeVisit
from actions.casework import Question
from actions.contract_choice import prepaid
from actions.message import Message
from actions.speech import Spare, button, say, words
from actions.supply import senders_contracts
from actions.turn import Turn, current_turn
from billing.calendar import CASABLANCA, local_day
from store.models import Contract, Place, PlaceKind, Round
from store.places import next_rounds, places_in
from store.prepaid import is_modest_income

POINTS = 2
"""Recharge points told of a commune: what fits in a text message with the next round."""


class RechargePrepaid(Action):
    """No credit left: where to recharge and the next round, or the request that the team comes."""

    def name(self) -> str:
        return "action_recharge_prepaid"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        message = Message.of(tracker)
        topics = message.values("request_topic")
        contracts = await senders_contracts(turn)
        if contracts and not prepaid(contracts) and message.first("commune") is None:
            cut = button("utter_intent_report_outage", "report_outage")
            say(dispatcher, "utter_recharge_postpaid", buttons=[cut, button("utter_choice_agent", "talk_to_agent")])
            return []
        if "come" in topics:
            return await casework.start(RechargeVisit(), dispatcher, tracker, known=False)
        return await casework.answer(WhereToRecharge(), dispatcher, message, known=False)


class RequestKwhAdvance(Action):
    """The customer asks for kWh in advance, or what is still owed of one."""

    def name(self) -> str:
        return "action_request_kwh_advance"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        message = Message.of(tracker)
        if "ledger" in message.values("request_topic"):
            return await casework.answer(KwhLedger(), dispatcher, message)
        return await casework.start(KwhAdvance(), dispatcher, tracker)


@dataclass
class WhereToRecharge(CommuneCase, Question):
    """Where the sender can recharge: in the commune named, else in those of their prepaid contracts."""

    kind: ClassVar[str] = "where_to_recharge"

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        if self.step is None:
            self.commune = message.first("commune")
            return True
        return self.absorb_commune(dispatcher, message)

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        mine = prepaid(await senders_contracts(turn))
        communes = [self.commune] if self.commune else sorted({contract.commune for contract in mine})
        if not communes and self.may_ask_commune:
            return "commune"
        self.over = True
        if not communes:
            say(dispatcher, "utter_call_instead", phone=turn.operator.customer_relations_phone)
        for commune in communes:
            await _tell(turn, dispatcher, commune, [each for each in mine if each.commune == commune])
        return None

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        say(dispatcher, "utter_ask_commune")


async def _tell(turn: Turn, dispatcher: CollectingDispatcher, commune: str, mine: Sequence[Contract]) -> None:
    """The recharge points and the next round of a commune, and what else can be asked for there."""
    points = await places_in(turn.session, PlaceKind.RECHARGE_POINT, commune, POINTS)
    rounds = await next_rounds(turn.session, commune, turn.now, limit=1)
    choices = [button("utter_choice_team", "recharge_prepaid", {"request_topic": "come", "commune": commune})]
    if mine and await is_modest_income(turn.session, mine[0]):
        choices.append(button("utter_intent_request_kwh_advance", "request_kwh_advance"))
    lines = [_point(place) for place in points] + [_round(turn, each) for each in rounds]
    if not lines:
        phone = turn.operator.customer_relations_phone
        say(dispatcher, "utter_recharge_nothing_near", buttons=choices, commune=commune, phone=phone)
        return
    say(dispatcher, "utter_recharge_places", commune=commune)
    for position, line in enumerate(lines):
        # One point and the round are what a short answer keeps.
        spare = Spare(order=1) if 0 < position < len(points) else None
        buttons = choices if position == len(lines) - 1 else None
        say(dispatcher, line["response"], buttons=buttons, spare=spare, **line["params"])


def _point(place: Place) -> dict[str, Any]:
    if place.hours:
        return words("utter_recharge_point_open", name=place.name, address=place.address, hours=place.hours)
    return words("utter_recharge_point", name=place.name, address=place.address)


def _round(turn: Turn, each: Round) -> dict[str, Any]:
    """When the team is there, in Casablanca time."""
    begins, ends = (moment.astimezone(CASABLANCA) for moment in (each.starts_at, each.ends_at))
    response = "utter_recharge_round_now" if each.starts_at <= turn.now else "utter_recharge_round"
    return words(
        response, place=each.place, day=local_day(each.starts_at), begins=f"{begins:%H:%M}", ends=f"{ends:%H:%M}"
    )
