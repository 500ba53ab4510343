"""Webhooks out: told if and only if it happened, signed, in order, tried again, given up in sight, never private."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI, Request, Response
from serving import serving
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from bot.webhooks import BadAddress, Webhooks, checked, new_secret
from store import webhooks
from store.database import Database
from store.exchange_models import DeliveryState, WebhookDelivery, WebhookEndpoint
from store.models import Audit
from store.sealing import Keyring
from store.webhooks import DISABLED_AFTER, PAUSES, Event

KEYRING = Keyring("a key of thirty-two letters, or more")
OWN = frozenset({"127.0.0.1"})


@dataclass
class Clock:
    """The real time, until it is moved on: receivers refuse what was signed at another."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Receiver:
    """A system of the operator's: what it got, in order, and what it answers."""

    url: str = ""
    answers: dict[str, int] = field(default_factory=dict)
    """By the event's subject of ours, as its data name it."""
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)

    @property
    def told(self) -> list[str]:
        return [json.loads(body)["data"]["n"] for _, body in self.got]


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    app, receiver = FastAPI(), Receiver()

    @app.post("/hook")
    async def hook(request: Request) -> Response:
        body = (await request.body()).decode()
        receiver.got.append((dict(request.headers), body))
        return Response(status_code=receiver.answers.get(json.loads(body)["data"]["n"], 204))

    async with serving(app) as receiver.url:
        yield receiver


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def sender(database: Database, clock: Clock) -> AsyncIterator[Webhooks]:
    sender = Webhooks(database, KEYRING, OWN, clock)
    yield sender
    await sender.stop()


async def endpoint(database: Database, url: str, *events: Event, name: str = "crm") -> str:
    secret = new_secret()
    async with database.writing() as session:
        sealed = KEYRING.seal_secret(secret, webhooks.PURPOSE)
        wanted = events or (Event.REQUEST_CREATED,)
        await webhooks.add_endpoint(session, name, url, wanted, sealed, "test", datetime.now(UTC))
    return secret


async def publish(database: Database, *names: str, subject: str = "", event: Event = Event.REQUEST_CREATED) -> None:
    async with database.writing() as session:
        for name in names:
            await webhooks.publish(session, event, {"n": name}, datetime.now(UTC), subject=subject or name)


async def undone(database: Database) -> None:
    """An event of a transaction that is rolled back."""
    async with database.writing() as session:
        await webhooks.publish(session, Event.REQUEST_CREATED, {"n": "undone"}, datetime.now(UTC), subject="u")
        await session.rollback()


async def deliveries(database: Database) -> list[Any]:
    async with database.reading() as session:
        return list(await session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


async def test_an_event_arrives_signed_once_its_transaction_is_committed(
    database: Database, receiver: Receiver, sender: Webhooks
) -> None:
    secret = await endpoint(database, f"{receiver.url}/hook")
    await publish(database, "a")
    await publish(database, "not wanted", event=Event.IMPORT_FINISHED)
    await undone(database)
    await sender.look()
    await sender.look()

    ((headers, body),) = receiver.got
    assert json.loads(body)["type"] == "request.created"
    assert Webhook(secret).verify(body, headers)["data"] == {"n": "a"}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    assert [each.state for each in await deliveries(database)] == [DeliveryState.DELIVERED]


async def test_events_of_one_subject_keep_their_order_and_others_do_not_wait(
    database: Database, receiver: Receiver, sender: Webhooks, clock: Clock
) -> None:
    await endpoint(database, f"{receiver.url}/hook")
    receiver.answers = {"a1": 500}
    await publish(database, "a1", "a2", subject="a")
    await publish(database, "b1", subject="b")
    await sender.look()
    assert sorted(receiver.told) == ["a1", "b1"]

    receiver.answers = {}
    clock.ahead += PAUSES[0] + timedelta(seconds=1)
    await sender.look()
    assert [name for name in receiver.told if name.startswith("a")] == ["a1", "a1", "a2"]
    ids = [headers["webhook-id"] for headers, body in receiver.got if '"a1"' in body]
    assert len(set(ids)) == 1


async def test_what_fails_for_days_is_dead_in_sight_and_may_be_sent_again(
    database: Database, receiver: Receiver, sender: Webhooks, clock: Clock
) -> None:
    await endpoint(database, f"{receiver.url}/hook")
    receiver.answers = {"a": 503}
    await publish(database, "a")
    for pause in (*PAUSES, timedelta()):
        await sender.look()
        clock.ahead += pause + timedelta(minutes=31)
    (given_up,) = await deliveries(database)
    assert (given_up.state, given_up.attempts, given_up.answer) == ("dead", len(PAUSES) + 1, "answered 503")

    receiver.answers = {}
    async with database.writing() as session:
        assert await webhooks.redeliver(session, given_up.endpoint_id, clock()) == 1
    await sender.look()
    assert [each.state for each in await deliveries(database)] == [DeliveryState.DELIVERED]


@pytest.mark.parametrize("status", [410, 500])
async def test_an_endpoint_that_is_gone_or_fails_for_days_is_disabled_and_said_so(
    database: Database, receiver: Receiver, sender: Webhooks, clock: Clock, status: int
) -> None:
    await endpoint(database, f"{receiver.url}/hook")
    receiver.answers = {"a": status, "b": status}
    await publish(database, "a")
    await sender.look()
    if status != 410:
        clock.ahead += DISABLED_AFTER
        await sender.look()
    await publish(database, "c")
    await sender.look()

    async with database.reading() as session:
        found = (await session.scalars(select(WebhookEndpoint))).one()
        audited = list(await session.scalars(select(Audit.action).order_by(Audit.id)))
    assert found.disabled_at is not None
    assert audited == ["webhook.added", "webhook.disabled"]
    assert "c" not in receiver.told


async def test_a_failing_endpoint_is_asked_once_at_a_time_and_holds_up_no_other(
    database: Database, receiver: Receiver, sender: Webhooks, clock: Clock
) -> None:
    await endpoint(database, "http://127.0.0.1:9/hook", name="down")
    await endpoint(database, f"{receiver.url}/hook", name="up")
    await publish(database, "a")
    await sender.look()
    await publish(database, "b", "c", "d")
    clock.ahead += timedelta(seconds=6)
    await sender.look()

    assert sorted(receiver.told) == ["a", "b", "c", "d"]
    async with database.reading() as session:
        down = (await session.scalars(select(WebhookEndpoint).where(WebhookEndpoint.name == "down"))).one()
    tried = [each.attempts for each in await deliveries(database) if each.endpoint_id == down.id]
    assert sorted(tried) == [0, 0, 0, 2]


async def test_a_process_that_dies_in_the_middle_costs_a_repetition_and_no_loss(
    database: Database, receiver: Receiver, sender: Webhooks, clock: Clock
) -> None:
    await endpoint(database, f"{receiver.url}/hook")
    await publish(database, "a")
    (waiting,) = await deliveries(database)
    async with database.writing() as session:
        assert len(await webhooks.take(session, waiting.endpoint_id, clock())) == 1
    await sender.look()
    assert receiver.told == []
    clock.ahead += webhooks.LEASE + timedelta(seconds=1)
    await sender.look()
    assert receiver.told == ["a"]


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.ma/releve",
        "ftp://crm.example.ma",
        "https://",
        "https://user:word@crm.example.ma/",
        "https://10.0.0.7/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://crm.example.ma:99999/",
        "https://crm.exämple.ma/",
        "https://crm.example.ma/\x00",
    ],
)
def test_addresses_that_are_not_public_or_not_safe_are_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        checked(url, OWN)


def test_the_operators_own_hosts_are_taken_as_named() -> None:
    assert checked("http://127.0.0.1:9/hook", OWN)
    assert checked("https://crm.example.ma/releve", frozenset())


async def test_a_name_that_stands_for_a_private_address_is_not_called(
    database: Database, sender: Webhooks, clock: Clock
) -> None:
    await endpoint(database, "https://localhost:9/hook")
    await publish(database, "a")
    await sender.look()
    assert [each.answer for each in await deliveries(database)] == [
        "its name stands for an address that is not public"
    ]


async def test_without_the_key_of_the_secret_nothing_is_sent(
    database: Database, receiver: Receiver, clock: Clock
) -> None:
    await endpoint(database, f"{receiver.url}/hook")
    await publish(database, "a")
    await Webhooks(database, Keyring(), OWN, clock).look()
    (waiting,) = await deliveries(database)
    assert "RELEVE_SECRET_KEY" in waiting.answer
    assert receiver.got == []
