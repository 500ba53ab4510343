"""Taking a request back before it is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.cases.chosen_request import ChosenRequest
from actions.message import Message
from actions.speech import button, say
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

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        request = await self.found(turn, dispatcher)
        if request is None:
            return None if self.over else "which"
        return None if self.sure else "confirm"

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        if self.step == "which":
            await self.ask_which_request(turn, dispatcher)
            return
        request = await self.found(turn, dispatcher)
        assert request is not None
        say(
            dispatcher,
            "utter_ask_withdrawal",
            buttons=[button("utter_choice_yes", "affirm"), button("utter_choice_no", "deny")],
            reference=request.reference,
            what=kind_words(request),
        )

    async def do(self, turn: Turn, dispatcher: CollectingDispatcher, request: Request) -> None:
        await change(turn.session, request, RequestState.WITHDRAWN, actor=turn.actor, now=turn.now, told=True)
        say(dispatcher, "utter_request_taken_back", reference=request.reference)
