"""`releve import …`: the operator's short lists, whole or not at all, and its large files, line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="What the operator brings in (docs/operators.md, docs/api.md): `releve import customers FILE`.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="CSV, UTF-8, the first line naming the columns.", show_default=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check the file and say what would change; store nothing.")]
LargeFile = Annotated[
    Path, typer.Argument(help="CSV, JSON lines or a JSON array, UTF-8; - for standard input.", show_default=False)
]
Whole = Annotated[bool, typer.Option("--all-or-nothing", help="Write only if all lines are right.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with this very file where it was interrupted.")]
Number = Annotated[int, typer.Argument(help="The import's number.", min=1)]


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


@app.command("customers", epilog="Example: [bold]releve import customers customers.csv --dry-run[/]")
def customers(file: LargeFile, dry_run: DryRun = False, whole: Whole = False, resume: Resume = False) -> None:
    """Number, name, language."""
    _import_large("customers", file, dry_run, whole, resume)


@app.command("contracts", epilog="Example: [bold]releve import contracts contracts.csv --dry-run[/]")
def contracts(file: LargeFile, dry_run: DryRun = False, whole: Whole = False, resume: Resume = False) -> None:
    """Number, customer, utility, billing, tariff, address, commune, route, opened_on, closed_on, phones."""
    _import_large("contracts", file, dry_run, whole, resume)


@app.command("meters", epilog="Example: [bold]releve import meters meters.csv --dry-run[/]")
def meters(file: LargeFile, dry_run: DryRun = False, whole: Whole = False, resume: Resume = False) -> None:
    """Number, contract, digits, multiplier, subscribed_watts, installed_on, removed_on, registers."""
    _import_large("meters", file, dry_run, whole, resume)


@app.command("bills", epilog="Example: [bold]releve import bills bills.csv --dry-run[/]")
def bills(file: LargeFile, dry_run: DryRun = False, whole: Whole = False, resume: Resume = False) -> None:
    """Number, contract, period, dates, basis, usage, total, paid, and what it was computed from."""
    _import_large("bills", file, dry_run, whole, resume)


@app.command("schedules", epilog="Example: [bold]releve import schedules schedules.csv --dry-run[/]")
def schedules(file: LargeFile, dry_run: DryRun = False, whole: Whole = False, resume: Resume = False) -> None:
    """Reference, contract, bills, payments, of time to pay that was granted elsewhere."""
    _import_large("schedules", file, dry_run, whole, resume)


@app.command("readings", epilog="Example: [bold]releve import readings readings.csv --dry-run[/]")
def readings(file: LargeFile, dry_run: DryRun = False, whole: Whole = False, resume: Resume = False) -> None:
    """Meter, register, value, taken_on, source (field or estimate)."""
    _import_large("readings", file, dry_run, whole, resume)


@app.command("status", epilog="Example: [bold]releve import status[/]")
def status() -> None:
    """The latest imports of large files, those over HTTP too, and how far they are."""
    from bot.commands.large_imports import show_status

    show_status()


@app.command("errors", epilog="Example: [bold]releve import errors 12 > wrong.txt[/]")
def errors(number: Number) -> None:
    """What is wrong with the lines of an import."""
    from bot.commands.large_imports import show_errors

    show_errors(number)


@app.command("go-on", hidden=True)
def go_on(number: Number) -> None:
    """Import a file that came over HTTP; started by the service itself."""
    from bot.commands.large_imports import go_on as rest

    rest(number)


def _import_large(name: str, path: Path, dry_run: bool, whole: bool, resume: bool) -> None:
    from bot.commands.large_imports import import_file
    from store.exchange_models import ImportKind

    import_file(ImportKind(name), path, dry_run=dry_run, whole=whole, resume=resume)


def _import(name: str, path: Path, dry_run: bool) -> None:
    from bot.clock import system_clock
    from bot.commands.connection import with_database
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
