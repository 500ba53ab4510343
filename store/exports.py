"""Streams of readings and requests that the operator's systems follow, each line exactly once.

A line is written with what it tells of (`store.followed`), and placed when somebody asks: whoever asks holds the
stream, so that places follow commits. By their numbers alone lines would not do: one that is committed late has a
lower number than others that were taken out already.

A consumer is offered a batch, the same one until it acknowledges it: whichever side fails in between, nothing is lost
and nothing is told twice. A system that keeps its own place can read from any position instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from store.exchange_models import ExportConsumer, ExportLine, ExportStream, Stream
from store.models import Contract, Instalment, Meter, Reading, Register, Request
from store.readings import GIVEN_AS

Row = TypeVar("Row", ExportConsumer, ExportStream)
MOST = 10_000
"""Lines of a batch, and lines placed at a time."""


class WrongBatch(ValueError):
    """A consumer acknowledges what it was not offered; the message is one line."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines of a stream in their order. `position` is the last one's place, what `since` continues from.

    `is_last` when there was nothing after it.
    """

    lines: list[dict[str, Any]]
    position: int
    is_last: bool


async def offered(session: AsyncSession, stream: Stream, consumer: str, limit: int, now: datetime) -> Batch:
    """The batch that `consumer` has to acknowledge, made of the next `limit` lines when there is none.

    A consumer that is not known begins with the first line.
    """
    known = await _held_consumer(session, stream, consumer, now)
    if known.offered is None:
        await _place(session, stream)
        positions = select(ExportLine.position).where(
            ExportLine.stream == stream, ExportLine.position > known.acknowledged
        )
        taken = positions.order_by(ExportLine.position).limit(limit).subquery()
        known.offered = await session.scalar(select(func.max(taken.c.position)))
        known.changed_at = now
        await session.flush()
    if known.offered is None:
        return Batch([], known.acknowledged, True)
    return await _batch(session, stream, known.acknowledged, known.offered)


async def acknowledge(session: AsyncSession, stream: Stream, consumer: str, position: int, now: datetime) -> None:
    """Note that `consumer` has taken in the batch that ends at `position`; repeated, it changes nothing.

    Raises `WrongBatch`.
    """
    known = await _held_consumer(session, stream, consumer, now)
    if position == known.acknowledged:
        return
    if position != known.offered:
        raise WrongBatch(f"{consumer} was not offered a batch of {stream} that ends at {position}")
    known.acknowledged, known.offered, known.changed_at = position, None, now
    await session.flush()


async def since(session: AsyncSession, stream: Stream, position: int, limit: int) -> Batch:
    """The next `limit` lines after `position`, 0 for the beginning."""
    await _place(session, stream)
    positions = (
        select(ExportLine.position)
        .where(ExportLine.stream == stream, ExportLine.position > position)
        .order_by(ExportLine.position)
        .limit(limit)
        .subquery()
    )
    last = await session.scalar(select(func.max(positions.c.position)))
    return Batch([], position, True) if last is None else await _batch(session, stream, position, last)


async def consumers(session: AsyncSession) -> Sequence[ExportConsumer]:
    """All systems that follow a stream, and where they are."""
    query = select(ExportConsumer).order_by(ExportConsumer.stream, ExportConsumer.name)
    return (await session.scalars(query)).all()


async def _held_consumer(session: AsyncSession, stream: Stream, name: str, now: datetime) -> ExportConsumer:
    row = {"stream": stream, "name": name, "acknowledged": 0, "created_at": now, "changed_at": now}
    return await _held(session, ExportConsumer, (stream, name), row)


async def _held(session: AsyncSession, model: type[Row], key: Any, row: dict[str, Any]) -> Row:
    """The row with this key, held until the transaction ends; made when it is asked for the first time."""
    held = await session.get(model, key, with_for_update=True, populate_existing=True)
    if held is None:
        with suppress(IntegrityError):  # another made it at the same moment
            async with session.begin_nested():
                await session.execute(insert(model).values(row))
        held = await session.get_one(model, key, with_for_update=True, populate_existing=True)
    return held


async def _place(session: AsyncSession, stream: Stream) -> None:
    """Give the lines that are committed and have none their places, in the order of their numbers."""
    held = await _held(session, ExportStream, stream, {"stream": stream, "placed": 0})
    unplaced = (
        select(ExportLine.id, func.row_number().over(order_by=ExportLine.id).label("place"))
        .where(ExportLine.stream == stream, ExportLine.position.is_(None))
        .order_by(ExportLine.id)
        .limit(MOST)
        .subquery()
    )
    placing = (
        update(ExportLine)
        .where(ExportLine.id == unplaced.c.id)
        .values(position=held.placed + unplaced.c.place)
        .returning(ExportLine.id)
    )
    placed = (await session.execute(placing, execution_options={"synchronize_session": False})).all()
    held.placed += len(placed)
    await session.flush()


async def _batch(session: AsyncSession, stream: Stream, after: int, last: int) -> Batch:
    rows = await (_readings if stream is Stream.READINGS else _requests)(session, after, last)
    later = (ExportLine.position > last) | ExportLine.position.is_(None)
    following = select(ExportLine.id).where(ExportLine.stream == stream, later).limit(1)
    return Batch(rows, last, await session.scalar(following) is None)


def _within(stream: Stream, after: int, last: int) -> Any:
    return (ExportLine.stream == stream) & (ExportLine.position > after) & (ExportLine.position <= last)


async def _readings(session: AsyncSession, after: int, last: int) -> list[dict[str, Any]]:
    query = (
        select(
            ExportLine.position,
            Reading.reference,
            Contract.number.label("contract"),
            Meter.number.label("meter"),
            Register.code.label("register"),
            Reading.value,
            Register.unit,
            Reading.taken_on,
            Reading.received_at,
            GIVEN_AS.label("source"),
            Reading.channel,
            ExportLine.state,
        )
        .join(Reading, Reading.id == ExportLine.reading_id)
        .join(Register, Register.id == Reading.register_id)
        .join(Meter, Meter.id == Register.meter_id)
        .join(Contract, Contract.id == Meter.contract_id)
        .where(_within(Stream.READINGS, after, last))
        .order_by(ExportLine.position)
    )
    return [dict(row._mapping) for row in await session.execute(query)]


async def _requests(session: AsyncSession, after: int, last: int) -> list[dict[str, Any]]:
    query = (
        select(
            ExportLine.position,
            Request.id,
            Request.reference,
            Request.kind,
            ExportLine.state,
            Contract.number.label("contract"),
            Request.created_at,
            Request.changed_at,
            Request.due_on,
            Request.reason,
            Request.details,
        )
        .join(Request, Request.id == ExportLine.request_id)
        .join(Contract, Contract.id == Request.contract_id, isouter=True)
        .where(_within(Stream.REQUESTS, after, last))
        .order_by(ExportLine.position)
    )
    rows = list(await session.execute(query))
    schedules: dict[int, list[dict[str, Any]]] = {}
    wanted = select(ExportLine.request_id).where(_within(Stream.REQUESTS, after, last))
    parts = select(Instalment).where(Instalment.request_id.in_(wanted))
    for part in await session.scalars(parts.order_by(Instalment.request_id, Instalment.position)):
        schedules.setdefault(part.request_id, []).append(
            {"due_on": part.due_on, "amount": part.amount, "paid": part.paid}
        )
    lines = [dict(row._mapping) for row in rows]
    return [line | {"payments": schedules.get(line.pop("id"), [])} for line in lines]
