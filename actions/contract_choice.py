"""Whose contract a question is about, and on which of several: asked before anything of an account is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.speech import button, say
from store.models import Billing, Contract


def of_utilities(contracts: list[Contract], utilities: Collection[str]) -> list[Contract]:
    """Those for the utilities that were named; all of them when that is none."""
    return [contract for contract in contracts if contract.utility.value in utilities] or contracts


def prepaid(contracts: Iterable[Contract]) -> list[Contract]:
    """Those whose meter is recharged."""
    return [contract for contract in contracts if contract.billing is Billing.PREPAID]


def with_bills(contracts: list[Contract], number: str | None, utilities: Collection[str]) -> list[Contract]:
    """The sender's contracts that a question about bills may mean: by number, by utility, prepaid ones last.

    None for a stranger, and none for a contract that is not the sender's.
    """
    if number is not None:
        return [contract for contract in contracts if contract.number == number]
    named = of_utilities(contracts, utilities)
    return [contract for contract in named if contract.billing is not Billing.PREPAID] or named


def identify_first(wish: str, contract: str | None) -> list[EventType]:
    """Ask who is writing, then go on with `wish` (`actions.identity.WISHES`)."""
    return [SlotSet("wish", wish), SlotSet("claim", {"contract": contract}), FollowupAction("identity_form")]


def kept_while_identified(tracker: Tracker, slot: str) -> Any | None:
    """What `slot` kept of a question, when the message was the last step of saying who is writing."""
    kept = tracker.get_slot(slot)
    return kept if any(event.get("name") == "action_identified" for event in tracker.events) else None


def ask_which(
    dispatcher: CollectingDispatcher, intent: str, contracts: Iterable[Contract], carried: Mapping[str, Any]
) -> None:
    """Ask for the contract, a button each; `intent` with what is `carried` is what they stand for."""
    known = {name: value for name, value in carried.items() if value}
    choices = [
        button(
            f"utter_choice_{contract.utility}",
            intent,
            {"contract": contract.number, **known},
            number=contract.number,
        )
        for contract in contracts
    ]
    say(dispatcher, "utter_ask_contract_choice", buttons=choices)
