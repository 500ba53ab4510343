"""Events that the operator's systems are told of, from the transaction in which they happen to the last try.

`publish` writes a row for each endpoint that wants the event, in the caller's transaction: told if and only if it
happened. `bot.webhooks` sends them. Data are as few as will do: references that a system looks up with its key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Insert, String, bindparam, func, insert, literal, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload

from store.exchange_models import DeliveryState, WebhookDelivery, WebhookEndpoint
from store.models import Audit
from store.types import Instant, Json, Word

LEASE = timedelta(seconds=60)
"""How long a process may take over a delivery that it has in hand; then another sends it."""
PAUSES = tuple(timedelta(seconds=each) for each in (5, 60, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""Until the next try, by tries made: a little over three days in all, then the delivery is dead."""
DISABLED_AFTER = timedelta(days=5)
"""Of nothing but failures."""
PURPOSE = "webhook"
"""What `WebhookEndpoint.secret` is sealed for (`store.sealing`)."""
AT_ONCE = 20
"""Deliveries to one endpoint side by side; one while it fails."""


class Event(StrEnum):
    """What can be told."""

    READING_ACCEPTED = "reading.accepted"
    READING_TO_REVIEW = "reading.to_review"
    READING_REPLACED = "reading.replaced"
    READING_REJECTED = "reading.rejected"
    REQUEST_CREATED = "request.created"
    REQUEST_CHANGED = "request.changed"
    HAND_OVER_OPENED = "hand_over.opened"
    HAND_OVER_MESSAGE = "hand_over.message"
    HAND_OVER_ENDED = "hand_over.ended"
    IMPORT_FINISHED = "import.finished"


# --- from what happens to a row -----------------------------------------------------------------------------


async def publish(
    session: AsyncSession, event: Event, data: Mapping[str, Any], now: datetime, *, subject: str
) -> None:
    """Tell all endpoints that want `event`, once this transaction is committed; they may get it twice, with one id.

    Events of one `subject` (`reading:R-…`, `conversation:12`, at most 64 characters) arrive in the order in which
    they were published, where whoever publishes holds what they are about. `data` is JSON.
    """
    await (await session.connection()).execute(*publication(event, data, now, subject))


def publication(event: Event, data: Mapping[str, Any], now: datetime, subject: str) -> tuple[Insert, dict[str, Any]]:
    """The statement of `publish` and its parameters, for where there is only a connection."""
    return _publication(event), {"about": subject, "told": dict(data), "at": now}


@cache
def _publication(event: Event) -> Insert:
    """Built once for each event: building it costs more than running it, and every reading is one."""
    wanting = select(
        WebhookEndpoint.id,
        literal(event.value, String()),
        bindparam("about", type_=String()),
        bindparam("told", type_=Json()),
        literal(DeliveryState.WAITING, Word(DeliveryState)),
        bindparam("at", type_=Instant()),
        bindparam("at", type_=Instant()),
    ).where(
        WebhookEndpoint.disabled_at.is_(None),
        type_coerce(WebhookEndpoint.events, String).contains(f'"{event.value}"', autoescape=True),
    )
    columns = ["endpoint_id", "event", "subject", "data", "state", "due_at", "created_at"]
    return insert(WebhookDelivery).from_select(columns, wanting, include_defaults=False)


# --- from the row to the endpoint ---------------------------------------------------------------------------


async def endpoints_due(session: AsyncSession, now: datetime) -> list[int]:
    """The endpoints that may be sent to now and have something due."""
    due = (
        select(WebhookDelivery.id)
        .where(
            WebhookDelivery.endpoint_id == WebhookEndpoint.id,
            WebhookDelivery.state == DeliveryState.WAITING,
            WebhookDelivery.due_at <= now,
        )
        .exists()
    )
    query = select(WebhookEndpoint.id).where(
        WebhookEndpoint.disabled_at.is_(None),
        WebhookEndpoint.paused_until.is_(None) | (WebhookEndpoint.paused_until <= now),
        due,
    )
    return list(await session.scalars(query.order_by(WebhookEndpoint.id)))


async def take(session: AsyncSession, endpoint_id: int, now: datetime) -> list[WebhookDelivery]:
    """Deliveries to send to an endpoint, each the first that waits of its subject, with their endpoint.

    No other process gets them before `LEASE` is over. One that fails is tried with one delivery only.
    """
    endpoint = await session.get(WebhookEndpoint, endpoint_id, with_for_update={"skip_locked": True})
    if endpoint is None or endpoint.disabled_at is not None:
        return []
    earlier = aliased(WebhookDelivery)
    query = (
        select(WebhookDelivery)
        .where(
            WebhookDelivery.endpoint_id == endpoint_id,
            WebhookDelivery.state == DeliveryState.WAITING,
            WebhookDelivery.due_at <= now,
            ~select(earlier.id)
            .where(
                earlier.endpoint_id == endpoint_id,
                earlier.state == DeliveryState.WAITING,
                earlier.subject == WebhookDelivery.subject,
                earlier.id < WebhookDelivery.id,
            )
            .exists(),
        )
        .options(joinedload(WebhookDelivery.endpoint))
        .order_by(WebhookDelivery.id)
        .limit(1 if endpoint.failures else AT_ONCE)
    )
    taken = list(await session.scalars(query))
    for delivery in taken:
        delivery.due_at = now + LEASE
    await session.flush()
    return taken


async def delivered(session: AsyncSession, delivery_id: int, now: datetime) -> None:
    """Note that the endpoint took a delivery, and that it works."""
    delivery = await session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.state is not DeliveryState.WAITING:
        return
    delivery.state, delivery.settled_at, delivery.answer = DeliveryState.DELIVERED, now, None
    delivery.attempts += 1
    await session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == delivery.endpoint_id, WebhookEndpoint.failures > 0)
        .values(failures=0, failing_since=None, paused_until=None)
    )
    await session.flush()


async def failed(session: AsyncSession, delivery_id: int, answer: str, now: datetime, *, gone: bool = False) -> None:
    """Note that a try failed and why: tried again later, dead after the last try.

    The endpoint is left alone for a while too; `gone`, or failing for `DISABLED_AFTER`, disables it.
    """
    delivery = await session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.state is not DeliveryState.WAITING:
        return
    delivery.attempts += 1
    delivery.answer = answer[:200]
    if delivery.attempts > len(PAUSES):
        delivery.state, delivery.settled_at = DeliveryState.DEAD, now
    else:
        delivery.due_at = now + PAUSES[delivery.attempts - 1]
    endpoint = await session.get_one(WebhookEndpoint, delivery.endpoint_id, with_for_update=True)
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.paused_until = now + PAUSES[min(endpoint.failures, 4) - 1]  # half an hour at most
    if gone or now - endpoint.failing_since >= DISABLED_AFTER:
        disable(session, endpoint, "webhooks", now, "it answered 410" if gone else "it failed for days")
    await session.flush()


# --- endpoints and what became of their deliveries ----------------------------------------------------------


class NameTaken(ValueError):
    """There is an endpoint of that name already."""


async def add_endpoint(
    session: AsyncSession, name: str, url: str, events: Sequence[Event], sealed: str, actor: str, now: datetime
) -> WebhookEndpoint:
    """An endpoint to tell of `events` from now on, with its signing secret, `sealed`. Raises `NameTaken`."""
    if await endpoint_named(session, name) is not None:
        raise NameTaken(f"there is a webhook named '{name}' already")
    wanted = sorted({event.value for event in events})
    endpoint = WebhookEndpoint(name=name, url=url, events=wanted, secret=sealed, failures=0, created_at=now)
    session.add(endpoint)
    _note(session, endpoint, "added", actor, now, events=wanted)
    await session.flush()
    return endpoint


async def endpoint_named(session: AsyncSession, name: str) -> WebhookEndpoint | None:
    return await session.scalar(select(WebhookEndpoint).where(WebhookEndpoint.name == name))


async def endpoints(session: AsyncSession) -> list[tuple[WebhookEndpoint, dict[DeliveryState, int]]]:
    """All of them by name, and how many of their deliveries are in each state."""
    counted: dict[int, dict[DeliveryState, int]] = {}
    query = select(WebhookDelivery.endpoint_id, WebhookDelivery.state, func.count()).group_by(
        WebhookDelivery.endpoint_id, WebhookDelivery.state
    )
    for endpoint_id, state, count in await session.execute(query):
        counted.setdefault(endpoint_id, {})[state] = count
    found = await session.scalars(select(WebhookEndpoint).order_by(WebhookEndpoint.name))
    return [(each, counted.get(each.id, {})) for each in found]


def disable(session: AsyncSession, endpoint: WebhookEndpoint, actor: str, now: datetime, why: str) -> None:
    """Tell an endpoint nothing more; what waits for it stays."""
    endpoint.disabled_at = now
    _note(session, endpoint, "disabled", actor, now, why=why)


def enable(session: AsyncSession, endpoint: WebhookEndpoint, actor: str, now: datetime) -> None:
    """Tell it again, first what waited."""
    endpoint.disabled_at = endpoint.failing_since = endpoint.paused_until = None
    endpoint.failures = 0
    _note(session, endpoint, "enabled", actor, now)


async def remove(session: AsyncSession, endpoint: WebhookEndpoint, actor: str, now: datetime) -> None:
    """For good, with all that waits for it."""
    _note(session, endpoint, "removed", actor, now)
    await session.delete(endpoint)
    await session.flush()


async def deliveries(
    session: AsyncSession, endpoint_id: int, state: DeliveryState | None, before: int | None, limit: int
) -> list[WebhookDelivery]:
    """Deliveries to an endpoint, the latest first; those older than number `before`."""
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    if before is not None:
        query = query.where(WebhookDelivery.id < before)
    return list(await session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(limit)))


async def redeliver(session: AsyncSession, endpoint_id: int, now: datetime, delivery_id: int | None = None) -> int:
    """Send dead deliveries of an endpoint again, or one delivery whatever became of it; how many."""
    again = update(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if delivery_id is None:
        again = again.where(WebhookDelivery.state == DeliveryState.DEAD)
    else:
        again = again.where(WebhookDelivery.id == delivery_id)
    result = await session.execute(
        again.values(state=DeliveryState.WAITING, attempts=0, due_at=now, settled_at=None).returning(
            WebhookDelivery.id
        )
    )
    return len(result.all())


def _note(
    session: AsyncSession, endpoint: WebhookEndpoint, action: str, actor: str, now: datetime, **details: Any
) -> None:
    session.add(
        Audit(at=now, actor=actor, action=f"webhook.{action}", subject=f"webhook:{endpoint.name}", details=details)
    )
