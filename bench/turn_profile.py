"""Where the time of a turn goes, by function: `uv run python bench/turn_profile.py`; `bench/README.md` explains.

In this process and without carriers: storing a message, and its turn. Calls of functions per turn do not depend on
what else the machine does, so they tell best whether a change made a turn cheaper.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import tempfile
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from time import process_time
from typing import Annotated

import typer

warnings.simplefilter("ignore")

import nlu.standins  # noqa: E402

nlu.standins.serving()

from sqlalchemy import update  # noqa: E402

from actions.operator import load_operator  # noqa: E402
from bench.conversations import Conversation, conversations  # noqa: E402
from bench.customers import customers  # noqa: E402
from bench.run import ACCOUNT, CASABLANCA  # noqa: E402
from bench.sides import Place, Releve  # noqa: E402
from bot.channels.carrier import Channel, Inbound, Kind  # noqa: E402
from bot.engine.assistant import Assistant  # noqa: E402
from bot.inbox import Inbox  # noqa: E402
from bot.logs import configure  # noqa: E402
from bot.service import LOCALES, OPERATORS  # noqa: E402
from bot.settings import Settings  # noqa: E402
from bot.turns.handled import Outcome  # noqa: E402
from bot.turns.turn import Turns  # noqa: E402
from store.database import Database  # noqa: E402
from store.models import Message, MessageState  # noqa: E402

WARMING_UP = 6
"""Conversations, one of each kind, before anything counts."""


class Measured:
    """CPU seconds of what was played, and how many turns it was."""

    def __init__(self) -> None:
        self.turns = 0
        self.storing = 0.0
        self.handling = 0.0


def main(
    count: Annotated[int, typer.Option(help="Conversations of four or five turns.", min=1)] = 60,
    postgresql: Annotated[bool, typer.Option("--postgresql", help="On PostgreSQL rather than SQLite.")] = False,
    functions: Annotated[int, typer.Option(help="How many functions to list.", min=1)] = 60,
) -> None:
    """Play conversations twice: plainly for the CPU time of a turn, then under the profiler for where it goes."""
    configure("error")
    asyncio.run(_profile(count, postgresql, functions))


async def _profile(count: int, postgresql: bool, functions: int) -> None:
    assistant = Assistant.load(Settings().model_dir, LOCALES)
    today = datetime.now(CASABLANCA).date()
    known = customers(WARMING_UP + 2 * count, today)
    side = Releve(postgresql=postgresql)
    with tempfile.TemporaryDirectory() as folder:
        try:
            await side.prepare(Place(Path(folder), "", ACCOUNT), known)
            database = Database(side.database_url)
            scripts = list(conversations(known, today))
            await _play(database, assistant, scripts[:WARMING_UP])
            plain = await _play(database, assistant, scripts[WARMING_UP : WARMING_UP + count])
            with cProfile.Profile() as profiler:
                profiled = await _play(database, assistant, scripts[WARMING_UP + count :])
            await database.close()
        finally:
            side.close()
    found = pstats.Stats(profiler)
    found.sort_stats("cumulative").print_stats(functions)
    calls = found.total_calls / profiled.turns  # type: ignore[attr-defined]
    typer.echo(f"{side.what}: {plain.turns} turns, in milliseconds of CPU each:")
    typer.echo(
        f"  stored {1000 * plain.storing / plain.turns:.2f}, handled {1000 * plain.handling / plain.turns:.2f}"
    )
    typer.echo(f"  {calls:,.0f} calls of functions a turn")


async def _play(database: Database, assistant: Assistant, scripts: Sequence[Conversation]) -> Measured:
    measured, woken = Measured(), list[int]()
    inbox = Inbox(database, woken.append)
    turns = Turns(database, assistant, load_operator(OPERATORS, "onee"))
    for script in scripts:
        for number, body in enumerate(script.texts):
            carrier_id = f"{script.phone}-{number}"
            message = Inbound(Channel.SMS, carrier_id=carrier_id, address=script.phone, kind=Kind.TEXT, text=body)
            began = process_time()
            await inbox.accept([message])
            stored = process_time()
            handled = await turns.handle_next(woken[-1])
            measured.handling += process_time() - stored
            measured.storing += stored - began
            measured.turns += 1
            assert handled.outcome is Outcome.HANDLED, handled
            await _settle(database)
    return measured


async def _settle(database: Database) -> None:
    """What the carrier would have taken, so that the next reply need not wait behind it."""
    async with database.writing() as session:
        await session.execute(
            update(Message).where(Message.state == MessageState.SENDING).values(state=MessageState.SENT)
        )


if __name__ == "__main__":
    typer.run(main)
