"""Adding words to a request that is not decided yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.cases.chosen_request import ChosenRequest
from actions.casework import is_words
from actions.message import Message
from actions.speech import say
from actions.turn import Turn
from store.models import Request
from store.requests import kind_words, revise

ADDED = "added"
"""Where a request's details keep them, a text each."""
MOST_WORDS = 500
"""Characters of one addition that are kept."""


@dataclass
class Addition(ChosenRequest):
    """`words` is what the customer adds."""

    kind: ClassVar[str] = "addition"
    topic: ClassVar[str] = "change"
    free_text: ClassVar[Collection[str]] = ("words",)

    words: str | None = None

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        if self.step != "words":
            return self.absorb_reference(message)
        if not is_words(message):
            return False
        self.words = message.text.strip()[:MOST_WORDS]
        return True

    def next_step(self) -> str | None:
        return None if self.words else "words"

    def ask_about(self, dispatcher: CollectingDispatcher, request: Request) -> None:
        say(dispatcher, "utter_ask_addition", reference=request.reference, what=kind_words(request))

    async def do(self, turn: Turn, dispatcher: CollectingDispatcher, request: Request) -> None:
        before = list(request.details.get(ADDED, ()))
        revise(turn.session, request, turn.actor, turn.now, {ADDED: before})
        request.details = {**request.details, ADDED: [*before, self.words]}
        say(dispatcher, "utter_request_added", reference=request.reference)
