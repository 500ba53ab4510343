"""Callers who fail to prove who they are: keys that are none, webhooks with a wrong signature.

They are answered 429 in the place of 401 or 403 after a number of failures. Whoever proves who they are is never
refused for what came from the same address before: behind a proxy that nobody declared, everybody has one address,
and a carrier that is refused for somebody else's sake would lose a customer's message. Checking costs little: a key
is looked up, a signature computed. Where it costs much, at signing in with a password, the desk refuses before it
looks.
"""

from __future__ import annotations

import json

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.edge.tries import Tries
from bot.telemetry.metrics import RATE_LIMITED, child

log = structlog.get_logger()

WATCHED = {"/api/": 401, "/webhooks/": 403}
"""What a failure is answered, by where it happened."""


class Strangers:
    """Counts failed proofs by network address, and answers 429 with `Retry-After` past the limit."""

    def __init__(self, app: ASGIApp, tries: Tries | None = None) -> None:
        self._app = app
        self._tries = tries or Tries()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = _failure(scope)
        if status is None:
            await self._app(scope, receive, send)
            return
        refused = False

        async def watched(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == status:
                wait = self._tries.failed(scope["client"][0] if scope.get("client") else None)
                if wait is not None:
                    refused = True
                    child(RATE_LIMITED, "stranger").inc()
                    await _refuse(send, wait)
            if not refused:
                await send(message)

        await self._app(scope, receive, watched)


def _failure(scope: Scope) -> int | None:
    if scope["type"] != "http":
        return None
    return next((status for path, status in WATCHED.items() if scope["path"].startswith(path)), None)


async def _refuse(send: Send, seconds: int) -> None:
    body = json.dumps({"detail": f"too many failures from this address: try again in {seconds} seconds"}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(seconds).encode()),
    ]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})
