"""Taking a request back before it is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.cases.chosen_request import ChosenRequest
from actions.message import Message
from actions.speech import say, yes_or_no
from actions.turn import Turn
from store.models import Request, RequestState
from store.requests import change, kind_words


@dataclass
class Withdrawal(ChosenRequest):
    """`sure` is that the customer confirmed it."""

    kind: ClassVar[str] = "withdrawal"
    topic: ClassVar[str] = "withdraw"

    sure: bool = False

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        if self.step == "confirm" and message.intent in ("affirm", "deny"):
            self.sure = message.intent == "affirm"
            if not self.sure:
                say(dispatcher, "utter_request_stays", reference=self.reference)
                self.over = True
            return True
        return self.absorb_reference(message)

    def next_step(self) -> str | None:
        return None if self.sure else "confirm"

    def ask_about(self, dispatcher: CollectingDispatcher, request: Request) -> None:
        say(
            dispatcher,
            "utter_ask_withdrawal",
            buttons=yes_or_no(),
            reference=request.reference,
            what=kind_words(request),
        )

    async def do(self, turn: Turn, dispatcher: CollectingDispatcher, request: Request) -> None:
        await change(turn.session, request, RequestState.WITHDRAWN, actor=turn.actor, now=turn.now, told=True)
        say(dispatcher, "utter_request_taken_back", reference=request.reference)
