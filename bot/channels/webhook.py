"""The edge that the carriers' webhooks share: a body of bounded size, and refusals that are logged."""

from __future__ import annotations

import structlog
from fastapi import HTTPException, Request

from bot.telemetry.metrics import WEBHOOKS_REJECTED, child

log = structlog.stdlib.get_logger(__name__)


def rejection(carrier: str, status: int, reason: str) -> HTTPException:
    """The error to raise for a request that is turned away, logged without anything the sender wrote."""
    child(WEBHOOKS_REJECTED, carrier, str(status)).inc()
    log.warning("webhook rejected", carrier=carrier, status=status, reason=reason)
    return HTTPException(status, reason)


async def read_body(request: Request, carrier: str, limit: int) -> bytes:
    """The request's body. Raises a 413 rejection past `limit` bytes, without reading on."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise rejection(carrier, 413, f"body larger than {limit} bytes")
    return bytes(body)
