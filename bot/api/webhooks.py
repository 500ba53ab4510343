"""`/api/v1/webhooks`: the addresses that are told of events, and what became of what was sent to them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from bot.api.access import allowed
from bot.api.answers import answers
from bot.clock import Clock, system_clock
from bot.webhooks import BadAddress, checked, new_secret
from store import webhooks
from store.api_keys import Scope
from store.database import Database
from store.exchange_models import DeliveryState, WebhookDelivery, WebhookEndpoint
from store.sealing import Keyring, NoKey
from store.webhooks import Event, NameTaken

LARGEST_ID = 2**53
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Name = Annotated[str, Path(pattern=NAME, examples=["crm"])]


class NewEndpoint(BaseModel):
    """An address to tell of events; https."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=NAME, examples=["crm"])]
    url: Annotated[str, Field(max_length=500, examples=["https://crm.example.ma/releve"])]
    events: Annotated[list[Event], Field(min_length=1, max_length=len(Event))]


class Endpoint(BaseModel):
    """An address that is told of `events`, how many deliveries wait or are dead, and since when all fail."""

    name: str
    url: str
    events: list[str]
    created_at: datetime
    disabled_at: datetime | None
    failing_since: datetime | None
    waiting: int
    dead: int


class MadeEndpoint(Endpoint):
    """With the secret that signs what is sent: it is shown now and never again."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class Delivery(BaseModel):
    """An event on its way: `answer` is what became of the last try."""

    id: int
    event: str
    subject: str
    state: DeliveryState
    attempts: int
    answer: str | None
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None


class Sent(BaseModel):
    """How many deliveries are sent again."""

    deliveries: int


def webhooks_router(
    database: Database, keyring: Keyring, private_hosts: Collection[str] = (), clock: Clock = system_clock
) -> APIRouter:
    router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
    permitted = allowed(database, Scope.WEBHOOKS, clock=clock)

    @router.get("", operation_id="list_webhooks", responses=answers())
    async def list_endpoints(_actor: str = permitted) -> list[Endpoint]:
        """All addresses, by name."""
        async with database.reading() as session:
            return [Endpoint(**_shown(each, counts)) for each, counts in await webhooks.endpoints(session)]

    @router.post(
        "", operation_id="add_webhook", status_code=201, responses=answers(_409="The name is taken, or no key is set")
    )
    async def add(new: NewEndpoint, actor: str = permitted) -> MadeEndpoint:
        """Tell an address of events from now on. The answer has the secret that signs them, once."""
        try:
            url = checked(new.url, private_hosts)
            secret = new_secret()
            sealed = keyring.seal_secret(secret, webhooks.PURPOSE)
            async with database.writing() as session:
                made = await webhooks.add_endpoint(session, new.name, url, new.events, sealed, actor, clock())
                return MadeEndpoint(**_shown(made, {}), secret=secret)
        except BadAddress as error:
            raise HTTPException(422, f"url: {error}") from error
        except (NameTaken, NoKey) as error:
            raise HTTPException(409, str(error)) from error

    @router.delete("/{name}", operation_id="remove_webhook", status_code=204, responses=answers(404))
    async def remove(name: Name, actor: str = permitted) -> None:
        """For good, with all that waits for it."""
        async with database.writing() as session:
            await webhooks.remove(session, await _named(session, name), actor, clock())

    @router.post("/{name}/disable", operation_id="disable_webhook", status_code=204, responses=answers(404))
    async def disable(name: Name, actor: str = permitted) -> None:
        """Tell it nothing more; what waits stays."""
        async with database.writing() as session:
            webhooks.disable(session, await _named(session, name), actor, clock(), "asked")

    @router.post("/{name}/enable", operation_id="enable_webhook", status_code=204, responses=answers(404))
    async def enable(name: Name, actor: str = permitted) -> None:
        """Tell it again, first what waited."""
        async with database.writing() as session:
            webhooks.enable(session, await _named(session, name), actor, clock())

    @router.get("/{name}/deliveries", operation_id="list_deliveries", responses=answers(404))
    async def deliveries(
        name: Name,
        state: DeliveryState | None = None,
        before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        _actor: str = permitted,
    ) -> list[Delivery]:
        """What was sent to it, or is to be, the latest first; `state=dead` is what was given up."""
        async with database.reading() as session:
            endpoint = await _named(session, name)
            found = await webhooks.deliveries(session, endpoint.id, state, before, limit)
        return [_delivery(each) for each in found]

    @router.post("/{name}/redeliver", operation_id="redeliver", responses=answers(404))
    async def redeliver(
        name: Name,
        delivery: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="One; all dead ones without.")] = None,
        _actor: str = permitted,
    ) -> Sent:
        """Send what was given up again, or one delivery, whatever became of it."""
        async with database.writing() as session:
            endpoint = await _named(session, name)
            return Sent(deliveries=await webhooks.redeliver(session, endpoint.id, clock(), delivery))

    return router


async def _named(session: AsyncSession, name: str) -> WebhookEndpoint:
    endpoint = await webhooks.endpoint_named(session, name)
    if endpoint is None:
        raise HTTPException(404, f"there is no webhook named '{name}'")
    return endpoint


def _shown(endpoint: WebhookEndpoint, counts: dict[DeliveryState, int]) -> dict[str, Any]:
    return {
        "name": endpoint.name,
        "url": endpoint.url,
        "events": endpoint.events,
        "created_at": endpoint.created_at,
        "disabled_at": endpoint.disabled_at,
        "failing_since": endpoint.failing_since,
        "waiting": counts.get(DeliveryState.WAITING, 0),
        "dead": counts.get(DeliveryState.DEAD, 0),
    }


def _delivery(row: WebhookDelivery) -> Delivery:
    return Delivery(
        id=row.id,
        event=row.event,
        subject=row.subject,
        state=row.state,
        attempts=row.attempts,
        answer=row.answer,
        created_at=row.created_at,
        due_at=row.due_at,
        settled_at=row.settled_at,
    )
