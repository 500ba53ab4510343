"""Time to pay what is owed: what a deferral and instalments have in common.

The customer is shown dates and amounts, sends them, and gets a reference. Nothing is promised: a person decides.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.account import opted_out_remark
from actions.cases.chosen_request import senders_request
from actions.casework import ContractCase, is_words
from actions.filing import file_for_sender, withdrawal_button
from actions.handover import offer_agent
from actions.message import Message
from actions.speech import button, say, words, yes_or_no
from actions.supply import senders_contracts
from actions.turn import Turn
from billing.schedule import NotPossible, Obstacle, Schedule
from store.bills import open_bills
from store.models import Bill, Contract, RequestBill, RequestKind
from store.requests import (
    OPEN,
    RUNNING,
    Payable,
    open_requests,
    propose,
    reschedule,
)
from store.supplies import hold

ASKS_FOR_TIME = ("request_deferral", "request_instalments")
QUESTIONS = frozenset({"check_balance", "how_to_pay", "estimate_bill", "check_request", "how_to_read_meter"})
"""What is no reason although many write it without a question mark."""
MOST_REASON = 300
"""Characters of a reason that are kept."""


@dataclass
class TimeToPay(ContractCase):
    """`bills` are the numbers of those it is about, None until chosen; `reference` is a request being changed.

    `asked_why` is whether the reason was asked for: it may be left out. `sure` is that the customer sends it.
    """

    request_kind: ClassVar[RequestKind]
    intent: ClassVar[str]
    free_text: ClassVar[Collection[str]] = ("reason",)

    reference: str | None = None
    bills: list[str] | None = None
    reason: str | None = None
    asked_why: bool = False
    sure: bool = False

    # --- what a kind brings

    @abstractmethod
    def absorb_wish(self, message: Message) -> bool:
        """Take until when, or in how many parts."""

    @abstractmethod
    def has_wish(self) -> bool: ...

    @abstractmethod
    def forget_wish(self) -> None: ...

    @abstractmethod
    def schedule(self, turn: Turn, debt: Decimal, bills: Sequence[Bill]) -> Schedule:
        """What to propose. Raises `NotPossible`."""

    @abstractmethod
    def give_way(self, dispatcher: CollectingDispatcher, refusal: NotPossible) -> None:
        """Say why the wish cannot be asked for and the nearest that can; forget what of it cannot be."""

    @abstractmethod
    def ask_wish(self, turn: Turn, dispatcher: CollectingDispatcher) -> None: ...

    # --- the case

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        match self.step:
            case "reason":
                return self._absorb_reason(message)
            case "bills":
                return self._absorb_bills(message) or self.absorb_wish(message)
            case "confirm" if message.intent in ("affirm", "deny"):
                self.sure = message.intent == "affirm"
                if not self.sure:
                    self.forget_wish()
                    say(dispatcher, "utter_time_change_wish")
                return True
            case "contract":
                return self.absorb_contract(message) or self.absorb_wish(message)
            case None:
                self.reference = message.first("reference")
                self.absorb_contract(message)
                self.absorb_wish(message)
                return True
        if self.absorb_wish(message):
            return True
        if message.intent == self.intent:  # "I shall never be able to pay"
            offer_agent(dispatcher, turn, "utter_time_no_wish", reason="policy")
        return message.intent == self.intent

    def _absorb_reason(self, message: Message) -> bool:
        if message.intent == "deny" or message.first("words") == "skip":
            self.asked_why = True
            return True
        if message.intent in ASKS_FOR_TIME:  # another wish is no reason
            if message.intent != self.intent:
                return False
            if self.absorb_wish(message):
                return True
        if message.intent in QUESTIONS or not is_words(message):
            return False
        self.reason = message.text.strip()[:MOST_REASON]
        self.asked_why = True
        return True

    def _absorb_bills(self, message: Message) -> bool:
        number = message.first("bill")
        if number is not None:
            self.bills = [str(number)]
        elif message.intent == "affirm":
            self.bills = []
        return self.bills is not None

    async def candidates(self, turn: Turn) -> list[Contract]:
        """Those with something to pay, when any has."""
        contracts = await senders_contracts(turn)
        owing = {bill.contract_id for bill in await self._owed(turn, contracts)}
        return [contract for contract in contracts if contract.id in owing] or contracts

    async def _owed(self, turn: Turn, contracts: Sequence[Contract]) -> list[Bill]:
        return await open_bills(turn.session, [contract.id for contract in contracts])

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        if not await self._recalled(turn, dispatcher):
            return None
        if not await self._owed(turn, await self.candidates(turn)):
            self._end(dispatcher, "utter_time_nothing_owed")
            return None
        contract = await self.chosen(turn)
        if contract is None:
            return "contract"
        if self.reference is None and await self._stands(turn, dispatcher, contract):
            return None
        bills = await self._owed(turn, [contract])
        if sum((bill.total - bill.paid for bill in bills), Decimal(0)) <= 0:
            self._end(dispatcher, "utter_time_nothing_owed")
            return None
        if self.bills is None and len(owed_bills(bills)) == 1:
            self.bills = []
        bills = self.covered(bills)
        if self.bills is None:
            return "bills"
        while self.has_wish():
            try:
                self.schedule(turn, debt_of(bills), bills)
                break
            except NotPossible as refusal:
                if refusal.obstacle is Obstacle.DEBT_TOO_SMALL:
                    self._end(dispatcher, "utter_time_debt_too_small", amount=refusal.amount)
                    return None
                self.give_way(dispatcher, refusal)
        else:
            return "wish"
        if not self.asked_why and self.reference is None:
            return "reason"
        return None if self.sure else "confirm"

    def covered(self, bills: Sequence[Bill]) -> list[Bill]:
        """The open bills that the request is about: those chosen while they are open, else all."""
        chosen = [bill for bill in bills if bill.number in (self.bills or ())]
        return chosen or list(bills)

    def _end(self, dispatcher: CollectingDispatcher, response: str, **params: Any) -> None:
        say(dispatcher, response, **params)
        self.over = True

    async def _recalled(self, turn: Turn, dispatcher: CollectingDispatcher) -> bool:
        """Take contract and bills from the request that is to be changed; False when there is none that may be."""
        if self.reference is None:
            return True
        request = await senders_request(turn, self.reference)
        if request is None or request.kind is not self.request_kind or request.contract is None:
            self._end(dispatcher, "utter_request_unknown", reference=self.reference)
            return False
        if request.state not in OPEN:
            self._end(dispatcher, "utter_time_decided", reference=self.reference)
            return False
        self.contract = request.contract.number
        if self.bills is None:
            open_now = {bill.id: bill.number for bill in await self._owed(turn, [request.contract])}
            self.bills = [open_now[each.bill_id] for each in request.bills if each.bill_id in open_now]
        return True

    async def _stands(self, turn: Turn, dispatcher: CollectingDispatcher, contract: Contract) -> bool:
        """Say so when time was asked for already, or given: one request at a time."""
        for kind in (RequestKind.DEFERRAL, RequestKind.INSTALMENTS):
            for request in await open_requests(turn.session, contract.id, kind, (*OPEN, *RUNNING)):
                self.over = True
                if request.state in RUNNING:
                    offer_agent(
                        dispatcher,
                        turn,
                        "utter_time_granted_already",
                        reason="policy",
                        reference=request.reference,
                    )
                    return True
                say(
                    dispatcher,
                    "utter_time_asked_already",
                    buttons=[
                        button("utter_choice_change", f"request_{kind}", {"reference": request.reference}),
                        withdrawal_button(request),
                    ],
                    reference=request.reference,
                    since=request.created_at,
                )
                return True
        return False

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        match self.step:
            case "contract":
                await self.ask_contract(turn, dispatcher)
            case "bills":
                await self._ask_bills(turn, dispatcher)
            case "wish":
                self.ask_wish(turn, dispatcher)
            case "reason":
                skip = button("utter_choice_skip", "deny", {"words": "skip"})
                say(dispatcher, "utter_ask_time_reason", buttons=[skip])
            case "confirm":
                await self._ask_confirmation(turn, dispatcher)

    async def _ask_bills(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        contract = await self.chosen(turn)
        assert contract is not None
        bills = await self._owed(turn, [contract])
        choices = [
            button("utter_choice_bill", self.intent, {"bill": bill.number}, due_on=bill.due_on)
            for bill in owed_bills(bills)
        ]
        everything = button("utter_choice_all_bills", "affirm", amount=debt_of(bills))
        say(dispatcher, "utter_ask_bills", buttons=[everything, *choices[:3]])

    async def _ask_confirmation(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        contract = await self.chosen(turn)
        assert contract is not None
        bills = self.covered(await self._owed(turn, [contract]))
        schedule = self.schedule(turn, debt_of(bills), bills)
        say(
            dispatcher,
            "utter_ask_time_confirmed",
            buttons=yes_or_no(),
            contract=contract.number,
            schedule=[words("utter_instalment", due_on=each.due_on, amount=each.amount) for each in schedule],
        )

    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        contract = await self.chosen(turn)
        assert contract is not None
        await hold(turn.session, contract.id)  # so that the same request from another phone is seen
        bills = self.covered(await self._owed(turn, [contract]))
        schedule = [(each.due_on, each.amount) for each in self.schedule(turn, debt_of(bills), bills)]
        if self.reference is not None:
            await self._revise(turn, dispatcher, schedule)
            return
        if await self._stands(turn, dispatcher, contract):
            return
        decided_by = turn.operator.working_days.after(turn.today, turn.operator.decision_days)
        request = await file_for_sender(
            turn,
            self.request_kind,
            {"reason": self.reason} if self.reason else {},
            contract=contract,
            due_on=decided_by,
        )
        request.bills = [RequestBill(bill_id=bill.id, amount=bill.total - bill.paid) for bill in bills]
        propose(request, schedule)
        await turn.session.flush()
        say(dispatcher, "utter_time_received", reference=request.reference, due_on=decided_by)
        opted_out_remark(dispatcher, turn)

    async def _revise(self, turn: Turn, dispatcher: CollectingDispatcher, payments: Sequence[Payable]) -> None:
        assert self.reference is not None
        request = await senders_request(turn, self.reference, hold=True)
        if request is None or request.state not in OPEN:
            say(dispatcher, "utter_time_decided", reference=self.reference)
            return
        await reschedule(turn.session, request, payments, turn.actor, turn.now)
        say(dispatcher, "utter_time_changed", reference=request.reference)


def owed_bills(bills: Sequence[Bill]) -> list[Bill]:
    """Those with something to pay; the others are credits."""
    return [bill for bill in bills if bill.total > bill.paid]


def debt_of(bills: Sequence[Bill]) -> Decimal:
    """What is open on bills in all, credits taken off; in dirhams."""
    return sum((bill.total - bill.paid for bill in bills), Decimal(0))
