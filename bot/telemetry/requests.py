"""Every request to this process: its name in the log, its line, its time, and its trace.

The line has the route, never the address: contract numbers, searches and the links to files are in addresses. The
proxy in front may name a request (`X-Request-ID`); nobody else may choose what stands in our log.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from bot.telemetry.metrics import HTTP_SECONDS, child
from bot.telemetry.tracing import span

log = structlog.get_logger()

HEADER = b"x-request-id"
FORWARDED_PORT = 0
"""Of a client whose address came from a trusted proxy (`trusted_proxies`): uvicorn does not know its port."""
_NAME = re.compile(rb"[A-Za-z0-9._-]{8,64}")
AREAS = ("webhooks", "api", "desk", "files", "try")
"""What an address begins with; all else is `other`."""
UNSPOKEN = ("/healthz", "/readyz", "/metrics", "/desk/static")
"""Asked again and again: a line each only in the most talkative log."""
STREAM = b"text/event-stream"


class Requests:
    """Around the whole application.

    `is_stopping` tells whether the process is about to stop: answers then end their connections, so that proxies and
    carriers open the next one elsewhere.
    """

    def __init__(self, app: ASGIApp, *, is_stopping: Callable[[], bool]) -> None:
        self._app = app
        self._is_stopping = is_stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        name = _name(scope)
        area = _area(scope["path"])
        clear_contextvars()
        bind_contextvars(request=name)
        status, is_stream = 500, False

        async def answered(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                is_stream = any(key == b"content-type" and value.startswith(STREAM) for key, value in headers)
                headers.append((HEADER, name.encode()))
                if self._is_stopping():
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        try:
            with span(f"{scope['method']} {area}", kind="server", request=name) as current:
                await self._app(scope, receive, answered)
                current.set("http.response.status_code", status)
        finally:
            seconds = perf_counter() - began
            if not is_stream:
                child(HTTP_SECONDS, area, str(status)).observe(seconds)
            told = log.debug if scope["path"].startswith(UNSPOKEN) else log.info
            told(
                "http.answered",
                method=scope["method"],
                route=route_of(scope),
                status=status,
                milliseconds=round(seconds * 1000, 1),
            )


def _name(scope: Scope) -> str:
    client = scope.get("client")
    if client and client[1] == FORWARDED_PORT:
        for key, value in scope["headers"]:
            if key == HEADER and _NAME.fullmatch(value):
                return str(value.decode())
    return secrets.token_hex(8)


def _area(path: str) -> str:
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in AREAS else "health" if path.startswith(UNSPOKEN) else "other"


def route_of(scope: Scope) -> str:
    """The route as it is written in the code; of an address that is none, only what it begins with."""
    route = getattr(scope.get("route"), "path", None)
    return str(route) if route else f"/{_area(scope['path'])}/…"
