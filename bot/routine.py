"""What a process looks at again and again, beside its conversations."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass

import structlog

log = structlog.get_logger()


class Routine(ABC):
    """Looks every so many seconds. A look that fails is logged by the routine's name, and the next one comes."""

    def __init__(self, name: str, every: float) -> None:
        self._name = name
        self._every = every
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def look(self) -> None:
        """Do all that is due now."""

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Stop after the transaction in hand is done or undone."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:
                log.error(f"{self._name}.failed", error=type(error).__name__)
            await asyncio.sleep(self._every)


@dataclass(frozen=True, slots=True)
class Routines:
    """Those of one process: in any, in one that handles messages, in one that takes webhooks."""

    always: tuple[Routine, ...] = ()
    working: tuple[Routine, ...] = ()
    receiving: tuple[Routine, ...] = ()

    def start(self, *, work: bool, receive: bool) -> None:
        for routine in (*self.always, *(self.working if work else ()), *(self.receiving if receive else ())):
            routine.start()

    async def stop(self) -> None:
        """Those that were never started too: it changes nothing there."""
        for routine in (*self.receiving, *self.working, *self.always):
            await routine.stop()
