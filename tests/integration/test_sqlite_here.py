"""On SQLite statements run where they stand, and a commit too while the disk is quick. Nothing is allowed by it that
PostgreSQL refuses.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import MissingGreenlet

from store import sqlite_driver
from store.apart import Apart
from store.database import Database


@pytest_asyncio.fixture
async def file(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'here.db'}")
    async with database.writing() as session:
        await session.execute(text("CREATE TABLE note (body TEXT)"))
    yield database
    await database.close()


async def _commit(database: Database, times: int) -> None:
    for _ in range(times):
        async with database.writing() as session:
            await session.execute(text("INSERT INTO note VALUES ('x')"))


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What went to a thread since the file was opened."""
    seen: list[Callable[[], object]] = []
    in_a_thread = sqlite_driver._in_a_thread

    def noted(work: Callable[[], object]) -> object:
        seen.append(work)
        return in_a_thread(work)

    monkeypatch.setattr(sqlite_driver, "_in_a_thread", noted)
    return seen


async def test_what_was_not_asked_for_with_the_session_is_refused_as_on_postgresql(file: Database) -> None:
    async with file.writing() as session:
        assert await session.scalar(text("SELECT count(*) FROM note")) == 0
        with pytest.raises(MissingGreenlet):
            session.sync_session.execute(text("SELECT count(*) FROM note"))


async def test_a_result_outlives_its_transaction(file: Database) -> None:
    await _commit(file, 3)
    async with file.reading() as session:
        found = await session.execute(text("SELECT body FROM note"))
    assert len(found.all()) == 3


async def test_a_quick_disk_is_waited_for_and_a_slow_one_is_left_to_a_thread(
    file: Database, handed_over: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_driver, "QUICK_SECONDS", 60.0)
    await _commit(file, sqlite_driver.SLOW_IN_A_ROW + 1)
    assert len(handed_over) == 0

    monkeypatch.setattr(sqlite_driver, "QUICK_SECONDS", 0.0)
    await _commit(file, sqlite_driver.SLOW_IN_A_ROW)
    assert len(handed_over) == 0
    await _commit(file, 3)
    assert len(handed_over) == 3


async def test_a_disk_that_was_slow_is_tried_again(
    file: Database, handed_over: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_driver, "IN_THREADS", 2)
    monkeypatch.setattr(sqlite_driver, "QUICK_SECONDS", 0.0)
    await _commit(file, sqlite_driver.SLOW_IN_A_ROW + 2)
    assert len(handed_over) == 2
    await _commit(file, 3)  # the first of them here, which is slow again
    assert len(handed_over) == 4

    monkeypatch.setattr(sqlite_driver, "QUICK_SECONDS", 60.0)
    await _commit(file, 5)
    assert len(handed_over) == 4


async def test_others_have_a_turn_between_the_batches_of_one_task(
    file: Database, handed_over: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_driver, "QUICK_SECONDS", 60.0)
    turns_of_the_loop = 0

    async def somebody_else() -> None:
        nonlocal turns_of_the_loop
        while True:
            turns_of_the_loop += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(somebody_else())
    await _commit(file, 100)
    other.cancel()
    assert len(handed_over) == 0
    assert turns_of_the_loop >= 99


async def test_a_look_in_another_thread_does_not_disturb_it(file: Database) -> None:
    await _commit(file, 1)
    apart = Apart(file)
    looking = [
        asyncio.create_task(apart.look(lambda session: session.scalar(text("SELECT count(*) FROM note"))))
        for _ in range(6)
    ]
    await _commit(file, 200)
    assert all(found >= 1 for found in await asyncio.gather(*looking))


async def test_a_transaction_that_fails_leaves_nothing_and_the_next_one_goes_on(file: Database) -> None:
    with contextlib.suppress(RuntimeError):
        async with file.writing() as session:
            await session.execute(text("INSERT INTO note VALUES ('lost')"))
            raise RuntimeError
    async with file.writing() as session:
        assert await session.scalar(text("SELECT count(*) FROM note")) == 0


async def test_whoever_waits_for_another_writer_leaves_the_others_in_peace(file: Database) -> None:
    other = Database(file.url.render_as_string())
    try:
        async with other.writing() as session:
            await session.execute(text("INSERT INTO note VALUES ('first')"))
            waiting = asyncio.create_task(_commit(file, 1))
            await asyncio.sleep(0.05)  # the loop turns meanwhile
            assert not waiting.done()
        await waiting
    finally:
        await other.close()
