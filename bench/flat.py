"""Whether a turn costs the same after 2,000 messages as after 20: `uv run python bench/flat.py`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import typer
from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

import nlu.standins  # noqa: E402

nlu.standins.serving()

from stage import Stage  # noqa: E402

from bot.engine.assistant import Assistant  # noqa: E402
from bot.logs import configure  # noqa: E402
from bot.service import LOCALES  # noqa: E402
from bot.settings import Settings  # noqa: E402
from store import schema  # noqa: E402
from store.database import Database  # noqa: E402

SCRIPT = ("bonjour", "49100", "comment lire mon compteur ?", "annuler", "merci")
WINDOW = 100


def main(messages: int = 2000) -> None:
    """Write `messages` messages in one conversation and print the median turn of every tenth of them."""
    configure("critical")
    times = asyncio.run(_converse(messages))
    table = Table("messages", "median turn, ms", title="One conversation on SQLite")
    for first in range(0, messages, max(messages // 10, WINDOW)):
        window = times[first : first + WINDOW]
        table.add_row(f"{first + 1} to {first + len(window)}", f"{median(window) * 1000:.2f}")
    Console().print(table)


async def _converse(messages: int) -> list[float]:
    assistant = Assistant.load(Settings().model_dir, LOCALES)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/flat.db")
        await schema.upgrade(database)
        stage = Stage(database, assistant)
        await stage.furnish()
        times = []
        for number in range(messages):
            await stage.receive(SCRIPT[number % len(SCRIPT)])
            conversation = stage.woken[-1]
            started = perf_counter()
            await stage.turns.handle_next(conversation)
            times.append(perf_counter() - started)
            await stage.sent(conversation)
        await database.close()
    return times


if __name__ == "__main__":
    typer.run(main)
