"""How much is owed, and until when. Told to nobody but the contract's own people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.contract_choice import identify_first, of_utilities
from actions.message import Message
from actions.speech import say
from actions.supply import senders_contracts
from actions.turn import current_turn
from store.bills import open_bills
from store.models import Bill, Billing, Contract


@dataclass(frozen=True, slots=True)
class Balance:
    """What is open on one contract, in dirhams. `amount` below zero is a credit."""

    amount: Decimal
    bills: int
    first_due_on: date | None

    @classmethod
    def of(cls, bills: Sequence[Bill]) -> Balance:
        owed = [bill for bill in bills if bill.total > bill.paid]
        amount = sum((bill.total - bill.paid for bill in bills), Decimal(0))
        return cls(amount, len(owed), min((bill.due_on for bill in owed), default=None))


class CheckBalance(Action):
    """Say what is open on each of the sender's contracts, or on those that the message names."""

    def name(self) -> str:
        return "action_check_balance"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        message = Message.of(tracker)
        contracts = await senders_contracts(turn)
        if not contracts:
            return identify_first("balance", message.contract)
        contracts = _named(contracts, message)
        bills = await open_bills(turn.session, [contract.id for contract in contracts])
        for contract in contracts:
            _tell(dispatcher, contract, [bill for bill in bills if bill.contract_id == contract.id], turn.today)
        return []


def _named(contracts: list[Contract], message: Message) -> list[Contract]:
    """The contracts that a message is about: by number, else by utility, else all of them."""
    numbered = [contract for contract in contracts if contract.number == message.contract]
    return numbered or of_utilities(contracts, message.values("utility"))


def _tell(dispatcher: CollectingDispatcher, contract: Contract, bills: Sequence[Bill], today: date) -> None:
    balance = Balance.of(bills)
    if contract.billing is Billing.PREPAID and not bills:
        say(dispatcher, "utter_balance_prepaid", contract=contract.number)
    elif balance.amount < 0:
        say(dispatcher, "utter_balance_credit", contract=contract.number, amount=-balance.amount)
    elif balance.amount == 0 or balance.first_due_on is None:
        say(dispatcher, "utter_balance_nothing", contract=contract.number)
    else:
        response = "utter_balance_due" if balance.first_due_on >= today else "utter_balance_overdue"
        if balance.bills > 1:
            response += "_several"
        say(
            dispatcher,
            response,
            contract=contract.number,
            amount=balance.amount,
            count=balance.bills,
            due_on=balance.first_due_on,
        )
