"""Readings that the checks doubted and the customer insisted on: a person accepts or rejects each, once.

The customer was told that somebody would look at it, so they are told what came of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from billing.findings import Code
from store.actors import names_of
from store.changes import changed
from store.decision_lists import PER_PAGE, TO_REVIEW
from store.models import Audit, Contract, Conversation, Message, Meter, Reading, ReadingState, Register
from store.notices import News, conversation_with, tell
from store.readings import HISTORY_LENGTH


@dataclass(frozen=True, slots=True)
class ToReview:
    """A reading to review with what it is held against. `message` is the customer's message it came in.

    `history` is what is known of each register of its meter, whatever its state, the oldest first.
    """

    reading: Reading
    contract: Contract
    meter: Meter
    message: Message | None
    history: dict[int, list[Reading]]


class Reviewed(ValueError):
    """A reading is no longer to be reviewed. `by` is who saw to it, None for the customer who corrected it."""

    def __init__(self, reference: str, state: ReadingState, by: str | None) -> None:
        super().__init__(f"{reference} is {state}")
        self.reference = reference
        self.state = state
        self.by = by


class NoSuchReading(LookupError):
    """No reading has this reference."""


async def readings_to_review(
    session: AsyncSession,
    *,
    commune: str | None = None,
    contract: str | None = None,
    without: Collection[Code] = (),
    page: int = 1,
) -> tuple[list[ToReview], int]:
    """Page `page` (from 1) of the readings to review, the longest waiting first, and how many there are.

    `contract` is how a contract's number begins; `without` leaves out readings with one of these findings.
    """
    query = (
        select(Reading)
        .join(Register, Register.id == Reading.register_id)
        .join(Meter, Meter.id == Register.meter_id)
        .join(Contract, Contract.id == Meter.contract_id)
        .where(TO_REVIEW, *_matching(commune, contract, without))
    )
    total = await session.scalar(query.with_only_columns(func.count(), maintain_column_froms=True)) or 0
    chosen = query.order_by(Reading.id).limit(PER_PAGE).offset(PER_PAGE * (page - 1))
    return await _with_history(session, list(await session.scalars(chosen.options(_SUPPLY)))), total


async def readings_by_reference(session: AsyncSession, references: Sequence[str]) -> list[ToReview]:
    """The readings of these references, in whatever state, in the order received."""
    query = select(Reading).where(Reading.reference.in_(references)).order_by(Reading.id).options(_SUPPLY)
    return await _with_history(session, list(await session.scalars(query)))


async def accept(session: AsyncSession, reference: str, actor: str, now: datetime) -> Reading:
    """Take a reading as good. Raises `Reviewed` and `NoSuchReading`."""
    return await _decide(session, reference, ReadingState.ACCEPTED, actor, now)


async def reject(session: AsyncSession, reference: str, actor: str, now: datetime, reason: str) -> Reading:
    """Put a reading aside for good; the customer reads `reason` and is asked to read the meter again.

    Raises `Reviewed` and `NoSuchReading`.
    """
    return await _decide(session, reference, ReadingState.REJECTED, actor, now, reason)


async def reviewed_by(session: AsyncSession, reading: Reading) -> str | None:
    """The name of who accepted or rejected a reading; None when nobody did."""
    actions = [f"reading.{state}" for state in (ReadingState.ACCEPTED, ReadingState.REJECTED)]
    query = select(Audit.actor).where(Audit.subject == f"reading:{reading.reference}", Audit.action.in_(actions))
    actor = await session.scalar(query.order_by(Audit.id.desc()).limit(1))
    return None if actor is None else (await names_of(session, [actor])).get(actor, actor)


def said_of(reading: Reading, contract: str, reason: str | None) -> tuple[str, dict[str, Any]]:
    """What the customer is told of a reviewed reading: response and parameters (`store.notices.News`)."""
    params: dict[str, Any] = {"value": str(reading.value), "taken_on": reading.taken_on, "contract": contract}
    if reason is None:
        return "utter_reading_accepted", {**params, "reference": reading.reference}
    return "utter_reading_rejected", {**params, "reason": reason}


async def conversation_of(session: AsyncSession, reading: Reading) -> Conversation | None:
    """Where a reading was sent from; None for one that no message brought."""
    query = select(Conversation).join(Message, Message.conversation_id == Conversation.id)
    return await session.scalar(query.where(Message.id == reading.message_id))


_SUPPLY = (
    joinedload(Reading.register)
    .joinedload(Register.meter)
    .options(joinedload(Meter.contract), selectinload(Meter.registers))
)


def _matching(commune: str | None, contract: str | None, without: Collection[Code]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if commune is not None:
        conditions.append(Contract.commune == commune)
    if contract is not None:
        conditions.append(Contract.number.startswith(contract, autoescape=True))
    if without:
        found = type_coerce(Reading.findings, String)
        conditions.append(~or_(*(found.contains(f'"{code.value}"', autoescape=True) for code in without)))
    return conditions


async def _with_history(session: AsyncSession, readings: Sequence[Reading]) -> list[ToReview]:
    """The last readings of all registers concerned, and the messages, in a statement each."""
    registers = {register.id for each in readings for register in each.register.meter.registers}
    place = func.row_number().over(
        partition_by=Reading.register_id, order_by=(Reading.taken_on.desc(), Reading.id.desc())
    )
    placed = select(Reading.id, place.label("place")).where(Reading.register_id.in_(registers)).subquery()
    newest = select(Reading).join(placed, placed.c.id == Reading.id).where(placed.c.place <= HISTORY_LENGTH)
    history: dict[int, list[Reading]] = {register_id: [] for register_id in registers}
    for each in await session.scalars(newest.order_by(Reading.taken_on, Reading.id)):
        history[each.register_id].append(each)
    ids = [each.message_id for each in readings if each.message_id is not None]
    messages = {each.id: each for each in await session.scalars(select(Message).where(Message.id.in_(ids)))}
    return [
        ToReview(
            reading=each,
            contract=each.register.meter.contract,
            meter=each.register.meter,
            message=None if each.message_id is None else messages.get(each.message_id),
            history={register.id: history[register.id] for register in each.register.meter.registers},
        )
        for each in readings
    ]


async def _decide(
    session: AsyncSession, reference: str, state: ReadingState, actor: str, now: datetime, reason: str | None = None
) -> Reading:
    held = select(Reading).where(Reading.reference == reference).with_for_update(of=Reading)
    reading = await session.scalar(held.options(_SUPPLY))
    if reading is None:
        raise NoSuchReading(reference)
    if reading.state is not ReadingState.TO_REVIEW:
        raise Reviewed(reference, reading.state, await reviewed_by(session, reading))
    reading.state = state
    details = {"from": ReadingState.TO_REVIEW.value} | ({"reason": reason} if reason else {})
    session.add(
        Audit(at=now, actor=actor, action=f"reading.{state}", subject=f"reading:{reference}", details=details)
    )
    contract = reading.register.meter.contract
    conversation = await conversation_of(session, reading) or await conversation_with(session, contract.id, now)
    if conversation is not None:
        response, params = said_of(reading, contract.number, reason)
        news = News(f"reading:{reference}:{state}", response, params, now, contract_id=contract.id)
        await tell(session, conversation.id, news, now)
        await changed(session, conversation.id)
    await session.flush()
    return reading
