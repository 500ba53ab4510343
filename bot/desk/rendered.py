"""Parts of pages that many people look at, rendered once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock

FRESH = timedelta(seconds=5)
"""As long as a change that no notice told may stay unseen."""
MOST = 200


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    until: datetime
    text: str


class Rendered:
    """Texts by what they show; one is made anew for another version, and after a few seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Hashable, _Kept] = {}
        self._one_at_a_time = asyncio.Lock()

    async def of(self, key: Hashable, version: int, render: Callable[[], Awaitable[str]]) -> str:
        """The text of `key` at `version` or later. All pages ask when something changes; one of them makes it."""
        async with self._one_at_a_time:
            now = self._clock()
            kept = self._kept.get(key)
            if kept is not None and kept.version >= version and now < kept.until:
                return kept.text
            text = await render()
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = _Kept(version, now + FRESH, text)
            return text
