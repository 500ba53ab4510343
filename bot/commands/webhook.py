"""`releve webhooks`: addresses that are told of events, and what became of what was sent to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot.clock import system_clock
from bot.commands.connection import with_database
from bot.faults import Fault, load_settings
from store import webhooks
from store.database import Database
from store.exchange_models import DeliveryState, WebhookEndpoint
from store.sealing import NoKey
from store.webhooks import Event, NameTaken

app = typer.Typer(help="Events told to the operator's systems: `releve webhooks add`.", no_args_is_help=True)
ACTOR = "command"
SHOWN = 50
T = TypeVar("T")

Name = Annotated[str, typer.Argument(help="The webhook's name.")]


@app.command(epilog="Example: [bold]releve webhooks add crm https://crm.example.ma/releve --event request.created[/]")
def add(
    name: Name,
    url: Annotated[str, typer.Argument(help="https://…")],
    event: Annotated[list[Event], typer.Option(help="What to tell; repeat for several.")],
) -> None:
    """Tell an address of events from now on, and show the secret that signs them, once."""
    from bot.webhooks import BadAddress, checked, new_secret

    settings = load_settings()
    try:
        address = checked(url, settings.own_webhook_hosts)
        secret = new_secret()
        sealed = settings.keyring.seal_secret(secret, webhooks.PURPOSE)
        _writing(lambda session, now: webhooks.add_endpoint(session, name, address, event, sealed, ACTOR, now))
    except (BadAddress, NameTaken, NoKey) as error:
        raise Fault(str(error)) from error
    typer.echo(secret)
    typer.echo("Keep it safe: it cannot be shown again. It proves that what comes was sent from here.", err=True)


@app.command("list", epilog="Example: [bold]releve webhooks list[/]")
def list_endpoints() -> None:
    """Every address, what it is told, how much waits and how much was given up."""

    async def found(database: Database) -> list[tuple[WebhookEndpoint, dict[DeliveryState, int]]]:
        async with database.reading() as session:
            return await webhooks.endpoints(session)

    for endpoint, counts in with_database(load_settings(), found):
        state = "disabled" if endpoint.disabled_at else "failing" if endpoint.failing_since else "working"
        waiting, dead = counts.get(DeliveryState.WAITING, 0), counts.get(DeliveryState.DEAD, 0)
        typer.echo(
            f"{endpoint.name}\t{endpoint.url}\t{' '.join(endpoint.events)}\t{state}\t{waiting} waiting\t{dead} dead"
        )


@app.command(epilog="Example: [bold]releve webhooks dead crm[/]")
def dead(name: Name) -> None:
    """The latest events that were given up, and what the address answered."""

    async def found(session: AsyncSession, _now: datetime) -> list[str]:
        endpoint = await _named(session, name)
        given_up = await webhooks.deliveries(session, endpoint.id, DeliveryState.DEAD, None, SHOWN)
        return [f"{each.id}\t{each.event}\t{each.subject}\t{each.answer}" for each in given_up]

    for line in _writing(found):
        typer.echo(line)


@app.command(epilog="Example: [bold]releve webhooks redeliver crm[/]")
def redeliver(name: Name) -> None:
    """Send again what was given up."""

    async def again(session: AsyncSession, now: datetime) -> int:
        return await webhooks.redeliver(session, (await _named(session, name)).id, now)

    typer.echo(f"{_writing(again)} sent again.")


@app.command(epilog="Example: [bold]releve webhooks disable crm[/]")
def disable(name: Name) -> None:
    """Tell an address nothing more; what waits stays."""

    async def end(session: AsyncSession, now: datetime) -> None:
        webhooks.disable(session, await _named(session, name), ACTOR, now, "asked")

    _writing(end)


@app.command(epilog="Example: [bold]releve webhooks enable crm[/]")
def enable(name: Name) -> None:
    """Tell it again, first what waited."""

    async def begin(session: AsyncSession, now: datetime) -> None:
        webhooks.enable(session, await _named(session, name), ACTOR, now)

    _writing(begin)


@app.command(epilog="Example: [bold]releve webhooks remove crm[/]")
def remove(name: Name) -> None:
    """Forget an address, with all that waits for it."""

    async def forget(session: AsyncSession, now: datetime) -> None:
        await webhooks.remove(session, await _named(session, name), ACTOR, now)

    _writing(forget)


def _writing(work: Callable[[AsyncSession, datetime], Awaitable[T]]) -> T:
    async def run(database: Database) -> T:
        async with database.writing() as session:
            return await work(session, system_clock())

    return with_database(load_settings(), run)


async def _named(session: AsyncSession, name: str) -> WebhookEndpoint:
    endpoint = await webhooks.endpoint_named(session, name)
    if endpoint is None:
        raise Fault(f"there is no webhook named '{name}'")
    return endpoint
