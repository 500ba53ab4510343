"""The desk under a whole call centre, on one core: `uv run python bench/desk.py`.

Agents keep a page open, customers write, and pages are opened all the time; on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.carrier import Carrier
from bench.customers import customers
from bench.desk_load import Floor, Seen
from bench.desk_rows import furnish
from bench.servers import Servers
from bench.sides import Place, Releve
from billing.calendar import local_day
from bot.settings import PROJECT
from bot.tryit.twilio_webhook import TwilioAccount
from store.database import Database

CACHE = PROJECT / ".cache" / "bench"
RESULTS = PROJECT / "bench" / "results"
ACCOUNT = TwilioAccount("AC" + "b" * 32, "bench-token", "+212500000000", "+212500000001")
ALONE = 40
"""Pages of each kind, opened one after the other while nobody else is there."""
LOOKERS = 50
"""Agents whose page is the queue, and who ask for its list again and again."""
ASK_EVERY = 3.0
"""Seconds between two customers who ask for a person."""

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: how many agents, open and ended conversations; pages and messages a second; for how long."""

    agents: int
    open: int
    ended: int
    pages_per_second: float
    messages_per_second: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds as (p50, p95, number of times, number missed), by what was measured."""

    engine: str
    alone: dict[str, tuple[float, float, int, int]]
    busy: dict[str, tuple[float, float, int, int]]
    core_busy: float
    memory_mib: float


def main(
    engines: Annotated[list[str] | None, typer.Option("--engine", help="sqlite or postgresql; repeat.")] = None,
    agents: Annotated[int, typer.Option(min=1, max=1000)] = 200,
    open_: Annotated[int, typer.Option("--open", min=5, max=5000)] = 500,
    ended: Annotated[int, typer.Option(min=0, max=200_000)] = 20_000,
    pages: Annotated[float, typer.Option(help="Pages opened a second.", min=0.1)] = 10,
    messages: Annotated[float, typer.Option(help="Customers' messages a second.", min=0.1)] = 5,
    seconds: Annotated[float, typer.Option(min=5, max=300)] = 30,
    out: Annotated[Path, typer.Option(help="The JSON file.")] = RESULTS / "desk.json",
) -> None:
    """Measure the desk on each engine, its server on one core and the load on the others."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise typer.BadParameter("two cores are needed: one for the server, one for the load")
    plan = Plan(agents, open_, ended, pages, messages, seconds)
    results = []
    for engine in engines or ["sqlite", "postgresql"]:
        if engine not in ("sqlite", "postgresql"):
            raise typer.BadParameter(f"there is no engine {engine}")
        console.rule(engine)
        results.append(asyncio.run(_measure(engine, plan, cores[0], cores[1:])))
    _print(results)
    out.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "plan": {name: getattr(plan, name) for name in Plan.__slots__},
        "results": [{name: getattr(result, name) for name in Result.__slots__} for result in results],
    }
    out.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    console.print(f"Written to {os.path.relpath(out)}.")


async def _measure(engine: str, plan: Plan, core: int, other_cores: Sequence[int]) -> Result:
    CACHE.mkdir(parents=True, exist_ok=True)
    side = Releve(postgresql=engine == "postgresql")
    side.train()
    carrier = Carrier(ACCOUNT.sid)
    with tempfile.TemporaryDirectory(prefix="desk-", dir=CACHE) as folder, contextlib.ExitStack() as cleanup:
        cleanup.callback(side.close)
        place = Place(Path(folder), await carrier.start(), ACCOUNT)
        asking = int(plan.seconds / ASK_EVERY)
        known = customers(plan.open + asking, local_day(datetime.now(UTC)))
        with console.status("Loading"):
            await side.prepare(place, known)
            database = Database(side.database_url)
            try:
                agents = await furnish(database, known[: plan.open], plan.agents, plan.ended)
            finally:
                await database.close()
        os.sched_setaffinity(0, set(other_cores))
        cleanup.callback(os.sched_setaffinity, 0, {core, *other_cores})
        servers = Servers([core], place.folder)
        cleanup.callback(servers.stop)
        side.start(servers)
        await servers.answering(*side.ready)
        floor = Floor(side.base, ACCOUNT, agents)
        try:
            for agent in agents[:ALONE]:
                await floor.look("queue page", agent, "/desk/queue")
                await floor.look("conversation page", agent, f"/desk/conversations/{agent.conversation_id}")
            alone, floor.seen = _summary(floor.seen), Seen()
            await floor.listen()
            cpu, began = servers.cpu(), perf_counter()
            await asyncio.gather(
                floor.look_around(plan.pages_per_second, plan.seconds),
                floor.follow_the_list(min(LOOKERS, plan.agents), plan.seconds),
                floor.customers_write(plan.messages_per_second, plan.seconds),
                floor.customers_ask_for_people([each.phone for each in known[plan.open :]], ASK_EVERY),
            )
            core_busy = (servers.cpu() - cpu) / (perf_counter() - began)
            return Result(engine, alone, _summary(floor.seen), round(core_busy, 3), round(servers.memory().pss, 1))
        finally:
            await floor.close()
            await carrier.stop()


def _summary(seen: Seen) -> dict[str, tuple[float, float, int, int]]:
    found = {}
    for name in sorted({*seen.times, *(name for name, number in seen.missed.items() if number)}):
        times = seen.times.get(name, [])
        cuts = quantiles(times, n=20) if len(times) > 1 else [float("nan")] * 19
        found[name] = (round(1000 * cuts[9], 1), round(1000 * cuts[18], 1), len(times), seen.missed[name])
    return found


def _print(results: list[Result]) -> None:
    table = Table(title="Milliseconds, p50 / p95")
    table.add_column("")
    for result in results:
        table.add_column(result.engine, justify="right")
    for title, phase in (("alone: ", "alone"), ("", "busy")):
        names = sorted({name for result in results for name in getattr(result, phase)})
        for name in names:
            cells = [getattr(result, phase).get(name) for result in results]
            table.add_row(title + name, *("" if cell is None else _cell(*cell) for cell in cells))
    table.add_row("core busy", *(f"{result.core_busy:.0%}" for result in results))
    table.add_row("memory, MiB", *(f"{result.memory_mib:.0f}" for result in results))
    Console(width=max(100, Console().width)).print(table)


def _cell(p50: float, p95: float, number: int, missed: int) -> str:
    return f"{p50:.0f} / {p95:.0f} of {number}" + (f", [red]{missed} missed[/]" if missed else "")


if __name__ == "__main__":
    typer.run(main)
