"""A complaint about anything but a bill (`actions.disputes`): what it is about, in the customer's own words.

Open to whoever writes, but for a reading, which is looked up and so needs a known sender.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.account import opted_out_remark
from actions.case_questions import CommuneCase
from actions.casework import CHITCHAT, ContractCase, is_words
from actions.filing import add_words, file_for_sender, standing
from actions.handover import alarm
from actions.message import Message
from actions.speech import button, say
from actions.supply import senders_contracts, supply_of
from actions.turn import Turn
from store.models import Contract, Request, RequestKind
from store.supplies import hold

CATEGORIES = ("bill", "reading", "meter", "service", "cut", "quality", "leak", "other")
ABOUT_CONTRACT = frozenset({"reading", "meter", "cut"})
"""Categories that are about one contract: which one is asked of who has several."""
ABOUT_PLACE = frozenset({"meter", "cut", "quality", "leak"})
"""Categories for which a stranger is asked for the commune."""
MOST_WORDS = 500
"""Characters kept of what is said at a time."""
FEWEST_WORDS = 4
"""Words from which a message that names its subject needs no "what happened?"."""


@dataclass
class Complaint(ContractCase, CommuneCase):
    """`words` are the customer's own, in the order said; `told` is whether they say what happened."""

    kind: ClassVar[str] = "complaint"
    free_text: ClassVar[tuple[str, ...]] = ("words",)

    category: str | None = None
    words: list[str] = field(default_factory=list)
    told: bool = False

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        if self.step is not None and message.first("danger"):
            await alarm(dispatcher, turn)
            self.over = True
            return True
        match self.step:
            case None:
                return self._absorb_first(message)
            case "category":
                return await self._absorb_category(turn, message)
            case "words":
                return self._absorb_words(message)
            case "contract":
                return self.absorb_contract(message)
            case "commune":
                return self.absorb_commune(dispatcher, message, each_miss_said=False)
        return False

    def _absorb_first(self, message: Message) -> bool:
        self.absorb_contract(message)
        self.category = self.category or message.first("grievance")
        self.commune = message.first("commune")
        said = str(message.first("words") or message.text).strip()
        self._keep(said)
        self.told = self.category is not None and len(said.split()) >= FEWEST_WORDS
        return True

    def _keep(self, said: str) -> None:
        said = said[:MOST_WORDS]
        if said and said not in self.words:
            self.words.append(said)

    async def _absorb_category(self, turn: Turn, message: Message) -> bool:
        """False for what is opened anew by the action: a bill, and a reading of somebody we do not know."""
        category = message.first("grievance")
        if category is None:
            if message.intent != "complain" and message.intent not in CHITCHAT:
                return False
            category = "other"
        if category == "bill" or (category == "reading" and not await senders_contracts(turn)):
            return False
        self.category = str(category)
        if message.first("words") is None:  # not a button
            self._keep(message.text.strip())
            self.told = len(message.text.split()) >= FEWEST_WORDS
        return True

    def _absorb_words(self, message: Message) -> bool:
        if message.intent != "complain" and not is_words(message):
            return False
        self._keep(message.text.strip())
        self.told = True
        return True

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        if self.category is None:
            return "category"
        contract = await self.chosen(turn)
        several = len(await self.candidates(turn)) > 1
        if contract is None and several and self.category in ABOUT_CONTRACT:
            return "contract"
        if not self.told:
            return "words"
        stranger = contract is None and not several
        if stranger and self.category in ABOUT_PLACE and self.commune is None and self.may_ask_commune:
            return "commune"
        return None

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        match self.step:
            case "category":
                carried = {"words": self.words[0]} if self.words else {}
                choices = [
                    button(f"utter_choice_grievance_{each}", "complain", {"grievance": each, **carried})
                    for each in CATEGORIES
                ]
                say(dispatcher, "utter_ask_grievance", buttons=choices)
            case "contract":
                await self.ask_contract(turn, dispatcher)
            case "words":
                say(dispatcher, "utter_ask_complaint_words")
            case "commune":
                say(dispatcher, "utter_ask_town")

    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        contract = await self.chosen(turn)
        if contract is not None:
            await hold(turn.session, contract.id)  # so that the same complaint from another phone is seen
        standing = await self._standing(turn, contract)
        if standing is not None:
            add_words(standing, self.words)
            say(dispatcher, "utter_complaint_added", reference=standing.reference)
            return
        request = await file_for_sender(
            turn,
            RequestKind.COMPLAINT,
            await self._details(turn, contract),
            contract=contract,
            due_on=answered_by(turn),
        )
        say_taken(dispatcher, request)
        opted_out_remark(dispatcher, turn)

    async def _standing(self, turn: Turn, contract: Contract | None) -> Request | None:
        """The complaint of this kind that is not answered yet."""
        found = await standing(turn, RequestKind.COMPLAINT, contract)
        return next((each for each in found if each.details.get("category") == self.category), None)

    async def _details(self, turn: Turn, contract: Contract | None) -> dict[str, Any]:
        details: dict[str, Any] = {"category": self.category, "words": self.words}
        if self.commune is not None:
            details["commune"] = self.commune
        if self.category == "reading" and contract is not None:
            details["readings"] = await _last_readings(turn, contract)
        return details


async def _last_readings(turn: Turn, contract: Contract) -> list[str]:
    """The references of the last reading of each register."""
    supply = await supply_of(turn, contract)
    if supply is None:
        return []
    return [readings[-1].reference for readings in supply.readings.values() if readings]


# --- what every complaint has, that about a bill too


def answered_by(turn: Turn) -> date | None:
    """The last day to answer a complaint of today; None where the operator names none."""
    days = turn.operator.complaints.answer_days
    return None if days is None else turn.operator.working_days.after(turn.today, days)


def say_taken(dispatcher: CollectingDispatcher, request: Request) -> None:
    """The reference, and until when somebody answers where that is known."""
    if request.due_on is None:
        say(dispatcher, "utter_complaint_taken", reference=request.reference)
    else:
        say(dispatcher, "utter_complaint_taken_until", reference=request.reference, due_on=request.due_on)
