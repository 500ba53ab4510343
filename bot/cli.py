"""The `releve` command. Each command loads only what it needs, so that `--help` is instant."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands.backup import backup, restore, settle_restored
from bot.commands.bill import app as bill
from bot.commands.campaign import app as campaign
from bot.commands.imports import app as importing
from bot.commands.key import app as key
from bot.commands.privacy import app as privacy
from bot.commands.purge import purge
from bot.commands.request import app as request
from bot.commands.secrets import app as secrets
from bot.commands.user import app as user
from bot.commands.webhook import app as webhooks
from bot.faults import Fault, load_settings, reported

app = typer.Typer(
    name="releve",
    help="Relève, the conversational assistant of a utility's customer relations centre.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,
)
db = typer.Typer(
    help="The database: `releve db upgrade`, `releve db backup`, `releve db restore`.", no_args_is_help=True
)
export = typer.Typer(
    help="What the operator takes out: `releve export readings`, `releve export examples`.", no_args_is_help=True
)
app.add_typer(bill, name="bill")
app.add_typer(request, name="request")
app.add_typer(campaign, name="campaign")
app.add_typer(db, name="db")
app.add_typer(export, name="export")
app.add_typer(importing, name="import")
app.add_typer(key, name="key")
app.add_typer(privacy, name="privacy")
app.add_typer(secrets, name="secrets")
app.add_typer(user, name="user")
app.add_typer(webhooks, name="webhooks")
db.command("backup", epilog="Example: [bold]releve db backup /backups/$(date +%F).db[/]")(backup)
db.command("restore", epilog="Example: [bold]releve db restore /backups/2026-11-23.db --overwrite[/]")(restore)
db.command("settle-restored", epilog="Example: [bold]releve db settle-restored 2026-11-23T04:00[/]")(settle_restored)
app.command("purge", epilog="Example: [bold]releve purge --dry-run[/]")(purge)

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]


Consumer = Annotated[str | None, typer.Option(help="The system that takes them: its next batch.")]
Since = Annotated[int | None, typer.Option(help="The last batch that was taken in: what follows it.", min=0)]
Limit = Annotated[int, typer.Option(help="Lines of a batch.", min=1, max=10_000)]


def main() -> None:
    """The console script."""
    with reported():
        app()


@app.command(epilog="Example: [bold]releve demo[/] then open http://127.0.0.1:8000/try")
def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data: Annotated[Path, typer.Option(help="The demo's database; delete it to start afresh.")] = Path("demo.db"),
) -> None:
    """Everything in one process on SQLite with fictitious customers; nothing to configure."""
    _configure(quiet=True, serving=True)
    from bot.commands.demo import run

    run(host, port, data)


@app.command(epilog="Example: [bold]releve serve --host 0.0.0.0 --port 8000[/]")
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    work: Annotated[bool, typer.Option(help="Also handle messages in this process.")] = True,
) -> None:
    """Take webhooks and, unless told not to, handle messages."""
    _configure(serving=True)
    from bot.app import create_app
    from bot.edge.listening import listen
    from bot.service import Service

    service = Service.build(load_settings())
    _check(service)
    app = create_app(service, work=work, watch=True)
    settings = service.settings
    raise typer.Exit(listen(app, service, settings, host=host, port=port, drain_seconds=settings.drain_seconds))


@app.command(epilog="Example: [bold]releve worker[/] beside several [bold]releve serve --no-work[/]")
def worker(
    host: Host = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Answer /healthz, /readyz and /metrics here.", min=1, max=65535)
    ] = None,
) -> None:
    """Handle messages and send replies; takes no webhooks."""
    _configure(serving=True)
    from bot.service import Service
    from bot.standalone import run_worker

    service = Service.build(load_settings())
    _check(service)
    raise typer.Exit(asyncio.run(run_worker(service, host, port)))


@app.command(epilog="Example: [bold]releve train --report warnings.tsv[/]")
def train(
    quiet: Annotated[bool, typer.Option("--quiet", help="Only say what is wrong, not what is doubtful.")] = False,
    cached: Annotated[
        bool, typer.Option("--cached", help="Take a model trained before from the very same files, if there is one.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Train, and write all warnings on the data as tab-separated values.")
    ] = None,
) -> None:
    """Check the training data, rules and texts, train the model, and warn of confusable or scarce examples."""
    _configure()
    from bot import training

    settings = load_settings()
    if cached and report is None and training.from_cache(settings):
        return
    model = training.run(settings, quiet=quiet, report=report)
    training.into_cache(model)


@app.command(epilog="Example: [bold]echo 'mon index est 48213' | releve parse - --json[/]")
def parse(
    texts: Annotated[list[str], typer.Argument(help="Texts to understand, or - to read lines.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """What the assistant understands of a text."""
    _configure(serving=True)
    from bot.commands.parse import parsed_lines

    lines = (line.rstrip("\n") for line in sys.stdin) if texts == ["-"] else iter(texts)
    for line in parsed_lines(load_settings(), lines, as_json=as_json):
        typer.echo(line)


@app.command(epilog="Example: [bold]releve evaluate --json > figures.json[/]")
def evaluate(
    file: Annotated[
        Path | None,
        typer.Argument(help="Labelled messages: language, intent, text, separated by tabs.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with all figures.")] = False,
    min_words: Annotated[int, typer.Option(help="Words from which a message must tell its language.", min=1)] = 3,
) -> None:
    """How well the trained model understands messages that it was not trained on.

    Without a file: the project's own, tests/understanding/messages.tsv.
    """
    _configure(quiet=True, serving=True)
    from bot.evaluation import run

    run(load_settings(), file, as_json=as_json, min_words=min_words)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    epilog="Example: [bold]releve rasa data validate[/]",
)
def rasa(context: typer.Context) -> None:
    """Rasa's own command line on this project: data validate, test, shell, visualize."""
    _configure()
    from bot.commands.rasa import run

    run(context.args)


@app.command(epilog="Example: [bold]releve chat --as +212600000001[/]")
def chat(
    phone: Annotated[str, typer.Option("--as", help="The phone to write from.")] = "+212600000001",
) -> None:
    """Talk to the assistant in the terminal, as a customer; the same path as a carrier's message."""
    _configure(quiet=True, serving=True)
    from bot.commands.chat import run

    asyncio.run(run(load_settings(), phone))


@app.command(epilog="Example: [bold]releve doctor --json[/]")
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with all findings.")] = False,
) -> None:
    """Check settings, database, model, carriers and desk, and say what to do. Exit code 2 when something is wrong."""
    _configure(quiet=True, serving=True)
    from bot import doctor

    found = asyncio.run(doctor.examine(load_settings()))
    if as_json:
        typer.echo(doctor.as_json(found))
    else:
        doctor.shown(found)
    if not doctor.is_well(found):
        raise typer.Exit(2)


@db.command("upgrade", epilog="Example: [bold]releve db upgrade[/]")
def db_upgrade() -> None:
    """Bring the database schema up to date."""
    _configure()
    from bot.commands.connection import with_database
    from store import schema

    with_database(load_settings(), schema.upgrade)
    typer.echo("The database is up to date.")


@db.command("demo", epilog="Example: [bold]releve db demo[/]")
def db_demo() -> None:
    """Load the fictitious customers, and people at the desk with a known password, into an empty database."""
    _configure()
    from bot.commands.connection import with_database
    from bot.commands.demo import load_demo

    typer.echo(with_database(load_settings(), load_demo))


@export.command("readings", epilog="Example: [bold]releve export readings --format csv > readings.csv[/]")
def export_readings(
    format: Annotated[str, typer.Option(help="csv or json (one object a line).")] = "csv",
    every: Annotated[
        bool, typer.Option("--every", help="Also field readings and estimates, not only customers' and agents'.")
    ] = False,
    consumer: Consumer = None,
    since: Since = None,
    limit: Limit = 1000,
) -> None:
    """Readings in the order received, to standard output; with --consumer or --since, what that one has not had."""
    _known_format(format)
    _configure()
    if consumer is not None or since is not None:
        from bot.commands.export import follow
        from store.exchange_models import Stream

        follow(Stream.READINGS, format, consumer=consumer, since=since, limit=limit)
        return
    from bot.commands.connection import with_database
    from bot.exporting import export_readings as write

    with_database(load_settings(), lambda database: write(database, sys.stdout, format, every=every))


@export.command("requests", epilog="Example: [bold]releve export requests --consumer crm --format json[/]")
def export_requests(
    format: Annotated[str, typer.Option(help="csv or json (one object a line).")] = "csv",
    consumer: Consumer = None,
    since: Since = None,
    limit: Limit = 1000,
) -> None:
    """Requests, each as often as its state changed; with --consumer or --since, what that one has not had."""
    _known_format(format)
    _configure()
    from bot.commands.export import follow
    from store.exchange_models import Stream

    follow(Stream.REQUESTS, format, consumer=consumer, since=since, limit=limit)


@export.command("ack", epilog="Example: [bold]releve export ack readings billing 1200[/]")
def export_ack(
    stream: Annotated[str, typer.Argument(help="readings or requests.")],
    consumer: Annotated[str, typer.Argument(help="Who has taken the batch in.")],
    batch: Annotated[int, typer.Argument(help="The number that came with it.", min=0)],
) -> None:
    """A consumer has taken its batch in: the next one follows."""
    _configure()
    from bot.commands.export import acknowledge
    from store.exchange_models import Stream

    if stream not in set(Stream):
        raise Fault(f"there are readings and requests to follow, not {stream!r}")
    acknowledge(Stream(stream), consumer, batch)


def _known_format(format: str) -> None:
    if format not in ("csv", "json"):
        raise Fault(f"--format is csv or json, not {format!r}")


@export.command("examples", epilog="Example: [bold]releve export examples --into review[/]")
def export_examples(
    into: Annotated[Path, typer.Option(help="The folder to write to; not below data/.")] = Path("review"),
    again: Annotated[bool, typer.Option("--again", help="Also those that were written before.")] = False,
) -> None:
    """Messages that supervisors labelled, a file of examples a language, for designers to read and move to data/."""
    _configure()
    from bot.clock import system_clock
    from bot.commands.connection import with_database
    from bot.example_file import write_review
    from bot.settings import PROJECT

    data = PROJECT / "data" / "nlu"
    if into.resolve().is_relative_to(data):
        raise Fault("--into is not below data/nlu: somebody must read the examples before they are learnt")
    try:
        written = with_database(
            load_settings(), lambda database: write_review(database, into, data, system_clock(), again=again)
        )
    except ValueError as error:
        raise Fault(str(error)) from error
    typer.echo("\n".join(written) or "Nothing new was labelled.")


def _configure(quiet: bool = False, *, serving: bool = False) -> None:
    """Set logging up and, in a process that only serves, leave out what only training needs."""
    from bot.logs import configure
    from bot.settings import LogSettings
    from nlu import standins

    settings = LogSettings()
    configure(settings.log_level or ("error" if quiet else "info"), settings.log_format)
    if serving:
        standins.serving()


def _check(service: Any) -> None:
    """Fail before listening, with one line, when the service cannot work."""

    async def lacking() -> list[str]:
        try:
            return list(await service.lacks())
        finally:
            await service.database.engine.dispose()

    lacks = asyncio.run(lacking())
    if lacks:
        raise Fault(lacks[0])
