"""Serving applications on free ports of this machine while a test runs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp


def listening(port: int = 0) -> socket.socket:
    """A socket on a free port, or on `port`: its address is known before anything is served on it."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(512)
    return listener


def address_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@asynccontextmanager
async def serving(app: ASGIApp, at: socket.socket | None = None, **config: Any) -> AsyncIterator[str]:
    """Serve on `at`, or on a free port; gives the address. `config` is uvicorn's."""
    listener = at or listening()
    settings = {"log_config": None, "log_level": "critical", "ws": "none", "timeout_graceful_shutdown": 1} | config
    server = uvicorn.Server(uvicorn.Config(app, **settings))
    task = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.005)
        if task.done():
            task.result()
    try:
        yield address_of(listener)
    finally:
        server.should_exit = True
        await task
