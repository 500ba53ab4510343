"""kWh in advance for a prepaid household of modest income, recovered from later recharges."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.account import opted_out_remark
from actions.casework import ContractCase
from actions.contract_choice import prepaid
from actions.filing import file_for_sender, standing, withdrawal_button
from actions.handover import offer_agent
from actions.message import Message
from actions.speech import button, say, yes_or_no
from actions.supply import senders_contracts
from actions.turn import Turn
from billing.kwh_advance import Hindrance, NotYet, allowed
from billing.quantity import Quantity
from store.models import Contract, RequestKind
from store.prepaid import ADVANCED, entries, is_modest_income, ledger_of, shown_kwh
from store.supplies import hold


@dataclass
class KwhAdvance(ContractCase):
    kind: ClassVar[str] = "kwh_advance"

    sure: bool = False

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        match self.step:
            case None:
                self.absorb_contract(message)
                return True
            case "contract":
                return self.absorb_contract(message)
            case "confirm" if message.intent in ("affirm", "deny"):
                self.sure = message.intent == "affirm"
                if not self.sure:
                    say(dispatcher, "utter_advance_declined")
                    self.over = True
                return True
        return message.intent == "request_kwh_advance"

    async def candidates(self, turn: Turn) -> list[Contract]:
        """The prepaid ones, when there are any."""
        contracts = await senders_contracts(turn)
        return prepaid(contracts) or contracts

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        if not prepaid(await self.candidates(turn)):
            self.over = True
            delay = button("utter_intent_request_deferral", "request_deferral")
            say(dispatcher, "utter_advance_postpaid", buttons=[delay, button("utter_choice_agent", "talk_to_agent")])
            return None
        contract = await self.chosen(turn)
        if contract is None:
            return "contract"
        if await self._possible(turn, dispatcher, contract) is None:
            self.over = True
            return None
        return None if self.sure else "confirm"

    async def _possible(self, turn: Turn, dispatcher: CollectingDispatcher, contract: Contract) -> Decimal | None:
        """The kWh that may be asked for today; None, and why it is none is said."""
        if not await is_modest_income(turn.session, contract):
            phone = turn.operator.customer_relations_phone
            offer_agent(dispatcher, turn, "utter_advance_not_listed", reason="policy", phone=phone)
            return None
        for request in await standing(turn, RequestKind.KWH_ADVANCE, contract):
            say(
                dispatcher,
                "utter_advance_asked_already",
                buttons=[withdrawal_button(request)],
                reference=request.reference,
                since=request.created_at,
            )
            return None
        ledger = entries(await ledger_of(turn.session, contract.id))
        try:
            return allowed(ledger, turn.operator.prepaid.kwh_advance, turn.today)
        except NotYet as refusal:
            _say_not_yet(turn, dispatcher, refusal)
            return None

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        match self.step:
            case "contract":
                await self.ask_contract(turn, dispatcher)
            case "confirm":
                policy = turn.operator.prepaid.kwh_advance
                say(
                    dispatcher,
                    "utter_ask_advance_confirmed",
                    buttons=yes_or_no(),
                    contract=self.contract,
                    kwh=shown_kwh(policy.kwh),
                    percent=Quantity(policy.recovery_percent),
                )

    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        contract = await self.chosen(turn)
        assert contract is not None
        await hold(turn.session, contract.id)
        kwh = await self._possible(turn, dispatcher, contract)  # again: another phone may have asked meanwhile
        if kwh is None:
            return
        decided_by = turn.operator.working_days.after(turn.today, turn.operator.decision_days)
        request = await file_for_sender(
            turn, RequestKind.KWH_ADVANCE, {ADVANCED: str(kwh)}, contract=contract, due_on=decided_by
        )
        say(dispatcher, "utter_advance_received", reference=request.reference, due_on=decided_by)
        opted_out_remark(dispatcher, turn)


def _say_not_yet(turn: Turn, dispatcher: CollectingDispatcher, refusal: NotYet) -> None:
    """What has to happen first: kWh paid back, a day that comes, or both."""
    if Hindrance.OUTSTANDING not in refusal.hindrances:
        offer_agent(dispatcher, turn, "utter_advance_from_day", reason="policy", day=refusal.from_day)
        return
    later = refusal.from_day > turn.today
    offer_agent(
        dispatcher,
        turn,
        "utter_advance_owed_and_from_day" if later else "utter_advance_owed",
        reason="policy",
        owed=shown_kwh(refusal.owed),
        to_recover=shown_kwh(refusal.to_recover),
        day=refusal.from_day,
    )
