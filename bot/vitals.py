"""Ends a process that has stopped working or grows without bound, so that its supervisor starts another one.

A call that never returns keeps the event loop from everything, webhooks and signals included: nothing inside the loop
can help, and Python's own threads do not run while the interpreter's lock is held (a regular expression holds it). So
the loop winds up a timer of `faulthandler`'s, a thread in C, again and again; when that runs out it writes where the
code stands to standard error and ends the process. The message in hand is found by the next process, and counted.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from bot.routine import Routine
from bot.settings import Settings

log = structlog.get_logger()

BEATS_PER_STALL = 4
LONGEST_BEAT = 5.0
"""Seconds between two looks, for the sake of the memory."""
MIB = 1024 * 1024
_STATM = Path("/proc/self/statm")


class Vitals(Routine):
    """Winds the timer up, and looks how large the process is. Zero turns either off.

    Larger than `most_mib` the process is told to end as a supervisor would tell it: it finishes what it has in hand.
    """

    def __init__(self, stall_seconds: float, most_mib: int) -> None:
        super().__init__("vitals", min(LONGEST_BEAT, stall_seconds / BEATS_PER_STALL or LONGEST_BEAT))
        self._stall_seconds = stall_seconds
        self._most_mib = most_mib
        self._is_ending = False

    async def look(self) -> None:
        if self._stall_seconds:
            faulthandler.dump_traceback_later(self._stall_seconds, exit=True, file=sys.stderr)
        if self._most_mib and not self._is_ending and (resident := resident_mib()) > self._most_mib:
            self._is_ending = True
            log.error("vitals.too_large", mib=resident, most=self._most_mib)
            os.kill(os.getpid(), signal.SIGTERM)

    async def stop(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        await super().stop()


def resident_mib() -> int:
    """Memory that this process has in use; 0 where the system does not tell (only Linux does)."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // MIB


@asynccontextmanager
async def watched(settings: Settings) -> AsyncIterator[None]:
    """Watch this process, which does nothing else than serve, as long as the block runs.

    From its first line on: the message that blocked the process before this one may be the first that it finds.
    """
    vitals = Vitals(settings.stall_seconds, settings.most_memory_mib)
    await vitals.look()
    vitals.start()
    try:
        yield
    finally:
        await vitals.stop()
