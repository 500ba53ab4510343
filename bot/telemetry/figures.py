"""The figures of the store as gauges: looked up when somebody asks, seldom, and beside everything else."""

from __future__ import annotations

import asyncio
from datetime import datetime
from time import perf_counter

import structlog

from billing.calendar import local_day
from bot.clock import Clock, system_clock
from bot.telemetry import metrics
from bot.telemetry.transactions import connections
from store.apart import Apart
from store.backlog import Backlog, Waiting, backlog
from store.database import Database

log = structlog.get_logger()

LEAST_SECONDS = 5.0
"""Between two looks at the store, however many scrape."""
SHARE = 0.01
"""Of the time that looks may take: one that took a second is not repeated for a hundred."""
PATIENCE_SECONDS = 3.0
"""How long a scrape waits for them; it then gets those of the look before."""


class StoreFigures:
    """One a process."""

    def __init__(self, database: Database, clock: Clock = system_clock) -> None:
        self._database = database
        self._apart = Apart(database)
        self._clock = clock
        self._next = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._last: Backlog | None = None

    async def refresh(self) -> None:
        """Bring the gauges up to date, if they are old enough. Raises nothing: figures that cannot be had are old."""
        if self._looking is None and perf_counter() >= self._next:
            self._looking = asyncio.create_task(self._look(), name="store figures")
        if self._looking is not None:
            await asyncio.wait([self._looking], timeout=PATIENCE_SECONDS)
        in_use, idle = connections(self._database.engine)
        metrics.child(metrics.DATABASE_CONNECTIONS, "used").set(in_use)
        metrics.child(metrics.DATABASE_CONNECTIONS, "idle").set(idle)
        if self._last is not None:
            metrics.BACKLOG_AGE.set((self._clock() - self._last.at).total_seconds())

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    async def _look(self) -> None:
        began = perf_counter()
        now = self._clock()
        try:
            self._last = await self._apart.look(lambda session: backlog(session, now, local_day(now)))
            _show(self._last)
        except Exception as error:
            metrics.BACKLOG_FAILED.inc()
            log.warning("metrics.store_not_counted", error=type(error).__name__)
        finally:
            self._looking = None
            ended = perf_counter()
            self._next = ended + max(LEAST_SECONDS, (ended - began) / SHARE)


def _show(found: Backlog) -> None:
    for gauge in metrics.MEASURED_ON_DEMAND:
        gauge.clear()
    for queue, waiting in found.queues.items():
        metrics.QUEUE_MESSAGES.labels(queue.value).set(waiting.number)
        metrics.QUEUE_OLDEST.labels(queue.value).set(_age(waiting, found.at))
    for (state, priority), waiting in found.hand_overs.items():
        metrics.HAND_OVERS_OPEN.labels(state, priority).set(waiting.number)
        if state == "waiting":
            metrics.HAND_OVERS_OLDEST.labels(priority).set(_age(waiting, found.at))
    for kind, number in found.requests.items():
        metrics.REQUESTS_OPEN.labels(kind).set(number)
    metrics.REQUESTS_LATE.set(found.requests_late)
    metrics.READINGS_TO_REVIEW.set(found.readings_to_review)
    for campaign, number in found.campaigns.items():
        metrics.CAMPAIGN_NOTICES.labels(campaign).set(number)


def _age(waiting: Waiting, now: datetime) -> float:
    """Never below zero: clocks of two machines may differ a little."""
    return max((now - waiting.since).total_seconds(), 0.0) if waiting.since else 0.0
