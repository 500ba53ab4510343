"""Wishes about personal data that a person answers within the law's time: correcting it, erasing it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.account import opted_out_remark
from actions.casework import Case, is_words
from actions.filing import file_for_sender, standing
from actions.message import Message
from actions.speech import say, yes_or_no
from actions.turn import Turn
from store.models import Request, RequestKind

MOST_WORDS = 500
"""Characters that are kept of what is to be corrected."""


@dataclass
class PersonalDataCase(Case):
    """Anyone may ask, also who proved no contract: it is about what they wrote here. `sure`: they confirmed it."""

    topic: ClassVar[str]
    request_kind: ClassVar[RequestKind]

    sure: bool = False

    def absorb_confirmation(self, dispatcher: CollectingDispatcher, message: Message) -> bool:
        if message.intent not in ("affirm", "deny"):
            return False
        self.sure = message.intent == "affirm"
        if not self.sure:
            say(dispatcher, "utter_personal_data_left")
            self.over = True
        return True

    async def stands(self, turn: Turn, dispatcher: CollectingDispatcher) -> bool:
        """Say so when the same was asked for and is not answered yet."""
        for request in await standing(turn, self.request_kind):
            _receipt(dispatcher, "utter_personal_data_asked_already", request)
            self.over = True
        return self.over

    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        request = await file_for_sender(
            turn,
            self.request_kind,
            self.details(),
            due_on=turn.today + timedelta(days=turn.operator.privacy.answer_days),
        )
        _receipt(dispatcher, "utter_personal_data_asked", request)
        opted_out_remark(dispatcher, turn)

    @abstractmethod
    def details(self) -> dict[str, Any]:
        """What the person who answers needs to know."""


@dataclass
class Rectification(PersonalDataCase):
    """`words` say what is wrong and what is right."""

    kind: ClassVar[str] = "rectification"
    topic: ClassVar[str] = "rectify"
    request_kind: ClassVar[RequestKind] = RequestKind.RECTIFICATION
    free_text: ClassVar[Collection[str]] = ("words",)

    words: str | None = None

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        match self.step:
            case "words":
                if not is_words(message):
                    return False
                self.words = message.text.strip()[:MOST_WORDS]
                return True
            case "confirm":
                return self.absorb_confirmation(dispatcher, message)
        return True

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        if await self.stands(turn, dispatcher):
            return None
        if not self.words:
            return "words"
        return None if self.sure else "confirm"

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        if self.step == "words":
            say(dispatcher, "utter_ask_rectification")
        else:
            _ask_sure(dispatcher, "utter_ask_rectification_sure", words=self.words)

    def details(self) -> dict[str, Any]:
        return {"words": self.words}


@dataclass
class Erasure(PersonalDataCase):
    """What was said here goes; bills, payments and readings stay, which the question says."""

    kind: ClassVar[str] = "erasure"
    topic: ClassVar[str] = "erase"
    request_kind: ClassVar[RequestKind] = RequestKind.ERASURE

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        return self.step is None or self.absorb_confirmation(dispatcher, message)

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        if await self.stands(turn, dispatcher):
            return None
        return None if self.sure else "confirm"

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        _ask_sure(dispatcher, "utter_ask_erasure_sure")

    def details(self) -> dict[str, Any]:
        return {}


def _ask_sure(dispatcher: CollectingDispatcher, response: str, **params: Any) -> None:
    choices = yes_or_no()
    say(dispatcher, response, buttons=choices, **params)


def _receipt(dispatcher: CollectingDispatcher, response: str, request: Request) -> None:
    say(dispatcher, response, reference=request.reference, due_on=request.due_on)
