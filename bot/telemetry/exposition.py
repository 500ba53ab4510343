"""`/metrics`, for Prometheus. What it shows is nobody's personal data, and nobody else's business either.

With RELEVE_METRICS_TOKEN whoever has the token may read it. Without one, whoever calls from this machine or from a
private network without a proxy in between: a Prometheus beside the service needs no settings, and the proxy in front
hands nothing out even if nobody told it to.
"""

from __future__ import annotations

import hmac
import ipaddress

from fastapi import APIRouter, HTTPException, Request, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from pydantic import SecretStr

from bot.telemetry.figures import StoreFigures
from bot.telemetry.metrics import REGISTRY

PATH = "/metrics"
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
"""What proxies add: whoever stands behind one is not on this network."""


def metrics_router(figures: StoreFigures, token: SecretStr | None) -> APIRouter:
    """`GET /metrics`: 401 without the token where there is one; where there is none, 403 for who calls from afar."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def metrics(request: Request) -> Response:
        _admit(request, token)
        await figures.refresh()
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_PLAIN_1_0_0)

    return router


def _admit(request: Request, token: SecretStr | None) -> None:
    if token is not None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
            raise HTTPException(401, "RELEVE_METRICS_TOKEN is needed", headers={"WWW-Authenticate": "Bearer"})
        return
    proxied = any(name in request.headers for name in FORWARDED)
    if proxied or request.client is None or not _is_near(request.client.host):
        raise HTTPException(
            403, "only from this machine or its network; set RELEVE_METRICS_TOKEN to read it elsewhere"
        )


def _is_near(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False
