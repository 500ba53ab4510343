"""`releve request`: what customers asked for, and what a person decides on it.

The desk and the API decide through the same `store.decisions`; this is for the operator at a terminal.
"""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from actions.operator import load_operator
from billing.calendar import local_day
from bot.clock import system_clock
from bot.faults import Fault, load_settings
from bot.settings import PROJECT

if TYPE_CHECKING:
    from bot.commands.request_record import Decision

app = typer.Typer(help="Requests: `releve request list`, `show`, `review`, `grant`, `refuse`.", no_args_is_help=True)

UNDECIDED = ("received", "under_review")
_PAYMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})=([0-9]{1,9}(?:\.[0-9]{1,2})?)")
_NAME = re.compile(r"[\w.@-]{1,59}")

Reference = Annotated[str, typer.Argument(help="The request's reference, as D-4821370568.")]
By = Annotated[str, typer.Option(help="Who decides: a short name, for the audit.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON; amounts in dirhams.")]


@app.command("list", epilog="Example: [bold]releve request list --late[/]")
def list_requests(
    kind: Annotated[str | None, typer.Option(help="Only this kind, as deferral.", show_default="all kinds")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only this state, as granted.", show_default="those not decided")
    ] = None,
    late: Annotated[bool, typer.Option("--late", help="Only undecided ones whose day has gone by.")] = False,
    limit: Annotated[int, typer.Option(help="How many, the longest waiting first.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """Requests that wait for a person, or those of a state."""
    from bot.commands.connection import with_database
    from bot.commands.request_record import listed

    today = local_day(system_clock())
    found = with_database(
        load_settings(),
        lambda database: listed(database, kind=kind, state=state, late_on=today if late else None, limit=limit),
    )
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    elif not found:
        typer.echo("No requests.")
    else:
        for each in found:
            if each["due_on"] and each["due_on"] < today.isoformat() and each["state"] in UNDECIDED:
                each["due_on"] += " late"
        _print_rows(Console(), found, ("reference", "kind", "state", "contract", "asked_at", "due_on"))


@app.command("show", epilog="Example: [bold]releve request show D-4821370568[/]")
def show_request(reference: Reference, as_json: AsJson = False) -> None:
    """All that is known of a request: what was said, bills, payments, and who did what."""
    from bot.commands.connection import with_database
    from bot.commands.request_record import record

    found = with_database(load_settings(), lambda database: record(database, reference))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    console = Console()
    facts = Table(show_header=False, box=None)
    for name in ("reference", "kind", "state", "contract", "asked_at", "due_on", "reason"):
        if found[name] is not None:
            facts.add_row(name.replace("_", " "), _cell(found[name]))
    for name, said in found["details"].items():
        facts.add_row(name, _cell(said))
    console.print(facts)
    _print_rows(console, found["bills"], ("bill", "open"))
    _print_rows(console, found["payments"], ("due_on", "amount", "paid"))
    _print_rows(console, found["history"], ("at", "actor", "action", "details"))


@app.command("review", epilog="Example: [bold]releve request review D-4821370568 --by amina[/]")
def review(reference: Reference, by: By) -> None:
    """Say that a person is looking at a request; its customer is told."""
    from store.decisions import review as reviewed

    _decide(reference, by, reviewed)


@app.command(
    "grant",
    epilog="Example: [bold]releve request grant D-4821370568 --by amina --pay 2026-12-15=326.26[/]",
)
def grant(
    reference: Reference,
    by: By,
    reason: Annotated[str | None, typer.Option(help="What the customer reads of it.")] = None,
    pay: Annotated[
        list[str] | None, typer.Option(help="A payment instead of those proposed, as 2026-12-15=200.00; repeated.")
    ] = None,
    beyond_policy: Annotated[
        bool, typer.Option("--beyond-policy", help="Give more time than the operator's policy allows.")
    ] = False,
) -> None:
    """Grant a request, or say that it is dealt with; its customer is told."""
    from bot.commands.request_record import granted

    operator = load_operator(PROJECT / "operators", load_settings().operator)
    schedule = [_payment(each) for each in pay] if pay else None
    _decide(reference, by, granted(operator, reason=reason, schedule=schedule, beyond_policy=beyond_policy))


@app.command("refuse", epilog='Example: [bold]releve request refuse D-4821370568 --by amina --reason "…"[/]')
def refuse(
    reference: Reference,
    by: By,
    reason: Annotated[str, typer.Option(help="Why; the customer reads it.")],
) -> None:
    """Refuse a request, with a reason; its customer is told."""
    from bot.commands.request_record import refused

    _decide(reference, by, refused(reason))


def _decide(reference: str, by: str, decision: Decision) -> None:
    from bot.commands.connection import with_database
    from bot.commands.request_record import decide

    if not _NAME.fullmatch(by):
        raise Fault("--by is a short name without spaces, as amina")
    now = system_clock()
    typer.echo(with_database(load_settings(), lambda database: decide(database, reference, by, now, decision)))


def _payment(text: str) -> tuple[date, Decimal]:
    """A day and dirhams. Raises `Fault`."""
    try:
        found = _PAYMENT.fullmatch(text)
        if found is None:
            raise ValueError
        return date.fromisoformat(found[1]), Decimal(found[2]).quantize(Decimal("0.01"))
    except ValueError as error:
        raise Fault(f"--pay is a day and an amount such as 2026-12-15=200.00, not {text!r}") from error


def _print_rows(console: Console, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    if not rows:
        return
    table = Table(*(column.replace("_", " ") for column in columns), box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    console.print(table)


def _cell(value: Any) -> Text:
    """Not as markup: customers write brackets too."""
    match value:
        case None:
            return Text("")
        case list():
            return Text("\n".join(map(str, value)))
        case dict():
            return Text(json.dumps(value, ensure_ascii=False))
    return Text(str(value))
