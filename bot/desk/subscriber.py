"""One open page, and what it still has to be told.

It keeps what is new, not each time that something was: a browser that reads slowly misses steps in between, and costs
no memory.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator

from store.queue import Counts

HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = (2_000, 6_000)
"""How long a browser waits before it comes back: not all of them at once after a restart."""


class Subscriber:
    """A person's page that is open: whose, in which session, and the conversations it shows."""

    def __init__(
        self, user_id: int, session_id: int, team_ids: frozenset[int], conversation_ids: frozenset[int] = frozenset()
    ) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.team_ids = team_ids
        self.conversation_ids = conversation_ids
        self._counts: Counts | None = None
        self._conversations: set[int] = set()
        self._news = asyncio.Event()
        self._ended = False

    def queue_changed(self, counts: Counts) -> None:
        self._counts = counts
        self._news.set()

    def conversation_changed(self, conversation_id: int) -> None:
        self._conversations.add(conversation_id)
        self._news.set()

    def end(self) -> None:
        """The stream ends; what was not told yet is dropped."""
        self._ended = True
        self._news.set()

    def numbers(self, counts: Counts) -> dict[str, int]:
        """What this person's bar shows."""
        return {"waiting": counts.waiting_for(self.team_ids), "mine": counts.held.get(self.user_id, 0)}

    async def events(self, heartbeat: float = HEARTBEAT_SECONDS) -> AsyncIterator[str]:
        """The stream as text, until `end`."""
        yield f"retry: {random.randint(*RETRY_MILLISECONDS)}\n\n"
        while not self._ended:
            try:
                async with asyncio.timeout(heartbeat):
                    await self._news.wait()
            except TimeoutError:
                yield _event("alive", "")
                continue
            self._news.clear()
            news = self._taken()
            if news:
                yield news

    def _taken(self) -> str:
        counts, conversations = self._counts, self._conversations
        self._counts, self._conversations = None, set()
        told = [_event("conversation", str(each)) for each in sorted(conversations)]
        if counts is not None:
            told.append(_event("queue", json.dumps(self.numbers(counts))))
        return "".join(told)


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data or '-'}\n\n"
