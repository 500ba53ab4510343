"""`releve key`: keys of the operator's systems for the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from bot.clock import system_clock
from bot.commands.connection import with_database
from bot.faults import Fault, load_settings
from store import api_keys
from store.api_keys import Scope
from store.database import Database

app = typer.Typer(help="Keys for the operator's API: `releve key add`.", no_args_is_help=True)
ACTOR = "command"


@app.command(epilog="Example: [bold]releve key add billing-system --scope payments --scope recharges[/]")
def add(
    name: Annotated[str, typer.Argument(help="Which system will use it; in the audit as key:NAME.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may be used for; repeat for several.")],
    days: Annotated[int | None, typer.Option(help="How long it may be used.", min=1, max=3650)] = None,
) -> None:
    """Make a key and show it, once."""
    if not name.strip() or len(name) > 60:
        raise Fault("a key's name has 1 to 60 characters")

    async def issue(database: Database) -> str:
        async with database.writing() as session:
            now = system_clock()
            expires_at = None if days is None else now + timedelta(days=days)
            return await api_keys.issue(session, name, scope, ACTOR, now, expires_at)

    try:
        key = with_database(load_settings(), issue)
    except ValueError as error:
        raise Fault(str(error)) from error
    typer.echo(key)
    typer.echo("Keep it safe: it cannot be shown again.", err=True)


@app.command("list", epilog="Example: [bold]releve key list[/]")
def list_keys() -> None:
    """Every key that was made, without the keys themselves."""

    async def every(database: Database) -> list[str]:
        async with database.reading() as session:
            return [
                f"{key.name}\t{' '.join(key.scopes)}\t{key.created_at:%Y-%m-%d}"
                + (f"\tused {key.used_at:%Y-%m-%d}" if key.used_at else "\tnever used")
                + (f"\tuntil {key.expires_at:%Y-%m-%d}" if key.expires_at else "")
                + (f"\trevoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "")
                for key in await api_keys.every_key(session)
            ]

    for line in with_database(load_settings(), every):
        typer.echo(line)


@app.command(epilog="Example: [bold]releve key rotate billing-system --overlap-hours 48[/]")
def rotate(
    name: Annotated[str, typer.Argument(help="The key's name.")],
    overlap_hours: Annotated[
        int, typer.Option(help="How long the key before it still works.", min=0, max=24 * 90)
    ] = 24,
) -> None:
    """Make a new key in the place of one, and show it, once; for a while both work."""

    async def replace(database: Database) -> str | None:
        async with database.writing() as session:
            return await api_keys.rotate(session, name, timedelta(hours=overlap_hours), ACTOR, system_clock())

    key = with_database(load_settings(), replace)
    if key is None:
        raise Fault(f"no key named '{name}' is in use")
    typer.echo(key)
    typer.echo(f"Keep it safe: it cannot be shown again. The one before works for {overlap_hours} hours.", err=True)


@app.command(epilog="Example: [bold]releve key revoke billing-system[/]")
def revoke(name: Annotated[str, typer.Argument(help="The key's name.")]) -> None:
    """Make a key useless from now on."""

    async def end(database: Database) -> bool:
        async with database.writing() as session:
            return await api_keys.revoke(session, name, ACTOR, system_clock())

    if not with_database(load_settings(), end):
        raise Fault(f"no key named '{name}' is in use")
    typer.echo(f"The key '{name}' can no longer be used.")
