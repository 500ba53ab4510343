"""A worker process: no web server, stops on SIGTERM and SIGINT after finishing what it has in hand."""

from __future__ import annotations

import asyncio
import signal

from bot.service import Service


async def run_worker(service: Service) -> None:
    """Work until told to stop."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    await service.start(receive=False)
    try:
        await stopping.wait()
    finally:
        await service.stop()
