"""Cases about a request that the customer made before and that nobody has decided yet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rasa_sdk.executor import CollectingDispatcher

from actions.casework import Case
from actions.filing import MOST_LOOKED_AT
from actions.message import Message
from actions.speech import button, say
from actions.supply import senders_contracts
from actions.turn import Turn
from store.models import Request
from store.requests import OPEN, request_by_reference, requests_of

MOST_SHOWN = 3


async def senders_requests(turn: Turn) -> list[Request]:
    """What whoever is writing asked for in this conversation or on their contracts, the latest first."""
    contracts = [contract.id for contract in await senders_contracts(turn)]
    return await requests_of(turn.session, turn.conversation.id, contracts, limit=MOST_LOOKED_AT)


async def senders_request(turn: Turn, reference: str, *, hold: bool = False) -> Request | None:
    """The request of a reference if it is the sender's: someone else's is as unknown as one that does not exist."""
    request = await request_by_reference(turn.session, reference, hold=hold)
    if request is None:
        return None
    if request.contract_id is None:
        return request if request.conversation_id == turn.conversation.id else None
    mine = {contract.id for contract in await senders_contracts(turn)}
    return request if request.contract_id in mine else None


def ask_which_request(dispatcher: CollectingDispatcher, requests: Sequence[Request], topic: str) -> None:
    """Ask which request `topic` is about, a button each for the latest."""
    choices = [
        button(
            "utter_choice_request",
            "check_request",
            {"reference": request.reference, "request_topic": topic},
            reference=request.reference,
        )
        for request in requests[:MOST_SHOWN]
    ]
    say(dispatcher, "utter_ask_which_request", buttons=choices)


@dataclass
class ChosenRequest(Case):
    """`reference` is the request's, None until it is known; `topic` is the `request_topic` that leads here."""

    topic: ClassVar[str]

    reference: str | None = None

    def absorb_reference(self, message: Message) -> bool:
        if (reference := message.first("reference")) is None:
            return self.step is None
        self.reference = str(reference)
        return True

    async def found(self, turn: Turn, dispatcher: CollectingDispatcher) -> Request | None:
        """The undecided request that this is about. None when there are several, or none: then the case is over."""
        if self.reference is None:
            undecided = await self._undecided(turn)
            if not undecided:
                self._end(dispatcher, "utter_request_none_open")
            if len(undecided) != 1:
                return None
            self.reference = undecided[0].reference
            return undecided[0]
        request = await senders_request(turn, self.reference)
        if request is None:
            self._end(dispatcher, "utter_request_unknown")
        elif request.state not in OPEN:
            self._end(dispatcher, "utter_time_decided")
        else:
            return request
        return None

    async def advance(self, turn: Turn, dispatcher: CollectingDispatcher) -> str | None:
        if await self.found(turn, dispatcher) is None:
            return None if self.over else "which"
        return self.next_step()

    @abstractmethod
    def next_step(self) -> str | None:
        """What is still to ask once the request is known."""

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        if self.step == "which":
            ask_which_request(dispatcher, await self._undecided(turn), self.topic)
            return
        request = await self.found(turn, dispatcher)
        assert request is not None
        self.ask_about(dispatcher, request)

    @abstractmethod
    def ask_about(self, dispatcher: CollectingDispatcher, request: Request) -> None:
        """Put the question of `step` about the request."""

    async def submit(self, turn: Turn, dispatcher: CollectingDispatcher) -> None:
        """Do it, unless the request was decided since it was looked up."""
        assert self.reference is not None
        request = await senders_request(turn, self.reference, hold=True)
        if request is None or request.state not in OPEN:
            say(dispatcher, "utter_time_decided", reference=self.reference)
            return
        await self.do(turn, dispatcher, request)

    @abstractmethod
    async def do(self, turn: Turn, dispatcher: CollectingDispatcher, request: Request) -> None:
        """What the customer wanted with `request`, which is held and undecided; and say so."""

    async def _undecided(self, turn: Turn) -> list[Request]:
        return [request for request in await senders_requests(turn) if request.state in OPEN]

    def _end(self, dispatcher: CollectingDispatcher, response: str) -> None:
        say(dispatcher, response, reference=self.reference)
        self.over = True
