"""`releve campaign`: proactive messages to many customers, and how far they have come."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from billing.calendar import local_day
from bot.clock import system_clock
from bot.faults import Fault, load_settings

if TYPE_CHECKING:
    from store.database import Database

Result = TypeVar("Result")

app = typer.Typer(
    help="Campaigns: `releve campaign create`, `preview`, `start`, `pause`, `resume`, `cancel`, `list`, `show`.",
    no_args_is_help=True,
)

WATCH_SECONDS = 1.0

Name = Annotated[str, typer.Argument(help="The campaign's name.", show_default=False)]
By = Annotated[str, typer.Option(help="Who acts, for the audit.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], show_default=False)]


@app.command(
    "create",
    epilog="Example: [bold]releve campaign create dec-ifr --route IFR-2M --opens 2026-12-01 --closes 2026-12-05[/]",
)
def create(
    name: Name,
    route: Annotated[list[str] | None, typer.Option(help="Remind a reading route's customers; repeated.")] = None,
    opens: Day = None,
    closes: Day = None,
    due_in: Annotated[
        int | None, typer.Option(help="Remind of unpaid bills due within so many days.", min=0, show_default=False)
    ] = None,
    overdue_by: Annotated[
        int | None, typer.Option(help="Remind of bills unpaid so many days after.", min=1, show_default=False)
    ] = None,
    commune: Annotated[str | None, typer.Option(help="Tell prepaid customers of the team's round.")] = None,
    on: Day = None,
    by: By = "",
) -> None:
    """A draft for one of: a reading route with its window, unpaid bills, or a commune with the round's day."""
    from store.audience import SELECTION
    from store.campaigns import create as created

    today = local_day(system_clock())
    wanted: list[dict[str, Any]] = []
    if route:
        wanted.append(
            {"kind": "reading_reminder", "routes": route, "opens_on": _day(opens), "closes_on": _day(closes)}
        )
    if due_in is not None:
        wanted.append({"kind": "due_reminder", "due_from": today, "due_to": today + timedelta(due_in)})
    if overdue_by is not None:
        wanted.append({"kind": "due_reminder", "due_to": today - timedelta(overdue_by)})
    if commune is not None:
        wanted.append({"kind": "recharge_round", "commune": _commune(commune), "on": _day(on)})
    if len(wanted) != 1:
        raise Fault("say one of --route, --due-in, --overdue-by, --commune")
    try:
        selection = SELECTION.validate_python(wanted[0])
    except ValidationError as error:
        first = error.errors()[0]
        raise Fault(f"{first['loc'][-1]}: {first['msg'].removeprefix('Value error, ')}") from error

    async def use(database: Database) -> None:
        async with database.writing() as session:
            await created(session, name, selection, by or getpass.getuser(), system_clock())

    _with_database(use)
    typer.echo(f"{name}: a draft. See it with `releve campaign preview {name}`, then `releve campaign start {name}`.")


@app.command("preview", epilog="Example: [bold]releve campaign preview dec-ifr[/]")
def preview(name: Name, as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """How many it would be sent to, who not and why, what it costs in SMS parts, and how it reads."""
    _without_training()
    from actions.operator import load_operator
    from bot.campaigns import bulk_rates
    from bot.campaigns import preview as previewed
    from bot.channels.configured import carriers
    from bot.engine.assistant import Assistant
    from bot.engine.texts import MissingText
    from bot.service import LOCALES, OPERATORS
    from store.campaigns import campaign_named, selection_of

    settings = load_settings()
    operator = load_operator(OPERATORS, settings.operator)
    texts = Assistant.load(settings.model_dir, LOCALES).texts
    rates = bulk_rates(carriers(settings), settings.bulk_share)

    async def use(database: Database) -> Any:
        async with database.reading() as session:
            selection = selection_of(await campaign_named(session, name))
        return await previewed(database, texts, operator, rates, selection, system_clock())

    try:
        found = _with_database(use)
    except MissingText as error:
        raise Fault(f"the model is older than the texts, {error}: run `releve train`") from error
    if as_json:
        typer.echo(json.dumps({each.name: getattr(found, each.name) for each in fields(found)}, ensure_ascii=False))
        return
    typer.echo(f"{found.messages} messages, {found.sms_parts} SMS parts, about {_duration(found.seconds)}")
    console = Console()
    for title, counts in (("channel", found.channels), ("language", found.languages), ("left out", found.excluded)):
        _print_counts(console, title, counts)
    for language, text in found.examples.items():
        console.print(Text(f"{language}: {text}"))


@app.command("start", epilog="Example: [bold]releve campaign start dec-ifr[/]")
def start(name: Name, by: By = "") -> None:
    """Put its messages down and let it run; after an interruption say it again."""
    _without_training()
    from bot.campaigns import start as started

    with Bar(transient=True) as bar:
        task = bar.add_task("contracts", total=None)
        _with_database(
            lambda database: started(
                database, name, by or getpass.getuser(), system_clock(), lambda: bar.advance(task)
            )
        )
    typer.echo(f"{name} runs. Follow it with `releve campaign show {name} --watch`.")


@app.command("pause", epilog="Example: [bold]releve campaign pause dec-ifr[/]")
def pause(name: Name, by: By = "") -> None:
    """Send nothing more for now; what waits in the outbox is taken back."""
    typer.echo(f"{name} is paused; {_move(name, 'pause', by)} messages taken back.")


@app.command("resume", epilog="Example: [bold]releve campaign resume dec-ifr[/]")
def resume(name: Name, by: By = "") -> None:
    """Go on with a paused campaign."""
    _move(name, "resume", by)
    typer.echo(f"{name} runs.")


@app.command("cancel", epilog="Example: [bold]releve campaign cancel dec-ifr[/]")
def cancel(name: Name, by: By = "") -> None:
    """Send nothing more, for good."""
    typer.echo(f"{name} is cancelled; {_move(name, 'cancel', by)} messages taken back.")


@app.command("list", epilog="Example: [bold]releve campaign list[/]")
def list_campaigns() -> None:
    """All campaigns, the newest first."""
    from store.campaigns import all_campaigns

    async def use(database: Database) -> Any:
        async with database.reading() as session:
            return await all_campaigns(session)

    table = Table("name", "kind", "state", "created", "by", box=SIMPLE_HEAD)
    for each in _with_database(use):
        created_on = local_day(each.created_at).isoformat()
        table.add_row(*map(Text, (each.name, each.kind.value, each.state.value, created_on, each.created_by)))
    Console().print(table)


@app.command("show", epilog="Example: [bold]releve campaign show dec-ifr --watch[/]")
def show(
    name: Name,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it with a progress bar until it is over.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """How far it has come: waiting, queued, sent, delivered, failed, skipped and why, replied."""
    from store.campaign_progress import progress
    from store.campaigns import OVER, State, campaign_named

    async def look(database: Database) -> tuple[State, Any]:
        async with database.reading() as session:
            campaign = await campaign_named(session, name)
            return campaign.state, await progress(session, campaign.id)

    async def use(database: Database) -> tuple[State, Any]:
        state, found = await look(database)
        if watch:
            with Bar() as bar:
                task = bar.add_task(name, total=found.total, completed=found.settled)
                while state not in OVER:
                    await asyncio.sleep(WATCH_SECONDS)
                    state, found = await look(database)
                    bar.update(task, total=found.total, completed=found.settled, description=f"{name}, {state.value}")
        return state, found

    state, found = _with_database(use)
    if as_json:
        typer.echo(json.dumps({"name": name, "state": state.value, **asdict(found)}))
        return
    typer.echo(
        f"{name}: {state.value}. {found.total} customers: {found.waiting} waiting, {found.queued} queued, "
        f"{found.sent} sent ({found.delivered} delivered), {found.failed} failed, {found.replied} replied"
    )
    _print_counts(Console(), "skipped", found.skipped)


def _move(name: str, verb: str, by: str) -> int:
    from store.campaigns import move

    async def use(database: Database) -> int:
        async with database.writing() as session:
            return await move(session, name, verb, by or getpass.getuser(), system_clock())

    return _with_database(use)


def _with_database(use: Callable[[Database], Awaitable[Result]]) -> Result:
    """Raises `Fault`, also for what cannot be done with a campaign."""
    from bot.commands.connection import with_database
    from store.campaigns import CampaignRefused

    try:
        return with_database(load_settings(), use)
    except CampaignRefused as error:
        raise Fault(str(error)) from error


def _without_training() -> None:
    """Leave out what only training needs, before Rasa's modules are imported."""
    from bot.logs import configure
    from nlu import standins

    configure("error")
    standins.serving()


def _commune(text: str) -> str:
    """The commune's own name, however it is written. Raises `Fault`."""
    from nlu import communes

    name = communes.known().canonical(text)
    if name is None:
        raise Fault(f"{text!r} is not in data/communes.yml")
    return name


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{round(seconds)} s" if minutes < 2 else f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _print_counts(console: Console, title: str, counts: dict[Any, int]) -> None:
    if counts:
        table = Table(title, "customers", box=SIMPLE_HEAD)
        for what, count in sorted(counts.items(), key=lambda item: -item[1]):
            table.add_row(Text(str(what)), str(count))
        console.print(table)
