"""Carries webhooks to the house, and fetches from it what it wants passed on, as a carrier's servers do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import aiohttp

from bot.tryit.received import File

ANSWER_SECONDS = 15
"""How long Twilio waits for a webhook's answer."""

FIRST_PAUSE = 0.2
"""Seconds before the first repetition; the pause doubles each time, up to `LONGEST_PAUSE`."""
LONGEST_PAUSE = 5.0


MAX_MEDIA_BYTES = 16 * 1024 * 1024
"""https://www.twilio.com/docs/messaging/guides/accepted-mime-types"""


class Postman:
    """Posts webhooks and repeats those that fail. Connections open at first use; `aclose` ends them.

    Webhooks are addressed (and signed) to `public_base`. When the house listens elsewhere, as behind a proxy,
    `connect_base` is where they are really sent. `retries_5xx` is Twilio's `rp=all` in the webhook's address.
    """

    def __init__(
        self, public_base: str, connect_base: str | None = None, *, retries: int = 1, retries_5xx: bool = False
    ) -> None:
        self.public_base = public_base.rstrip("/")
        self._connect_base = (connect_base or public_base).rstrip("/")
        self._retries = retries
        self._retries_5xx = retries_5xx
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, again: Callable[[int], bool] | None = None
    ) -> int | None:
        """Post once, then again on connection failure, when `again` says so of the status, or after a 5xx if told to.

        Returns the last status, or None when there was no answer.
        """
        pause = FIRST_PAUSE
        for attempt in range(self._retries + 1):
            if attempt:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            status = await self._once(url, body, headers)
            if status is None or (again and again(status)) or (self._retries_5xx and status >= 500):
                continue
            break
        return status

    async def fetch(self, url: str) -> File | None:
        """What is at an address, asked for as Twilio does: HEAD, then GET. None for anything but a file in bounds."""
        session, url = self._open(), self._reached(url)
        try:
            async with session.head(url, allow_redirects=False) as head:
                if head.status != 200:
                    return None
            async with session.get(url, allow_redirects=False) as answer:
                content = bytearray()
                async for chunk in answer.content.iter_any():
                    content += chunk
                    if len(content) > MAX_MEDIA_BYTES:
                        return None
                if answer.status != 200 or not content:
                    return None
                disposition = answer.content_disposition
                name = (disposition and disposition.filename) or answer.url.name
                return File(name, answer.content_type, bytes(content))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

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
        try:
            async with self._open().post(self._reached(url), data=body, headers=headers) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            )
        return self._session

    def _reached(self, url: str) -> str:
        if url.startswith(self.public_base):
            return self._connect_base + url.removeprefix(self.public_base)
        return url
