"""Whether this process's event loop runs, and how late it comes to what is due."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic

from bot.telemetry.metrics import EVENT_LOOP_LAG

BEAT_SECONDS = 0.5
STILL_SECONDS = 20.0
"""Without a beat for so long the process is as good as dead."""


class Heartbeat:
    """Beats for as long as the loop runs. A turn that computes for a second shows as a second of lag."""

    def __init__(self) -> None:
        self._last = monotonic()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._last = monotonic()
        self._task = asyncio.create_task(self._beat(), name="heartbeat")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def is_beating(self) -> bool:
        return monotonic() - self._last < STILL_SECONDS

    async def _beat(self) -> None:
        while True:
            due = monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self._last = monotonic()
            EVENT_LOOP_LAG.observe(max(self._last - due, 0.0))
