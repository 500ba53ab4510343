"""The form that every request is made with: what a customer asks for becomes a case, question by question.

Each kind of request is a `Case` in a module of its own (`actions/cases/`): what it takes from a message, what it
still has to ask, what it files. The form knows none of them. A message that answers nothing is left to the rules
of the customer's other questions, after which the open question is put again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.contract_choice import ask_which, identify_first, of_utilities
from actions.forms import is_answering
from actions.message import Message
from actions.supply import senders_contracts
from actions.turn import Turn, current_turn
from store.models import Contract

FORM = "case_form"
SLOT = "case"
ANSWER = "case_answer"

ALWAYS_HEARD = frozenset({"cancel", "talk_to_agent", "help", "opt_out", "change_language"})
"""What a customer may say in the middle of anything; no free text is taken for these."""
_QUESTION_MARKS = ("?", "؟")
CHITCHAT = frozenset({"affirm", "deny", "greet", "goodbye", "thank", "out_of_scope", "nlu_fallback", None})


@dataclass
class Case(ABC):
    """A request in the making. Its fields are kept in the dialogue between messages: JSON values only.

    `step` is the question that is open, None before the first; `over` ends the form with nothing to file.
    """

    kind: ClassVar[str]
    kinds: ClassVar[dict[str, type[Case]]] = {}
    free_text: ClassVar[Collection[str]] = ()
    """Steps that take any words for an answer: such a message is not split into several requests."""

    step: str | None = None
    over: bool = False

    def __init_subclass__(cls) -> None:
        if "kind" in cls.__dict__:
            Case.kinds[cls.kind] = cls

    @classmethod
    def load(cls, slot: dict[str, Any]) -> Case:
        fields = {name: value for name, value in slot.items() if name not in ("kind", "free")}
        return cls.kinds[slot["kind"]](**fields)

    def dump(self) -> dict[str, Any]:
        return {"kind": self.kind, "free": self.step in self.free_text, **asdict(self)}

    @abstractmethod
    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        """Take what `message` says: all of it when `step` is None, else as the answer to that question.

        False when it is about something else. What is wrong with an answer is said here, once.
        """

    @abstractmethod
    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        """The next question, or None when there is all that is needed or the case is `over`.

        Also called when the customer comes back from another question, and after days: what is put together here is
        looked up anew, and nothing is said but why a case is over.
        """

    @abstractmethod
    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        """Put the question of `step`."""

    @abstractmethod
    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        """File the request and say so, with its reference."""

    def opened(self) -> list[EventType]:
        """The events that go on with this case in the form."""
        return [SlotSet(SLOT, self.dump()), SlotSet("parked", None), FollowupAction(FORM)]

    def opened_by_stranger(self, contract: str | None) -> list[EventType]:
        """The same, after the sender has said who they are."""
        return [SlotSet(SLOT, self.dump()), SlotSet("parked", None), *identify_first("case", contract)]


class Question(Case):
    """A question, not a request: it is over as soon as there is all that the answer needs."""

    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        """A question files nothing."""


@dataclass
class ContractCase(Case):
    """A case about one of the sender's contracts, named by number or by utility."""

    contract: str | None = None
    utility: str | None = None

    def absorb_contract(self, message: Message) -> bool:
        """Take a contract's number or a utility. False when the message has neither."""
        utility = message.first("utility")
        if message.contract is not None:
            self.contract = message.contract
        elif utility is not None:
            self.utility, self.contract = str(utility), None
        return message.contract is not None or utility is not None

    async def candidates(self, turn: Turn) -> list[Contract]:
        """The sender's contracts that this may be about; a case may leave some out."""
        return await senders_contracts(turn)

    async def chosen(self, turn: Turn) -> Contract | None:
        """The contract, when there is no doubt which."""
        contracts = await self.candidates(turn)
        named = [contract for contract in contracts if contract.number == self.contract]
        if not named:
            self.contract = None
            named = of_utilities(contracts, (self.utility,) if self.utility else ())
        if len(named) != 1:
            return None
        self.contract = named[0].number
        return named[0]

    async def ask_contract(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        ask_which(dispatcher, "identify", await self.candidates(turn), {})


def is_words(message: Message) -> bool:
    """Whether a message may be taken for what free text was asked for, rather than for another wish."""
    if message.intent in ALWAYS_HEARD:
        return False
    asks = message.text.rstrip().endswith(_QUESTION_MARKS) and message.intent not in CHITCHAT
    return bool(message.text.strip()) and not asks


async def start(
    case: Case, dispatcher: CollectingDispatcher, tracker: Tracker, *, known: bool = True
) -> list[EventType]:
    """Open a case with the message that asked for it; `known` asks first who is writing."""
    turn = current_turn()
    message = Message.of(tracker)
    await case.absorb(turn, dispatcher, message)
    if known and not await senders_contracts(turn):
        return case.opened_by_stranger(message.contract)
    return case.opened()


async def answer(
    question: Question, dispatcher: CollectingDispatcher, message: Message, *, known: bool = True
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


class ValidateCaseForm(Action):
    """Moves the case on, message by message."""

    def name(self) -> str:
        return f"validate_{FORM}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        slot = tracker.get_slot(SLOT)
        if not slot:
            return [SlotSet("requested_slot", None)]
        case = Case.load(slot)
        if (
            case.step is not None
            and is_answering(tracker, FORM)
            and not await case.absorb(turn, dispatcher, Message.of(tracker))
        ):
            return []
        case.step = None if case.over else await case.advance(turn, dispatcher)
        return [SlotSet(SLOT, case.dump()), SlotSet("requested_slot", ANSWER if case.step else None)]


class AskCaseAnswer(Action):
    """Put the question that is open."""

    def name(self) -> str:
        return f"action_ask_{FORM}_{ANSWER}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        await Case.load(tracker.get_slot(SLOT)).ask(current_turn(), dispatcher)
        return []


class CaseDone(Action):
    """The form is over: file what it gathered."""

    def name(self) -> str:
        return "action_case_done"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        slot = tracker.get_slot(SLOT)
        if slot and not slot["over"]:
            await Case.load(slot).submit(current_turn(), dispatcher)
        return [SlotSet(SLOT, None)]
