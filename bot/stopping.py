"""The end of a process, in an order that loses nothing.

The first SIGTERM is an announcement: `/readyz` says 503, answers end their connections, and webhooks are still taken
for `drain_seconds`, in which the balancer notices. Then the desk's streams are ended, so that browsers open them
elsewhere, the port is closed, and turns and sends in hand are finished. SIGINT, from a person at a terminal, leaves
the waiting out. A second signal ends the process at once: what it had in hand is undone, or in doubt and settled by
the next process.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Protocol

import structlog

from bot.telemetry.metrics import DRAINING

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT)
CLEAN = 0
CUT_SHORT = 1
"""When something in hand was not finished in time. It is not lost; somebody may want to know why."""
AT_ONCE = 128
"""Plus the number of the second signal, as shells have it."""


class Stoppable(Protocol):
    """What is told of the end; a `Service` is one."""

    def announce_stop(self) -> None:
        """The process will stop: it is not ready any more, and goes on working."""

    def end_streams(self) -> None:
        """End what never ends by itself."""

    @property
    def was_cut_short(self) -> bool:
        """Whether something in hand was given up at the end."""


class Stopping:
    """Hears the signals of one process."""

    def __init__(self, what: Stoppable, drain_seconds: float) -> None:
        self._what = what
        self._drain_seconds = drain_seconds
        self._close: Callable[[], None] = lambda: None
        self._announced = False

    @property
    def exit_code(self) -> int:
        return CUT_SHORT if self._what.was_cut_short else CLEAN

    def then(self, close: Callable[[], None]) -> None:
        """Call `close` once streams are ended: nothing more is to be taken in."""
        self._close = close

    def listen(self) -> None:
        """From now on, in the running loop."""
        loop = asyncio.get_running_loop()
        for each in SIGNALS:
            loop.add_signal_handler(each, self._told, each)

    def _told(self, number: signal.Signals) -> None:
        if self._announced:
            log.warning("process.ended_at_once", signal=number.name)
            os._exit(AT_ONCE + number)
        self._announced = True
        DRAINING.set(1)
        wait = self._drain_seconds if number is signal.SIGTERM else 0.0
        log.info("process.stopping", signal=number.name, drain_seconds=wait)
        self._what.announce_stop()
        asyncio.get_running_loop().call_later(wait, self._end)

    def _end(self) -> None:
        self._what.end_streams()
        self._close()
