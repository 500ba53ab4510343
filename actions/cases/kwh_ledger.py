"""What is still owed of kWh that were advanced, and what was given and paid back last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.casework import ContractCase, Question
from actions.contract_choice import prepaid
from actions.message import Message
from actions.speech import say, words
from actions.supply import senders_contracts
from actions.turn import Turn
from billing.kwh_advance import outstanding
from store.models import Contract, LedgerEntry, LedgerKind
from store.prepaid import entries, ledger_of, shown_kwh

SHOWN = 3
"""The latest lines of a ledger that are told."""


@dataclass
class KwhLedger(ContractCase, Question):
    """What is owed on one of the sender's prepaid contracts."""

    kind: ClassVar[str] = "kwh_ledger"

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        return self.absorb_contract(message) or self.step is None

    async def candidates(self, turn: Turn) -> list[Contract]:
        """The prepaid ones: others have no ledger."""
        return prepaid(await senders_contracts(turn))

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        contract = await self.chosen(turn)
        if contract is None and await self.candidates(turn):
            return "contract"
        self.over = True
        if contract is None:
            say(dispatcher, "utter_ledger_postpaid")
        else:
            await _tell(turn, dispatcher, contract)
        return None

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        await self.ask_contract(turn, dispatcher)


async def _tell(turn: Turn, dispatcher: CollectingDispatcher, contract: Contract) -> None:
    lines = await ledger_of(turn.session, contract.id)
    moved = [line for line in lines if line.kwh]
    if not moved:
        say(dispatcher, "utter_ledger_empty", contract=contract.number)
        return
    owed = outstanding(entries(lines))
    say(
        dispatcher,
        "utter_ledger_owed" if owed > 0 else "utter_ledger_even",
        contract=contract.number,
        owed=shown_kwh(owed),
        lines=[_line(line) for line in reversed(moved[-SHOWN:])],
    )


def _line(line: LedgerEntry) -> dict[str, Any]:
    if line.kind is LedgerKind.RECOVERY and line.bought is not None:
        return words("utter_ledger_recovery", at=line.at, kwh=shown_kwh(-line.kwh), bought=shown_kwh(line.bought))
    if line.kind is LedgerKind.ADVANCE:
        return words("utter_ledger_advance", at=line.at, kwh=shown_kwh(line.kwh))
    return words("utter_ledger_correction", at=line.at, kwh=shown_kwh(line.kwh))
