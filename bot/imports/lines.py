"""A file as lines, one after the other and never more in memory than one: CSV, JSON lines, or a JSON array."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import ijson
import orjson

LONGEST_LINE = 128 * 1024
"""Bytes of a line: far beyond any right one."""
DEEPEST = 8
"""Arrays and objects in one another, the whole file included: twice what any line has."""
BOM = b"\xef\xbb\xbf"
"""Spreadsheets put it in front."""
BLANK = b" \t\r\n"


class BrokenFile(ValueError):
    """A file that cannot be read on from `line`; the message is one line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Line:
    """A line: where it begins (from 1), what it says by field, or why that cannot be told.

    In a JSON array the first object is line 1.
    """

    number: int
    fields: dict[str, Any] | None
    wrong: str | None = None


def read(file: BinaryIO, required: Sequence[str], known: Sequence[str]) -> Iterator[Line]:
    """The lines of a file that is not at its end; what it is shows in its first character.

    The first line of CSV names the columns: each of `required` and any other of `known`, in any order. Raises
    `BrokenFile`, also from the iterator.
    """
    start = _start(file)
    if start == b"[":
        return _array(file)
    if start == b"{":
        return _json_lines(file)
    return _csv(file, required, known)


def _start(file: BinaryIO) -> bytes:
    """The first byte that is not blank; the file is back at its beginning, past a BOM."""
    head = file.read(4096)
    begins = len(BOM) if head.startswith(BOM) else 0
    file.seek(begins)
    return head[begins:].lstrip(BLANK)[:1]


def _json_lines(file: BinaryIO) -> Iterator[Line]:
    for number, line in _bounded(file):
        if not line.strip(BLANK):
            continue
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            yield Line(number, None, "is not JSON")
            continue
        yield _object(number, found)


def _array(file: BinaryIO) -> Iterator[Line]:
    number = 0
    try:
        for found in ijson.items(ijson.parse(_shallow(ijson.basic_parse(file))), "item"):
            number += 1
            yield _object(number, found)
    except (ijson.JSONError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise BrokenFile(number + 1, "what follows is not JSON") from error


def _shallow(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The parser's events, as long as nothing is nested deeper than any line is. Raises `ValueError`.

    The parser writes out the way to each value: a file of forty kilobytes that does nothing but open arrays would
    keep it busy for ten seconds, one of a megabyte for hours.
    """
    depth = 0
    for event in events:
        if event[0] in ("start_map", "start_array"):
            depth += 1
            if depth > DEEPEST:
                raise ValueError("nested too deep")
        elif event[0] in ("end_map", "end_array"):
            depth -= 1
        yield event


def _object(number: int, found: object) -> Line:
    return Line(number, found) if isinstance(found, dict) else Line(number, None, "is not a JSON object")


def _csv(file: BinaryIO, required: Sequence[str], known: Sequence[str]) -> Iterator[Line]:
    lines = _bounded(file)
    _, header = next(lines, (1, b""))
    # French spreadsheets write semicolons.
    delimiter = ";" if b";" in header else ","
    try:
        columns = next(csv.reader([header.decode()], delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise BrokenFile(1, "is not CSV in UTF-8") from error
    columns = [name.strip().casefold() for name in columns]
    _check_header(columns, required, known)
    # What is not UTF-8 becomes what no field accepts: an error of its own line.
    reader = csv.reader(
        (line.decode(errors="surrogateescape") for _, line in lines), delimiter=delimiter, strict=True
    )
    begins = 2
    try:
        for cells in reader:
            number, begins = begins, reader.line_num + 2
            if not any(map(str.strip, cells)):
                continue
            if len(cells) != len(columns):
                yield Line(number, None, f"{len(cells)} cells for {len(columns)} columns")
                continue
            stripped = zip(columns, map(str.strip, cells), strict=True)
            yield Line(number, {name: cell for name, cell in stripped if cell})
    except csv.Error as error:
        raise BrokenFile(begins, f"is not CSV: {error}") from error


def _check_header(columns: Sequence[str], required: Sequence[str], known: Sequence[str]) -> None:
    """Raises `BrokenFile`."""
    wrong = [f"no {name}" for name in required if name not in columns]
    wrong += [f"{name[:40] or 'a blank one'} is not one of them" for name in columns if name not in known]
    wrong += [f"{name} is there twice" for name, count in Counter(columns).items() if count > 1 and name in known]
    if wrong:
        optional = [name for name in known if name not in required]
        expected = ",".join(required) + (f" (and maybe {','.join(optional)})" if optional else "")
        raise BrokenFile(1, f"must name the columns {expected}: {', '.join(wrong[:5])}")


def _bounded(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines as they stand, numbered from 1. Raises `BrokenFile` for one that does not end."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            raise BrokenFile(number, f"is longer than {LONGEST_LINE} bytes")
        yield number, line
