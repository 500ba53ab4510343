"""A message on its way, as the log, the metrics and the traces see it: stored, handled, sent.

Every turn passes here: what is done is some counting, one line a step, and a look whether anybody traces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from time import perf_counter
from types import TracebackType
from typing import Any

import structlog

from bot.channels.carrier import Accepted, Busy, Carrier, Inbound, InDoubt, Outbound, Refused, SendError
from bot.sending.outgoing import Claimed
from bot.telemetry import metrics
from bot.telemetry.correlation import about_message, this_request_is_about
from bot.telemetry.metrics import child
from bot.telemetry.tracing import parent_of, span
from bot.turns.handled import Handled, Outcome
from store.models import Conversation, Message

log = structlog.get_logger()

ERRORS: tuple[tuple[type[SendError], str], ...] = ((Refused, "refused"), (InDoubt, "in_doubt"), (Busy, "busy"))
OUTCOMES = {Outcome.HANDLED: "handled", Outcome.FAILED: "failed"}
INTERRUPTED = "interrupted"
"""The database went away in the middle: no fault of the message's."""


def arrived(messages: Sequence[Inbound], message_ids: Sequence[int | None]) -> None:
    """`messages` are stored under `message_ids`; None is one that a carrier had brought before."""
    for message, message_id in zip(messages, message_ids, strict=True):
        counter = metrics.MESSAGES_REPEATED if message_id is None else metrics.MESSAGES_RECEIVED
        child(counter, message.channel.value).inc()
    this_request_is_about(*(each for each in message_ids if each is not None))


class TurnWatch:
    """One try of one message, around all of it; it `begins` when the message is known."""

    def __init__(self) -> None:
        self._began = perf_counter()
        self._channel: str | None = None
        self._waited = 0.0
        self._about: Any = None
        self._span: Any = None
        self._step: Any = None
        self._handled: Handled | None = None

    def __enter__(self) -> TurnWatch:
        return self

    def begins(self, message: Message, conversation: Conversation, now: datetime) -> None:
        """`now` is the turn's moment: until then the message waited."""
        self._channel = message.channel  # kept: a turn undone takes the row's values with it
        self._waited = max((now - message.created_at).total_seconds(), 0.0)
        self._about = about_message(message.id, conversation.id)
        self._about.__enter__()
        self._span = span("turn", kind="consumer", parent=parent_of(message.payload), message=message.id)
        self._step = self._span.__enter__()

    def ended(self, handled: Handled) -> Handled:
        """The turn is committed, or undone; or there was none to be made yet."""
        self._handled = handled
        return handled

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._channel is None:
            return
        try:
            self._tell(self._channel)
        finally:
            self._span.__exit__(kind, error, trace)
            self._about.__exit__(kind, error, trace)

    def _tell(self, channel: str) -> None:
        handled = self._handled
        outcome = INTERRUPTED if handled is None else OUTCOMES.get(handled.outcome)
        if outcome is None:
            return
        seconds = perf_counter() - self._began
        child(metrics.MESSAGES_HANDLED, channel, outcome).inc()
        child(metrics.TURN_SECONDS, channel).observe(seconds)
        if handled is None or handled.outcome is not Outcome.HANDLED:
            return
        child(metrics.WAIT_SECONDS, channel).observe(self._waited)
        child(metrics.LANGUAGES, handled.language or "unknown").inc()
        understood = handled.understood or {}
        intent = understood.get("meant") or understood.get("intent")
        certainty = understood.get("certainty")
        if understood:
            child(metrics.UNDERSTOOD, intent or "none", certainty or "none").inc()
        self._step.set("releve.intent", intent or "none")
        log.info(
            "turn.handled",
            channel=channel,
            intent=intent,
            certainty=certainty,
            language=handled.language,
            waited_seconds=round(self._waited, 3),
            milliseconds=round(seconds * 1000, 1),
        )


@contextmanager
def sending(claimed: Claimed) -> Iterator[None]:
    """Lines inside belong to the message that is answered, or to this one when nobody asked for it."""
    message = claimed.outbound
    with (
        about_message(message.answers or message.key),
        span("send", kind="client", parent=message.traceparent, message=message.key, channel=message.channel.value),
    ):
        yield


async def taken_by(carrier: Carrier, message: Outbound) -> Accepted:
    """`carrier.send`, with its time and its errors counted. Raises what it raises."""
    channel, began = message.channel.value, perf_counter()
    try:
        return await carrier.send(message)
    except SendError as error:
        child(metrics.CARRIER_ERRORS, channel, next(name for kind, name in ERRORS if isinstance(error, kind))).inc()
        raise
    finally:
        child(metrics.SEND_SECONDS, channel).observe(perf_counter() - began)


def answered(claimed: Claimed, now: datetime) -> None:
    """The carrier has taken a reply: so long the customer waited for it, carrier not included."""
    if claimed.asked_at is not None:
        waited = max((now - claimed.asked_at).total_seconds(), 0.0)
        child(metrics.REPLY_SECONDS, claimed.outbound.channel.value).observe(waited)
