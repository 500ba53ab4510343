"""What a customer asks about a bill, and on which contract: kept while they say who they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.message import Message
from actions.speech import button, say
from actions.supply import senders_contracts
from actions.turn import Turn
from store.models import Billing, Contract

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
        kept = tracker.get_slot(SLOT)
        if kept and any(event.get("name") == "action_identified" for event in tracker.events):
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
        return [
            SlotSet("wish", wish),
            SlotSet(SLOT, asdict(self)),
            SlotSet("claim", {"contract": self.contract}),
            FollowupAction("identity_form"),
        ]

    async def contracts(self, turn: Turn) -> list[Contract]:
        """The sender's contracts that this may be about: by number, by utility, those with bills before prepaid.

        None for a stranger, and none for a contract that is not the sender's.
        """
        contracts = await senders_contracts(turn)
        if self.contract is not None:
            return [contract for contract in contracts if contract.number == self.contract]
        named = [contract for contract in contracts if contract.utility.value == self.utility] or contracts
        return [contract for contract in named if contract.billing is not Billing.PREPAID] or named

    def ask_which(self, dispatcher: CollectingDispatcher, intent: str, contracts: Iterable[Contract]) -> None:
        """Ask for the contract, a button each; `intent` with the same question is what they stand for."""
        carried: dict[str, Any] = {"topic": self.topic, "words": self.words}
        carried = {name: value for name, value in carried.items() if value}
        choices = [
            button(
                f"utter_choice_{contract.utility}",
                intent,
                {"contract": contract.number, **carried},
                number=contract.number,
            )
            for contract in contracts
        ]
        say(dispatcher, "utter_ask_contract_choice", buttons=choices)
