"""Paying a debt in parts ("facilités")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions import casework
from actions.cases.time_to_pay import TimeToPay
from actions.message import Message
from actions.speech import button, say
from actions.turn import Turn
from billing.schedule import InstalmentWish, NotPossible, Obstacle, Schedule, instalments
from store.models import Bill, RequestKind

REFUSALS = {
    Obstacle.TOO_MANY_PARTS: "utter_parts_too_many",
    Obstacle.TOO_FEW_PARTS: "utter_parts_too_few",
    Obstacle.AMOUNT_ABOVE_DEBT: "utter_first_above_debt",
    Obstacle.FIRST_TOO_SMALL: "utter_first_too_small",
    Obstacle.REST_TOO_SMALL: "utter_first_too_large",
    Obstacle.DATE_PAST: "utter_first_past",
    Obstacle.DATE_TOO_FAR: "utter_first_too_far",
}
ABOUT_PARTS = frozenset({Obstacle.TOO_MANY_PARTS, Obstacle.TOO_FEW_PARTS})
PROPOSED_PARTS = (2, 3, 4)


@dataclass
class Instalments(TimeToPay):
    """`first` is what the customer offers to pay first, dirhams as text, `first_on` when, ISO 8601."""

    kind: ClassVar[str] = "instalments"
    request_kind: ClassVar[RequestKind] = RequestKind.INSTALMENTS
    intent: ClassVar[str] = "request_instalments"

    parts: int | None = None
    first: str | None = None
    first_on: str | None = None

    def absorb_wish(self, message: Message) -> bool:
        count, amount, day = message.count, message.amount, message.payable_on
        if count is None and self.step == "wish" and amount is None and day is None:
            count = message.bare_number
        if count is not None:
            self.parts = count
        if amount is not None:
            self.first = str(amount)
        if day is not None:
            self.first_on = day.isoformat()
        return count is not None or amount is not None or day is not None

    def has_wish(self) -> bool:
        return self.parts is not None

    def forget_wish(self) -> None:
        self.parts = self.first = self.first_on = None

    def schedule(self, turn: Turn, debt: Decimal, bills: Sequence[Bill]) -> Schedule:
        assert self.parts is not None
        wish = InstalmentWish(
            self.parts,
            None if self.first is None else Decimal(self.first),
            None if self.first_on is None else date.fromisoformat(self.first_on),
        )
        return instalments(debt, wish, turn.today, turn.operator.instalments, turn.operator.working_days)

    def give_way(self, dispatcher: CollectingDispatcher, refusal: NotPossible) -> None:
        response = REFUSALS[refusal.obstacle]
        say(dispatcher, response, day=refusal.day, parts=refusal.parts, amount=refusal.amount)
        if refusal.obstacle in ABOUT_PARTS:
            self.parts = None
        else:
            self.first = self.first_on = None  # the parts are proposed with the usual first payment

    def ask_wish(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        most = turn.operator.instalments.max_parts
        choices = [
            button("utter_choice_parts", self.intent, {"count": parts}, parts=parts)
            for parts in PROPOSED_PARTS
            if parts <= most
        ]
        say(dispatcher, "utter_ask_parts", buttons=choices, most=most)


class RequestInstalments(Action):
    """The customer asks to pay in parts."""

    def name(self) -> str:
        return "action_request_instalments"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        return await casework.start(Instalments(), dispatcher, tracker)
