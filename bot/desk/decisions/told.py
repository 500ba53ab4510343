"""What a customer will be told of a decision, in their own language, before anybody decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bot.desk.context import Desk
from nlu.language import DEFAULT
from store.models import Instalment, Reading, Request, RequestState
from store.reading_reviews import said_of
from store.request_file import Reader
from store.requests import Payable, spoken


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it will be read. `language` is BCP 47."""

    text: str
    language: str
    channel: str
    has_opted_out: bool


def language_of(reader: Reader | None) -> str:
    """What a customer is written in, as the announcer chooses it."""
    return (reader.language if reader else None) or DEFAULT


def of_request(
    desk: Desk,
    reader: Reader | None,
    request: Request,
    state: RequestState,
    today: date,
    *,
    reason: str | None = None,
    payments: Sequence[Payable] | None = None,
) -> Preview | None:
    """What is told when `request` becomes `state`; None when there is nobody to tell.

    `payments` are those that would be granted, the request's own when None.
    """
    schedule = [(each.due_on, each.amount) for each in request.schedule] if payments is None else payments
    imagined = Request(  # never added to a session
        reference=request.reference,
        kind=request.kind,
        state=state,
        reason=reason or None,
        due_on=request.due_on,
        created_at=request.created_at,
        schedule=[
            Instalment(position=place, due_on=due_on, amount=amount, paid=Decimal(0))
            for place, (due_on, amount) in enumerate(schedule, start=1)
        ],
    )
    return _written(desk, reader, *spoken(imagined, today))


def of_reading(
    desk: Desk, reader: Reader | None, reading: Reading, contract: str, reason: str | None
) -> Preview | None:
    """What is told when a reading is accepted, or rejected with `reason`."""
    return _written(desk, reader, *said_of(reading, contract, reason))


def _written(desk: Desk, reader: Reader | None, response: str, params: Mapping[str, Any]) -> Preview | None:
    if reader is None:
        return None
    language = language_of(reader)
    values = {"operator": desk.operator.name, **params}
    text = str(desk.texts.render(response, language, reader.channel, values)["text"])
    return Preview(text, language, reader.channel, reader.has_opted_out)
