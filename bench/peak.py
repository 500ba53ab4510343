"""The peak of a national utility, played in real time: `uv run python bench/peak.py`; `bench/README.md` explains.

Customers come by chance at the rate of so many readings an hour; in the middle a burst comes at many times that rate,
as after a reminder on the first day of the reading window. Each holds a conversation and takes time to answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import quantiles
from time import perf_counter, process_time
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bench.carrier import Carrier
from bench.conversations import KINDS, conversations
from bench.customers import customers
from bench.load import Load, Played, Script, TurnLost
from bench.run import ACCOUNT, CACHE, CASABLANCA, RESULTS, machine, rehearse, rounded
from bench.servers import Servers
from bench.sides import Place, Releve

ENGINES = ("sqlite", "postgresql")
ANSWER_SECONDS = 4.0
"""How long a customer takes to write the next text, on average (exponential)."""
DRAINED_SECONDS = 2.0
"""The burst is over when for so long every answer came as soon as `PROMPT_SECONDS`."""
PROMPT_SECONDS = 2.0
SEED = 20261123

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """One hour's peak, a few minutes of it."""

    readings_an_hour: float
    seconds: float
    burst_times: float
    burst_seconds: float
    processes: int

    @property
    def burst_from(self) -> float:
        return self.seconds / 3

    def rate(self, at: float) -> float:
        """Conversations that begin in a second, `at` seconds into the run."""
        in_burst = self.burst_from <= at < self.burst_from + self.burst_seconds
        return self.readings_an_hour / 3600 * (self.burst_times if in_burst else 1)

    def arrivals(self) -> Iterator[float]:
        """Moments, in seconds from the start, at which a customer begins to write: a Poisson process."""
        chance, at = Random(SEED), 0.0
        highest = self.rate(self.burst_from)
        while (at := at + chance.expovariate(highest)) < self.seconds:
            if chance.random() < self.rate(at) / highest:
                yield at


@dataclass(slots=True)
class Result:
    """`latency` is in milliseconds, p50, p95 and p99: before the burst, in it and until it was over, and after."""

    engine: str
    processes: int
    conversations: int
    turns: int
    lost: int
    wrong: int
    busiest_second: int
    latency: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    drained_after_seconds: float = 0.0
    cores_busy: float = 0.0
    load_busy: float = 0.0
    memory_mib: float = 0.0


def main(
    engines: Annotated[list[str] | None, typer.Option("--engine", help=f"{' or '.join(ENGINES)}; repeat.")] = None,
    readings: Annotated[float, typer.Option(help="Readings an hour at the peak.", min=1)] = 40_000,
    seconds: Annotated[float, typer.Option(help="How long customers come.", min=15, max=3600)] = 120,
    burst: Annotated[float, typer.Option(help="The burst's rate, as a multiple.", min=1, max=100)] = 20,
    burst_seconds: Annotated[float, typer.Option(help="How long it lasts.", min=1, max=600)] = 5,
    processes: Annotated[int, typer.Option(help="`releve serve` processes, each with a core.", min=1, max=64)] = 2,
    out: Annotated[Path, typer.Option(help="The JSON file.")] = RESULTS / "peak.json",
) -> None:
    """Play the peak against each engine."""
    wanted = engines or list(ENGINES)
    if unknown := set(wanted) - set(ENGINES):
        raise typer.BadParameter(f"no engine {', '.join(sorted(unknown))}; there are {', '.join(ENGINES)}")
    plan = Plan(readings, seconds, burst, burst_seconds, processes)
    results = [uvloop.run(_measure(engine, plan)) for engine in wanted]
    _print(plan, results)
    report = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "plan": asdict(plan),
        "results": [asdict(result) for result in results],
    }
    out.write_text(json.dumps(rounded(report), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    console.print(f"Written to {os.path.relpath(out)}.")


async def _measure(engine: str, plan: Plan) -> Result:
    CACHE.mkdir(parents=True, exist_ok=True)
    side = Releve(postgresql=engine == "postgresql", processes=plan.processes)
    side.train()
    cores = sorted(os.sched_getaffinity(0))
    arrivals = list(plan.arrivals())
    async with _stage(side, cores[: plan.processes], len(arrivals) + 2 * len(KINDS)) as (load, servers, scripts):
        rehearsed = await rehearse(load, scripts)
        cpu, mine, began = servers.cpu(), process_time(), perf_counter()
        played = await _come(load, scripts, arrivals)
        seconds = perf_counter() - began
        stored = await side.stored()
        finished = [*rehearsed, *played.finished]
        result = Result(
            engine=engine,
            processes=plan.processes,
            conversations=len(played.finished),
            turns=len(played.turns),
            lost=len(played.lost),
            wrong=sum(stored.get(each.phone) != each.outcome for each in finished),
            busiest_second=_busiest(played, began),
            cores_busy=(servers.cpu() - cpu) / seconds / plan.processes,
            load_busy=(process_time() - mine) / seconds,
            memory_mib=servers.memory().pss,
        )
        _time(result, played, plan, began)
        for reason in played.lost[:5]:
            console.print(f"[red]{reason}[/]")
        return result


@contextlib.asynccontextmanager
async def _stage(
    side: Releve, cores: Sequence[int], count: int
) -> AsyncIterator[tuple[Load, Servers, Iterator[Script]]]:
    carrier = Carrier(ACCOUNT.sid)
    with tempfile.TemporaryDirectory(prefix="peak-", dir=CACHE) as folder, contextlib.ExitStack() as cleanup:
        place = Place(Path(folder), await carrier.start(), ACCOUNT)
        cleanup.callback(side.close)
        today = datetime.now(CASABLANCA).date()
        known = customers(count, today)
        with console.status("Loading the customers"):
            await side.prepare(place, known)
        load = Load(carrier, ACCOUNT, side.webhook, side.addresses)
        cleanup.callback(load.close)
        scripts = iter(load.sign(conversations(known, today)))
        servers = Servers(cores, place.folder)
        cleanup.callback(servers.stop)
        side.start(servers)
        await servers.answering(*side.ready)
        try:
            yield load, servers, scripts
        finally:
            await carrier.stop()


async def _come(load: Load, scripts: Iterator[Script], arrivals: Sequence[float]) -> Played:
    played, chance, began = Played(), Random(SEED), perf_counter()
    async with asyncio.TaskGroup() as group:
        for arrival in arrivals:
            await asyncio.sleep(max(0.0, began + arrival - perf_counter()))
            group.create_task(_write(load, next(scripts), played, Random(chance.random())))
    return played


async def _write(load: Load, script: Script, played: Played, chance: Random) -> None:
    try:
        async for turn in load.turns(script):
            played.turns.append(turn)
            await asyncio.sleep(chance.expovariate(1 / ANSWER_SECONDS))
    except TurnLost as lost:
        played.lost.append(f"{script.conversation.kind}: {lost}")
    else:
        played.finished.append(script.conversation)


def _time(result: Result, played: Played, plan: Plan, began: float) -> None:
    """Latencies by phase; the burst is over once answers come promptly again."""
    burst = began + plan.burst_from
    slow = [turn.started for turn in played.turns if turn.started >= burst and turn.seconds > PROMPT_SECONDS]
    over = max([burst + plan.burst_seconds, *slow])
    result.drained_after_seconds = over - burst - plan.burst_seconds
    phases = {"before": (0.0, burst), "burst": (burst, over), "after": (over, float("inf"))}
    for phase, (since, until) in phases.items():
        times = [1000 * turn.seconds for turn in played.turns if since <= turn.started < until]
        if len(times) > 1:
            cuts = quantiles(times, n=100)
            result.latency[phase] = (cuts[49], cuts[94], cuts[98])


def _busiest(played: Played, began: float) -> int:
    """Most messages that customers wrote within one second."""
    seconds = [int(turn.started - began) for turn in played.turns]
    return max((seconds.count(each) for each in set(seconds)), default=0)


def _print(plan: Plan, results: Sequence[Result]) -> None:
    table = Table(
        title=f"{plan.readings_an_hour:,.0f} readings an hour, {plan.burst_times:.0f} times that in a burst"
    )
    table.add_column("")
    for result in results:
        table.add_column(f"{result.engine}, {result.processes} processes", justify="right")
    rows = {
        "conversations / turns": [f"{r.conversations} / {r.turns}" for r in results],
        "lost / wrong": [f"{r.lost} / {r.wrong}" for r in results],
        "messages in the busiest second": [str(r.busiest_second) for r in results],
        **{
            f"{phase}: ms, p50 / p95 / p99": [
                " / ".join(f"{ms:.0f}" for ms in r.latency.get(phase, ())) for r in results
            ]
            for phase in ("before", "burst", "after")
        },
        "prompt again after the burst, s": [f"{r.drained_after_seconds:.1f}" for r in results],
        "cores busy / load, of one core": [f"{r.cores_busy:.0%} / {r.load_busy:.0%}" for r in results],
        "memory, MiB (PSS)": [f"{r.memory_mib:.0f}" for r in results],
    }
    for title, cells in rows.items():
        table.add_row(title, *cells)
    Console(width=max(100, Console().width)).print(table)


def _written(milliseconds: Sequence[float]) -> str:
    return " / ".join(f"{each:.0f}" for each in milliseconds)


if __name__ == "__main__":
    typer.run(main)
