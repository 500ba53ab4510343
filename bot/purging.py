"""The nightly purge of what is older than it may be kept; see `store.retention` and `retention` of the operator."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime

import structlog
from sqlalchemy import select

from actions.operator import Operator
from billing.calendar import CASABLANCA, local_day
from bot.clock import Clock, system_clock
from bot.routine import Routine
from store.database import Database
from store.purge import BATCH, Run
from store.retention import CATEGORIES
from store.upkeep_models import PurgeProgress

log = structlog.get_logger()

EVERY_SECONDS = 600.0
REST_SECONDS = 0.05
"""After each batch: whoever writes meanwhile comes first."""


class Purging(Routine):
    """Once a night, in one process at a time, all that is due; what is left when the night is over goes the next."""

    def __init__(
        self,
        database: Database,
        operator: Operator,
        clock: Clock = system_clock,
        every: float = EVERY_SECONDS,
        batch: int = BATCH,
    ) -> None:
        super().__init__("purge", every)
        self._database = database
        self._operator = operator
        self._clock = clock
        self._batch = batch

    async def look(self) -> None:
        """Purge what was not purged today, if it is the hour. Doing it again changes nothing."""
        now = self._clock()
        if not self._operator.purge.is_time(now):
            return
        async with self._database.reading() as session:
            query = select(PurgeProgress.category).where(PurgeProgress.finished_at >= _begin_of(now))
            done = frozenset(await session.scalars(query))
        cutoffs = {name: before for name, before in self._operator.retention.cutoffs(now).items() if name not in done}
        async for name, rows in purged(self._database, cutoffs, self._clock, self._is_time, self._batch):
            if rows:
                log.info("purge.removed", category=name, rows=rows)

    def _is_time(self) -> bool:
        return self._operator.purge.is_time(self._clock())


async def purged(
    database: Database,
    cutoffs: Mapping[str, datetime],
    clock: Clock,
    goes_on: Callable[[], bool] = lambda: True,
    batch: int = BATCH,
) -> AsyncIterator[tuple[str, int]]:
    """Remove what was made before the moments of `cutoffs`; each category of them with how many rows went.

    Stops between two batches when `goes_on` says so. What another process is at is left to it.
    """
    runner = secrets.token_hex(8)
    for category in CATEGORIES:
        if category.name not in cutoffs or not goes_on():
            continue
        run = Run(database, category, cutoffs[category.name], runner, batch)
        while await run.step(clock()) and goes_on():  # noqa: ASYNC110 - it waits for nothing, it rests
            await asyncio.sleep(REST_SECONDS)
        yield category.name, run.removed


def _begin_of(now: datetime) -> datetime:
    """Midnight in Morocco before a moment."""
    return datetime.combine(local_day(now), datetime.min.time(), CASABLANCA)
