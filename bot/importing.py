"""The operator's lists, from CSV files: agencies, recharge points, rounds, known cuts, households of modest income.

A file is taken whole or not at all: every line is checked and each error told with its line, and one wrong line keeps
everything out. What is known already under the same natural key is brought up to date, so that importing a file twice
changes nothing.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rich.console import Console
from rich.progress import open as open_with_progress

from bot.clock import Clock
from bot.faults import Fault
from bot.import_rows import Listing
from store.database import Database
from store.listing import Change
from store.models import Audit

CHUNK = 500
"""Lines looked up and written together."""


@dataclass(slots=True)
class Outcome:
    """What an import did: how many lines of each, or `errors`, line number and what is wrong with it."""

    changes: Counter[Change] = field(default_factory=Counter)
    errors: list[tuple[int, str]] = field(default_factory=list)


async def import_file(
    database: Database, path: Path, listing: Listing, clock: Clock, *, dry_run: bool = False
) -> Outcome:
    """Bring what a file lists into the database: all of it, or none when a line is wrong or it is a `dry_run`.

    Raises `Fault` for a file that cannot be read or does not begin with the columns of the list.
    """
    outcome = Outcome()
    with _opened(path) as file:
        lines = _lines(path, file, listing)
        async with database.writing() as session:
            seen: dict[tuple[Any, ...], int] = {}
            while chunk := list(islice(lines, CHUNK)):
                rows = _checked(chunk, listing, seen, outcome.errors)
                for number, change in zip(rows, await listing.store(session, list(rows.values())), strict=True):
                    outcome.changes[change] += 1
                    if change is Change.UNKNOWN:
                        outcome.errors.append((number, listing.unknown))
            if outcome.errors or dry_run:
                await session.rollback()
            elif outcome.changes[Change.ADDED] or outcome.changes[Change.CHANGED]:
                session.add(
                    Audit(
                        at=clock(),
                        actor="command",
                        action="list.imported",
                        subject=f"list:{listing.name}",
                        details={"file": path.name, **{change.value: n for change, n in outcome.changes.items()}},
                    )
                )
    outcome.errors.sort()
    return outcome


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """The file as text, with a bar of how much is read when someone watches. Raises `Fault`."""
    console = Console(stderr=True)
    try:
        file = open_with_progress(
            path,
            "r",
            encoding="utf-8-sig",  # spreadsheets put a mark in front
            newline="",
            description=path.name,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
    except OSError as error:
        raise Fault(f"cannot read {path}: {error.strerror or error}") from error
    with file as text:
        yield text


def _lines(path: Path, file: TextIO, listing: Listing) -> Iterator[tuple[int, list[str] | dict[str, str]]]:
    """The lines that are not blank: their number, and their cells by column or as they are if there are too many or
    too few. Raises `Fault`.
    """
    try:
        header = file.readline()
        # French spreadsheets write semicolons.
        delimiter = ";" if ";" in header else ","
        columns = [name.strip().casefold() for name in next(csv.reader([header], delimiter=delimiter), [])]
        _check_header(path, columns, listing)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        for cells in reader:
            if any(map(str.strip, cells)):
                fits = len(cells) == len(columns)
                yield reader.line_num + 1, dict(zip(columns, cells, strict=True)) if fits else cells
    except UnicodeDecodeError as error:
        raise Fault(f"{path} is not UTF-8 text: save it as CSV UTF-8") from error
    except csv.Error as error:
        raise Fault(f"{path} is not CSV: {error}") from error


def _check_header(path: Path, columns: list[str], listing: Listing) -> None:
    """In any order, each column once. Raises `Fault`."""
    if sorted(columns) == sorted(listing.columns):
        return
    expected = ",".join(listing.columns)
    wrong = [f"no {name}" for name in listing.columns if name not in columns]
    wrong += [f"{name or 'a blank one'} is not one of them" for name in columns if name not in listing.columns]
    wrong += [f"{name} is there twice" for name, n in Counter(columns).items() if n > 1 and name in listing.columns]
    raise Fault(f"{path}: the first line must name the columns {expected} ({', '.join(wrong)})")


def _checked(
    chunk: list[tuple[int, list[str] | dict[str, str]]],
    listing: Listing,
    seen: dict[tuple[Any, ...], int],
    errors: list[tuple[int, str]],
) -> dict[int, Mapping[str, Any]]:
    """The rows of the lines that are right, by number; what is wrong with the others goes to `errors`."""
    rows: dict[int, Mapping[str, Any]] = {}
    for number, cells in chunk:
        if isinstance(cells, list):
            errors.append((number, f"{len(cells)} cells for {len(listing.columns)} columns"))
            continue
        try:
            row = listing.row.model_validate({name: cell.strip() for name, cell in cells.items() if cell.strip()})
        except ValidationError as error:
            errors += [(number, _said(each)) for each in error.errors()]
            continue
        values = row.model_dump()
        first = seen.setdefault(tuple(values[name] for name in listing.key), number)
        if first == number:
            rows[number] = values
        else:
            errors.append((number, f"the same {', '.join(listing.key)} as line {first}"))
    return rows


def _said(error: ErrorDetails) -> str:
    column = "".join(f"{part}: " for part in error["loc"][:1])
    if error["type"] == "missing":
        return f"{column}is empty"
    return column + error["msg"].removeprefix("Value error, ")
