"""Relève beside stock Rasa: start-up, memory, speed. `uv run python bench/run.py`; `bench/README.md` explains."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import quantiles
from time import perf_counter, process_time
from typing import Annotated
from zoneinfo import ZoneInfo

import psutil
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bench.carrier import Carrier
from bench.conversations import KINDS, Conversation, conversations
from bench.customers import customers
from bench.load import Load, Played, Script
from bench.servers import Memory, Servers
from bench.sides import Place, Releve, Side, Stock
from bench.stock.project import Recipe
from bot.settings import PROJECT
from bot.tryit.twilio_webhook import TwilioAccount

CACHE = PROJECT / ".cache" / "bench"
RESULTS = PROJECT / "bench" / "results"
ACCOUNT = TwilioAccount("AC" + "b" * 32, "bench-token", "+212500000000", "+212500000001")
CASABLANCA = ZoneInfo("Africa/Casablanca")

MOST_CONVERSATIONS = 4000
"""Customers known to each side; a side that runs out of them before the time is up is measured until then."""
ALONE = 12
"""Conversations played one at a time, for the latency without load."""
LEAST_BUSY = 0.9
"""Under load a side fills its core; below this share something else was running there."""
SIDES = ("releve", "releve-2", "releve-postgresql", "releve-postgresql-2", "stock", "stock-rules-only")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Start:
    """From the start of the processes to the first webhook answered and its reply handed to the carrier."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from the webhook to the last of the turn's calls of the carrier's API."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of one side."""

    side: str
    what: str
    cores: int
    starts: list[Start]
    memory: Memory
    memory_when_ready: Memory
    turns: int
    seconds: float
    turns_per_second: float
    cpu_ms_per_turn: float
    cores_busy: float
    """Share of the cores' time that the side used."""
    load_busy: float
    """Share of one core's time that load and carrier used."""
    latency_abreast: Latency
    latency_alone: Latency
    conversations: int
    wrong: int
    lost: int

    @property
    def start(self) -> Start:
        """The fastest: files in the page cache, bytecode compiled."""
        return min(self.starts, key=lambda start: start.seconds)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with each side."""

    cores: Sequence[int]
    """Of the machine; a side gets the first of them, load and carrier the others, or the same if none is left."""
    abreast: int
    seconds: float
    starts: int
    transcript: bool


@app.command()
def main(
    sides: Annotated[list[str] | None, typer.Option("--side", help=f"One of {', '.join(SIDES)}; repeat.")] = None,
    seconds: Annotated[
        float,
        typer.Option(help="After so long no new conversation begins; those begun are finished.", min=3, max=300),
    ] = 30,
    abreast: Annotated[int, typer.Option(help="Conversations side by side.", min=1, max=500)] = 50,
    starts: Annotated[int, typer.Option(help="Times each side is started; the fastest counts.", min=1, max=5)] = 2,
    stock_epochs: Annotated[int, typer.Option(help="Epochs of DIET; Rasa's default is 100.", min=1)] = 3,
    stock_examples: Annotated[
        int | None, typer.Option(help="At most so many examples per intent and language.")
    ] = None,
    transcript: Annotated[bool, typer.Option(help="Print what was said in the rehearsals.")] = False,
    out: Annotated[Path, typer.Option(help="The JSON file.")] = RESULTS / "side_by_side.json",
) -> None:
    """Measure the sides one after the other, each held to its cores, and print them side by side."""
    wanted = sides or [*SIDES[:-1]]
    if unknown := set(wanted) - set(SIDES):
        raise typer.BadParameter(f"no side {', '.join(sorted(unknown))}; there are {', '.join(SIDES)}")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise typer.BadParameter("two cores are needed: one for the servers, one for the load")
    plan = Plan(cores, abreast, seconds, starts, transcript)
    recipe = Recipe(stock_epochs, stock_examples)
    results: list[Result] = []
    for name in wanted:
        side = _side(name, recipe)
        console.rule(side.what)
        side.train()
        results.append(uvloop.run(_measure(side, plan)))
    _print(results, recipe)
    out.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "plan": _plan(plan, recipe),
        "results": [asdict(result) for result in results],
    }
    out.write_text(json.dumps(rounded(report), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    console.print(f"Written to {os.path.relpath(out)}.")


def _side(name: str, recipe: Recipe) -> Side:
    match name:
        case "releve" | "releve-2" | "releve-postgresql" | "releve-postgresql-2":
            return Releve(postgresql="postgresql" in name, processes=2 if name.endswith("-2") else 1)
        case _:
            return Stock(Recipe(recipe.epochs, recipe.examples, rules_only=name == "stock-rules-only"), CACHE)


# --- measuring one side --------------------------------------------------------------------------------------


async def _measure(side: Side, plan: Plan) -> Result:
    CACHE.mkdir(parents=True, exist_ok=True)
    carrier = Carrier(ACCOUNT.sid)
    with tempfile.TemporaryDirectory(prefix="run-", dir=CACHE) as folder, contextlib.ExitStack() as cleanup:
        place = Place(Path(folder), await carrier.start(), ACCOUNT)
        today = datetime.now(CASABLANCA).date()
        known = customers(MOST_CONVERSATIONS, today)
        cleanup.callback(side.close)
        with console.status("Loading the customers"):
            await side.prepare(place, known)
        os.sched_setaffinity(0, set(plan.cores[side.cores :] or plan.cores))
        cleanup.callback(os.sched_setaffinity, 0, set(plan.cores))
        load = Load(carrier, ACCOUNT, side.webhook, side.addresses)
        try:
            scripts = iter(load.sign(conversations(known, today)))
            return await _measure_prepared(side, plan, load, scripts, place)
        except BaseException:
            _keep_logs(place.folder)
            raise
        finally:
            load.close()
            await carrier.stop()


async def _measure_prepared(side: Side, plan: Plan, load: Load, scripts: Iterator[Script], place: Place) -> Result:
    starts = []
    for _ in range(plan.starts - 1):
        with _servers(side, plan, place) as servers:
            starts.append(await _start(side, servers, load, next(scripts)))
    with _servers(side, plan, place) as servers:
        starts.append(await _start(side, servers, load, next(scripts)))
        memory_when_ready = servers.memory()
        _say_start(starts)
        rehearsed = await rehearse(load, scripts, show=plan.transcript)
        alone = await load.play(islice(scripts, ALONE), abreast=1)
        cpu_before, load_before, began = servers.cpu(), process_time(), perf_counter()
        played = await load.play(scripts, abreast=plan.abreast * side.cores, seconds=plan.seconds)
        # Until the last conversation is over: a window cut in their middle would hold more first turns than last.
        seconds, cpu = perf_counter() - began, servers.cpu() - cpu_before
        load_busy = (process_time() - load_before) / seconds
        memory = servers.memory()
        stored = await side.stored()
    finished = [*rehearsed, *alone.finished, *played.finished]
    wrong = [each for each in finished if stored.get(each.phone) != each.outcome]
    _say_troubles(wrong, stored, [*alone.lost, *played.lost])
    turns = len(played.turns)
    return Result(
        side=side.name,
        what=side.what,
        cores=side.cores,
        starts=starts,
        memory=memory,
        memory_when_ready=memory_when_ready,
        turns=turns,
        seconds=seconds,
        turns_per_second=turns / seconds,
        cpu_ms_per_turn=1000 * cpu / max(1, turns),
        cores_busy=cpu / seconds / side.cores,
        load_busy=load_busy,
        latency_abreast=_latency(played),
        latency_alone=_latency(alone),
        conversations=len(finished),
        wrong=len(wrong),
        lost=len(alone.lost) + len(played.lost),
    )


@contextlib.contextmanager
def _servers(side: Side, plan: Plan, place: Place) -> Iterator[Servers]:
    servers = Servers(plan.cores[: side.cores], place.folder)
    try:
        yield servers
    finally:
        servers.stop()


async def _start(side: Side, servers: Servers, load: Load, script: Script) -> Start:
    began = perf_counter()
    side.start(servers)
    await servers.answering(*side.ready)
    await load.first(script)
    return Start(perf_counter() - began, servers.cpu())


async def rehearse(load: Load, scripts: Iterator[Script], *, show: bool = False) -> list[Conversation]:
    """One conversation of each kind: warms the servers up and tells how many messages each text is answered by."""
    rehearsed = {}
    for script in scripts:
        if script.conversation.kind in rehearsed:
            continue
        rehearsed[script.conversation.kind] = script.conversation
        transcript = await load.rehearse(script)
        if show:
            console.print(f"[bold]{script.conversation.kind}[/]")
            for text, answers in transcript:
                console.print(f"  > {text}", markup=False)
                for answer in answers:
                    console.print(f"    < {answer}", markup=False, highlight=False)
        if len(rehearsed) == len(KINDS):
            break
    return list(rehearsed.values())


def _latency(played: Played) -> Latency:
    milliseconds = sorted(1000 * turn.seconds for turn in played.turns)
    if len(milliseconds) < 2:
        return Latency(*(milliseconds * 2 or (float("nan"),) * 2))
    cuts = quantiles(milliseconds, n=20)
    return Latency(cuts[9], cuts[18])


def _keep_logs(folder: Path) -> None:
    for log in folder.glob("*.log"):
        log.replace(CACHE / log.name)
    console.print(f"[red]The servers' logs are in {os.path.relpath(CACHE)}.[/]")


# --- telling -------------------------------------------------------------------------------------------------


def _say_start(starts: list[Start]) -> None:
    console.print("Started in " + ", ".join(f"{start.seconds:.1f} s" for start in starts))


def _say_troubles(wrong: list[Conversation], stored: dict[str, tuple[int, str]], lost: list[str]) -> None:
    """A side that did not do the same work is not comparable: say so, with the first few cases."""
    for each in wrong[:5]:
        console.print(f"[red]{each.kind}: {each.outcome} expected, {stored.get(each.phone)} stored[/]")
    for reason in lost[:5]:
        console.print(f"[red]{reason}[/]")


def _print(results: list[Result], recipe: Recipe) -> None:
    table = Table(title="Server processes, database included, on one core or two")
    table.add_column("")
    for result in results:
        table.add_column(result.what, justify="right")
    rows = [
        ("start to first answer, s", [f"{r.start.seconds:.1f}" for r in results]),
        ("  CPU to first answer, s", [f"{r.start.cpu_seconds:.1f}" for r in results]),
        ("memory after the load, MiB (PSS)", [f"{r.memory.pss:.0f}" for r in results]),
        ("  RSS", [f"{r.memory.rss:.0f}" for r in results]),
        ("  PSS when ready", [f"{r.memory_when_ready.pss:.0f}" for r in results]),
        ("turns per second", [f"{r.turns_per_second:.1f}" for r in results]),
        ("  per core", [f"{r.turns_per_second / r.cores:.1f}" for r in results]),
        ("CPU per turn, ms", [f"{r.cpu_ms_per_turn:.1f}" for r in results]),
        ("cores", [str(r.cores) for r in results]),
        ("  busy with it", [f"{r.cores_busy:.0%}" for r in results]),
        ("load and carrier, of one core", [f"{r.load_busy:.0%}" for r in results]),
        ("latency p50 / p95 under load, ms", [_pair(r.latency_abreast) for r in results]),
        ("latency p50 / p95 alone, ms", [_pair(r.latency_alone) for r in results]),
        ("turns measured", [str(r.turns) for r in results]),
        ("conversations checked / wrong / lost", [f"{r.conversations} / {r.wrong} / {r.lost}" for r in results]),
    ]
    for title, cells in rows:
        table.add_row(title, *cells)
    Console(width=max(100, Console().width)).print(table)
    for result in results:
        shared = result.load_busy if result.cores == (os.cpu_count() or 1) else 0.0
        if result.cores_busy + shared / result.cores < LEAST_BUSY:
            console.print(
                f"[red]{result.what} was busy only {result.cores_busy:.0%} of the time: it waits for the disk, or "
                "something else ran there.[/]"
            )
    by_name = {result.side: result for result in results}
    for name, result in by_name.items():
        if (one := by_name.get(name.removesuffix(f"-{result.cores}"))) and one is not result:
            Console().print(f"{result.what}: {result.turns_per_second / one.turns_per_second:.2f} times one core's.")
    if "stock" in by_name:
        _print_ratios(
            [result for result in results if result.side in ("releve", "releve-postgresql")], by_name["stock"]
        )
        console.print(
            f"The stock model was trained for {recipe.epochs} epochs (Rasa's default: 100), which changes neither "
            "its speed nor its size; its accuracy is not measured here."
        )


def _print_ratios(ours: list[Result], stock: Result) -> None:
    for result in ours:
        Console().print(
            f"{result.what} against {stock.what}: "
            f"{result.turns_per_second / stock.turns_per_second:.1f} times the turns per second (aim 10), "
            f"1/{stock.memory.pss / result.memory.pss:.1f} of the memory (aim 1/4), "
            f"1/{stock.start.seconds / result.start.seconds:.1f} of the start-up (aim 1/5).",
            soft_wrap=True,
        )


def _pair(latency: Latency) -> str:
    return f"{latency.p50:.0f} / {latency.p95:.0f}"


def _plan(plan: Plan, recipe: Recipe) -> dict[str, object]:
    return {
        "conversations_side_by_side": plan.abreast,
        "seconds_in_which_conversations_begin": plan.seconds,
        "starts": plan.starts,
        "stock_epochs": recipe.epochs,
        "stock_examples_per_intent_and_language": recipe.examples,
    }


def machine() -> dict[str, object]:
    """Enough to compare runs by, and nothing that names the machine."""
    described = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = next((line.partition(":")[2].strip() for line in described.splitlines() if "model name" in line), "")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return {
        "cpu": model or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "rasa": version("rasa"),
        "commit": commit.stdout.strip(),
    }


def rounded(value: object) -> object:
    match value:
        case float():
            return round(value, 3)
        case dict():
            return {key: rounded(each) for key, each in value.items()}
        case list():
            return [rounded(each) for each in value]
        case _:
            return value


if __name__ == "__main__":
    app()
