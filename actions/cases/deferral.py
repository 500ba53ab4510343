"""Paying a debt later ("report")."""

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
from actions.cases.time_to_pay import TimeToPay, owed_bills
from actions.message import Message
from actions.speech import button, say
from actions.turn import Turn
from billing.schedule import NotPossible, Obstacle, Schedule, deferral, last_deferral
from store.models import Bill, RequestKind

REFUSALS = {
    Obstacle.DATE_PAST: "utter_deferral_past",
    Obstacle.NO_DELAY: "utter_deferral_no_delay",
    Obstacle.DATE_TOO_FAR: "utter_deferral_too_far",
}


@dataclass
class Deferral(TimeToPay):
    """`until` is the day that the customer named, ISO 8601."""

    kind: ClassVar[str] = "deferral"
    request_kind: ClassVar[RequestKind] = RequestKind.DEFERRAL
    intent: ClassVar[str] = "request_deferral"

    until: str | None = None

    def absorb_wish(self, message: Message) -> bool:
        if (day := message.payable_on) is None:
            return False
        self.until = day.isoformat()
        return True

    def has_wish(self) -> bool:
        return self.until is not None

    def forget_wish(self) -> None:
        self.until = None

    def schedule(self, turn: Turn, debt: Decimal, bills: Sequence[Bill]) -> Schedule:
        assert self.until is not None
        operator = turn.operator
        return deferral(
            debt,
            date.fromisoformat(self.until),
            turn.today,
            operator.deferral,
            operator.working_days,
            due_on=_first_due(bills),
        )

    def give_way(self, dispatcher: CollectingDispatcher, refusal: NotPossible) -> None:
        say(dispatcher, REFUSALS[refusal.obstacle], day=refusal.day)
        self.until = None

    def ask_wish(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        last = last_deferral(turn.today, turn.operator.deferral, turn.operator.working_days)
        say(
            dispatcher,
            "utter_ask_deferral_until",
            buttons=[
                button("utter_choice_day", self.intent, {"date": last.isoformat()}, day=last),
                button("utter_choice_parts_instead", "request_instalments"),
            ],
        )


def _first_due(bills: Sequence[Bill]) -> date | None:
    return min((bill.due_on for bill in owed_bills(bills)), default=None)


class RequestDeferral(Action):
    """The customer asks to pay later."""

    def name(self) -> str:
        return "action_request_deferral"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        return await casework.start(Deferral(), dispatcher, tracker)
