"""The end of a process: in which order it is told, and that the desk's pages are sent elsewhere, not cut off."""

from __future__ import annotations

import asyncio
import signal

import pytest

from bot.desk.live import Live
from bot.desk.subscriber import Subscriber
from bot.stopping import CLEAN, CUT_SHORT, Stopping
from store.database import Database


class Told:
    """What is told of the end, in the order in which it is."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.was_cut_short = False
        self.over = asyncio.Event()

    def announce_stop(self) -> None:
        self.steps.append("announced")

    def end_streams(self) -> None:
        self.steps.append("streams")

    def close(self) -> None:
        self.steps.append("port")
        self.over.set()


@pytest.mark.parametrize(("number", "drain_seconds"), [(signal.SIGTERM, 0.05), (signal.SIGINT, 600.0)])
async def test_a_signal_announces_then_ends_streams_then_closes_the_port(
    number: signal.Signals, drain_seconds: float
) -> None:
    told = Told()
    stopping = Stopping(told, drain_seconds)
    stopping.then(told.close)
    stopping.listen()
    try:
        signal.raise_signal(number)
        async with asyncio.timeout(10):
            await told.over.wait()
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(each)
    assert told.steps == ["announced", "streams", "port"]
    assert stopping.exit_code == CLEAN
    told.was_cut_short = True
    assert stopping.exit_code == CUT_SHORT


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
async def test_streams_end_and_whoever_comes_back_too_soon_is_sent_away_again(database: Database) -> None:
    live = Live(database)

    async def stream(subscriber: Subscriber) -> list[str]:
        await live.subscribe(subscriber)
        return [event async for event in subscriber.events(heartbeat=60)]

    open_page = asyncio.create_task(stream(Subscriber(1, 1, frozenset())))
    await asyncio.sleep(0.05)
    live.end_streams()
    async with asyncio.timeout(10):
        (retry, *_) = await open_page
        assert retry.startswith("retry: ")
        late = await stream(Subscriber(1, 2, frozenset()))
    assert late[0].startswith("retry: ")
    await live.stop()
