"""Where and how to pay, and how much: every channel that the operator has, free of charge."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.balance import Balance
from actions.contract_choice import of_utilities
from actions.message import Message
from actions.payment_links import payment_link
from actions.speech import say, words
from actions.supply import senders_contracts
from actions.turn import Turn, current_turn
from store.bills import open_bills


class HowToPay(Action):
    """The ways to pay; to someone known who owes something, also the page where this very amount is paid."""

    def name(self) -> str:
        return "action_how_to_pay"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        operator = turn.operator
        say(
            dispatcher,
            "utter_how_to_pay",
            ways=[words(f"utter_pay_{way}", page=operator.payment_page) for way in operator.payment_channels],
        )
        await _say_links(dispatcher, turn, Message.of(tracker))
        return []


async def _say_links(dispatcher: CollectingDispatcher, turn: Turn, message: Message) -> None:
    if turn.operator.payment_link is None:
        return
    contracts = await senders_contracts(turn)
    named = [each for each in contracts if each.number == message.contract]
    for contract in named or of_utilities(contracts, message.values("utility")):
        bills = await open_bills(turn.session, [contract.id])
        balance = Balance.of(bills)
        if balance.amount <= 0:
            continue
        reference = next(bill.number for bill in bills if bill.total > bill.paid)
        link = payment_link(turn.operator, contract.number, balance.amount, reference)
        say(dispatcher, "utter_payment_link", contract=contract.number, amount=balance.amount, link=link)
