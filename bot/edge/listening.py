"""Serving an application with uvicorn: bounded requests, and only declared proxies believed."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

from bot.edge.protocol import BoundedProtocol
from bot.server import run
from bot.settings import Settings
from bot.stopping import Stoppable, Stopping

KEEP_ALIVE_SECONDS = 15
"""Longer than a carrier's pause between two messages in a rush; proxies keep connections open themselves."""
ANSWER_SECONDS = 10
"""For requests in hand when the port is closed. The desk's streams have been ended before."""


def listen(app: ASGIApp, what: Stoppable, settings: Settings, *, host: str, port: int, drain_seconds: float) -> int:
    """Serve `app` until the process is told to end, then finish; the exit code. `what` is told of the end."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=ANSWER_SECONDS,
    )
    return run(config, Stopping(what, drain_seconds))
