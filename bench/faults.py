"""What breaks, and what comes of it: `uv run python bench/faults.py`; `docs/faults.md` explains.

Every fault strikes real processes on a real database, with the carriers' emulators, while customers write. Figures go
to `bench/results/faults.json`, those of faults that are not tried this time stay.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.faultroom.books import Counts, NotSettled
from bench.faultroom.faults import BY_NAME, FAULTS
from bench.faultroom.room import Fault, NoMount, tried
from bench.run import machine
from bot import training
from bot.settings import PROJECT, Settings

RESULTS = PROJECT / "bench" / "results" / "faults.json"
MODELS = PROJECT / ".cache" / "bench" / "fault-models"
console = Console(stderr=True)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    only: Annotated[list[str] | None, typer.Argument(help="Faults to try; all by default.")] = None,
    messages: Annotated[int, typer.Option(help="Messages a fault, about.", min=5)] = 200,
    engine: Annotated[list[str] | None, typer.Option(help="sqlite, postgresql; both by default.")] = None,
    logs: Annotated[Path | None, typer.Option(help="Keep what the processes said below this folder.")] = None,
    show: Annotated[bool, typer.Option("--list", help="Only list the faults.")] = False,
) -> None:
    """Try faults and print the table. Exit code 1 when a message was lost, doubled or out of order."""
    if unknown := set(only or ()) - set(BY_NAME):
        raise typer.BadParameter(f"no such fault: {', '.join(sorted(unknown))}")
    chosen = [fault for fault in FAULTS if not only or fault.name in only]
    if show:
        for fault in chosen:
            typer.echo(f"{fault.name:20} {', '.join(fault.engines):20} {fault.what}")
        return
    settings = Settings(_env_file=None, model_dir=MODELS / training.fingerprint())
    if not any(settings.model_dir.glob("*.tar.gz")) and not training.from_cache(settings):
        training.into_cache(training.train(settings.model_dir))
    engines = tuple(engine or ("sqlite", "postgresql"))
    results = asyncio.run(_try_all(chosen, engines, settings.model_dir, messages, logs))
    Console(width=150).print(_table(results))
    _write(results, messages)
    if not all(counts is not None and counts.is_clean for _, _, counts, _ in results):
        raise typer.Exit(1)


Result = tuple[Fault, str, Counts | None, str]
"""A fault, the engine, what was counted; or why nothing could be."""


async def _try_all(
    faults: Sequence[Fault], engines: Sequence[str], model: Path, messages: int, logs: Path | None
) -> list[Result]:
    results: list[Result] = []
    for fault in faults:
        for engine in fault.engines:
            if engine not in engines:
                continue
            started = monotonic()
            counts: Counts | None = None
            note = ""
            with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
                folder = Path(scratch) if logs is None else logs / f"{fault.name}-{engine}"
                folder.mkdir(parents=True, exist_ok=True)
                try:
                    counts = await tried(fault, engine, folder, model, messages)
                except (NotSettled, NoMount, TimeoutError) as error:
                    note = str(error) or type(error).__name__
            results.append((fault, engine, counts, note))
            said = "clean" if counts and counts.is_clean else note or f"NOT CLEAN: {counts}"
            console.print(f"{fault.name} on {engine}: {said} ({monotonic() - started:.0f} s)", highlight=False)
    return results


def _table(results: Sequence[Result]) -> Table:
    table = Table(title="Faults")
    table.add_column("fault")
    table.add_column("database")
    for column in ("messages", "lost", "doubled", "readings wrong", "out of order", "again in doubt", "recovery s"):
        table.add_column(column, justify="right")
    for fault, engine, counts, note in results:
        if counts is None:
            table.add_row(fault.what, engine, note)
            continue
        figures = (
            counts.messages, counts.lost, counts.doubled, counts.readings_wrong, counts.out_of_order,
            counts.again_in_doubt, counts.recovery_seconds,
        )  # fmt: skip
        table.add_row(fault.what, engine, *map(str, figures))
    return table


def _write(results: Sequence[Result], messages: int) -> None:
    """Each row says when it was measured, on what and of which commit; what was not tried now keeps its row."""
    measured = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "messages_asked_for": messages,
    }
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    rows = {(row["fault"], row["database"]): row for row in known}
    for fault, engine, counts, note in results:
        found = {"not_tried": note} if counts is None else asdict(counts)
        rows[fault.name, engine] = {"fault": fault.name, "what": fault.what, "database": engine, **found, **measured}
    order = {(fault.name, engine): None for fault in FAULTS for engine in fault.engines}
    content = [rows[each] for each in order if each in rows]
    RESULTS.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(f"Written to {RESULTS.relative_to(PROJECT)}.", highlight=False)


if __name__ == "__main__":
    app()
