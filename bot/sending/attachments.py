"""Makes the pictures and documents that go with replies, in processes of their own: no turn and no send waits on it.

A reply's row says what to make: `{"make": "bill_picture", "name": "facture-2026-03.png", "spec": {…JSON…}}`. What
draws is a module with `render(spec) -> bytes`, imported only in the worker processes, heavy as it may be.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any, Final

from bot.own_process import OwnProcess

MAKERS: Final = {
    "bill_picture": ("bot.pictures.bill", "image/png"),
    "bill_copy": ("bot.documents.bill", "application/pdf"),
}
"""What can be made: the module that makes it, and the type of what comes out."""
GATHERED: Final = {"personal_data": "application/json"}
"""What is looked up each time it is sent or fetched, and its type."""
UPLOADED: Final = "upload"
"""A file that an agent sends (`bot.sending.uploads`): looked up likewise, of the type that the order says."""
Source = Callable[[int], Awaitable[bytes]]
"""Gathers what goes with a message, by its id, as it is at that moment."""

WORKERS = 2
SECONDS = 20.0
"""How long a request waits in all, and how long a worker may take, before it counts as not made."""
CACHED_BYTES = 32 * 1024 * 1024
STOPPING = "the service stops"


class NotMade(Exception):
    """What was asked for could not be made. The message is one line without anything of the customer's."""


def content_type(order: Mapping[str, Any]) -> str | None:
    """The type of what `order` asks for; None when nothing here makes that."""
    if order["make"] == UPLOADED:
        return str(order["type"])
    _, found = MAKERS.get(order["make"], (None, GATHERED.get(order["make"])))
    return found


class Attachments:
    """Makes what is asked for, once for all who ask at the same time, and keeps the last of it in memory."""

    def __init__(
        self,
        sources: Mapping[str, Source] | None = None,
        *,
        workers: int = WORKERS,
        cached_bytes: int = CACHED_BYTES,
        seconds: float = SECONDS,
    ) -> None:
        """`sources` gather what is in `GATHERED` and what is `UPLOADED`; none of that is kept in memory."""
        self._sources = dict(sources or {})
        self._seconds = seconds
        self._workers = [OwnProcess() for _ in range(workers)]
        self._idle: asyncio.LifoQueue[OwnProcess] = asyncio.LifoQueue()  # what ran last has its modules loaded
        for worker in reversed(self._workers):
            self._idle.put_nowait(worker)
        self._making: dict[str, asyncio.Task[bytes]] = {}
        self._made = _Cache(cached_bytes)
        self._closed = False

    async def content(self, order: Mapping[str, Any], message_id: int | None = None) -> bytes:
        """The bytes of the picture or document. Raises `NotMade`, after `SECONDS` at the latest.

        `message_id` is the message that it goes with; what is gathered is its reader's, whatever the order says.
        """
        if self._closed:
            raise NotMade(STOPPING)
        source = self._sources.get(order["make"])
        if source is not None and message_id is not None:
            return await self._gathered(source, order["make"], message_id)
        if order["make"] not in MAKERS:
            raise NotMade(f"nothing makes '{order['make']}'")
        key = _key(order)
        if (made := self._made.get(key)) is not None:
            return made
        making = self._making.get(key)
        if making is None:
            making = self._making[key] = asyncio.create_task(self._make(key, order), name=f"make {order['make']}")
            making.add_done_callback(lambda task: self._over(key, task))
        try:
            async with asyncio.timeout(self._seconds):
                # Whoever gives up leaves it to the others, and to the cache.
                return await asyncio.shield(making)
        except TimeoutError:
            raise NotMade(f"{order['make']}: not ready in time") from None
        except asyncio.CancelledError:
            if making.cancelled():  # by `close`, which is no wish of whoever waits here
                raise NotMade(STOPPING) from None
            raise

    async def _gathered(self, source: Source, what: str, message_id: int) -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                return await source(message_id)
        except Exception as error:  # of the database; its words may quote what was looked up
            raise NotMade(f"{what}: {type(error).__name__}") from error

    async def close(self) -> None:
        """End the worker processes, whatever they are doing."""
        self._closed = True
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)
        for worker in self._workers:
            worker.end()

    async def _make(self, key: str, order: Mapping[str, Any]) -> bytes:
        module, _ = MAKERS[order["make"]]
        try:
            async with asyncio.timeout(self._seconds):
                worker = await self._idle.get()
        except TimeoutError:
            raise NotMade(f"{order['make']}: no worker was free in time") from None
        try:
            content = await worker.run(self._seconds, render, module, order["spec"])
        except Exception as error:  # of the maker, or of its process; its words may quote the customer's bill
            raise NotMade(f"{order['make']}: {type(error).__name__}") from error
        finally:
            self._idle.put_nowait(worker)
        if not content:
            raise NotMade(f"{order['make']}: empty")
        self._made.put(key, content)
        return content

    def _over(self, key: str, task: asyncio.Task[bytes]) -> None:
        del self._making[key]
        if not task.cancelled():
            task.exception()  # heard: everybody who waited for it may have gone


class _Cache:
    """What was used last, up to so many bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._room = most_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        content = self._kept.get(key)
        if content is not None:
            self._kept.move_to_end(key)
        return content

    def put(self, key: str, content: bytes) -> None:
        self._kept[key] = content
        self._room -= len(content)
        while self._room < 0:
            _, oldest = self._kept.popitem(last=False)
            self._room += len(oldest)


def _key(order: Mapping[str, Any]) -> str:
    """The same for the same picture, whatever it is called."""
    what = json.dumps([order["make"], order["spec"]], sort_keys=True)
    return hashlib.sha256(what.encode()).hexdigest()


def render(module: str, spec: Any) -> bytes:
    """Runs in the worker processes."""
    return bytes(import_module(module).render(spec))


__all__ = ["GATHERED", "MAKERS", "UPLOADED", "Attachments", "NotMade", "Source", "content_type"]
