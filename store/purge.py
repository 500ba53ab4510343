"""The purge: what is older than it may be kept goes, batch by batch, each batch a transaction of its own.

A run of a category belongs to one process at a time, by a lease. It begins where the last one had nothing left to do,
so that a day's run costs what a day brought, and goes on where it was interrupted. Rows that are old enough and may
not go yet are looked at again in the next run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from store.database import Database
from store.models import Audit
from store.retention import CATEGORIES, Category
from store.upkeep_models import PurgeProgress

BATCH = 100
"""Rows of one transaction: on SQLite customers wait behind it."""
LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Found:
    """What a purge would remove of a category: `rows` that were made before a moment."""

    category: str
    before: datetime
    rows: int


async def found(session: AsyncSession, cutoffs: Mapping[str, datetime]) -> list[Found]:
    """What a purge would remove now; `cutoffs` are the moments by category. Reads all that is old enough."""
    result = []
    for category in CATEGORIES:
        before = cutoffs[category.name]
        query = category.select(func.count()).where(category.made_at < before, category.due(before))
        result.append(Found(category.name, before, await session.scalar(query) or 0))
    return result


class Run:
    """One category's run by one process, `runner`. Call `step` until it returns False."""

    def __init__(
        self, database: Database, category: Category, before: datetime, runner: str, batch: int = BATCH
    ) -> None:
        self._database = database
        self._category = category
        self._before = before
        self._runner = runner
        self._batch = batch
        self._place: int | None = None
        self._first_left: int | None = None
        self.removed = 0

    async def step(self, now: datetime) -> bool:
        """Remove what is due of the next batch. False when nothing is left, or another process is at it."""
        async with self._database.writing() as session:
            progress = await self._held(session, now)
            if progress is None:
                return False
            rows = await self._next(session, progress.reached if self._place is None else self._place)
            old = [number for number, made_at in rows if made_at < self._before]
            due = await self._due(session, old)
            if due:
                await self._category.remove(session, due, self._before)
            if self._first_left is None:
                self._first_left = await self._first_left_of(session, set(old) - set(due))
            if old:
                self._place = old[-1]
                progress.reached = self._place if self._first_left is None else self._first_left - 1
            progress.removed += len(due)
            more = len(old) == self._batch
            if not more:
                self._finish(session, progress, now)
        self.removed += len(due)
        return more

    async def _held(self, session: AsyncSession, now: datetime) -> PurgeProgress | None:
        """The category's progress, leased to this process; None while another one has it."""
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        await session.execute(insert(PurgeProgress).values(category=self._category.name).on_conflict_do_nothing())
        progress = await session.scalar(
            select(PurgeProgress)
            .where(PurgeProgress.category == self._category.name)
            .with_for_update(skip_locked=True)
        )
        if progress is None:
            return None
        is_leased = progress.leased_until is not None and progress.leased_until > now
        if is_leased and progress.runner != self._runner:
            return None
        progress.runner, progress.leased_until = self._runner, now + LEASE
        return progress

    async def _next(self, session: AsyncSession, place: int) -> Sequence[Any]:
        """The next numbers and their moments; what comes after a young row is young too, or waits until it is old."""
        category = self._category
        query = category.select(category.key, category.made_at).where(category.key > place)
        rows: Sequence[Any] = (await session.execute(query.order_by(category.key).limit(self._batch))).all()
        young: Iterator[int] = (place for place, (_, made_at) in enumerate(rows) if made_at >= self._before)
        return rows[: next(young, len(rows))]

    async def _due(self, session: AsyncSession, numbers: Sequence[int]) -> list[int]:
        if not numbers:
            return []
        category = self._category
        query = category.select(category.key).where(category.key.in_(numbers), category.due(self._before))
        return list(await session.scalars(query))

    async def _first_left_of(self, session: AsyncSession, numbers: Collection[int]) -> int | None:
        """The first row that has to stay for now although it is old."""
        if not numbers or self._category.is_done is None:
            return min(numbers, default=None)
        category = self._category
        query = category.select(func.min(category.key)).where(category.key.in_(numbers), ~self._category.is_done)
        first: int | None = await session.scalar(query)
        return first

    def _finish(self, session: AsyncSession, progress: PurgeProgress, now: datetime) -> None:
        if progress.removed:
            details = {"rows": progress.removed, "before": self._before.isoformat(timespec="seconds")}
            subject = f"data:{self._category.name}"
            session.add(Audit(at=now, actor="purge", action="data.purged", subject=subject, details=details))
        progress.removed, progress.finished_at = 0, now
        progress.runner = progress.leased_until = None
