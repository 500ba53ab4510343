"""`releve import …`: the operator's lists from CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="What the operator brings in, from CSV files (docs/operators.md): `releve import rounds FILE`.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="CSV, UTF-8, the first line naming the columns.", show_default=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check the file and say what would change; store nothing.")]


@app.command("agencies", epilog="Example: [bold]releve import agencies agencies.csv[/]")
def agencies(file: File, dry_run: DryRun = False) -> None:
    """Agencies: commune, name, address, phone, hours."""
    _import("agencies", file, dry_run)


@app.command("recharge-points", epilog="Example: [bold]releve import recharge-points points.csv[/]")
def recharge_points(file: File, dry_run: DryRun = False) -> None:
    """Where prepaid customers recharge: commune, name, address, phone, hours."""
    _import("recharge-points", file, dry_run)


@app.command("rounds", epilog="Example: [bold]releve import rounds rounds.csv --dry-run[/]")
def rounds(file: File, dry_run: DryRun = False) -> None:
    """The mobile recharge team: commune, place, starts_at, ends_at."""
    _import("rounds", file, dry_run)


@app.command("outages", epilog="Example: [bold]releve import outages outages.csv[/]")
def outages(file: File, dry_run: DryRun = False) -> None:
    """Known cuts: number, commune, area, utility, planned, starts_at, expected_until, ended_at."""
    _import("outages", file, dry_run)


@app.command("modest-income", epilog="Example: [bold]releve import modest-income households.csv[/]")
def modest_income(file: File, dry_run: DryRun = False) -> None:
    """Who may ask for kWh in advance: contract, eligible (yes or no)."""
    _import("modest-income", file, dry_run)


def _import(name: str, path: Path, dry_run: bool) -> None:
    from bot.clock import system_clock
    from bot.connection import with_database
    from bot.faults import Fault, load_settings
    from bot.import_rows import LISTINGS
    from bot.importing import import_file
    from store.listing import Change

    outcome = with_database(
        load_settings(), lambda database: import_file(database, path, LISTINGS[name], system_clock, dry_run=dry_run)
    )
    for number, wrong in outcome.errors:
        typer.echo(f"{path.name}, line {number}: {wrong}", err=True)
    if outcome.errors:
        lines = len({number for number, _ in outcome.errors})
        raise Fault(f"{path}: {lines} wrong line{'s' if lines > 1 else ''}, nothing was imported")
    counted = ", ".join(
        f"{outcome.changes[change]} {change}" for change in (Change.ADDED, Change.CHANGED, Change.UNCHANGED)
    )
    typer.echo(f"{path.name}: {counted}.{' Dry run: nothing was stored.' if dry_run else ''}")
