"""That the mobile recharge team comes: where it is wanted, and whom to call.

Open to whoever writes, for a household without power often borrows a phone. A stranger is asked for the commune and
is told nothing of any account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import phonenumbers
from rasa_sdk.executor import CollectingDispatcher

from actions.account import opted_out_remark
from actions.casework import ContractCase, is_words
from actions.message import Message
from actions.speech import button, say
from actions.supply import senders_contracts
from actions.turn import Turn
from store.models import Billing, Contract, RequestKind
from store.prepaid import hold
from store.requests import OPEN, Filing, file, open_requests, requests_of
from store.supplies import phones_registered_for

MOST_PLACE = 200
"""Characters kept of where in the commune the team is wanted."""
TRIES = 2
"""Communes that we do not know, after which the customer is sent to the telephone."""


@dataclass
class RechargeVisit(ContractCase):
    """`phone` is E.164; it is asked for where the carrier does not give it and the utility has none."""

    kind: ClassVar[str] = "recharge_visit"
    free_text: ClassVar[tuple[str, ...]] = ("place",)

    commune: str | None = None
    place: str | None = None
    phone: str | None = None
    sure: bool = False
    misses: int = 0

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        match self.step:
            case None:
                self.absorb_contract(message)
                self.commune = message.first("commune")
                return True
            case "contract":
                return self.absorb_contract(message)
            case "commune":
                return self._absorb_commune(dispatcher, message)
            case "place":
                return self._absorb_place(message)
            case "phone":
                return self._absorb_phone(turn, dispatcher, message)
            case "confirm" if message.intent in ("affirm", "deny"):
                self.sure = message.intent == "affirm"
                if not self.sure:
                    self.place = None
                return True
        return False

    def _absorb_commune(self, dispatcher: CollectingDispatcher, message: Message) -> bool:
        self.commune = message.first("commune")
        if self.commune is None:
            if not is_words(message):
                return False
            self.misses += 1
            say(dispatcher, "utter_commune_unknown")
        return True

    def _absorb_place(self, message: Message) -> bool:
        if not is_words(message):
            return False
        self.commune = message.first("commune") or self.commune
        self.place = message.text.strip()[:MOST_PLACE]
        return True

    def _absorb_phone(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        self.phone = turn.shared_phone or phone_in(message.text, turn.operator.country)
        if self.phone is None and any(character.isdecimal() for character in message.text):
            say(dispatcher, "utter_not_a_phone")
            return True
        return self.phone is not None

    async def candidates(self, turn: Turn) -> list[Contract]:
        """The prepaid ones, for nothing else can be recharged; those of the commune, when any is there."""
        prepaid = [contract for contract in await senders_contracts(turn) if contract.billing is Billing.PREPAID]
        return [contract for contract in prepaid if contract.commune == self.commune] or prepaid

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        contract = await self.chosen(turn)
        if contract is None and await self.candidates(turn):
            return "contract"
        if await self._stands(turn, dispatcher, contract):
            return None
        if self.commune is None and contract is not None:
            self.commune = contract.commune
        if self.commune is None:
            if self.misses < TRIES:
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
        if contract is not None:
            standing = await open_requests(turn.session, contract.id, RequestKind.RECHARGE_VISIT)
        else:
            mine = await requests_of(turn.session, turn.conversation.id, [])
            standing = [each for each in mine if each.kind is RequestKind.RECHARGE_VISIT and each.state in OPEN]
        if not standing:
            return False
        [request, *_] = standing
        self.over = True
        withdraw = {"reference": request.reference, "request_topic": "withdraw"}
        say(
            dispatcher,
            "utter_visit_asked_already",
            buttons=[button("utter_choice_withdraw", "check_request", withdraw)],
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
                    buttons=[button("utter_choice_yes", "affirm"), button("utter_choice_no", "deny")],
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
        request = await file(
            turn.session,
            Filing(
                kind=RequestKind.RECHARGE_VISIT,
                actor=turn.actor,
                now=turn.now,
                contract_id=None if contract is None else contract.id,
                conversation_id=turn.conversation.id,
                message_id=turn.message_id,
                details={"commune": self.commune, "place": self.place, "phone": self.phone},
                due_on=answered_by,
            ),
        )
        say(dispatcher, "utter_visit_received", reference=request.reference, due_on=answered_by)
        opted_out_remark(dispatcher, turn)


def phone_in(text: str, country: str) -> str | None:
    """The first phone number of a text as +212…; one without a prefix belongs to `country` (ISO code)."""
    numbers = phonenumbers.PhoneNumberMatcher(text, country, leniency=phonenumbers.Leniency.VALID)
    found = next(iter(numbers), None)
    return None if found is None else phonenumbers.format_number(found.number, phonenumbers.PhoneNumberFormat.E164)
