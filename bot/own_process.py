"""Work that must not run in this process: heavy, long, or on what strangers send. Done in a process of its own.

The process is started at first use, does one thing at a time, and is killed when that takes too long.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

NICENESS = 10
"""Turns come first."""

P = ParamSpec("P")
T = TypeVar("T")


def begin(niceness: int = NICENESS) -> None:
    """Runs first in the process: give way to the turns, leave Ctrl-C to the parent, and do not outlive it (CPython
    issue 111873).
    """
    os.nice(niceness)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, name="follow parent", daemon=True).start()


class OwnProcess:
    """One process that does one thing at a time; started at first use, and again after it died or was killed.

    A pool of one, since a process that hangs can only be killed, and a pool breaks with any of its processes.
    """

    def __init__(self, first: Callable[[], None] = begin) -> None:
        """`first` runs in the process before anything else; it should call `begin`."""
        self._first = first
        self._pool: ProcessPoolExecutor | None = None
        self._pid: int | None = None

    async def run(self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function`, a module's own, returns. Whoever gives up on it ends the process.

        Raises `TimeoutError` after `seconds`, `BrokenProcessPool` when the process died over it, and what it raises.
        """
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await self._run(function, *args, **kwargs)
                except BrokenProcessPool:
                    # It may have died while idle (the system was short of memory), which says nothing of this work.
                    self.end()
                    return await self._run(function, *args, **kwargs)
        except (TimeoutError, BrokenProcessPool, asyncio.CancelledError):
            self.end()
            raise

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), self._first)
            self._pid = await asyncio.wrap_future(self._pool.submit(os.getpid))
        return await asyncio.wrap_future(self._pool.submit(function, *args, **kwargs))

    def end(self) -> None:
        """End the process, whatever it is doing."""
        pool, pid, self._pool, self._pid = self._pool, self._pid, None, None
        if pool is None:
            return
        for child in multiprocessing.active_children():  # not by the number alone: it may be another's by now
            if child.pid == pid:
                child.kill()
        pool.shutdown(wait=False, cancel_futures=True)
