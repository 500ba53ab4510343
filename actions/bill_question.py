"""What a customer asks about a bill, and on which contract: kept while they say who they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.contract_choice import ask_which, identify_first, kept_while_identified, with_bills
from actions.message import Message
from actions.supply import senders_contracts
from actions.turn import Turn
from store.models import Contract

SLOT = "bill_question"


@dataclass(frozen=True, slots=True)
class BillQuestion:
    """`topic` is one of `nlu.topics`, None for the bill as a whole; `bill` is the number of a bill just spoken of.

    `words` are the customer's own, also when a button has been pressed since.
    """

    topic: str | None = None
    contract: str | None = None
    utility: str | None = None
    bill: str | None = None
    words: str = ""

    @classmethod
    def of(cls, tracker: Tracker) -> BillQuestion:
        """The question in the message, or the one that the sender had to be identified for."""
        if kept := kept_while_identified(tracker, SLOT):
            return cls(**kept)
        message = Message.of(tracker)
        return cls(
            topic=message.first("topic"),
            contract=message.contract,
            utility=message.first("utility"),
            bill=message.first("bill"),
            words=message.first("words") or message.text,
        )

    def identify_first(self, wish: str) -> list[EventType]:
        """Ask who is writing, then go on with `wish` (`actions.identity.WISHES`)."""
        return [SlotSet(SLOT, asdict(self)), *identify_first(wish, self.contract)]

    async def contracts(self, turn: Turn) -> list[Contract]:
        """The sender's contracts that this may be about."""
        utilities = () if self.utility is None else (self.utility,)
        return with_bills(await senders_contracts(turn), self.contract, utilities)

    def ask_which(self, dispatcher: CollectingDispatcher, intent: str, contracts: Iterable[Contract]) -> None:
        """Ask for the contract, a button each; `intent` with the same question is what they stand for."""
        ask_which(dispatcher, intent, contracts, {"topic": self.topic, "words": self.words})
