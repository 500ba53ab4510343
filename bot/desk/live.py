"""Brings changes to the browsers that show them.

One `Live` a process. It hears of changed conversations from the database (NOTIFY from any process; on SQLite the
commits of this one), counts the queue once for all open pages, at most once a second, and passes on that there is
something new to look at, never what. Every few seconds it looks for what no notice told.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress

import structlog

from bot.clock import Clock, system_clock
from bot.desk.subscriber import Subscriber
from bot.wake import Listener
from store.changes import NOTICE
from store.database import Database
from store.queue import Counts, counts, newest_messages
from store.user_sessions import still_open

log = structlog.get_logger()

MOST_STREAMS = 20
"""Of one browser: many more than it shows pages, and too few to wear this process out."""
LEAST_SECONDS = 1.0
"""Between two counts of the queue."""
SWEEP_SECONDS = 5.0
SWEEPS_PER_SESSION_CHECK = 3


class Live:
    """Hears what changed, in this process and in others, and passes it on to open pages."""

    def __init__(self, database: Database, clock: Clock = system_clock) -> None:
        self._database = database
        self._clock = clock
        self.version = 0
        """Grows with every change: what was rendered under another version may be out of date."""
        self._counts: Counts | None = None
        self._newest: dict[int, int] = {}
        self._subscribers: dict[Subscriber, None] = {}  # in the order in which they came
        self._watchers: defaultdict[int, set[Subscriber]] = defaultdict(set)
        self._dirty = asyncio.Event()
        self._ending = False
        self._tasks: list[asyncio.Task[None]] = []
        self._listener = Listener(database, self.changed, NOTICE, connected=self.changed_somewhere)
        database.on_change(self.changed)

    async def start(self) -> None:
        self._listener.start()
        self._tasks = [
            asyncio.create_task(self._publish(), name="desk counts"),
            asyncio.create_task(self._sweep(), name="desk sweep"),
        ]

    def end_streams(self) -> None:
        """The process is about to stop: pages open their streams elsewhere. One that still comes ends at once."""
        self._ending = True
        for subscriber in self._subscribers:
            subscriber.end()

    async def stop(self) -> None:
        """End all streams, then what feeds them."""
        self.end_streams()
        await self._listener.stop()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def changed(self, conversation_id: int) -> None:
        """A conversation looks different: its pages hear at once, the queue's within a second."""
        self.version += 1
        for subscriber in self._watchers.get(conversation_id, ()):
            subscriber.conversation_changed(conversation_id)
        self._dirty.set()

    def changed_somewhere(self) -> None:
        """Notices may have been lost: every page looks again."""
        self.version += 1
        for conversation_id in [*self._watchers]:
            self.changed(conversation_id)
        self._dirty.set()

    async def counts(self) -> Counts:
        """The queue in numbers, now."""
        async with self._database.reading() as session:
            return await counts(session)

    async def subscribe(self, subscriber: Subscriber) -> None:
        """Keep `subscriber` told until `unsubscribe`; of too many in one browser the oldest ends. Raises what the
        database raises.
        """
        known = self._counts if self._subscribers else None
        same = [each for each in self._subscribers if each.session_id == subscriber.session_id]
        for oldest in same[: -MOST_STREAMS + 1]:
            oldest.end()
        self._subscribers[subscriber] = None
        for conversation_id in subscriber.conversation_ids:
            self._watchers[conversation_id].add(subscriber)
        if self._ending:
            subscriber.end()
        subscriber.queue_changed(known or await self.counts())

    def unsubscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.pop(subscriber, None)
        for conversation_id in subscriber.conversation_ids:
            watchers = self._watchers[conversation_id]
            watchers.discard(subscriber)
            if not watchers:
                del self._watchers[conversation_id]
                self._newest.pop(conversation_id, None)

    async def _publish(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            if self._subscribers:
                try:
                    self._tell(await self.counts())
                except Exception as error:
                    log.warning("desk.not_counted", error=type(error).__name__)  # the sweep tries again
            await asyncio.sleep(LEAST_SECONDS)

    def _tell(self, now: Counts) -> None:
        self._counts = now
        for subscriber in self._subscribers:
            subscriber.queue_changed(now)

    async def _sweep(self) -> None:
        sweeps = 0
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            sweeps += 1
            if not self._subscribers:
                continue
            try:
                await self._look_around()
                if sweeps % SWEEPS_PER_SESSION_CHECK == 0:
                    await self._end_signed_out()
            except Exception as error:
                log.warning("desk.sweep_failed", error=type(error).__name__)

    async def _look_around(self) -> None:
        """Find what no notice told: another count, or another last message in a conversation that is looked at."""
        async with self._database.reading() as session:
            now = await counts(session)
            newest = await newest_messages(session, [*self._watchers]) if self._watchers else {}
        for conversation_id, message_id in newest.items():
            if self._newest.get(conversation_id, message_id) != message_id:
                self.changed(conversation_id)
        self._newest = newest
        if now != self._counts:
            self.version += 1
            self._tell(now)

    async def _end_signed_out(self) -> None:
        async with self._database.reading() as session:
            session_ids = {subscriber.session_id for subscriber in self._subscribers}
            remaining = await still_open(session, session_ids, self._clock())
        for subscriber in self._subscribers:
            if subscriber.session_id not in remaining:
                subscriber.end()
