"""Whom a campaign is for, and whom no longer: contracts, by what their customers have done since.

The same look is taken before a campaign starts (who, how many, who not and why) and again before each message
leaves, so that nobody is reminded of what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from sqlalchemy import Select, exists, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import CASABLANCA, local_day
from store.models import (
    Bill,
    Billing,
    Contract,
    Customer,
    Meter,
    Reading,
    ReadingSource,
    ReadingState,
    Register,
    Request,
    RequestKind,
    RequestState,
    Round,
)
from store.types import Money


class _Selection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReadingReminder(_Selection):
    """Who has a meter on a reading route, is billed, and has sent no index since the window opened."""

    kind: Literal["reading_reminder"] = "reading_reminder"
    routes: Annotated[tuple[Annotated[str, Field(pattern=r"^[^\x00]+$")], ...], Field(min_length=1)]
    opens_on: date
    closes_on: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.closes_on < self.opens_on:
            raise ValueError("the window closes before it opens")
        return self


class DueReminder(_Selection):
    """Who has an unpaid bill that falls due from `due_from` (or ever) to `due_to`, and no time to pay asked for."""

    kind: Literal["due_reminder"] = "due_reminder"
    due_from: date | None = None
    due_to: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.due_from is not None and self.due_to < self.due_from:
            raise ValueError("the last day is before the first")
        return self


class RechargeRound(_Selection):
    """Who has a prepaid meter in a commune where the mobile recharge team comes on a day."""

    kind: Literal["recharge_round"] = "recharge_round"
    commune: Annotated[str, Field(min_length=1)]
    on: date


Selection = ReadingReminder | DueReminder | RechargeRound
SELECTION: TypeAdapter[Selection] = TypeAdapter(Annotated[Selection, Field(discriminator="kind")])
Narrowed = Callable[[Select[*tuple[Any, ...]]], Select[*tuple[Any, ...]]]

NOT_ESTIMATED = (ReadingSource.CUSTOMER, ReadingSource.AGENT, ReadingSource.FIELD)
STANDING = (ReadingState.ACCEPTED, ReadingState.TO_REVIEW)
ARRANGED = (RequestState.RECEIVED, RequestState.UNDER_REVIEW, RequestState.GRANTED, RequestState.BEING_PAID)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contract of a selection. `excluded` says why its customer is not to be written to."""

    contract_id: int
    language: str | None
    response: str
    params: dict[str, Any]
    excluded: str | None = None


async def candidates(
    session: AsyncSession, selection: Selection, now: datetime, after: int, limit: int
) -> list[Candidate]:
    """The next contracts of a selection by id, past `after`."""
    return await _found(session, selection, now, lambda query: query.where(Contract.id > after).limit(limit))


async def no_longer(
    session: AsyncSession,
    selection: Selection,
    contract_ids: Sequence[int],
    now: datetime,
) -> dict[int, str]:
    """Of these contracts, those that a selection does not hold for any more, and why."""
    if selection.kind == "reading_reminder" and local_day(now) > selection.closes_on:
        return dict.fromkeys(contract_ids, "window_closed")
    found = await _found(session, selection, now, lambda query: query.where(Contract.id.in_(contract_ids)))
    held = {each.contract_id: each.excluded for each in found}
    gone = {"reading_reminder": "not_selected", "due_reminder": "paid", "recharge_round": "round_over"}[
        selection.kind
    ]
    return {each: reason for each in contract_ids if (reason := held.get(each, gone)) is not None}


async def _found(session: AsyncSession, selection: Selection, now: datetime, narrowed: Narrowed) -> list[Candidate]:
    match selection:
        case ReadingReminder():
            return await _to_read(session, selection, narrowed)
        case DueReminder():
            return await _owing(session, selection, now, narrowed)
        case RechargeRound():
            return await _recharging(session, selection, now, narrowed)


def _open_contracts(*columns: Any) -> Select[*tuple[Any, ...]]:
    return (
        select(Contract.id, Contract.number, Customer.language, *columns)
        .join(Customer, Customer.id == Contract.customer_id)
        .where(Contract.closed_on.is_(None))
        .order_by(Contract.id)
    )


async def _to_read(session: AsyncSession, selection: ReadingReminder, narrowed: Narrowed) -> list[Candidate]:
    in_place = Meter.removed_on.is_(None) & (Meter.contract_id == Contract.id)
    read = (
        exists()
        .where(Reading.register_id == Register.id, Register.meter_id == Meter.id, in_place)
        .where(Reading.source.in_(NOT_ESTIMATED), Reading.state.in_(STANDING))
        .where(Reading.taken_on >= selection.opens_on)
        .correlate(Contract)
    )
    metered = exists().where(in_place).correlate(Contract)
    query = _open_contracts(metered, read).where(
        Contract.billing == Billing.POSTPAID, Contract.route.in_(selection.routes)
    )
    rows = await session.execute(narrowed(query))
    return [
        Candidate(
            contract_id,
            language,
            "utter_campaign_reading",
            {"contract": number, "day": selection.closes_on},
            None if has_meter and not was_read else "already_read" if has_meter else "no_meter",
        )
        for contract_id, number, language, has_meter, was_read in rows
    ]


async def _owing(session: AsyncSession, selection: DueReminder, now: datetime, narrowed: Narrowed) -> list[Candidate]:
    arranged = (
        exists()
        .where(Request.contract_id == Contract.id, Request.state.in_(ARRANGED))
        .where(Request.kind.in_((RequestKind.DEFERRAL, RequestKind.INSTALMENTS)))
        .correlate(Contract)
    )
    owed = type_coerce(func.sum(Bill.total - Bill.paid), Money)
    query = (
        _open_contracts(owed, func.min(Bill.due_on), arranged)
        .join(Bill, Bill.contract_id == Contract.id)
        .where(Bill.paid < Bill.total, Bill.due_on <= selection.due_to)
        .group_by(Contract.id, Contract.number, Customer.language)
    )
    if selection.due_from is not None:
        query = query.where(Bill.due_on >= selection.due_from)
    today = local_day(now)
    return [
        Candidate(
            contract_id,
            language,
            "utter_campaign_due" if day >= today else "utter_campaign_overdue",
            {"contract": number, "amount": amount, "day": day},
            "time_to_pay" if has_time else None,
        )
        for contract_id, number, language, amount, day, has_time in await session.execute(narrowed(query))
    ]


async def _recharging(
    session: AsyncSession, selection: RechargeRound, now: datetime, narrowed: Narrowed
) -> list[Candidate]:
    begins = datetime.combine(selection.on, time(), CASABLANCA)
    rounds = list(
        await session.scalars(
            select(Round)
            .where(Round.commune == selection.commune, Round.ends_at > now)
            .where(Round.starts_at >= begins, Round.starts_at < begins + timedelta(days=1))
            .order_by(Round.starts_at)
        )
    )
    if not rounds:
        return []
    params = {"commune": selection.commune, "lines": [_line(each) for each in rounds]}
    query = _open_contracts().where(Contract.billing == Billing.PREPAID, Contract.commune == selection.commune)
    rows = await session.execute(narrowed(query))
    return [Candidate(id, language, "utter_campaign_round", params) for id, _, language in rows]


def _line(each: Round) -> dict[str, Any]:
    starts, ends = each.starts_at.astimezone(CASABLANCA), each.ends_at.astimezone(CASABLANCA)
    hours = {"begins": f"{starts:%H:%M}", "ends": f"{ends:%H:%M}"}
    return {"response": "utter_recharge_round", "params": {"place": each.place, "day": starts.date(), **hours}}
