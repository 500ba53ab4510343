"""How pictures of meters are read: what is accepted, what is refused, what is wrong among the accepted.

`uv run --extra photos python bench/photos.py` draws `--pictures` of them (`bench/meters.py`) from seed 1000 on; the
thresholds of `billing.photographed` were chosen on the seeds below 200. `--folder PICTURES` reads an operator's own:
files called `48213-5-….jpg`, the index and how many digits the meter has before the comma.

Each picture is read three times: with the meter's history known (the usual case), with a meter that was never read
before, and, where there is no meter in the picture, as if there were.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Literal, cast

from meters import CARE, KINDS, Case, case
from rich.console import Console
from rich.table import Table

from billing.photographed import CERTAIN, CERTAIN_ALONE, SeenLine, index_seen
from billing.registers import IndexPoint, RegisterFacts

RESULTS = Path(__file__).parent / "results" / "photos.json"
FIRST_SEED = 1000
TODAY = date(2026, 11, 23)
MONTHLY = {"kWh": 110, "m3": 12}
"""What the household uses in thirty days, more or less a fifth."""


def main() -> None:
    options = _options()
    began = time.perf_counter()
    results = [_result(shown, lines, seconds) for shown, lines, seconds in _looked_at(options)]
    report = _report(results) | {"wall_seconds": round(time.perf_counter() - began)}
    _print(report)
    if options.folder is None:
        RESULTS.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _looked_at(options: argparse.Namespace) -> Iterator[tuple[Case, list[SeenLine], float]]:
    """Each picture with what the recogniser saw of it, and in how many seconds; in processes of their own."""
    work: list[Any] = sorted(options.folder.glob("*.*")) if options.folder else []
    work = work or list(range(options.seed, options.seed + options.pictures))
    with get_context("spawn").Pool(options.processes) as pool:
        for number, done in enumerate(pool.imap(_look, work), start=1):
            yield done
            if number % 20 == 0:
                print(f"{number} of {len(work)}", file=sys.stderr, flush=True)


def _look(what: int | Path) -> tuple[Case, list[SeenLine], float]:
    from bot.photos.looking import look

    shown = case(what) if isinstance(what, int) else _of_file(what)
    began = time.perf_counter()
    _, lines = look(shown.content)
    return shown, [SeenLine.of(line.as_json()) for line in lines], time.perf_counter() - began


def _of_file(path: Path) -> Case:
    index, digits = path.stem.split("-")[:2]
    return Case("own", "ordinary", int(index), int(digits), "", "kWh", False, path.read_bytes())


def _result(shown: Case, lines: list[SeenLine], seconds: float) -> dict[str, Any]:
    random = Random(shown.meter_number)
    return {
        "kind": shown.kind,
        "care": shown.care,
        "seconds": seconds,
        "known": _outcome(shown, lines, _facts(shown, random, is_known=True)),
        "new": _outcome(shown, lines, _facts(shown, random, is_known=False)),
    }


def _outcome(shown: Case, lines: list[SeenLine], facts: RegisterFacts) -> str:
    verdict = index_seen(lines, facts, TODAY, TODAY)
    if verdict is None:
        return "refused"
    if verdict.value == shown.index:
        return "right"
    # The last wheel stands between two digits: a person reads the one or the other too.
    is_next = shown.is_turning and shown.index is not None and verdict.value == shown.index + 1
    return "right, next digit" if is_next else "wrong"


def _facts(shown: Case, random: Random, *, is_known: bool) -> RegisterFacts:
    """The meter in the picture with fourteen months of readings, or just put in place."""
    unit = cast("Literal['kWh', 'm3']", shown.unit)
    index = random.randrange(20_000, 60_000) if shown.index is None else shown.index
    history, day = [], TODAY
    for _ in range(14):
        index -= max(round(random.gauss(MONTHLY[unit], MONTHLY[unit] / 5)), 1)
        day -= timedelta(days=30)
        history.append(IndexPoint(index % 10**shown.digits, day, real=True))
    return RegisterFacts(
        code="total",
        digits=shown.digits,
        multiplier=1,
        subscribed_kw=Decimal(6) if unit == "kWh" else None,
        unit=unit,
        history=tuple(reversed(history)) if is_known else (),
        contract_number="10000001",
        meter_number=shown.meter_number,
    )


def _report(results: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = sorted(result["seconds"] for result in results)
    groups = [(f"{kind}, {care}", kind, care) for kind in KINDS for care in CARE]
    meters = [result for result in results if result["kind"] != "no meter"]
    rows = {
        name: _row([r for r in results if (r["kind"], r["care"]) == (kind, care)], "known")
        for name, kind, care in groups
    }
    rows["all meters, history known"] = _row(meters, "known")
    rows["all meters, never read before"] = _row(meters, "new")
    rows["no meter in the picture"] = _row([r for r in results if r["kind"] == "no meter"], "known")
    return {
        "thresholds": {"certain": CERTAIN, "certain_alone": CERTAIN_ALONE},
        "seconds": {"median": round(median(seconds), 2), "p95": round(seconds[int(len(seconds) * 0.95)], 2)},
        "rows": {name: row for name, row in rows.items() if row["pictures"]},
    }


def _row(results: list[dict[str, Any]], which: str) -> dict[str, Any]:
    outcomes = Counter(result[which] for result in results)
    accepted = len(results) - outcomes["refused"]
    return {
        "pictures": len(results),
        "accepted": accepted,
        "next_digit": outcomes["right, next digit"],
        "wrong": outcomes["wrong"],
        "refused": outcomes["refused"],
        "refused_share": round(outcomes["refused"] / len(results), 3) if results else None,
        "right_of_accepted": round(1 - outcomes["wrong"] / accepted, 3) if accepted else None,
    }


def _print(report: dict[str, Any]) -> None:
    names = ("pictures", "accepted", "wrong", "next_digit", "refused", "refused_share", "right_of_accepted")
    table = Table("pictures of", *(name.replace("_", " ") for name in names))
    for name, row in report["rows"].items():
        table.add_row(name, *("" if row[each] is None else str(row[each]) for each in names))
    Console().print(table)
    Console().print(f"a look takes {report['seconds']['median']} s (median), {report['seconds']['p95']} s (p95)")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=300, help="how many are drawn")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="the first seed")
    parser.add_argument("--folder", type=Path, help="read these pictures instead, called INDEX-DIGITS-….jpg")
    parser.add_argument("--processes", type=int, default=1, help="how many look at the same time")
    return parser.parse_args()


if __name__ == "__main__":
    main()
