"""Sends campaigns: a lane for each channel, beside the senders of replies, so that none of these waits behind it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from bot.channels.carrier import Channel
from bot.sending.outbox import After, Outbox

log = structlog.get_logger()

LOOK_SECONDS = 2.0
"""How often an empty lane looks for work, and how long it stands still when the carrier takes nothing."""
LONGEST_STAND_SECONDS = 120.0
"""The stand doubles up to this, so that an outage does not use up the tries of a whole campaign."""
SIDE_BY_SIDE = 32
"""Sends that wait for the carrier's answer at the same time."""


class Lane:
    """One channel's lane in this process. A message is claimed when it may go at once: none is held for longer."""

    def __init__(self, outbox: Outbox, channel: Channel) -> None:
        self._outbox = outbox
        self._channel = channel
        self._places = asyncio.Semaphore(SIDE_BY_SIDE)
        self._sends: set[asyncio.Task[None]] = set()
        self._stand = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"lane {self._channel}")

    async def stop(self) -> None:
        """Claim nothing more and finish the sends in hand."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._sends:
            await asyncio.wait(self._sends)

    async def _run(self) -> None:
        while True:
            await self._places.acquire()
            await asyncio.sleep(self._stand)
            await self._outbox.room_for_bulk(self._channel)
            found: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            # A task of its own, which outlives a lane that is stopped: what is claimed must also be sent.
            send = asyncio.create_task(self._send_next(found), name=f"bulk {self._channel}")
            self._sends.add(send)
            send.add_done_callback(self._sends.discard)
            if not await found:
                await asyncio.sleep(LOOK_SECONDS)

    async def _send_next(self, found: asyncio.Future[bool]) -> None:
        stand = self._stand  # all that fail together make it longer once
        try:
            claimed = await self._outbox.claim_bulk(self._channel)
            if not found.done():
                found.set_result(claimed is not None)
            if claimed is not None:
                taken = await self._outbox.deliver([claimed]) is not After.WAIT
                self._stand = 0.0 if taken else min(max(LOOK_SECONDS, 2 * stand), LONGEST_STAND_SECONDS)
        except Exception as error:
            # The message is still in the store, and comes up again when its claim has run out.
            log.error("lane.interrupted", channel=self._channel.value, error=type(error).__name__)
        finally:
            if not found.done():
                found.set_result(False)
            self._places.release()
