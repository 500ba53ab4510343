"""An import, from the line it has reached to its end.

A batch of lines, what was wrong with them and how far the import has come are one transaction: a process that dies
loses nothing and does nothing twice. Batches are short, and the store is left alone for a moment after each: on
SQLite customers' messages are written in between.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.clock import Clock
from bot.imports.lines import BrokenFile, Line, read
from bot.imports.rows import KINDS, Kind, values_of
from store import imports
from store.bulk import Lacks, Row
from store.database import Database
from store.exchange_models import Import
from store.imports import Lost, Wrong
from store.listing import Change

BATCH = 1000
"""Lines of one transaction."""
PAUSE = 0.002
"""Seconds after each, at least."""
SHARE_FOR_OTHERS = 0.5
"""How long the pause is on SQLite, in times of what a batch took: other processes look whether they may write only
every now and then, and must find a moment when they may.
"""
TRIES = 5
"""Of a batch that the database could not take just then: a deadlock, a restart."""
Progress = Callable[[Import], None]


@dataclass(slots=True)
class Batch:
    """Lines dealt with together: those that are right, by number, and what is wrong with the others."""

    rows: dict[int, Row] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    line: int = 0
    """The last of them."""
    keys: set[tuple[Any, ...]] = field(default_factory=set)

    @property
    def is_full(self) -> bool:
        return len(self.rows) + len(self.wrong) >= BATCH


def runner_name() -> str:
    """This process among all that may run imports."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


async def run(
    database: Database, import_id: int, path: Path, clock: Clock, progress: Progress = lambda _job: None
) -> Import:
    """Take an import to its end and return it; `progress` is told after each batch.

    A file that cannot be read to its end makes it `failed`; what was written before stays. Raises `Lost` when another
    process has it, `OSError` when the file is not there, and what the database raises when it cannot be used.
    """
    async with database.writing() as session:
        job = await imports.take(session, import_id, runner_name(), clock())
    reason = await _pass(database, job, path, clock, progress)
    if job.is_checking and reason is None:
        if job.wrong == 0:
            async with database.writing() as session:
                await imports.begin_writing(session, job, clock())
            job = await _again(database, job)
            reason = await _pass(database, job, path, clock, progress)
        else:
            reason = f"{job.wrong} wrong line{'s' if job.wrong > 1 else ''}: nothing was written"
    async with database.writing() as session:
        await imports.finish(session, job, clock(), reason)
    return await _again(database, job)


async def _pass(database: Database, job: Import, path: Path, clock: Clock, progress: Progress) -> str | None:
    """All lines that are left; why it cannot go on, None at the end of the file."""
    kind = KINDS[job.kind]
    with path.open("rb") as file:
        try:
            for batch in _batches(read(file, kind.required, kind.known), kind, job.line):
                begun = time.monotonic()
                await _write(database, job, batch, file.tell(), clock)
                progress(job)
                held = time.monotonic() - begun if database.is_sqlite else 0.0
                await asyncio.sleep(max(PAUSE, held * SHARE_FOR_OTHERS))
        except BrokenFile as broken:
            return str(broken)
    return None


def _batches(lines: Iterator[Line], kind: Kind, done: int) -> Iterator[Batch]:
    """What comes after line `done`, in batches. A thing that is told of twice is in two: the later line stands."""
    batch = Batch()
    try:
        for line in lines:
            if line.number <= done:
                continue
            row = _checked(line, kind)
            key = () if isinstance(row, list) else tuple(row[name] for name in kind.key)
            if batch.is_full or key in batch.keys:
                yield batch
                batch = Batch()
            batch.line = line.number
            if isinstance(row, list):
                batch.wrong += row
            else:
                batch.rows[line.number] = row
                batch.keys.add(key)
    except BrokenFile:
        if batch.line:
            yield batch
        raise
    if batch.line:
        yield batch


def _checked(line: Line, kind: Kind) -> Row | list[Wrong]:
    """What a line says, or what is wrong with it."""
    if line.fields is None:
        return [Wrong(line.number, None, line.wrong or "")]
    try:
        return values_of(kind.row.model_validate(line.fields))
    except ValidationError as error:
        return [_said(line.number, each) for each in error.errors(include_url=False, include_input=False)]


def _said(line: int, error: Any) -> Wrong:
    place = ".".join(map(str, error["loc"]))[:40] or None
    if error["type"] == "missing":
        return Wrong(line, place, "is empty")
    if error["type"] == "string_unicode":
        return Wrong(line, place, "is not UTF-8")
    return Wrong(line, place, error["msg"].removeprefix("Value error, "))


async def _write(database: Database, job: Import, batch: Batch, bytes_read: int, clock: Clock) -> None:
    """One transaction; again when the database could not, and line by line when it refuses one."""
    for tries in range(1, TRIES + 1):
        try:
            async with database.writing() as session:
                counts, wrong = await _bring(session, job, batch.rows, clock)
                await _advance(session, job, batch, bytes_read, counts, wrong, clock)
            break
        except (IntegrityError, DataError):
            async with database.writing() as session:
                counts, wrong = await _one_by_one(session, job, batch.rows, clock)
                await _advance(session, job, batch, bytes_read, counts, wrong, clock)
            break
        except DBAPIError:
            if tries == TRIES:
                raise
            await asyncio.sleep(0.2 * tries**2)
    job.line, job.bytes_read = batch.line, bytes_read
    job.added += counts[Change.ADDED]
    job.changed += counts[Change.CHANGED]
    job.unchanged += counts[Change.UNCHANGED]
    job.wrong += len({each.line for each in (*batch.wrong, *wrong)})


async def _bring(
    session: AsyncSession, job: Import, rows: dict[int, Row], clock: Clock
) -> tuple[dict[Change, int], list[Wrong]]:
    outcomes, counts = await imports.bring(session, job, list(rows.values()), clock())
    lacking = zip(rows, outcomes, strict=True)
    return counts, [Wrong(line, each.field, each.why) for line, each in lacking if isinstance(each, Lacks)]


async def _one_by_one(
    session: AsyncSession, job: Import, rows: dict[int, Row], clock: Clock
) -> tuple[dict[Change, int], list[Wrong]]:
    """For a batch with a line that our checks let through and the database does not take."""
    counts = dict.fromkeys((Change.ADDED, Change.CHANGED, Change.UNCHANGED), 0)
    wrong: list[Wrong] = []
    for line, row in rows.items():
        try:
            async with session.begin_nested():
                more, lacking = await _bring(session, job, {line: row}, clock)
        except (IntegrityError, DataError):
            wrong.append(Wrong(line, None, "the database does not take it"))
            continue
        counts = {change: count + more[change] for change, count in counts.items()}
        wrong += lacking
    return counts, wrong


async def _advance(
    session: AsyncSession,
    job: Import,
    batch: Batch,
    bytes_read: int,
    counts: dict[Change, int],
    wrong: Sequence[Wrong],
    clock: Clock,
) -> None:
    in_order = sorted([*batch.wrong, *wrong], key=lambda each: each.line)
    await imports.advance(session, job, batch.line, bytes_read, counts, in_order, clock())


async def _again(database: Database, job: Import) -> Import:
    """The import as it stands now. Raises `Lost` when it is gone."""
    async with database.reading() as session:
        found = await session.get(Import, job.id)
    if found is None:
        raise Lost(f"import {job.id} is gone")
    return found
