"""`releve export readings|requests --consumer NAME`: what a system has not had yet, each line once."""

from __future__ import annotations

import json
import sys

from bot.api.exports import as_csv
from bot.clock import system_clock
from bot.commands.connection import with_database
from bot.exporting import plain
from bot.faults import Fault, load_settings
from store import exports
from store.database import Database
from store.exchange_models import Stream
from store.exports import Batch, WrongBatch


def follow(stream: Stream, format: str, *, consumer: str | None, since: int | None, limit: int) -> None:
    """Write the next batch to standard output, and its number to standard error: it acknowledges a consumer's batch,
    and is what `since` goes on from.
    """

    async def taken(database: Database) -> Batch:
        async with database.writing() as session:
            if consumer is not None:
                return await exports.offered(session, stream, consumer, limit, system_clock())
            return await exports.since(session, stream, since or 0, limit)

    batch = with_database(load_settings(), taken)
    if format == "csv":
        sys.stdout.write(as_csv(stream, batch.lines))
    else:
        for line in batch.lines:
            shown = {name: plain(value) for name, value in line.items()}
            sys.stdout.write(json.dumps(shown, ensure_ascii=False, default=plain) + "\n")
    sys.stdout.flush()
    print(f"batch {batch.position}{'' if batch.is_last else ', more follows'}", file=sys.stderr)


def acknowledge(stream: Stream, consumer: str, batch: int) -> None:
    """Note that a consumer has taken its batch in. Raises `Fault` for any other."""

    async def noted(database: Database) -> None:
        async with database.writing() as session:
            await exports.acknowledge(session, stream, consumer, batch, system_clock())

    try:
        with_database(load_settings(), noted)
    except WrongBatch as error:
        raise Fault(str(error)) from error
