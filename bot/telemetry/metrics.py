"""What is counted and measured, each under the name that Prometheus, the dashboard and the alerts call it by.

Every process counts for itself. A label has few values, none of which comes from outside: no number, no name, no
path. Children of labels are looked up once where a turn needs them. `docs/metrics.md` is the table for operators.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from structlog.typing import EventDict

disable_created_metrics()  # type: ignore[no-untyped-call]  # a moment for each counter, which nobody asks for
REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_TURNS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_REPLIES = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)
_CARRIERS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 3, 5, 10)
_TRANSACTIONS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_LAG = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


def _counter(name: str, what: str, *labels: str) -> Counter:
    return Counter(f"releve_{name}", what, labels, registry=REGISTRY)


def _histogram(name: str, what: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(f"releve_{name}_seconds", what, labels, registry=REGISTRY, buckets=buckets)


# --- customers' experience ----------------------------------------------------------------------------------

MESSAGES_RECEIVED = _counter("messages_received", "Customers' messages stored, repeats not counted", "channel")
MESSAGES_REPEATED = _counter("messages_repeated", "Messages that a carrier brought again", "channel")
MESSAGES_HANDLED = _counter("messages_handled", "Turns of customers' messages", "channel", "outcome")
TURN_SECONDS = _histogram("turn", "One turn, from its beginning to its commit", "channel", buckets=_TURNS)
WAIT_SECONDS = _histogram("wait", "From a message being stored to its turn", "channel", buckets=_REPLIES)
REPLY_SECONDS = _histogram(
    "reply", "From a message being stored to its reply being taken by the carrier", "channel", buckets=_REPLIES
)
UNDERSTOOD = _counter("understood", "Messages understood", "intent", "certainty")
LANGUAGES = _counter("languages", "Messages handled, by the language answered in", "language")
READINGS = _counter("readings", "Readings stored", "source", "state")
REQUESTS = _counter("requests", "Requests stored", "kind")
HAND_OVERS = _counter("hand_overs", "Conversations that came to people", "reason", "priority")

# --- carriers -----------------------------------------------------------------------------------------------

MESSAGES_SENT = _counter("messages_sent", "Messages settled: sent, refused, dead", "channel", "state")
DELIVERIES = _counter("deliveries", "What carriers reported later: delivered, read, failed", "channel", "state")
UNKNOWN_REPORTS = _counter("unknown_reports", "Reports on messages that are not in the store", "channel")
SEND_SECONDS = _histogram("send", "A carrier's answer to a send", "channel", buckets=_CARRIERS)
CARRIER_ERRORS = _counter("carrier_errors", "Sends that did not succeed: busy, in_doubt, refused", "channel", "kind")
SENT_AGAIN = _counter("sent_again_in_doubt", "Replies sent again since the carrier cannot be asked", "channel")
WEBHOOKS_REJECTED = _counter("webhooks_rejected", "Webhooks turned away", "carrier", "status")

# --- the process --------------------------------------------------------------------------------------------

HTTP_SECONDS = _histogram("http", "Answers to requests, streams not counted", "area", "status", buckets=_TURNS)
RATE_LIMITED = _counter("rate_limited", "Requests and messages turned away for their number", "what")
LOG_LINES = _counter("log_lines", "Lines of the log", "level")
TRANSACTION_SECONDS = _histogram("transaction", "Database transactions that were committed", buckets=_TRANSACTIONS)
DATABASE_CONNECTIONS = Gauge(
    "releve_database_connections", "Connections of this process's pool", ("state",), registry=REGISTRY
)
EVENT_LOOP_LAG = _histogram("event_loop_lag", "How late the event loop came to what was due", buckets=_LAG)
DRAINING = Gauge("releve_draining", "1 from the signal to stop", registry=REGISTRY)
BUILD = Info("releve_build", "What runs", registry=REGISTRY)
MODEL = Info("releve_model", "The model that understands", registry=REGISTRY)

# --- the store, the same from every process -----------------------------------------------------------------

QUEUE_MESSAGES = Gauge("releve_queue_messages", "Messages that wait", ("queue",), registry=REGISTRY)
QUEUE_OLDEST = Gauge("releve_queue_oldest_seconds", "How long the oldest has waited", ("queue",), registry=REGISTRY)
HAND_OVERS_OPEN = Gauge(
    "releve_hand_overs_open", "Conversations with people", ("state", "priority"), registry=REGISTRY
)
HAND_OVERS_OLDEST = Gauge(
    "releve_hand_overs_oldest_seconds", "How long the oldest has waited to be taken", ("priority",), registry=REGISTRY
)
REQUESTS_OPEN = Gauge("releve_requests_open", "Requests to decide", ("kind",), registry=REGISTRY)
REQUESTS_LATE = Gauge("releve_requests_late", "Of these, past the day told to the customer", registry=REGISTRY)
READINGS_TO_REVIEW = Gauge("releve_readings_to_review", "Readings to look at", registry=REGISTRY)
CAMPAIGN_NOTICES = Gauge(
    "releve_campaign_notices_waiting",
    "Notices of running campaigns not written yet",
    ("campaign",),
    registry=REGISTRY,
)
BACKLOG_AGE = Gauge("releve_backlog_age_seconds", "How old the figures of the store are", registry=REGISTRY)
BACKLOG_FAILED = _counter("backlog_failed", "Times that the figures of the store could not be had")


@cache
def child(metric: Any, *labels: str) -> Any:
    """The child of a metric, looked up once for each set of labels: `labels` costs more than counting does."""
    return metric.labels(*labels)


def count_line(_logger: object, _method: str, event: EventDict) -> EventDict:
    """structlog's processor: a process that complains more than it did is worth a look."""
    child(LOG_LINES, event.get("level", "info")).inc()
    return event


MEASURED_ON_DEMAND: tuple[Gauge, ...] = (
    QUEUE_MESSAGES,
    QUEUE_OLDEST,
    HAND_OVERS_OPEN,
    HAND_OVERS_OLDEST,
    REQUESTS_OPEN,
    CAMPAIGN_NOTICES,
)
"""Gauges whose labels come and go with what is in the store."""
