"""`releve import customers FILE` and the other large files: told how far, which lines are wrong, and gone on with."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from bot.clock import system_clock
from bot.commands.connection import with_database
from bot.faults import Fault, load_settings
from bot.imports.runner import run
from bot.imports.spool import digest_of
from store import imports
from store.database import Database
from store.exchange_models import Import, ImportKind, ImportState, WrongLine
from store.imports import Lost

SHOWN = 20
"""Wrong lines that are told at once; `releve import errors` has the others."""
SOME_WRONG = 1
"""The exit code when some lines were left out."""
STDIN = Path("-")
ACTOR = "command"


def import_file(kind: ImportKind, path: Path, *, dry_run: bool, whole: bool, resume: bool) -> None:
    """Bring a file in, or standard input for `-`. Raises `Fault` when it cannot be read or does not come to its end;
    exits with `SOME_WRONG` when lines were wrong.
    """
    with _on_disk(path) as file:
        job = with_database(
            load_settings(), lambda database: _imported(database, kind, path, file, dry_run, whole, resume)
        )
    _tell(job, path.name if path != STDIN else "standard input")


def go_on(import_id: int) -> None:
    """Go on with a file that came over HTTP; it is deleted at the end. Raises `Fault` when another process has it."""

    async def rest(database: Database) -> Import:
        async with database.reading() as session:
            job = await session.get(Import, import_id)
        if job is None or job.path is None:
            raise Fault(f"there is no import {import_id} of a file that came over HTTP")
        path = Path(job.path)
        try:
            return await run(database, import_id, path, system_clock)
        except Lost as error:
            raise Fault(str(error)) from error

    job = with_database(load_settings(), rest)
    if job.path is not None:
        Path(job.path).unlink(missing_ok=True)


def show_errors(import_id: int) -> None:
    """Print what is wrong with lines of an import."""

    async def found(database: Database) -> list[WrongLine]:
        async with database.reading() as session:
            if await session.get(Import, import_id) is None:
                raise Fault(f"there is no import {import_id}")
            return list(await imports.wrong_lines(session, import_id, 0, imports.MOST_KEPT))

    for each in with_database(load_settings(), found):
        typer.echo(_said(each))


def show_status() -> None:
    """Print the latest imports."""

    async def found(database: Database) -> list[Import]:
        async with database.reading() as session:
            return list(await imports.latest(session, None, SHOWN))

    for job in with_database(load_settings(), found):
        share = f"{100 * job.bytes_read // job.size} %" if job.size and job.state in imports.OPEN else ""
        typer.echo(
            f"{job.id}\t{job.kind}\t{job.state} {share}\t{_counts(job)}\t{job.name}\t{job.reason or ''}".rstrip()
        )


async def _imported(
    database: Database, kind: ImportKind, path: Path, file: Path, dry_run: bool, whole: bool, resume: bool
) -> Import:
    digest, size = digest_of(file)
    now = system_clock()
    async with database.writing() as session:
        job = await imports.interrupted(session, kind, digest) if resume else None
        if resume and job is None:
            raise Fault(f"no import of this very file was interrupted: leave --resume out ({path.name})")
        if job is None:
            job = await imports.create(
                session,
                kind,
                name=path.name,
                digest=digest,
                size=size,
                actor=ACTOR,
                now=now,
                dry_run=dry_run,
                whole=whole,
            )
        elif job.path is None:
            await imports.leave(session, job.id)  # a command that still has it can write no more
    try:
        with _bar(path.name, size) as progress:
            return await run(database, job.id, file, system_clock, progress)
    except Lost as error:
        raise Fault(f"{error}; it is gone on with two minutes after that process has stopped") from error


@contextmanager
def _on_disk(path: Path) -> Iterator[Path]:
    """The file, or what standard input has, kept while it is imported. Raises `Fault`."""
    if path != STDIN:
        if not path.is_file():
            raise Fault(f"cannot read {path}: no such file")
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=".import") as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        kept.flush()
        yield Path(kept.name)


@contextmanager
def _bar(name: str, size: int) -> Iterator[Callable[[Import], None]]:
    """A bar on standard error when someone watches."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(name, total=size)

        def progress(job: Import) -> None:
            doing = " (checking)" if job.is_checking else ""
            shown.update(task, completed=job.bytes_read, description=f"{name}{doing}")

        yield progress


def _tell(job: Import, name: str) -> None:
    if job.wrong:
        _tell_wrong(job, name)
    if job.state is ImportState.FAILED:
        raise Fault(f"{name}: {job.reason} (import {job.id}: {_counts(job)})")
    dry = " Dry run: nothing was stored." if job.dry_run else ""
    typer.echo(f"{name}: {_counts(job)}.{dry}")
    if job.wrong:
        raise typer.Exit(SOME_WRONG)


def _tell_wrong(job: Import, name: str) -> None:
    async def found(database: Database) -> list[WrongLine]:
        async with database.reading() as session:
            return list(await imports.wrong_lines(session, job.id, 0, SHOWN))

    for each in with_database(load_settings(), found):
        typer.echo(f"{name}, {_said(each)}", err=True)
    if job.wrong > SHOWN:
        typer.echo(f"… {job.wrong} wrong lines in all: releve import errors {job.id}", err=True)


def _said(wrong: WrongLine) -> str:
    return f"line {wrong.line}: {f'{wrong.field}: ' if wrong.field else ''}{wrong.reason}"


def _counts(job: Import) -> str:
    return f"{job.added} added, {job.changed} changed, {job.unchanged} unchanged, {job.wrong} wrong"
