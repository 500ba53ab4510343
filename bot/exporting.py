"""Readings for the operator's billing system, streamed to a file."""

from __future__ import annotations

import csv
import json
from datetime import date, datetime
from typing import TextIO

from billing.calendar import CASABLANCA
from store.database import Database
from store.models import ReadingSource
from store.readings import EXPORT_HEADER, exported

GIVEN = (ReadingSource.CUSTOMER, ReadingSource.AGENT)


async def export_readings(database: Database, out: TextIO, format: str, *, every: bool = False) -> None:
    """Write readings as CSV with a header, or as one JSON object a line; moments in Casablanca time."""
    async with database.reading() as session:
        rows = exported(session, None if every else GIVEN)
        if format == "csv":
            writer = csv.DictWriter(out, EXPORT_HEADER, lineterminator="\n")
            writer.writeheader()
            async for row in rows:
                writer.writerow({key: plain(value) for key, value in row.items()})
        else:
            async for row in rows:
                line = {key: plain(value) for key, value in row.items()}
                out.write(json.dumps(line, ensure_ascii=False) + "\n")


def plain(value: object) -> object:
    """A value as CSV and JSON have it: moments in Casablanca, money and other words as text."""
    match value:
        case datetime():
            return value.astimezone(CASABLANCA).isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case None | int() | dict() | list():
            return value
        case _:
            return str(value)
