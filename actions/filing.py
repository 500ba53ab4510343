"""What filing has in common over all kinds of requests: who asks, in which message, and what they asked before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from actions.speech import button
from actions.turn import Turn
from store.models import Contract, Request, RequestKind
from store.requests import OPEN, Filing, file, open_requests, requests_of

MOST_LOOKED_AT = 20
"""How many of the sender's latest requests are looked through."""


async def file_for_sender(
    turn: Turn,
    kind: RequestKind,
    details: Mapping[str, Any],
    *,
    contract: Contract | None = None,
    due_on: date | None = None,
) -> Request:
    """File what the message being handled asks for, on `contract` where it is about one."""
    return await file(
        turn.session,
        Filing(
            kind=kind,
            actor=turn.actor,
            now=turn.now,
            contract_id=None if contract is None else contract.id,
            conversation_id=turn.conversation.id,
            message_id=turn.message_id,
            details=details,
            due_on=due_on,
        ),
    )


async def standing(turn: Turn, kind: RequestKind, contract: Contract | None = None) -> list[Request]:
    """The undecided requests of a kind on a contract, or those on none that were made in this conversation."""
    if contract is not None:
        return await open_requests(turn.session, contract.id, kind)
    mine = await requests_of(turn.session, turn.conversation.id, [], limit=MOST_LOOKED_AT)
    return [request for request in mine if request.kind is kind and request.state in OPEN]


def add_words(request: Request, said: Sequence[str]) -> None:
    """Add to the customer's words in a request what is new; all that was said before stays."""
    known = request.details.get("words", [])
    if fresh := [each for each in said if each not in known]:
        request.details = {**request.details, "words": [*known, *fresh]}


def withdrawal_button(request: Request) -> dict[str, Any]:
    """A button that takes an undecided request back, once the customer has confirmed it."""
    carried = {"reference": request.reference, "request_topic": "withdraw"}
    return button("utter_choice_withdraw", "check_request", carried)
