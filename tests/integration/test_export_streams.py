"""What systems follow: every state of readings and requests, each line once, in the order of commits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select
from store_rows import ROWS, another, statement

from store import exports
from store.database import Database
from store.exchange_models import ExportLine, Stream, WebhookDelivery
from store.exports import WrongBatch
from store.models import Reading, ReadingState, Request, RequestState

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
BEFORE_READINGS = ("customer", "contract", "meter", "register", "conversation", "message")


@pytest_asyncio.fixture
async def furnished(database: Database) -> Database:
    async with database.writing() as session:
        for table in BEFORE_READINGS:
            await session.execute(statement(table, ROWS[table]))
    return database


def reading(number: int, **changes: Any) -> Reading:
    row = {**another("reading"), "id": number, "reference": f"R-{number}", "message_id": None}
    return Reading(**(row | changes))


async def offered(database: Database, consumer: str = "billing", limit: int = 100) -> tuple[int, list[str]]:
    async with database.writing() as session:
        batch = await exports.offered(session, Stream.READINGS, consumer, limit, NOW)
    return batch.position, [f"{line['reference']} {line['state']}" for line in batch.lines]


async def acknowledge(database: Database, position: int, consumer: str = "billing") -> None:
    async with database.writing() as session:
        await exports.acknowledge(session, Stream.READINGS, consumer, position, NOW)


async def test_a_batch_is_the_same_until_it_is_acknowledged(furnished: Database) -> None:
    async with furnished.writing() as session:
        session.add_all([reading(1), reading(2), reading(3)])

    first, lines = await offered(furnished, limit=2)
    async with furnished.writing() as session:
        session.add(reading(4))
    assert await offered(furnished, limit=50) == (first, lines) == (2, ["R-1 accepted", "R-2 accepted"])

    await acknowledge(furnished, first)
    await acknowledge(furnished, first)  # the answer was lost
    second, lines = await offered(furnished)
    assert lines == ["R-3 accepted", "R-4 accepted"]
    await acknowledge(furnished, second)
    assert await offered(furnished) == (second, [])


async def test_only_what_was_offered_can_be_acknowledged(furnished: Database) -> None:
    async with furnished.writing() as session:
        session.add(reading(1))
    with pytest.raises(WrongBatch):
        await acknowledge(furnished, 1)
    await offered(furnished)
    with pytest.raises(WrongBatch):
        await acknowledge(furnished, 2)
    assert (await offered(furnished, "another"))[1] == ["R-1 accepted"]


async def test_a_reading_comes_again_in_each_state_and_the_operators_own_never(furnished: Database) -> None:
    async with furnished.writing() as session:
        session.add_all([reading(1), reading(2, source="field"), reading(3, state="to_review")])
    async with furnished.writing() as session:
        old = await session.get_one(Reading, 1)
        session.add(reading(4))
        await session.flush()
        old.state, old.replaced_by_id = ReadingState.REPLACED, 4
    async with furnished.writing() as session:
        (await session.get_one(Reading, 3)).state = ReadingState.REJECTED

    _, lines = await offered(furnished)
    assert lines == ["R-1 accepted", "R-3 to_review", "R-4 accepted", "R-1 replaced", "R-3 rejected"]


async def test_a_line_that_is_committed_late_comes_after_what_was_taken_out(furnished: Database) -> None:
    """Its number is lower than that of one which was taken out before."""
    if furnished.is_sqlite:
        pytest.skip("one writer at a time: nobody can be late")
    written, go_on = asyncio.Event(), asyncio.Event()

    async def late() -> None:
        async with furnished.writing() as session:
            session.add(reading(1))
            await session.flush()
            written.set()
            await go_on.wait()

    slow = asyncio.create_task(late())
    await written.wait()
    async with furnished.writing() as session:
        session.add(reading(2))
    first, lines = await offered(furnished)
    assert lines == ["R-2 accepted"]
    await acknowledge(furnished, first)
    go_on.set()
    await slow

    assert (await offered(furnished))[1] == ["R-1 accepted"]
    async with furnished.reading() as session:
        numbers = list(await session.scalars(select(ExportLine.id).order_by(ExportLine.position)))
    assert numbers == sorted(numbers, reverse=True)


async def test_many_who_write_and_follow_at_once_lose_nothing_and_double_nothing(furnished: Database) -> None:
    taken: list[str] = []
    written = asyncio.Event()

    async def write(first: int) -> None:
        for number in range(first, first + 10):
            async with furnished.writing() as session:
                session.add(reading(number))

    async def follow() -> None:
        while True:
            last = written.is_set()
            position, lines = await offered(furnished, limit=3)
            if lines:
                await acknowledge(furnished, position)
                taken.extend(lines)
            elif last:
                return
            await asyncio.sleep(0)

    follower = asyncio.create_task(follow())
    await asyncio.gather(*(write(first) for first in (100, 200, 300)))
    written.set()
    await follower

    assert len(taken) == len(set(taken)) == 30


async def test_a_system_that_keeps_its_own_place_reads_from_anywhere(furnished: Database) -> None:
    async with furnished.writing() as session:
        session.add_all([reading(1), reading(2), reading(3)])
    places, position, is_last = [], 0, False
    while not is_last:
        async with furnished.writing() as session:
            batch = await exports.since(session, Stream.READINGS, position, 2)
        position, is_last = batch.position, batch.is_last
        places.append(position)
    assert places == [2, 3]


async def test_a_request_is_followed_with_its_payments(furnished: Database) -> None:
    async with furnished.writing() as session:
        session.add(Request(**ROWS["request"]))
    async with furnished.writing() as session:
        await session.execute(statement("instalment", ROWS["instalment"]))
        request = await session.get_one(Request, 1)
        request.state, request.changed_at = RequestState.UNDER_REVIEW, NOW
    async with furnished.writing() as session:
        batch = await exports.offered(session, Stream.REQUESTS, "crm", 10, NOW)
    assert [(line["state"], len(line["payments"])) for line in batch.lines] == [("received", 1), ("under_review", 1)]


async def test_what_is_undone_is_not_told(furnished: Database) -> None:
    async def undone() -> None:
        async with furnished.writing() as session:
            session.add(reading(1))
            await session.flush()
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError):
        await undone()
    assert await offered(furnished) == (0, [])
    async with furnished.reading() as session:
        assert list(await session.scalars(select(WebhookDelivery))) == []
