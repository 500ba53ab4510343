"""Readings as stored: which stand, which a correction replaces, what the export shows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from store_rows import DAY, NOW, ROWS, another, statement

from store.models import Audit, Reading, ReadingSource, ReadingState
from store.readings import (
    EXPORT_HEADER,
    HISTORY_LENGTH,
    exported,
    last_sent_by_customer,
    record,
    standing_readings,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOTAL, PEAK, OFF_PEAK = 1, 2, 3
"""Registers: of the first contract's meter, and of the second's."""


@pytest_asyncio.fixture(loop_scope="session")
async def meters(session: AsyncSession) -> AsyncSession:
    """Two contracts: one with a one-register meter, one with a two-period meter."""
    for table in ("customer", "contract", "meter", "register", "conversation", "message"):
        await session.execute(statement(table, ROWS[table]))
    await session.execute(statement("contract", another("contract")))
    await session.execute(statement("meter", another("meter", contract_id=2)))
    for register, code in ((PEAK, "peak"), (OFF_PEAK, "off_peak")):
        row = another("register", id=register, meter_id=2, code=code)
        await session.execute(statement("register", row))
    return session


def reading(number: int, register: int = TOTAL, taken_on: date = DAY, **changes: Any) -> Reading:
    values = {
        "id": number,
        "reference": f"R-{number:010d}",
        "register_id": register,
        "value": 48000 + number,
        "taken_on": taken_on,
        "received_at": NOW + timedelta(minutes=number),
        "source": ReadingSource.CUSTOMER,
        "channel": "sms",
        "state": ReadingState.ACCEPTED,
    }
    return Reading(**values | changes)


async def put(session: AsyncSession, *readings: Reading) -> None:
    """Store readings in the order given, so that ids and order of reception may differ."""
    for each in readings:
        session.add(each)
        await session.flush()


async def values_of(session: AsyncSession, *registers: int) -> dict[int, list[int]]:
    found = await standing_readings(session, registers)
    return {register: [each.value for each in history] for register, history in found.items()}


async def test_readings_stand_in_the_order_taken_each_register_by_itself(meters: AsyncSession) -> None:
    yesterday = DAY - timedelta(days=1)
    await put(meters, reading(1), reading(2, taken_on=yesterday), reading(3), reading(4, PEAK))

    assert await values_of(meters, TOTAL, PEAK, OFF_PEAK) == {
        TOTAL: [48002, 48001, 48003],
        PEAK: [48004],
        OFF_PEAK: [],
    }
    assert await standing_readings(meters, []) == {}


async def test_what_waits_for_review_stands_and_what_is_rejected_or_replaced_does_not(meters: AsyncSession) -> None:
    await put(
        meters,
        reading(1),
        reading(2, state=ReadingState.TO_REVIEW),
        reading(3, state=ReadingState.REJECTED),
        reading(4, state=ReadingState.REPLACED, replaced_by_id=2),
        reading(5, source=ReadingSource.ESTIMATE, channel=None),
    )

    assert await values_of(meters, TOTAL) == {TOTAL: [48001, 48002, 48005]}


async def test_a_long_history_is_cut_to_its_latest_part(meters: AsyncSession) -> None:
    count = HISTORY_LENGTH + 5
    await put(meters, *(reading(n, taken_on=DAY + timedelta(days=n)) for n in range(1, count + 1)))

    [history] = (await values_of(meters, TOTAL)).values()

    assert len(history) == HISTORY_LENGTH
    assert (history[0], history[-1]) == (48000 + 6, 48000 + count)


async def last_sent(session: AsyncSession, contracts: list[int], since: datetime = NOW) -> list[int | None]:
    return sorted(each.id for each in await last_sent_by_customer(session, contracts, since))


@pytest.mark.parametrize(
    ("label", "stored", "expected"),
    [
        ("nothing sent", [], []),
        ("the latest", [reading(1), reading(2)], [2]),
        ("both registers of one meter", [reading(1, PEAK), reading(2, OFF_PEAK)], [1, 2]),
        ("one register again", [reading(1, PEAK), reading(2, OFF_PEAK), reading(3, PEAK)], [2, 3]),
        ("not the other register of another day",
         [reading(1, PEAK, DAY - timedelta(days=2)), reading(2, OFF_PEAK)], [2]),
        ("not another meter's", [reading(1), reading(2, PEAK)], [2]),
        ("not the field's", [reading(1), reading(2, source=ReadingSource.FIELD)], [1]),
        ("not a rejected one", [reading(1), reading(2, state=ReadingState.REJECTED)], [1]),
        ("one to review", [reading(1, state=ReadingState.TO_REVIEW)], [1]),
        ("not one received too long ago", [reading(1, received_at=NOW - timedelta(seconds=1))], []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_what_a_customer_sent_last_may_be_corrected(
    meters: AsyncSession, label: str, stored: list[Reading], expected: list[int]
) -> None:
    for each in stored:  # one table for both engines: copies, as a stored object belongs to its session
        columns = {name: value for name, value in vars(each).items() if not name.startswith("_")}
        await put(meters, Reading(**columns))

    assert await last_sent(meters, [1, 2]) == expected
    assert await last_sent(meters, []) == []


async def test_only_the_readings_of_the_senders_contracts_are_theirs(meters: AsyncSession) -> None:
    await put(meters, reading(1), reading(2, PEAK))

    assert await last_sent(meters, [1]) == [1]


async def audited(session: AsyncSession) -> list[tuple[str, str, str, dict[str, Any]]]:
    entries = await session.scalars(select(Audit).order_by(Audit.id))
    return [(each.actor, each.action, each.subject, each.details) for each in entries]


async def test_a_recorded_reading_is_audited_with_what_was_found(meters: AsyncSession) -> None:
    odd = reading(1, state=ReadingState.TO_REVIEW, findings=["high"])

    await record(meters, odd, None, "conversation:1")

    assert await audited(meters) == [
        (
            "conversation:1",
            "reading.recorded",
            "reading:R-0000000001",
            {"value": 48001, "state": "to_review", "findings": ["high"]},
        )
    ]


async def test_a_correction_keeps_the_old_reading_and_names_its_successor(meters: AsyncSession) -> None:
    wrong, right = reading(1, value=48231), reading(2, value=48213)
    await record(meters, wrong, None, "conversation:1")

    await record(meters, right, wrong, "conversation:1", why="customer")

    meters.expire_all()
    old = await meters.get_one(Reading, 1)
    assert (old.value, old.state, old.replaced_by_id) == (48231, ReadingState.REPLACED, 2)
    assert await values_of(meters, TOTAL) == {TOTAL: [48213]}
    assert (await audited(meters))[-1] == (
        "conversation:1",
        "reading.replaced",
        "reading:R-0000000001",
        {"by": "R-0000000002", "why": "customer"},
    )


async def test_a_message_handled_twice_cannot_store_its_reading_twice(meters: AsyncSession) -> None:
    await record(meters, reading(1, message_id=1), None, "conversation:1")

    with pytest.raises(IntegrityError):
        await record(meters, reading(2, message_id=1), None, "conversation:1")


async def test_one_message_may_bring_a_reading_for_each_register(meters: AsyncSession) -> None:
    await record(meters, reading(1, PEAK, message_id=1), None, "conversation:1")
    await record(meters, reading(2, OFF_PEAK, message_id=1), None, "conversation:1")

    assert await values_of(meters, PEAK, OFF_PEAK) == {PEAK: [48001], OFF_PEAK: [48002]}


async def test_the_export_has_every_reading_in_the_order_received(meters: AsyncSession) -> None:
    await put(
        meters,
        reading(1, received_at=NOW + timedelta(hours=1)),
        reading(2, PEAK, received_at=NOW),
        reading(3, state=ReadingState.REPLACED, replaced_by_id=1, received_at=NOW + timedelta(hours=2)),
    )

    rows = [row async for row in exported(meters)]

    assert [row["reference"] for row in rows] == ["R-0000000002", "R-0000000001", "R-0000000003"]
    assert all(tuple(row) == EXPORT_HEADER for row in rows)
    assert rows[0] == {
        "reference": "R-0000000002",
        "contract": "10000002",
        "meter": "410000002",
        "register": "peak",
        "value": 48002,
        "unit": "kWh",
        "taken_on": DAY,
        "received_at": NOW,
        "source": "customer",
        "channel": "sms",
        "state": "accepted",
    }


async def test_the_export_may_be_of_some_sources_only(meters: AsyncSession) -> None:
    await put(meters, reading(1), reading(2, source=ReadingSource.FIELD), reading(3, source=ReadingSource.ESTIMATE))

    real = [ReadingSource.CUSTOMER, ReadingSource.FIELD]
    assert [row["value"] async for row in exported(meters, real)] == [48001, 48002]
