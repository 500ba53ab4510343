"""What was tried of every parser and route, and what crashed: `python bench/fuzz.py --examples 1000`.

Writes bench/results/fuzz.json. The same inputs as the tests', in numbers that tests have no time for, and other ones
with every `--seed`. On a SQLite database of its own, with the emulated carriers; no traffic leaves this process but
to them, on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests"), str(PROJECT / "tests" / "integration")]

from nlu import standins  # noqa: E402

standins.serving()

import structlog  # noqa: E402
from fuzz_house import (  # noqa: E402
    FuzzHouse,
    desk_calls,
    desk_fields,
    desk_routes,
    is_crash,
    open_calls,
    open_fuzz_house,
    telegram_calls,
    twilio_calls,
    unlisted,
)
from fuzz_parsers import PARSERS  # noqa: E402
from fuzzing import examples  # noqa: E402

from bot.engine.assistant import Assistant  # noqa: E402
from bot.service import LOCALES  # noqa: E402
from bot.settings import Settings  # noqa: E402
from store.database import Database  # noqa: E402
from store.schema import upgrade  # noqa: E402

RESULTS = PROJECT / "bench" / "results" / "fuzz.json"
Attempt = Callable[[Any], Awaitable[str | None]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="of each parser, webhook and API operation")
    parser.add_argument("--pages", type=int, default=20, help="of each route of the desk")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    warnings.simplefilter("ignore")
    table = asyncio.run(everything(options.examples, options.pages, options.seed))
    total = sum(row["tried"] for row in table)
    crashes = [crash for row in table for crash in row["crashes"]]
    result = {"seed": options.seed, "tried": total, "crashes": len(crashes), "table": table}
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    print(f"{total} inputs, {len(crashes)} crashes; {RESULTS.relative_to(PROJECT)}")
    sys.exit(1 if crashes else 0)


async def everything(count: int, pages: int, seed: int) -> list[dict[str, Any]]:
    table = []
    for name, each in PARSERS.items():

        async def parse(given: Any, takes: Callable[[Any], None] = each.takes) -> str | None:
            takes(given)
            return None

        table.append(await row("parser", name, examples(each.inputs, count, seed), parse))
    with tempfile.TemporaryDirectory() as scratch:
        url = f"sqlite+aiosqlite:///{scratch}/fuzz.db"
        database = Database(url)
        await upgrade(database)
        await database.close()
        assistant = Assistant.load(Settings().model_dir, LOCALES)
        async with open_fuzz_house(url, assistant, Path(scratch)) as house:
            table += await routes(house, count, pages, seed)
    return table


async def routes(house: FuzzHouse, count: int, pages: int, seed: int) -> list[dict[str, Any]]:
    async def call(made: Any) -> str | None:
        answer = await made.made(house)
        statuses[answer.status_code] += 1
        return f"answered {answer.status_code}" if is_crash(answer) else None

    table = []
    for name, calls in (
        ("POST /webhooks/twilio, /status", twilio_calls),
        ("POST /webhooks/telegram", telegram_calls),
    ):
        for valid in (True, False):
            statuses: Counter[int] = Counter()
            title = f"{name}, {'signed' if valid else 'not signed'}"
            table.append(await row("webhook", title, examples(calls(valid=valid), count, seed), call, statuses))
    for method, path in unlisted(house.app):
        statuses = Counter()
        drawn = examples(open_calls(method, path), count, seed)
        table.append(await row("unlisted", f"{method} {path}", drawn, call, statuses))
    fields = desk_fields(house.app)
    for method, path, role in desk_routes(house.app):
        statuses = Counter()
        session = await house.sign_in(role)
        calls_of_route = [each(*session) for each in examples(desk_calls(method, path, fields), pages, seed)]
        table.append(await row("desk", f"{method} {path}", calls_of_route, call, statuses))
    return table + await operations(house, count, seed)


async def operations(house: FuzzHouse, count: int, seed: int) -> list[dict[str, Any]]:
    from schemathesis import GenerationMode
    from test_fuzz_api import failures
    from test_fuzz_api import operations as listed

    async def call(case: Any) -> str | None:
        return "; ".join(await failures(house.browser, case, {"Authorization": f"Bearer {house.key}"})) or None

    table = []
    for operation in listed(house.app):
        drawn = [
            case
            for mode in GenerationMode
            for case in examples(operation.as_strategy(generation_mode=mode), count // 2, seed)
        ]
        table.append(await row("api", operation.label, drawn, call))
    return table


async def row(
    kind: str, name: str, drawn: list[Any], attempt: Attempt, statuses: Counter[int] | None = None
) -> dict[str, Any]:
    """Try everything; what went wrong is told by its kind and the input it came from, each kind once."""
    crashes: dict[str, str] = {}
    slowest = 0.0
    for each in drawn:
        began = time.perf_counter()
        try:
            wrong = await attempt(each)
        except Exception as error:
            wrong = f"{type(error).__name__}: {str(error)[:200]}"
        slowest = max(slowest, time.perf_counter() - began)
        if wrong:
            crashes.setdefault(wrong, repr(each)[:500])
    found: dict[str, Any] = {"kind": kind, "name": name, "tried": len(drawn)}
    if statuses:
        found["statuses"] = {str(status): number for status, number in sorted(statuses.items())}
    found |= {
        "slowest_ms": round(slowest * 1000, 1),
        "crashes": [{"what": what, "input": given} for what, given in crashes.items()],
    }
    with contextlib.suppress(BrokenPipeError):
        print(f"{kind:9}{len(drawn):7} {len(crashes):3} crashes {slowest * 1000:9.1f} ms  {name}", flush=True)
    return found


if __name__ == "__main__":
    main()
