"""What the metrics say of the store, who may read them, and that what operators are given refers to what there is."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import select

from bot.settings import PROJECT
from bot.telemetry import metrics
from bot.telemetry.exposition import metrics_router
from bot.telemetry.figures import StoreFigures
from bot.telemetry.requests import Requests
from bot.telemetry.transactions import count_what_is_stored
from store.backlog import Queue, backlog
from store.database import Database
from store.desk_models import HandOver, Priority
from store.models import Conversation, Direction, Message, MessageState, Request, RequestKind, RequestState

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TOKEN = SecretStr("a token of forty letters for the metrics")
_NUMBERS = count(1)


def message(conversation: Conversation, state: MessageState, minutes: int, *, bulk: bool = False) -> Message:
    """One that came, or was written, so many minutes ago."""
    is_inbound = state is MessageState.RECEIVED
    at = NOW - timedelta(minutes=minutes)
    return Message(
        conversation_id=conversation.id,
        channel="sms",
        direction=Direction.IN if is_inbound else Direction.OUT,
        carrier_id=f"SM{next(_NUMBERS):032}" if is_inbound else None,
        state=state,
        body="bonjour",
        bulk=bulk,
        due_at=at,
        created_at=at,
    )


STATES = (RequestState.RECEIVED, RequestState.UNDER_REVIEW, RequestState.GRANTED)


def complaint(days: int, state: RequestState) -> Request:
    """One that was to be decided so many days ago."""
    return Request(
        reference=f"C-{days:010}",
        kind=RequestKind.COMPLAINT,
        state=state,
        due_on=NOW.date() - timedelta(days=days),
        created_at=NOW,
    )


async def _busy(database: Database) -> None:
    async with database.writing() as session:
        conversation = Conversation(channel="sms", address="+212600000001", created_at=NOW)
        session.add(conversation)
        await session.flush()
        session.add_all(
            [
                message(conversation, MessageState.RECEIVED, 7),
                message(conversation, MessageState.RECEIVED, 3),
                message(conversation, MessageState.QUEUED, 2),
                message(conversation, MessageState.SENDING, 5),
                message(conversation, MessageState.QUEUED, 60, bulk=True),
                message(conversation, MessageState.SENT, 90),
                HandOver(
                    conversation_id=conversation.id,
                    reason="danger",
                    priority=Priority.URGENT,
                    opened_at=NOW - timedelta(minutes=4),
                ),
                *(complaint(number, state) for number, state in enumerate(STATES)),
            ]
        )


async def test_the_store_says_what_waits_and_for_how_long(database: Database) -> None:
    await _busy(database)
    async with database.reading() as session:
        found = await backlog(session, NOW, NOW.date())
    assert {queue: waiting.number for queue, waiting in found.queues.items()} == {
        Queue.TURNS: 2,
        Queue.REPLIES: 2,
        Queue.CAMPAIGNS: 1,
    }
    assert found.queues[Queue.TURNS].since == NOW - timedelta(minutes=7)
    assert found.queues[Queue.REPLIES].since == NOW - timedelta(minutes=5)
    assert found.hand_overs["waiting", "urgent"].since == NOW - timedelta(minutes=4)
    assert found.requests == {"complaint": 2}
    assert found.requests_late == 1
    assert found.readings_to_review == 0


def value(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(name, labels)


async def test_a_scrape_looks_at_the_store_beside_everything_else_and_not_again_at_once(database: Database) -> None:
    await _busy(database)
    figures = StoreFigures(database, clock=lambda: NOW)
    await figures.refresh()
    assert value("releve_queue_messages", queue="turns") == 2
    assert value("releve_queue_oldest_seconds", queue="turns") == 7 * 60
    assert value("releve_hand_overs_open", state="waiting", priority="urgent") == 1
    assert value("releve_requests_late") == 1
    assert value("releve_backlog_age_seconds") == 0
    await database.engine.dispose()
    async with database.writing() as session:
        session.add(message(await session.get_one(Conversation, 1), MessageState.RECEIVED, 1))
    await figures.refresh()
    assert value("releve_queue_messages", queue="turns") == 2, "looked at a moment ago"
    await figures.close()


async def test_figures_that_cannot_be_had_are_said_to_be_old(empty_database: Database) -> None:
    failed = value("releve_backlog_failed_total") or 0
    figures = StoreFigures(empty_database)
    await figures.refresh()
    assert value("releve_backlog_failed_total") == failed + 1
    await figures.close()


async def test_what_is_stored_is_counted_when_it_is_committed_and_not_before(database: Database) -> None:
    count_what_is_stored()
    database.on_commit(metrics.TRANSACTION_SECONDS.observe)

    def requests() -> float:
        return value("releve_requests_total", kind="outage") or 0

    def request(number: int) -> Request:
        reference = f"O-{number:010}"
        return Request(reference=reference, kind=RequestKind.OUTAGE, state=RequestState.RECEIVED, created_at=NOW)

    before, timed = requests(), value("releve_transaction_seconds_count") or 0
    async with database.writing() as session:
        session.add(request(1))
        async with session.begin_nested():
            session.add(request(2))
        assert requests() == before
    assert requests() == before + 2

    async def undone() -> None:
        async with database.writing() as session:
            session.add(request(3))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await undone()
    assert requests() == before + 2
    assert value("releve_transaction_seconds_count") == timed + 1
    await database.grouped(lambda connection: connection.scalar(select(1)))
    # On PostgreSQL a statement that is a transaction by itself is no group, and is not timed.
    assert value("releve_transaction_seconds_count") == timed + 1 + database.is_sqlite


def client(app: Any, address: tuple[str, int] = ("127.0.0.1", 5000)) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=address)
    return httpx.AsyncClient(transport=transport, base_url="http://releve.test")


@pytest.mark.parametrize(
    ("address", "headers", "token", "status"),
    [
        ("127.0.0.1", {}, None, 200),
        ("172.18.0.5", {}, None, 200),
        ("::1", {}, None, 200),
        ("81.192.1.1", {}, None, 403),
        ("127.0.0.1", {"X-Forwarded-For": "81.192.1.1"}, None, 403),
        ("10.0.0.7", {"Via": "1.1 Caddy"}, None, 403),
        ("81.192.1.1", {"Authorization": f"Bearer {TOKEN.get_secret_value()}"}, TOKEN, 200),
        ("127.0.0.1", {"Authorization": "Bearer wrong"}, TOKEN, 401),
        ("127.0.0.1", {}, TOKEN, 401),
    ],
)
async def test_who_may_read_the_metrics(
    database: Database, address: str, headers: dict[str, str], token: SecretStr | None, status: int
) -> None:
    app = FastAPI()
    figures = StoreFigures(database)
    app.include_router(metrics_router(figures, token))
    async with client(app, (address, 5000)) as asking:
        answer = await asking.get("/metrics", headers=headers)
    await figures.close()
    assert answer.status_code == status
    if status == 200:
        assert {family.name for family in text_string_to_metric_families(answer.text)} >= {"releve_turn_seconds"}


PROXY, STRANGER = ("81.192.1.1", 0), ("81.192.1.1", 40_000)
"""uvicorn gives a client whose address came from a trusted proxy the port 0."""


@pytest.mark.parametrize(
    ("address", "given", "is_kept"),
    [
        (PROXY, "abcd-1234-efgh", True),
        (PROXY, "short", False),
        (PROXY, "with spaces\tand +212600000001", False),
        (STRANGER, "abcd-1234-efgh", False),
    ],
)
async def test_a_proxy_of_ours_may_name_a_request(address: tuple[str, int], given: str, is_kept: bool) -> None:
    app = Requests(PlainTextResponse("ok"), is_stopping=lambda: False)
    async with client(app, address) as asking:
        answer = await asking.get("/healthz", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is is_kept
    assert "connection" not in answer.headers


async def test_connections_end_when_the_process_is_about_to_stop() -> None:
    app = Requests(PlainTextResponse("ok"), is_stopping=lambda: True)
    async with client(app) as asking:
        assert (await asking.get("/healthz")).headers["Connection"] == "close"


# --- what operators are given ---------------------------------------------------------------------------------

_NAME = re.compile(r"\breleve_[a-z_]+")
SUFFIXES = ("_bucket", "_count", "_sum", "_created")


def exposed() -> set[str]:
    """Every name of a metric as it is scraped, histograms under their own."""
    families = text_string_to_metric_families(generate_latest(metrics.REGISTRY).decode())
    names = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}
    ours = {name for name in names if name.startswith("releve")}
    return {f"{name}_info" if name in ("releve_build", "releve_model") else name for name in ours}


def named(text: str) -> set[str]:
    found = set(_NAME.findall(text))
    known = exposed()
    return {name if name in known else _without_suffix(name) for name in found}


def _without_suffix(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def test_dashboard_and_alerts_ask_for_metrics_that_there_are() -> None:
    dashboard = json.loads((PROJECT / "ops" / "grafana" / "releve.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    alerts = yaml.safe_load((PROJECT / "ops" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    queries += [rule["expr"] for rule in rules]
    assert named("\n".join(queries)) - exposed() == set()
    assert exposed() - named("\n".join(queries)) == set(), "every metric is shown, or wakes somebody up"


def test_every_alert_says_what_to_do_and_whom_it_wakes() -> None:
    alerts = yaml.safe_load((PROJECT / "ops" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    for group in alerts["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
            assert rule["annotations"]["summary"], rule["alert"]
            assert rule["annotations"]["do"], rule["alert"]


def test_every_metric_has_its_line_in_the_documentation() -> None:
    table = (PROJECT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(releve_[a-z_]+)` \|([^|]*)\|", table, re.MULTILINE))
    assert rows.keys() == exposed()
    for metric in (value for value in vars(metrics).values() if hasattr(value, "_labelnames")):
        (name,) = (each for each in rows if each in (metric._name, f"{metric._name}_total", f"{metric._name}_info"))
        told = {each.strip() for each in rows[name].split(",") if each.strip()}
        assert told >= set(metric._labelnames), name
