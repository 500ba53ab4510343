"""One trace from webhook to carrier, as a collector gets it: over HTTP, in OpenTelemetry's own encoding."""

from __future__ import annotations

import asyncio
import gzip
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from house import open_house
from serving import serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.telemetry import tracing

WORDS = "mon index est 48213"
PHONE = "+212600000001"


def test_nothing_is_imported_or_written_where_nothing_is_traced() -> None:
    with tracing.span("turn", message=1) as span:
        span.set("releve.intent", "greet")
    assert tracing.span("turn") is tracing.span("send"), "one object for all"
    assert tracing.traced({"kind": "media"}) == {"kind": "media"}
    assert tracing.traced(None) is None
    assert "bot.telemetry.otlp" not in sys.modules or sys.modules["opentelemetry.sdk.trace"]


class Collector:
    """Keeps what it is sent, decoded."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.raw = b""

    async def take(self, request: Request) -> Response:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        body = await request.body()
        body = gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body
        self.raw += body
        message = ExportTraceServiceRequest.FromString(body)
        self.spans += [s for r in message.resource_spans for scope in r.scope_spans for s in scope.spans]
        return Response(status_code=200, media_type="application/x-protobuf")


async def test_a_message_is_one_trace_from_the_webhook_to_the_carrier(
    model: Path, assistant: object, tmp_path: Path
) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="the extra `tracing` is not installed")
    pytest.importorskip("google.protobuf", reason="the extra `tracing` is not installed")
    collector = Collector()
    app = Starlette(routes=[Route("/v1/traces", collector.take, methods=["POST"])])
    database = f"sqlite+aiosqlite:///{tmp_path / 'traced.db'}"
    async with serving(app) as endpoint, open_house(model, database, assistant, otlp_endpoint=endpoint) as house:
        assert "113" in await house.phone("sms", PHONE).says(WORDS)
        await house.service.worker.idle()
        await asyncio.to_thread(tracing.use, None)
    assert tracing.span("turn") is tracing.span("send"), "stopped with the service"

    traces: defaultdict[bytes, list[Any]] = defaultdict(list)
    for span in collector.spans:
        traces[span.trace_id].append(span)
    (trace,) = [spans for spans in traces.values() if any(span.name == "turn" for span in spans)]
    by_id = {span.span_id: span for span in trace}

    def way(span: Any) -> list[str]:
        """From a span up to where its trace began."""
        above = by_id.get(span.parent_span_id)
        return [span.name, *(way(above) if above is not None else [])]

    ways = [way(span) for span in trace]
    assert ["turn", "POST webhooks"] in ways
    assert ["send", "turn", "POST webhooks"] in ways
    assert any(each[0] == "action" and each[-2:] == ["turn", "POST webhooks"] for each in ways)
    assert any(each[0].startswith("INSERT message") and each[-1] == "POST webhooks" for each in ways)
    for theirs in (WORDS, PHONE, PHONE.lstrip("+"), "10000001", "48213"):
        assert theirs.encode() not in collector.raw
