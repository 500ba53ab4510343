"""Handles waiting messages and sends replies: one conversation at a time, many conversations side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import structlog

from bot.clock import Clock, system_clock
from bot.photos.arrivals import Photos
from bot.sending.lane import Lane
from bot.sending.outbox import After, Outbox
from bot.sending.outgoing import Claimed
from bot.turns.handled import Outcome
from bot.turns.turn import Turns
from bot.wake import Listener
from store.database import Database
from store.waiting import Found, waiting_conversations

log = structlog.get_logger()

SWEEP_SECONDS = 2.0
"""How often the store is looked over for what no wake-up announced: retries, leases that ran out, lost notices."""

ANNOUNCED_SECONDS = 5.0
"""Within these a message is handled that somebody announces; later it is *found*, see `bot.turns.attempts`."""
POSTGRESQL_TURNS = 8
HELD_SECONDS = 0.1
"""After these a conversation that another process had is looked at again."""


class Worker:
    """Runs conversations that something woke. `concurrency` is how many turns and replies go on at once.

    Campaigns are sent beside them, in lanes that take no place of theirs.
    """

    def __init__(
        self,
        database: Database,
        turns: Turns,
        outbox: Outbox,
        clock: Clock = system_clock,
        concurrency: int = 32,
        photos: Photos | None = None,
    ) -> None:
        self._database = database
        self._turns = turns
        self._outbox = outbox
        self._photos = photos
        self._clock = clock
        self._turns_at_once = 1 if database.is_sqlite else POSTGRESQL_TURNS
        self._turn_slots = asyncio.Semaphore(self._turns_at_once)
        self._alone = asyncio.Lock()
        self._started_at = clock()
        self._slots = asyncio.Semaphore(concurrency)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._again: set[int] = set()
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._send_again: set[int] = set()
        self._held: dict[int, list[Claimed]] = {}
        self._lanes = [Lane(outbox, channel) for channel in outbox.channels]
        self._sweeper: asyncio.Task[None] | None = None
        self._listener = Listener(database, self.wake)
        self._stopping = False

    def wake(self, conversation_id: int, found: Found | None = None) -> None:
        """Something is to be done in a conversation. Safe to call any number of times.

        `found` tells of messages that were found in the store rather than announced.
        """
        if self._stopping:
            return
        if conversation_id in self._running:
            self._again.add(conversation_id)
            return
        task = asyncio.create_task(self._run(conversation_id, found), name=f"conversation {conversation_id}")
        self._running[conversation_id] = task

    async def start(self) -> None:
        self._listener.start()
        for lane in self._lanes:
            lane.start()
        self._sweeper = asyncio.create_task(self._sweep(), name="sweeper")

    @property
    def is_looking(self) -> bool:
        """Whether the store is looked over for what nobody announced."""
        return self._sweeper is not None and not self._sweeper.done()

    async def stop(self, within: float | None = None) -> bool:
        """Finish the turns and sends in hand; what is not begun stays in the store for the next start.

        False when that took longer than `within` seconds: what was left is undone, or in doubt at its carrier.
        """
        self._stopping = True
        await self._listener.stop()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        try:
            async with asyncio.timeout(within):
                await asyncio.gather(*(lane.stop() for lane in self._lanes))
                await self.idle()
        except TimeoutError:
            left = [*self._running.values(), *self._sending.values()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            return False
        return True

    async def idle(self) -> None:
        """Wait until no turn and no reply is being done; for tests, benches and `releve chat`."""
        while tasks := [*self._running.values(), *self._sending.values(), *self._looks()]:
            await asyncio.wait(tasks)

    def _looks(self) -> Sequence[asyncio.Task[None]]:
        """Pictures in hand, whose conversations go on afterwards; when the worker stops they are put back instead."""
        return () if self._photos is None or self._stopping else self._photos.in_hand

    async def _run(self, conversation_id: int, found: Found | None) -> None:
        try:
            async with self._slots:
                while True:
                    self._again.discard(conversation_id)
                    await self._handle_all(conversation_id, found)
                    if conversation_id not in self._again or self._stopping:
                        break
        except Exception as error:
            # The message is still in the store; the sweeper comes back to it.
            log.error("worker.interrupted", conversation=conversation_id, error=type(error).__name__)
        finally:
            del self._running[conversation_id]
            if conversation_id in self._again:
                self.wake(conversation_id)

    async def _handle_all(self, conversation_id: int, found: Found | None) -> None:
        while not self._stopping:
            async with self._room(alone=found is not None and found.attempts > 0):
                handled = await self._turns.handle_next(conversation_id, found=found is not None)
            if handled.picture is not None and self._photos is not None:
                self._photos.begin(handled.picture, self.wake)
            if handled.queued:
                self.send(conversation_id, handled.claimed)
            for other in handled.notified:
                self.send(other)
            if handled.outcome is Outcome.HELD:
                # Whoever has the conversation may have looked for more before this message came.
                asyncio.get_running_loop().call_later(HELD_SECONDS, self.wake, conversation_id)
            if handled.outcome is not Outcome.FAILED and not handled.more:
                return

    @asynccontextmanager
    async def _room(self, *, alone: bool) -> AsyncIterator[None]:
        """Room for a turn. What was tried before and never ended goes `alone`: if it ends the process once more, it
        takes nobody's message with it.
        """
        if not alone:
            async with self._turn_slots:
                yield
            return
        async with self._alone, AsyncExitStack() as slots:
            for _ in range(self._turns_at_once):
                await slots.enter_async_context(self._turn_slots)
            yield

    def send(self, conversation_id: int, claimed: tuple[Claimed, ...] = ()) -> None:
        """Send what is due, in the background: the next turn need not wait for a carrier.

        `claimed` are replies that this process holds already. One sender per conversation keeps the order.
        """
        self._held.setdefault(conversation_id, []).extend(claimed)
        if conversation_id in self._sending:
            self._send_again.add(conversation_id)
            return
        self._sending[conversation_id] = asyncio.create_task(
            self._drain(conversation_id), name=f"outbox {conversation_id}"
        )

    async def _drain(self, conversation_id: int) -> None:
        try:
            async with self._slots:
                claimed = self._held.pop(conversation_id, [])
                if claimed:
                    if await self._outbox.deliver(claimed) is After.MORE:
                        self._send_again.add(conversation_id)
                else:
                    await self._outbox.drain(conversation_id, lambda: not self._stopping)
        except Exception as error:
            log.error("worker.send_interrupted", conversation=conversation_id, error=type(error).__name__)
        finally:
            del self._sending[conversation_id]
            again = conversation_id in self._send_again and not self._stopping
            self._send_again.discard(conversation_id)
            if again or self._held.get(conversation_id):
                self.send(conversation_id)

    async def _sweep(self) -> None:
        while True:
            try:
                async with self._database.reading() as session:
                    waiting = await waiting_conversations(session, self._clock())
                for found in waiting.to_handle:
                    self.wake(found.conversation_id, found if self._is_news(found) else None)
                for conversation_id in waiting.to_send:
                    self.send(conversation_id)
            except Exception as error:
                log.error("worker.sweep_failed", error=type(error).__name__)
            await asyncio.sleep(SWEEP_SECONDS)

    def _is_news(self, found: Found) -> bool:
        """Whether nobody announced it to this process, or somebody gave up."""
        waited = (self._clock() - found.since).total_seconds()
        return found.attempts > 0 or found.since < self._started_at or waited > ANNOUNCED_SECONDS
