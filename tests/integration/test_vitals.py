"""A process that hangs is ended; one that has grown too large ends itself, as if its supervisor had told it to."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from bot.vitals import Vitals, resident_mib

HANGS = """
import asyncio, re
from bot.settings import Settings
from bot.vitals import watched

async def main():
    async with watched(Settings(_env_file=None, stall_seconds=0.3)):
        {hangs}  # before anything else had a turn

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "hangs",
    [
        "[None for _ in iter(int, 1)]",
        "re.match('(a|a)*b', 'a' * 60)",  # holds the interpreter's lock all the while
    ],
)
async def test_a_process_that_does_nothing_any_more_is_ended(hangs: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HANGS.format(hangs=hangs), stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"most recent call first" in said


async def test_a_process_that_grew_too_large_is_told_to_end_once() -> None:
    told: list[int] = []
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: told.append(1))
    try:
        vitals = Vitals(stall_seconds=0, most_mib=1)
        await vitals.look()
        await vitals.look()
        await asyncio.sleep(0.01)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    assert told == [1]


@pytest.mark.parametrize("most_mib", [0, 1_000_000])
async def test_a_process_of_an_ordinary_size_goes_on(most_mib: int) -> None:
    await Vitals(stall_seconds=0, most_mib=most_mib).look()
    assert resident_mib() > 1
