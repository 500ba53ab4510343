"""What a line of each of the operator's lists holds, and where it goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, StringConstraints, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import CASABLANCA
from bot.channels.text import storable
from nlu import communes
from store.listing import Change, bring, mark_modest_income
from store.models import KnownOutage, Place, PlaceKind, Round, Utility

Rows = Sequence[Mapping[str, Any]]


def _one_line(text: str) -> str:
    """The text with single spaces: customers read it, and it may tell one line from another."""
    plain = " ".join(text.split())
    if any(ord(character) < ord(" ") for character in plain):
        raise ValueError("has a control character")
    return plain


def _commune(text: str) -> str:
    """The commune's name as the customer's own is understood."""
    name = communes.known().canonical(text)
    if name is None:
        raise ValueError(f"'{storable(text[:40])}' is not in data/communes.yml")
    return name


def _moment(text: str) -> datetime:
    """A local time of Casablanca, unless it says how far from UTC it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or len(text) <= len("2026-11-24"):
        raise ValueError(f"{text[:40]!a} is not a day and a time such as 2026-11-24 09:00")
    return moment if moment.tzinfo else moment.replace(tzinfo=CASABLANCA)


def _yes(text: str) -> str:
    """In French too."""
    return {"oui": "yes", "non": "no"}.get(text.casefold(), text)


Commune = Annotated[str, AfterValidator(_commune)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Yes = Annotated[bool, BeforeValidator(_yes)]
Line = Annotated[str, AfterValidator(_one_line)]
"""A text of one line; pair it with the length that its table keeps."""


class PlaceRow(BaseModel):
    """An agency or a recharge point. `hours` as customers read them."""

    commune: Commune
    name: Annotated[Line, StringConstraints(max_length=120)]
    address: Annotated[Line, StringConstraints(max_length=200)]
    phone: Annotated[Line, StringConstraints(max_length=24)] | None = None
    hours: Annotated[Line, StringConstraints(max_length=120)] | None = None


class RoundRow(BaseModel):
    """The mobile recharge team at a place."""

    commune: Commune
    place: Annotated[Line, StringConstraints(max_length=200)]
    starts_at: Moment
    ends_at: Moment

    @model_validator(mode="after")
    def _ends_after_start(self) -> RoundRow:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at is not after starts_at")
        return self


class OutageRow(BaseModel):
    """A cut, planned or not, under the operator's `number` for it."""

    number: Annotated[Line, StringConstraints(max_length=40)]
    commune: Commune
    area: Annotated[Line, StringConstraints(max_length=200)] | None = None
    utility: Utility
    planned: Yes
    starts_at: Moment
    expected_until: Moment | None = None
    ended_at: Moment | None = None

    @model_validator(mode="after")
    def _over_after_start(self) -> OutageRow:
        for name, moment in (("expected_until", self.expected_until), ("ended_at", self.ended_at)):
            if moment is not None and moment < self.starts_at:
                raise ValueError(f"{name} is before starts_at")
        return self


class ModestIncomeRow(BaseModel):
    """A contract whose holder is on the list, or is taken off it."""

    contract: Annotated[Line, StringConstraints(max_length=24)]
    eligible: Yes


@dataclass(frozen=True, slots=True)
class Listing:
    """One of the operator's lists: its lines, the columns that tell them apart, how they are stored."""

    name: str
    row: type[BaseModel]
    key: tuple[str, ...]
    store: Callable[[AsyncSession, Rows], Awaitable[list[Change]]]
    unknown: str = ""
    """What is said of a line about something that is not there."""

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.row.model_fields)


def _places(kind: PlaceKind) -> Callable[[AsyncSession, Rows], Awaitable[list[Change]]]:
    async def store(session: AsyncSession, rows: Rows) -> list[Change]:
        return await bring(session, Place, ("kind", "commune", "name"), [{"kind": kind, **row} for row in rows])

    return store


async def _rounds(session: AsyncSession, rows: Rows) -> list[Change]:
    return await bring(session, Round, ("commune", "place", "starts_at"), rows)


async def _outages(session: AsyncSession, rows: Rows) -> list[Change]:
    return await bring(session, KnownOutage, ("number",), rows)


LISTINGS: Mapping[str, Listing] = {
    listing.name: listing
    for listing in (
        Listing("agencies", PlaceRow, ("commune", "name"), _places(PlaceKind.AGENCY)),
        Listing("recharge-points", PlaceRow, ("commune", "name"), _places(PlaceKind.RECHARGE_POINT)),
        Listing("rounds", RoundRow, ("commune", "place", "starts_at"), _rounds),
        Listing("outages", OutageRow, ("number",), _outages),
        Listing("modest-income", ModestIncomeRow, ("contract",), mark_modest_income, "contract: not one of ours"),
    )
}
"""By the name of their command."""
