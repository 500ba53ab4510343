"""Prepaid meters: where to recharge, when the mobile team comes, and kWh in advance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions import casework
from actions.cases.kwh_advance import KwhAdvance
from actions.cases.kwh_ledger import KwhLedger
from actions.cases.recharge_visit import TRIES, RechargeVisit
from actions.casework import Case, is_words
from actions.message import Message
from actions.speech import Spare, button, say, words
from actions.supply import senders_contracts
from actions.turn import Turn, current_turn
from billing.calendar import CASABLANCA, local_day
from store.models import Billing, Contract, Place, PlaceKind, Round
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
        if contracts and not _prepaid(contracts) and message.first("commune") is None:
            cut = button("utter_intent_report_outage", "report_outage")
            say(dispatcher, "utter_recharge_postpaid", buttons=[cut, button("utter_choice_agent", "talk_to_agent")])
            return []
        if "come" in topics:
            return await casework.start(RechargeVisit(), dispatcher, tracker, known=False)
        return await _answer(WhereToRecharge(), dispatcher, message, known=False)


class RequestKwhAdvance(Action):
    """The customer asks for kWh in advance, or what is still owed of one."""

    def name(self) -> str:
        return "action_request_kwh_advance"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        message = Message.of(tracker)
        if "ledger" in message.values("request_topic"):
            return await _answer(KwhLedger(), dispatcher, message)
        return await casework.start(KwhAdvance(), dispatcher, tracker)


async def _answer(
    question: Case, dispatcher: CollectingDispatcher, message: Message, *, known: bool = True
) -> list[EventType]:
    """Answer at once where nothing has to be asked first, so that a form that is open stays so.

    `known` asks first who is writing.
    """
    turn = current_turn()
    await question.absorb(turn, dispatcher, message)
    if known and not await senders_contracts(turn):
        return question.opened_by_stranger(message.contract)
    if await question.advance(turn, dispatcher) is None:
        return []
    return question.opened()


@dataclass
class WhereToRecharge(Case):
    """A question, not a request: it is over as soon as the commune is known."""

    kind: ClassVar[str] = "where_to_recharge"

    commune: str | None = None
    misses: int = 0

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        self.commune = message.first("commune")
        if self.commune is not None or self.step is None:
            return True
        if not is_words(message):
            return False
        self.misses += 1
        say(dispatcher, "utter_commune_unknown")
        return True

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        prepaid = _prepaid(await senders_contracts(turn))
        communes = [self.commune] if self.commune else sorted({contract.commune for contract in prepaid})
        if not communes and self.misses < TRIES:
            return "commune"
        self.over = True
        if not communes:
            say(dispatcher, "utter_call_instead", phone=turn.operator.customer_relations_phone)
        for commune in communes:
            await _tell(turn, dispatcher, commune, [each for each in prepaid if each.commune == commune])
        return None

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        say(dispatcher, "utter_ask_commune")

    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        """A question files nothing."""


def _prepaid(contracts: Sequence[Contract]) -> list[Contract]:
    return [contract for contract in contracts if contract.billing is Billing.PREPAID]


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
