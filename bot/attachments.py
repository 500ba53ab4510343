"""Makes the pictures and documents that go with replies, in processes of their own: no turn and no send waits on it.

A reply's row says what to make: `{"make": "bill_picture", "name": "facture-2026-03.png", "spec": {…JSON…}}`. What
draws is a module with `render(spec) -> bytes`, imported only in the worker processes, heavy as it may be.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from typing import Any, Final

MAKERS: Final = {
    "bill_picture": ("bot.pictures.bill", "image/png"),
    "bill_copy": ("bot.documents.bill", "application/pdf"),
}
"""What can be made: the module that makes it, and the type of what comes out."""
GATHERED: Final = {"personal_data": "application/json"}
"""What is looked up each time it is sent or fetched, and its type."""
UPLOADED: Final = "upload"
"""A file that an agent sends (`bot.uploads`): looked up likewise, of the type that the order says."""
Source = Callable[[int], Awaitable[bytes]]
"""Gathers what goes with a message, by its id, as it is at that moment."""

WORKERS = 2
SECONDS = 20.0
"""How long a request waits in all, and how long a worker may take, before it counts as not made."""
CACHED_BYTES = 32 * 1024 * 1024
STOPPING = "the service stops"
NICENESS = 10
"""Turns come first: a picture takes a core for a good part of a second."""


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
        self._workers = [_Worker() for _ in range(workers)]
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()  # the one that ran last has its modules loaded
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
            content = await worker.make(module, order["spec"], self._seconds)
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


class _Worker:
    """One process that makes one thing at a time; started at first use, and again after it died or had to be killed.

    A pool of one each, since a process that hangs can only be killed, and a pool breaks with any of its processes.
    """

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._pid: int | None = None

    async def make(self, module: str, spec: Any, seconds: float) -> bytes:
        """Raises `TimeoutError`, `BrokenProcessPool` when the process died over it, and what the maker raises."""
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await self._run(module, spec)
                except BrokenProcessPool:
                    # It may have died while idle (the system was short of memory), which says nothing of this spec.
                    self.end()
                    return await self._run(module, spec)
        except (TimeoutError, BrokenProcessPool, asyncio.CancelledError):
            self.end()
            raise

    async def _run(self, module: str, spec: Any) -> bytes:
        loop = asyncio.get_running_loop()
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin)
            self._pid = await loop.run_in_executor(self._pool, os.getpid)
        return await loop.run_in_executor(self._pool, render, module, spec)

    def end(self) -> None:
        pool, pid, self._pool, self._pid = self._pool, self._pid, None, None
        if pool is None:
            return
        for child in multiprocessing.active_children():  # not by the number alone: it may be another's by now
            if child.pid == pid:
                child.kill()
        pool.shutdown(wait=False, cancel_futures=True)


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


# What follows runs in the worker processes.


def render(module: str, spec: Any) -> bytes:
    return bytes(import_module(module).render(spec))


def _begin() -> None:
    """Give way to the turns, leave Ctrl-C to the parent, and do not outlive it (CPython issue 111873)."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, name="follow parent", daemon=True).start()


__all__ = ["GATHERED", "MAKERS", "UPLOADED", "Attachments", "NotMade", "Source", "content_type"]
