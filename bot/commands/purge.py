"""`releve purge`: what is older than the operator keeps it, said or removed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer

from billing.calendar import CASABLANCA
from bot.clock import system_clock
from bot.commands.connection import with_database
from bot.faults import load_settings
from store.database import Database


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, by category.")] = False,
) -> None:
    """Remove what is older than `retention` in operators/NAME.yml allows; `releve serve` does so every night."""
    from actions.operator import load_operator
    from bot.logs import configure
    from bot.service import OPERATORS

    configure()
    settings = load_settings()
    cutoffs = load_operator(OPERATORS, settings.operator).retention.cutoffs(system_clock())

    async def work(database: Database) -> dict[str, int]:
        return await counted(database, cutoffs) if dry_run else await removed(database, cutoffs)

    rows = with_database(settings, work)
    if as_json:
        typer.echo(json.dumps({name: _told(cutoffs[name], number) for name, number in rows.items()}, indent=2))
        return
    for name, number in rows.items():
        typer.echo(f"{name:<12}{number:>10}  from before {_day(cutoffs[name])}")
    if dry_run:
        typer.echo("Dry run: nothing was removed.")


async def counted(database: Database, cutoffs: dict[str, datetime]) -> dict[str, int]:
    """How many rows of each category would go."""
    from store.purge import found

    async with database.reading() as session:
        return {each.category: each.rows for each in await found(session, cutoffs)}


async def removed(database: Database, cutoffs: dict[str, datetime]) -> dict[str, int]:
    """How many rows of each category went."""
    from bot.purging import purged

    return {name: rows async for name, rows in purged(database, cutoffs, system_clock)}


def _told(before: datetime, rows: int) -> dict[str, object]:
    return {"rows": rows, "before": before.astimezone(CASABLANCA).isoformat(timespec="seconds")}


def _day(moment: datetime) -> str:
    return moment.astimezone(CASABLANCA).date().isoformat()
