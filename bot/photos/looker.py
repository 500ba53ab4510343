"""The processes that look at pictures. This process never loads the recogniser, nor opens what a stranger sent."""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from bot.own_process import OwnProcess, begin

SECONDS: Final = 25.0
"""How long a look may take: a second or two on an idle core, more when a picture has to be turned."""
NICENESS: Final = 3
"""Turns come first, but a customer waits for this one too."""
PICTURES: Final = 500
"""After as many a process is ended: libraries in C that look at strangers' pictures may leak."""
IDLE_SECONDS: Final = 600.0
"""A process that has nothing to do for this long gives its memory back (about 550 MiB)."""
MOST_MEMORY: Final = 2 * 1024**3
"""Bytes of address space; what asks for more fails, in that process alone."""


class NotSeen(Exception):
    """A picture was not looked at to the end. The message is one word for the log and for the picture's row."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a picture shows (`billing.photographed.SeenLine`, as JSON), and the picture as it is kept."""

    lines: list[dict[str, Any]]
    content: bytes


def is_installed() -> bool:
    """Whether the extra `photos` is. Nothing of it is imported for the answer."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


class Looker:
    """Looks at as many pictures at the same time as it has processes; others wait."""

    def __init__(self, processes: int = 1, *, module: str = "bot.photos.looking", seconds: float = SECONDS) -> None:
        """`module` is what looks, by its name: it is imported only in the processes."""
        self._module = module
        self._seconds = seconds
        self._idle: asyncio.LifoQueue[_Eye] = asyncio.LifoQueue()
        self._eyes = [_Eye() for _ in range(processes)]
        for eye in self._eyes:
            self._idle.put_nowait(eye)

    async def look(self, content: bytes) -> Seen:
        """What the picture shows. Raises `NotSeen`."""
        eye = await self._idle.get()
        try:
            return await eye.look(self._module, content, self._seconds)
        except NotSeen:
            raise
        except Exception as error:  # of the recogniser, or of its process
            raise NotSeen(type(error).__name__) from error
        finally:
            self._idle.put_nowait(eye)

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for eye in self._eyes:
            eye.end()


class _Eye:
    """A process, how many pictures it has seen, and the clock that ends it when there is nothing to see."""

    def __init__(self) -> None:
        self._process = OwnProcess(_begin)
        self._pictures = 0
        self._closing: asyncio.TimerHandle | None = None

    async def look(self, module: str, content: bytes, seconds: float) -> Seen:
        if self._closing is not None:
            self._closing.cancel()
        try:
            seen = await self._process.run(seconds, look, module, content)
        finally:
            self._pictures += 1
            if self._pictures >= PICTURES:
                self.end()
            self._closing = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.end)
        if isinstance(seen, str):
            raise NotSeen(seen)
        return seen

    def end(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._pictures = 0
        self._process.end()


def look(module: str, content: bytes) -> Seen | str:
    """Runs in the looking process. The name of what went wrong where the picture cannot be looked at."""
    try:
        kept, lines = import_module(module).look(content)
    except (ValueError, MemoryError) as error:
        return type(error).__name__
    return Seen([line.as_json() for line in lines], kept)


def _begin() -> None:
    begin(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold the picture
