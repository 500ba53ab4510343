"""What watches over the service, and what is optional: metrics, traces, photos."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.util import find_spec

import httpx

from bot.doctor.finding import Finding, look, off, ok, said, wrong
from bot.settings import Settings

SHORTEST_TOKEN = 16
ASK_SECONDS = 5.0


async def check(settings: Settings) -> AsyncIterator[Finding]:
    yield _metrics(settings)
    yield await _traces(settings)
    yield _photos()
    yield _stopping(settings)


def _metrics(settings: Settings) -> Finding:
    if settings.metrics_token is None:
        return ok(
            "/metrics", "for this machine and its private network; METRICS_TOKEN opens it to others who have it"
        )
    if len(settings.metrics_token.get_secret_value()) < SHORTEST_TOKEN:
        return wrong("/metrics", f"METRICS_TOKEN needs at least {SHORTEST_TOKEN} characters, random ones")
    return ok("/metrics", "for whoever has METRICS_TOKEN")


async def _traces(settings: Settings) -> Finding:
    if settings.otlp_endpoint is None:
        return off("traces", "no OTLP_ENDPOINT")
    if find_spec("opentelemetry.sdk") is None:
        return wrong("traces", "OTLP_ENDPOINT needs OpenTelemetry: `uv sync --extra tracing`")
    try:
        async with httpx.AsyncClient(timeout=ASK_SECONDS) as client:
            address = f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
            answer = await client.post(address, content=b"", headers={"Content-Type": "application/x-protobuf"})
    except httpx.HTTPError as error:
        return look("traces", f"the collector does not answer ({said(error)}): nothing waits for it, traces are lost")
    if answer.status_code >= 400:
        return look("traces", f"the collector answers {answer.status_code} at {address}")
    return ok("traces", f"{settings.otlp_share:.0%} of messages to {settings.otlp_endpoint}")


def _photos() -> Finding:
    if find_spec("rapidocr") is None or find_spec("onnxruntime") is None:
        return off("photos", "not read here, agents look at them: `uv sync --extra photos`")
    return ok("photos", "meters are read from photos")


def _stopping(settings: Settings) -> Finding:
    total = settings.drain_seconds + settings.finish_seconds + 10
    return ok(
        "stopping", f"at most {total:.0f} s: give a process at least as long (TimeoutStopSec, stop_grace_period)"
    )
