"""No power, no water, a leak: where, since when, how far it goes; open to whoever writes.

Cuts that the operator knows of are told instead. A danger never comes here: `actions.handover.alarm`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.case_questions import CommuneCase
from actions.casework import CHITCHAT, ContractCase
from actions.filing import add_words, file_for_sender, standing
from actions.free_text import is_detail
from actions.handover import alarm
from actions.message import Message
from actions.speech import button, say, words, yes_or_no
from actions.supply import senders_contracts
from actions.turn import Turn
from billing.calendar import CASABLANCA, local_day
from store.models import Billing, Contract, KnownOutage, Request, RequestKind, Utility
from store.places import outages_in
from store.supplies import hold

MOST_WORDS = 300
"""Characters kept of each thing that the customer writes."""
SCOPES = ("home", "street", "unknown")
"""How far a cut goes, as far as the customer can tell."""
MINE = "mine"
"""In a button: the cut that we know of is not the customer's."""


@dataclass
class Outage(ContractCase, CommuneCase):
    """`trouble` is "cut", "leak" or "quality"; `scope` is one of `SCOPES`.

    `restored` is the answer to "is it back?", asked of who is alone without power or water; `other` is that the cut
    which we know of is not theirs.
    """

    kind: ClassVar[str] = "outage"
    free_text: ClassVar[tuple[str, ...]] = ("place", "since")

    trouble: str = "cut"
    place: str | None = None
    scope: str | None = None
    since: str | None = None
    restored: bool | None = None
    other: bool = False
    words: list[str] = field(default_factory=list)

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        if self.step is not None and message.first("danger"):
            await alarm(dispatcher, turn)
            self.over = True
            return True
        match self.step:
            case None:
                return self._absorb_first(message)
            case "utility" | "contract":
                return self.absorb_contract(message)
            case "commune":
                return self.absorb_commune(dispatcher, message)
            case "scope":
                return self._absorb_scope(message)
            case "restored" if message.intent in ("affirm", "deny"):
                self.restored = message.intent == "affirm"
                return True
        return self._absorb_words(message)

    def _absorb_first(self, message: Message) -> bool:
        self.absorb_contract(message)
        grievance = message.first("grievance")
        if grievance in ("leak", "quality"):
            self.trouble, self.utility = str(grievance), Utility.WATER.value
        self.commune = message.first("commune")
        self.scope = message.first("scope")
        self.since = message.first("since")
        self.other = message.first("words") == MINE
        if not self.other:
            self._keep(message)
        return True

    def _keep(self, message: Message) -> None:
        said = message.text.strip()[:MOST_WORDS]
        if said and said not in self.words:
            self.words.append(said)

    def _absorb_scope(self, message: Message) -> bool:
        said = message.first("scope")
        if said is None and message.intent != "report_outage" and message.intent not in CHITCHAT:
            return False
        self._keep(message)
        self.scope = str(said or "unknown")
        return True

    def _absorb_words(self, message: Message) -> bool:
        """The answer to where, or since when: whatever is written, unless it is another wish."""
        if message.intent == "report_outage" or is_detail(message):
            said = message.text.strip()[:MOST_WORDS]
            if self.step == "place":
                self.place = said
            elif self.step == "since":
                self.since = said
            return self.step in ("place", "since")
        return False

    async def candidates(self, turn: Turn) -> list[Contract]:
        """The sender's contracts for what is missing, where it is missing; none for another commune."""
        contracts = await senders_contracts(turn)
        if self.utility is not None:
            contracts = [contract for contract in contracts if contract.utility.value == self.utility]
        if self.commune is not None:
            contracts = [contract for contract in contracts if contract.commune == self.commune]
        return contracts

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        contract = await self.chosen(turn)
        if contract is None and await self.candidates(turn):
            return "contract"
        if contract is not None:
            self.utility, self.commune = contract.utility.value, contract.commune
        if self.utility is None:
            return "utility"
        if self.commune is None:
            if self.may_ask_commune:
                return "commune"
            say(dispatcher, "utter_outage_call", emergency=turn.operator.emergency_phone)
            self.over = True
            return None
        if await self._stands(turn, dispatcher, contract) or await self._known(turn, dispatcher):
            return None
        return self._missing(dispatcher, contract)

    def _missing(self, dispatcher: CollectingDispatcher, contract: Contract | None) -> str | None:
        if self.trouble == "cut" and self.scope is None:
            return "scope"
        if self.trouble == "cut" and self.scope == "home":
            if self.restored is None:
                return "restored"
            if self.restored:
                say(dispatcher, "utter_outage_restored")
                self.over = True
                return None
        if self.place is None and (contract is None or self.trouble == "leak"):
            return "place"
        return "since" if self.since is None else None

    async def _stands(self, turn: Turn, dispatcher: CollectingDispatcher, contract: Contract | None) -> bool:
        """Give the reference of the report that stands, and add to it what is new."""
        request = await self._reported(turn, contract)
        if request is None:
            return False
        add_words(request, self.words)
        self.over = True
        say(dispatcher, "utter_outage_known_report", reference=request.reference)
        return True

    async def _reported(self, turn: Turn, contract: Contract | None) -> Request | None:
        found = await standing(turn, RequestKind.OUTAGE, contract)
        newest = turn.now - timedelta(hours=turn.operator.outages.same_hours)
        same = {"utility": self.utility, "commune": self.commune, "trouble": self.trouble}
        for request in found:
            if request.created_at >= newest and same.items() <= request.details.items():
                return request
        return None

    async def _known(self, turn: Turn, dispatcher: CollectingDispatcher) -> bool:
        """Tell the cuts that the operator knows of there; the customer may still report their own."""
        if self.other or self.trouble != "cut":
            return False
        assert self.commune is not None
        assert self.utility is not None
        outages = await outages_in(turn.session, self.commune, turn.now, Utility(self.utility))
        if not outages:
            return False
        self.over = True
        carried = {"words": MINE, "utility": self.utility, "commune": self.commune}
        if self.contract is not None:
            carried["contract"] = self.contract
        mine = button("utter_choice_other_cut", "report_outage", carried)
        _tell(dispatcher, outages[0], [mine])  # the last to begin; more would not fit in a text message
        return True

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        match self.step:
            case "contract":
                await self.ask_contract(turn, dispatcher)
            case "utility":
                choices = [
                    button(f"utter_choice_supply_{each}", "report_outage", {"utility": each}) for each in Utility
                ]
                say(dispatcher, "utter_ask_outage_utility", buttons=choices)
            case "commune":
                say(dispatcher, "utter_ask_town")
            case "scope":
                choices = [button(f"utter_choice_scope_{each}", "report_outage", {"scope": each}) for each in SCOPES]
                say(dispatcher, "utter_ask_outage_scope", buttons=choices)
            case "restored":
                choices = yes_or_no()
                say(dispatcher, await self._hint(turn), buttons=choices)
            case "place":
                say(dispatcher, "utter_ask_outage_place", commune=self.commune)
            case "since":
                say(dispatcher, "utter_ask_outage_since")

    async def _hint(self, turn: Turn) -> str:
        """What to look at first in a house that is alone in the dark, or dry."""
        if self.utility == Utility.WATER:
            return "utter_ask_restored_water"
        contract = await self.chosen(turn)
        if contract is not None and contract.billing is Billing.PREPAID:
            return "utter_ask_restored_prepaid"
        return "utter_ask_restored_electricity"

    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        contract = await self.chosen(turn)
        if contract is not None:
            await hold(turn.session, contract.id)  # so that the same report from another phone is seen
            if await self._stands(turn, dispatcher, contract):
                return
        request = await file_for_sender(turn, RequestKind.OUTAGE, self._details(contract), contract=contract)
        say(
            dispatcher,
            "utter_outage_received",
            reference=request.reference,
            emergency=turn.operator.emergency_phone,
        )

    def _details(self, contract: Contract | None) -> dict[str, Any]:
        details: dict[str, Any] = {
            "utility": self.utility,
            "trouble": self.trouble,
            "commune": self.commune,
            "place": self.place or (contract.address if contract else None),
            "scope": self.scope,
            "since": self.since,
            "words": self.words,
        }
        return {name: value for name, value in details.items() if value}


def _tell(dispatcher: CollectingDispatcher, outage: KnownOutage, buttons: list[dict[str, Any]]) -> None:
    """What the operator knows of a cut; days and hours in Casablanca time."""
    response = "utter_outage_planned" if outage.planned else "utter_outage_running"
    began = outage.starts_at.astimezone(CASABLANCA)
    params: dict[str, Any] = {
        "utility": words(f"utter_choice_supply_{outage.utility}"),
        "commune": ", ".join(each for each in (outage.area, outage.commune) if each),
        "since": local_day(outage.starts_at),
        "begins": f"{began:%H:%M}",
    }
    if outage.expected_until is not None:
        expected = outage.expected_until.astimezone(CASABLANCA)
        params |= {"until": local_day(outage.expected_until), "ends": f"{expected:%H:%M}"}
        response += "_until"
    say(dispatcher, response, buttons=buttons, **params)
