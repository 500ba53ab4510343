"""Handles waiting messages and sends replies: one conversation at a time, many conversations side by side."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from bot.clock import Clock, system_clock
from bot.lane import Lane
from bot.outbox import Outbox
from bot.outgoing import Claimed
from bot.turn import Outcome, Turns
from bot.wake import Listener
from store.database import Database
from store.waiting import waiting_conversations

log = structlog.get_logger()

SWEEP_SECONDS = 2.0
"""How often the store is looked over for what no wake-up announced: retries, leases that ran out, lost notices."""


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
    ) -> None:
        self._database = database
        self._turns = turns
        self._outbox = outbox
        self._clock = clock
        self._turn_slots = asyncio.Semaphore(1 if database.is_sqlite else 8)
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

    def wake(self, conversation_id: int) -> None:
        """Something is to be done in a conversation. Safe to call any number of times."""
        if self._stopping:
            return
        if conversation_id in self._running:
            self._again.add(conversation_id)
            return
        task = asyncio.create_task(self._run(conversation_id), name=f"conversation {conversation_id}")
        self._running[conversation_id] = task

    async def start(self) -> None:
        self._listener.start()
        for lane in self._lanes:
            lane.start()
        self._sweeper = asyncio.create_task(self._sweep(), name="sweeper")

    async def stop(self) -> None:
        """Finish the turns and sends in hand; what is not begun stays in the store for the next start."""
        self._stopping = True
        await self._listener.stop()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        await asyncio.gather(*(lane.stop() for lane in self._lanes))
        while tasks := [*self._running.values(), *self._sending.values()]:
            await asyncio.wait(tasks)

    async def idle(self) -> None:
        """Wait until no turn and no reply is being done; for tests, benches and `releve chat`."""
        while tasks := [*self._running.values(), *self._sending.values()]:
            await asyncio.wait(tasks)

    async def _run(self, conversation_id: int) -> None:
        try:
            async with self._slots:
                while True:
                    self._again.discard(conversation_id)
                    await self._handle_all(conversation_id)
                    if conversation_id not in self._again or self._stopping:
                        break
        except Exception as error:
            # The message is still in the store; the sweeper comes back to it.
            log.error("worker.interrupted", conversation=conversation_id, error=type(error).__name__)
        finally:
            del self._running[conversation_id]
            if conversation_id in self._again:
                self.wake(conversation_id)

    async def _handle_all(self, conversation_id: int) -> None:
        while not self._stopping:
            async with self._turn_slots:
                handled = await self._turns.handle_next(conversation_id)
            if handled.queued:
                self.send(conversation_id, handled.claimed)
            for other in handled.notified:
                self.send(other)
            if handled.outcome not in (Outcome.HANDLED, Outcome.FAILED):
                return

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
                    await self._outbox.deliver(claimed)
                else:
                    await self._outbox.drain(conversation_id)
        except Exception as error:
            log.error("worker.send_interrupted", conversation=conversation_id, error=type(error).__name__)
        finally:
            del self._sending[conversation_id]
            if conversation_id in self._send_again:
                self._send_again.discard(conversation_id)
                self.send(conversation_id)

    async def _sweep(self) -> None:
        while True:
            try:
                async with self._database.reading() as session:
                    waiting = await waiting_conversations(session, self._clock())
                for conversation_id in waiting.to_handle:
                    self.wake(conversation_id)
                for conversation_id in waiting.to_send:
                    self.send(conversation_id)
            except Exception as error:
                log.error("worker.sweep_failed", error=type(error).__name__)
            await asyncio.sleep(SWEEP_SECONDS)
