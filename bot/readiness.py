"""Whether this process can take messages and handle them now: checks with a name, and a reason where one fails.

A check is about this process. That a carrier does not answer, or that much is waiting, is no reason to send messages
elsewhere, where it would be the same: that is what alerts are for.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from store.database import Database

KEPT_SECONDS = 1.0
"""However often somebody asks, the database is asked once a second."""
PATIENCE_SECONDS = 2.0
"""A database that takes longer to say its revision cannot take messages either."""
LEAST_FREE_BYTES = 100 * 1024 * 1024
"""Of the disk under SQLite: some hundred thousand messages, and time for somebody to make room."""

Lack = Callable[[], Awaitable[str | None]]
"""What keeps this process from serving, in words; None when nothing does."""


@dataclass(frozen=True, slots=True)
class Check:
    """One condition. `reason` says what is wrong, and is None when nothing is."""

    name: str
    reason: str | None = None


class Readiness:
    """All checks of a process, kept for a second."""

    def __init__(self, checks: Mapping[str, Lack]) -> None:
        self._checks = dict(checks)
        self._kept: tuple[Check, ...] = ()
        self._until = 0.0
        self._looking: asyncio.Lock = asyncio.Lock()

    async def look(self) -> tuple[Check, ...]:
        """Every check. Raises nothing: a check that fails to say is a check that fails."""
        async with self._looking:
            if monotonic() >= self._until:
                self._kept = tuple([Check(name, await _lacking(lack)) for name, lack in self._checks.items()])
                self._until = monotonic() + KEPT_SECONDS
            return self._kept

    def forget(self) -> None:
        """Something has changed: look again when next asked."""
        self._until = 0.0


async def _lacking(lack: Lack) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await lack()
    except TimeoutError:
        return f"no answer within {PATIENCE_SECONDS:.0f} seconds"
    except Exception as error:
        return str(error).partition("\n")[0] or type(error).__name__


def disk_under(database: Database) -> Lack:
    """The disk that SQLite writes to; PostgreSQL has its own machine to look after."""

    file = database.url.database if database.is_sqlite else None
    folder = Path(file).absolute().parent if file and file != ":memory:" else None

    async def lack() -> str | None:
        if folder is None:
            return None
        free = shutil.disk_usage(folder).free
        if not os.access(folder, os.W_OK):
            return f"{folder} cannot be written to"
        if free < LEAST_FREE_BYTES:
            return f"{free // 2**20} MiB free at {folder}: less than {LEAST_FREE_BYTES // 2**20} MiB"
        return None

    return lack
