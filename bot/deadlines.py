"""The calendar's part in the conversation, every few minutes in each worker process; see `store.deadlines`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from actions.operator import Operator
from billing.calendar import local_day
from bot.clock import Clock, system_clock
from bot.routine import Routine
from store.database import Database
from store.deadlines import break_overdue, keep_paid, late_requests, remind

log = structlog.get_logger()

EVERY_SECONDS = 300.0
BATCH = 50
"""Requests of one transaction: on SQLite customers wait behind it."""
NAMED = 10
"""Late requests that a line of the log names."""


class Deadlines(Routine):
    """Breaks, keeps and reminds of granted schedules, and tells the operator of requests that wait too long."""

    def __init__(
        self,
        database: Database,
        operator: Operator,
        clock: Clock = system_clock,
        every: float = EVERY_SECONDS,
        batch: int = BATCH,
    ) -> None:
        super().__init__("deadlines", every)
        self._database = database
        self._operator = operator
        self._clock = clock
        self._batch = batch
        self._reported_on: date | None = None

    async def look(self) -> None:
        """Do all that is due now. Doing it again changes nothing."""
        now, batch = self._clock(), self._batch
        today = local_day(now)
        policy = self._operator.schedules
        late_before = today - timedelta(policy.grace_days)
        await self._all(lambda session: keep_paid(session, now, batch))
        await self._all(lambda session: break_overdue(session, late_before, now, batch))
        place: tuple[int, int] | None = (0, 0)
        while place is not None:
            async with self._database.writing() as session:
                place = await remind(session, today, today + timedelta(policy.remind_days), now, batch, place)
        await self._report_late(today)

    async def _all(self, work: Callable[[AsyncSession], Awaitable[int]]) -> None:
        """Batch after batch, each its own transaction, until one is not full."""
        while True:
            async with self._database.writing() as session:
                done = await work(session)
            if done < self._batch:
                return

    async def _report_late(self, today: date) -> None:
        """Once a day: the undecided requests whose day has gone by."""
        if self._reported_on == today:
            return
        self._reported_on = today
        async with self._database.reading() as session:
            late = await late_requests(session, today, NAMED)
        if late:
            log.warning("requests.late", references=[request.reference for request in late], oldest=late[0].due_on)
