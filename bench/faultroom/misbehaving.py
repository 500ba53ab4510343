"""`python -m bench.faultroom.misbehaving serve …`: Relève with an action that misbehaves, or a clock that jumps.

`FAULTROOM_ACTION` says how the action that gives the telephone number misbehaves, `FAULTROOM_CLOCK` names a file with
the seconds by which the clock is wrong.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ACTION, CLOCK = "FAULTROOM_ACTION", "FAULTROOM_CLOCK"
LEAK = 32 * 1024 * 1024
_leaked: list[bytearray] = []

Run = Callable[..., Awaitable[list[Any]]]


async def _raises() -> None:
    raise ZeroDivisionError("an action of the fault room")


async def _hangs() -> None:
    await asyncio.sleep(3600)


async def _blocks() -> None:
    while True:  # nothing else runs in this process any more
        pass


async def _kills() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _leaks() -> None:
    _leaked.append(bytearray(os.urandom(1024) * (LEAK // 1024)))


WAYS: dict[str, Callable[[], Awaitable[None]]] = {
    "raises": _raises,
    "hangs": _hangs,
    "blocks": _blocks,
    "kills": _kills,
    "leaks": _leaks,
}


def _misbehave(way: str) -> None:
    import nlu.standins  # noqa: F401 - before anything of Rasa
    from actions.contacts import ContactInfo

    well: Run = ContactInfo.run

    async def badly(self: ContactInfo, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:
        await WAYS[way]()
        return await well(self, dispatcher, tracker, domain)

    ContactInfo.run = badly  # type: ignore[method-assign,assignment]


def _jump(file: Path) -> None:
    import bot.clock

    def jumping() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(file.read_text()))

    bot.clock.system_clock = jumping  # before anybody takes it as a default


def main() -> None:
    if file := os.environ.get(CLOCK):
        _jump(Path(file))
    if way := os.environ.get(ACTION):
        _misbehave(way)
    from bot.cli import main as releve

    releve()


if __name__ == "__main__":
    main()
