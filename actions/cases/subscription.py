"""A new supply, taking over a meter, or one for a time: a file for the agent who calls. Open to whoever writes.

The documents are named and shown at the agency. None is sent here, and the number of the national identity card is
never asked for (law 09-08: holding it needs prior authorisation).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.account import opted_out_remark
from actions.case_questions import CommuneCase, PhoneCase, phone_in
from actions.filing import file_for_sender, standing, withdrawal_button
from actions.free_text import is_detail
from actions.message import Message
from actions.operator import Connection, Premises
from actions.speech import button, say, words, yes_or_no
from actions.turn import Turn
from store.models import RequestKind, Utility

CONNECTIONS = ("new", "takeover", "temporary")
PREMISES = ("home", "business", "farm")
CHANGEABLE = ("utilities", "connection", "premises", "commune", "contact")
"""What the customer may still put right when shown the whole."""
BOTH, ANOTHER = "both", "another"
"""In buttons: both utilities, and one request more."""
MOST_PLACE = 200
MOST_NAME = 80


@dataclass
class Subscription(CommuneCase, PhoneCase):
    """`phone` is E.164, the number they write from where there is one. `said` is the message that asked for it.

    `another` is that they were told of a request of theirs and want one more, `changing` that something of what they
    were shown is to be put right.
    """

    kind: ClassVar[str] = "subscription"
    free_text: ClassVar[tuple[str, ...]] = ("place", "name")

    utilities: list[str] = field(default_factory=list)
    connection: Connection | None = None
    premises: Premises | None = None
    place: str | None = None
    name: str | None = None
    another: bool = False
    changing: bool = False
    sure: bool = False
    said: str = ""

    async def absorb(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        if self.step is not None and message.first("danger") and message.intent == "report_outage":
            return False
        match self.step:
            case None:
                self._absorb_particulars(message)
                self.another = message.first("words") == ANOTHER
                self.said = message.text.strip()[:MOST_PLACE]
                return True
            case "commune":
                return self._absorb_commune(dispatcher, message)
            case "place" | "name":
                return self._absorb_words(message)
            case "phone":
                return self.absorb_phone(turn, dispatcher, message)
            case "confirm" if message.intent in ("affirm", "deny"):
                self.sure = message.intent == "affirm"
                self.changing = not self.sure
                return True
            case "confirm" | "change":
                return self._absorb_change(turn, message)
        return self._absorb_particulars(message)

    def _absorb_particulars(self, message: Message) -> bool:
        """Take all that a message says of the supply wanted."""
        utilities = list(Utility) if message.first("words") == BOTH else message.values("utility")
        connection, premises = message.first("connection"), message.first("premises")
        commune = message.first("commune")
        self.utilities = sorted({str(each) for each in utilities}) or self.utilities
        self.connection = connection or self.connection
        self.premises = premises or self.premises
        self.commune = commune or self.commune
        return bool(utilities or connection or premises or commune)

    def _absorb_commune(self, dispatcher: CollectingDispatcher, message: Message) -> bool:
        """A commune that we do not know either the second time is kept as written, for the agent who calls."""
        taken = self.absorb_commune(dispatcher, message, is_answer=is_detail, each_miss_said=False)
        if taken and self.commune is None and not self.may_ask_commune:
            self.commune = message.text.strip()[:MOST_NAME]
        return taken

    def _absorb_words(self, message: Message) -> bool:
        if not is_detail(message):
            return False
        if self.step == "place":
            self.place = message.text.strip()[:MOST_PLACE]
        else:
            self.name = message.text.strip()[:MOST_NAME]
        return True

    def _absorb_change(self, turn: Turn, message: Message) -> bool:
        """Forget what is to be put right, so that it is asked again; or take it from the message itself."""
        wrong = message.first("words")
        phone = phone_in(message.text, turn.operator.country)
        if wrong in CHANGEABLE:
            self._forget(wrong)
        elif phone is not None:
            self.phone = phone
        elif not self._absorb_particulars(message):
            return False
        self.changing = False
        return True

    def _forget(self, wrong: str) -> None:
        match wrong:
            case "utilities":
                self.utilities = []
            case "commune":
                self.commune = self.place = None
                self.misses = 0
            case "contact":
                self.name = self.phone = None
            case _:
                setattr(self, wrong, None)

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        if await self._stands(turn, dispatcher):
            return None
        if not self.utilities:
            return "utilities"
        for step in ("connection", "premises", "commune", "place", "name"):
            if getattr(self, step) is None:
                return step
        if self.phone is None and turn.conversation.address.startswith("+"):
            self.phone = turn.conversation.address
        if self.phone is None:
            return "phone"
        if self.changing:
            return "change"
        return None if self.sure else "confirm"

    async def _stands(self, turn: Turn, dispatcher: CollectingDispatcher) -> bool:
        """Give the reference of the request that stands; another home may need another one."""
        if self.another:
            return False
        # It is on no contract: it was made by whoever writes.
        request = next(iter(await standing(turn, RequestKind.SUBSCRIPTION)), None)
        if request is None:
            return False
        self.over = True
        say(
            dispatcher,
            "utter_subscription_asked_already",
            buttons=[
                button("utter_choice_another", "request_subscription", {"words": ANOTHER}),
                withdrawal_button(request),
            ],
            reference=request.reference,
            since=request.created_at,
        )
        return True

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        match self.step:
            case "utilities":
                both = button("utter_choice_supply_both", "request_subscription", {"words": BOTH})
                say(dispatcher, "utter_ask_supply", buttons=[*_choices("supply", "utility", tuple(Utility)), both])
            case "connection":
                say(dispatcher, "utter_ask_connection", buttons=_choices("connection", "connection", CONNECTIONS))
            case "premises":
                say(dispatcher, "utter_ask_premises", buttons=_choices("premises", "premises", PREMISES))
            case "commune":
                say(dispatcher, "utter_ask_town")
            case "place":
                say(dispatcher, "utter_ask_subscription_place", commune=self.commune)
            case "name":
                say(dispatcher, "utter_ask_subscription_name")
            case "phone":
                say(dispatcher, "utter_ask_subscription_phone")
            case "change":
                say(dispatcher, "utter_ask_change", buttons=_choices("change", "words", CHANGEABLE))
            case "confirm":
                say(
                    dispatcher,
                    "utter_ask_subscription_confirmed",
                    buttons=yes_or_no(),
                    lines=[words(f"utter_choice_{each}") for each in self._wanted()],
                    place=self.place,
                    commune=self.commune,
                    name=self.name,
                    phone=self.phone,
                )

    def _wanted(self) -> list[str]:
        supplies = [f"supply_{utility}" for utility in self.utilities]
        return [*supplies, f"connection_{self.connection}", f"premises_{self.premises}"]

    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        assert self.connection is not None
        assert self.premises is not None
        policy = turn.operator.subscriptions
        documents = policy.to_show(self.connection, self.premises)
        called_by = turn.operator.working_days.after(turn.today, policy.call_days)
        request = await file_for_sender(
            turn,
            RequestKind.SUBSCRIPTION,
            {
                "utilities": self.utilities,
                "connection": self.connection,
                "premises": self.premises,
                "commune": self.commune,
                "place": self.place,
                "name": self.name,
                "phone": self.phone,
                "documents": documents,
                "words": [self.said],
            },
            due_on=called_by,
        )
        say(
            dispatcher,
            "utter_subscription_received",
            reference=request.reference,
            phone=self.phone,
            due_on=called_by,
        )
        if documents:
            say(dispatcher, "utter_documents", lines=[words(f"utter_document_{each}") for each in documents])
        opted_out_remark(dispatcher, turn)


def _choices(title: str, entity: str, values: tuple[str, ...]) -> list[dict[str, Any]]:
    return [button(f"utter_choice_{title}_{value}", "request_subscription", {entity: value}) for value in values]
