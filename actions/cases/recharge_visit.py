"""That the mobile recharge team comes: where it is wanted, and whom to call.

Open to whoever writes, for a household without power often borrows a phone. A stranger is asked for the commune and
is told nothing of any account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.account import opted_out_remark
from actions.case_questions import CommuneCase, PhoneCase
from actions.casework import ContractCase, is_words
from actions.contract_choice import prepaid
from actions.filing import file_for_sender, standing, withdrawal_button
from actions.message import Message
from actions.speech import say, yes_or_no
from actions.supply import senders_contracts
from actions.turn import Turn
from store.models import Contract, RequestKind
from store.supplies import hold, phones_registered_for

MOST_PLACE = 200
"""Characters kept of where in the commune the team is wanted."""


@dataclass
class RechargeVisit(ContractCase, CommuneCase, PhoneCase):
    """`phone` is E.164; it is asked for where the carrier does not give it and the utility has none."""

    kind: ClassVar[str] = "recharge_visit"
    free_text: ClassVar[tuple[str, ...]] = ("place",)

    place: str | None = None
    sure: bool = False

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        match self.step:
            case None:
                self.absorb_contract(message)
                self.commune = message.first("commune")
                return True
            case "contract":
                return self.absorb_contract(message)
            case "commune":
                return self.absorb_commune(dispatcher, message)
            case "place":
                return self._absorb_place(message)
            case "phone":
                return self.absorb_phone(turn, dispatcher, message)
            case "confirm" if message.intent in ("affirm", "deny"):
                self.sure = message.intent == "affirm"
                if not self.sure:
                    self.place = None
                return True
        return False

    def _absorb_place(self, message: Message) -> bool:
        if not is_words(message):
            return False
        self.commune = message.first("commune") or self.commune
        self.place = message.text.strip()[:MOST_PLACE]
        return True

    async def candidates(self, turn: Turn) -> list[Contract]:
        """The prepaid ones, for nothing else can be recharged; those of the commune, when any is there."""
        mine = prepaid(await senders_contracts(turn))
        return [contract for contract in mine if contract.commune == self.commune] or mine

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        contract = await self.chosen(turn)
        if contract is None and await self.candidates(turn):
            return "contract"
        if await self._stands(turn, dispatcher, contract):
            return None
        if self.commune is None and contract is not None:
            self.commune = contract.commune
        if self.commune is None:
            if self.may_ask_commune:
                return "commune"
            say(dispatcher, "utter_call_instead", phone=turn.operator.customer_relations_phone)
            self.over = True
            return None
        if self.place is None:
            return "place"
        if self.phone is None:
            self.phone = await self._known_phone(turn, contract)
        if self.phone is None:
            return "phone"
        return None if self.sure else "confirm"

    async def _known_phone(self, turn: Turn, contract: Contract | None) -> str | None:
        address = turn.conversation.address
        if address.startswith("+"):
            return address
        registered = [] if contract is None else await phones_registered_for(turn.session, contract.id)
        return next(iter(registered), None)

    async def _stands(self, turn: Turn, dispatcher: CollectingDispatcher, contract: Contract | None) -> bool:
        """Give the reference that stands when the team was asked for already."""
        standing_requests = await standing(turn, RequestKind.RECHARGE_VISIT, contract)
        if not standing_requests:
            return False
        [request, *_] = standing_requests
        self.over = True
        say(
            dispatcher,
            "utter_visit_asked_already",
            buttons=[withdrawal_button(request)],
            reference=request.reference,
            since=request.created_at,
        )
        return True

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        match self.step:
            case "contract":
                await self.ask_contract(turn, dispatcher)
            case "commune":
                say(dispatcher, "utter_ask_commune")
            case "place":
                say(dispatcher, "utter_ask_visit_place", commune=self.commune)
            case "phone":
                say(dispatcher, "utter_ask_visit_phone")
            case "confirm":
                say(
                    dispatcher,
                    "utter_ask_visit_confirmed",
                    buttons=yes_or_no(),
                    place=self.place,
                    commune=self.commune,
                    phone=self.phone,
                )

    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        contract = await self.chosen(turn)
        if contract is not None:
            await hold(turn.session, contract.id)
            if await self._stands(turn, dispatcher, contract):  # asked for from another phone meanwhile
                return
        answered_by = turn.operator.working_days.after(turn.today, turn.operator.prepaid.visit_days)
        request = await file_for_sender(
            turn,
            RequestKind.RECHARGE_VISIT,
            {"commune": self.commune, "place": self.place, "phone": self.phone},
            contract=contract,
            due_on=answered_by,
        )
        say(dispatcher, "utter_visit_received", reference=request.reference, due_on=answered_by)
        opted_out_remark(dispatcher, turn)
