"""`releve key`: keys of the operator's systems for the API."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.clock import system_clock
from bot.connection import with_database
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
) -> None:
    """Make a key and show it, once."""
    if not name.strip() or len(name) > 60:
        raise Fault("a key's name has 1 to 60 characters")

    async def issue(database: Database) -> str:
        async with database.writing() as session:
            return await api_keys.issue(session, name, scope, ACTOR, system_clock())

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
                + (f"\trevoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "")
                for key in await api_keys.every_key(session)
            ]

    for line in with_database(load_settings(), every):
        typer.echo(line)


@app.command(epilog="Example: [bold]releve key revoke billing-system[/]")
def revoke(name: Annotated[str, typer.Argument(help="The key's name.")]) -> None:
    """Make a key useless from now on."""

    async def end(database: Database) -> bool:
        async with database.writing() as session:
            return await api_keys.revoke(session, name, ACTOR, system_clock())

    if not with_database(load_settings(), end):
        raise Fault(f"no key named '{name}' is in use")
    typer.echo(f"The key '{name}' can no longer be used.")
