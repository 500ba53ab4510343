"""Traces for whoever runs a collector (RELEVE_OTLP_ENDPOINT): one for each customer's message, webhook to carrier.

The message's row keeps where its trace is (`payload.traceparent`, W3C), so that the turn and the send belong to it
whichever process does them. Spans have numbers of rows and words of ours, nothing that a customer wrote. Switched off
nothing of OpenTelemetry is imported, and a span costs a look at a variable.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

Kind = Literal["server", "internal", "consumer", "client"]
KEY = "traceparent"
"""In a message's payload."""


class Span(Protocol):
    """What the code that is traced may do with its span."""

    def set(self, name: str, value: str | int | float | bool) -> None: ...


class Tracer(Protocol):
    """Where spans go; `bot.telemetry.otlp` has the one there is."""

    def span(self, name: str, kind: Kind, parent: str | None, attributes: dict[str, Any]) -> Any: ...

    def traceparent(self) -> str | None: ...

    def close(self) -> None: ...


class _Nothing:
    """The span of a process that does not trace; one for all."""

    def set(self, name: str, value: str | int | float | bool) -> None:
        return

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *_error: object) -> None:
        return


_NOTHING = _Nothing()
_tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """Trace with `tracer` from now on in this process; with None not at all, once what is left has been sent."""
    global _tracer
    before, _tracer = _tracer, tracer
    if before is not None:
        before.close()


def span(name: str, *, kind: Kind = "internal", parent: str | None = None, **attributes: Any) -> Any:
    """A context manager that gives a `Span`: a step of the trace that is going on, or of `parent` (a traceparent)."""
    return _NOTHING if _tracer is None else _tracer.span(name, kind, parent, attributes)


def traced(payload: dict[str, Any] | None) -> dict[str, Any] | None:
    """A message's payload, with where its trace is when there is one."""
    where = None if _tracer is None else _tracer.traceparent()
    return payload if where is None else {**(payload or {}), KEY: where}


def parent_of(payload: dict[str, Any] | None) -> str | None:
    """The trace that a stored message belongs to."""
    return None if payload is None else payload.get(KEY)
