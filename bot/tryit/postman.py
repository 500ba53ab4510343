"""Carries webhooks to the house, as a carrier's servers do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import aiohttp

ANSWER_SECONDS = 15
"""How long Twilio waits for a webhook's answer."""

FIRST_PAUSE = 0.2
"""Seconds before the first repetition; the pause doubles each time, up to `LONGEST_PAUSE`."""
LONGEST_PAUSE = 5.0


class Postman:
    """Posts webhooks and repeats those that fail. Connections open at first use; `aclose` ends them.

    Webhooks are addressed (and signed) to `public_base`. When the house listens elsewhere, as behind a proxy,
    `connect_base` is where they are really sent.
    """

    def __init__(self, public_base: str, connect_base: str | None = None, *, retries: int = 1) -> None:
        self.public_base = public_base.rstrip("/")
        self._connect_base = (connect_base or public_base).rstrip("/")
        self._retries = retries
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, again: Callable[[int], bool] | None = None
    ) -> int | None:
        """Post once, then again on connection failure, or when `again` says so of the status.

        Returns the last status, or None when there was no answer.
        """
        pause = FIRST_PAUSE
        for attempt in range(self._retries + 1):
            if attempt:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            status = await self._once(url, body, headers)
            if status is not None and not (again and again(status)):
                break
        return status

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something in the background; what is unfinished at the end is dropped."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()
            self._session = None

    async def _once(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            )
        if url.startswith(self.public_base):
            url = self._connect_base + url.removeprefix(self.public_base)
        try:
            async with self._session.post(url, data=body, headers=headers) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
