"""Readings: what stands, what a new one replaces, and what the operator takes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from sqlalchemy import String, bindparam, case, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Audit, Contract, Meter, Reading, ReadingSource, ReadingState, Register

STANDING = (ReadingState.ACCEPTED, ReadingState.TO_REVIEW)
HISTORY_LENGTH = 60
"""Readings per register that the checks look at: five years of months."""


_STANDING = (
    select(Reading)
    .where(Reading.register_id == bindparam("register_id"), Reading.state.in_(STANDING))
    .order_by(Reading.taken_on.desc(), Reading.id.desc())
    .limit(HISTORY_LENGTH)
)


async def standing_readings(session: AsyncSession, register_ids: Sequence[int]) -> dict[int, list[Reading]]:
    """The readings that stand, oldest first, for each register; the last `HISTORY_LENGTH` of each."""
    found: dict[int, list[Reading]] = {}
    for register_id in register_ids:
        newest = await session.scalars(_STANDING, {"register_id": register_id})
        found[register_id] = list(newest)[::-1]
    return found


async def last_sent_by_customer(session: AsyncSession, contract_ids: Sequence[int], since: datetime) -> list[Reading]:
    """The latest standing readings that a customer gave on these contracts: one per register of one meter."""
    query = (
        select(Reading)
        .join(Register, Register.id == Reading.register_id)
        .join(Meter, Meter.id == Register.meter_id)
        .where(
            Meter.contract_id.in_(contract_ids),
            Reading.source == ReadingSource.CUSTOMER,
            Reading.state.in_(STANDING),
            Reading.received_at >= since,
        )
        .order_by(Reading.received_at.desc(), Reading.id.desc())
        .limit(8)
    )
    readings = list(await session.scalars(query))
    if not readings:
        return []
    latest = readings[0]
    meter_id = (await session.get_one(Register, latest.register_id)).meter_id
    registers = {
        register.id for register in await session.scalars(select(Register).where(Register.meter_id == meter_id))
    }
    newest: dict[int, Reading] = {}
    for reading in readings:
        if reading.register_id in registers:
            newest.setdefault(reading.register_id, reading)
    return [reading for reading in newest.values() if reading.taken_on == latest.taken_on]


async def record(
    session: AsyncSession, reading: Reading, replaces: Reading | None, actor: str, why: str | None = None
) -> None:
    """Store a reading; the one it corrects stays, as replaced by it. Both are written to the audit."""
    session.add(reading)
    session.add(
        Audit(
            at=reading.received_at,
            actor=actor,
            action="reading.recorded",
            subject=f"reading:{reading.reference}",
            details={"value": reading.value, "state": reading.state, "findings": reading.findings},
        )
    )
    await session.flush()
    if replaces is not None:
        replaces.state = ReadingState.REPLACED
        replaces.replaced_by_id = reading.id
        session.add(
            Audit(
                at=reading.received_at,
                actor=actor,
                action="reading.replaced",
                subject=f"reading:{replaces.reference}",
                details={"by": reading.reference} | ({"why": why} if why else {}),
            )
        )
        await session.flush()


WITH_PHOTO = "photo"
GIVEN_AS = case((Reading.photo_id.is_not(None), WITH_PHOTO), else_=type_coerce(Reading.source, String))
"""The export's `source`: who gave a reading, and `photo` for a customer's that came with a picture of the meter."""
EXPORT_HEADER = (
    "reference",
    "contract",
    "meter",
    "register",
    "value",
    "unit",
    "taken_on",
    "received_at",
    "source",
    "channel",
    "state",
)


async def exported(
    session: AsyncSession, sources: Sequence[ReadingSource] | None = None
) -> AsyncIterator[dict[str, object]]:
    """Every reading in the order received, as the export's columns; streamed, any number fits."""
    query = (
        select(
            Reading.reference,
            Contract.number,
            Meter.number,
            Register.code,
            Reading.value,
            Register.unit,
            Reading.taken_on,
            Reading.received_at,
            GIVEN_AS,
            Reading.channel,
            Reading.state,
        )
        .join(Register, Register.id == Reading.register_id)
        .join(Meter, Meter.id == Register.meter_id)
        .join(Contract, Contract.id == Meter.contract_id)
        .order_by(Reading.received_at, Reading.id)
    )
    if sources:
        query = query.where(Reading.source.in_(sources))
    async for row in await session.stream(query):
        yield dict(zip(EXPORT_HEADER, row, strict=True))
