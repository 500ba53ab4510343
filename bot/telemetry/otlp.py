"""OpenTelemetry, sent to a collector over HTTP. Imported only where RELEVE_OTLP_ENDPOINT is set (extra `tracing`).

The SDK sends in a thread of its own, in batches, and drops what it cannot get rid of: no turn waits for a collector.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.telemetry.tracebacks import summary
from bot.telemetry.tracing import KEY, Kind

KINDS: dict[Kind, trace.SpanKind] = {
    "server": trace.SpanKind.SERVER,
    "internal": trace.SpanKind.INTERNAL,
    "consumer": trace.SpanKind.CONSUMER,
    "client": trace.SpanKind.CLIENT,
}
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+\"?(\w+)", re.IGNORECASE)


class OtlpSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, name: str, value: str | int | float | bool) -> None:
        self._span.set_attribute(name, value)


class OtlpTracer:
    """`endpoint` is the collector's address without `/v1/traces`; `share` of the traces is sent."""

    def __init__(self, endpoint: str, *, version: str, share: float = 1.0) -> None:
        resource = Resource.create({"service.name": "releve", "service.version": version})
        self._provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(share)))
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("releve", version)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, kind: Kind, parent: str | None, attributes: dict[str, Any]) -> Iterator[OtlpSpan]:
        """Errors are noted by their kind: what they say may be a customer's words."""
        context = None if parent is None else self._propagator.extract({KEY: parent}, context=Context())
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=KINDS[kind],
            attributes={f"releve.{key}": value for key, value in attributes.items() if value is not None},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield OtlpSpan(span)
            except Exception as error:
                span.set_status(trace.StatusCode.ERROR, summary(error))
                raise

    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get(KEY)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def trace_statements(self, engine: AsyncEngine) -> None:
        """A span for each statement within a trace: its verb and table, not its text or parameters."""

        @event.listens_for(engine.sync_engine, "before_cursor_execute")
        def _begin(_connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, _many: bool) -> None:
            if trace.get_current_span().get_span_context().is_valid and context is not None:
                context.releve_span = self._tracer.start_span(
                    _named(statement),
                    kind=trace.SpanKind.CLIENT,
                    attributes={"db.system.name": engine.dialect.name},
                )

        @event.listens_for(engine.sync_engine, "after_cursor_execute")
        def _end(_connection: Any, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool) -> None:
            begun = getattr(context, "releve_span", None)
            if begun is not None:
                begun.end()

        @event.listens_for(engine.sync_engine, "handle_error")
        def _fail(failure: Any) -> None:
            begun = getattr(failure.execution_context, "releve_span", None)
            if begun is not None:
                begun.set_status(trace.StatusCode.ERROR, summary(failure.original_exception))
                begun.end()


def _named(statement: str) -> str:
    table = _TABLE.search(statement)
    return f"{statement.split(None, 1)[0].upper()} {table[1] if table else ''}".strip()
