"""What came of it: every message in the store and in the carriers' books, counted."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from bench.faultroom.customers import Writer
from store.database import Database
from store.models import Conversation, Direction, Message, MessageState, Reading

OPEN = (MessageState.RECEIVED, MessageState.QUEUED, MessageState.SENDING)
SETTLING_SECONDS = 240.0


class NotSettled(Exception):
    """Something waits still, minutes after the fault was over."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted. `again_in_doubt` are replies that Telegram got twice, since it cannot be asked whether it has
    one; they are no `doubled` ones. `set_aside` were answered with an apology, and a person was called.
    """

    messages: int
    lost: int
    doubled: int
    readings_wrong: int
    out_of_order: int
    again_in_doubt: int
    set_aside: int
    apologies: int
    recovery_seconds: float

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.readings_wrong or self.out_of_order)


async def settled(database: Database, sent: int) -> None:
    """Wait until every message that was `sent` is here and dealt with. Raises `NotSettled`."""
    deadline = monotonic() + SETTLING_SECONDS
    waiting = received = -1
    while monotonic() < deadline:
        try:
            async with database.reading() as session:
                waiting = await session.scalar(select(func.count()).where(Message.state.in_(OPEN))) or 0
                received = await session.scalar(select(func.count()).where(Message.direction == Direction.IN)) or 0
        except (DBAPIError, OSError):
            waiting = -1
        if not waiting and received >= sent:
            return
        await asyncio.sleep(0.25)
    raise NotSettled(f"{waiting} messages still open, {received} of {sent} received")


async def count(database: Database, ledger: Path, people: Sequence[Writer], over_at: datetime) -> Counts:
    """Count once everything is settled. `over_at` is when the fault was over."""
    async with database.reading() as session:
        messages = list(await session.scalars(select(Message).order_by(Message.id)))
        conversations = {
            (each.channel, each.address): each.id for each in await session.scalars(select(Conversation))
        }
        stored = Counter(await session.scalars(select(Reading.register_id).where(Reading.source == "customer")))
    books = _books(ledger)
    inbound: dict[int, list[Message]] = defaultdict(list)
    replies: dict[int, list[Message]] = defaultdict(list)
    for message in messages:
        if message.direction == Direction.IN:
            inbound[message.conversation_id].append(message)
        elif message.answers_id is not None:
            replies[message.answers_id].append(message)
    lost = doubled = again = 0
    recovered = over_at
    for writer in people:
        here = inbound.get(conversations.get((writer.channel, writer.address), 0), [])
        lost += max(len(writer.sent) - len(here), 0)
        doubled += max(len(here) - len(writer.sent) - writer.refused, 0)
        for sent, message in zip(writer.sent, here, strict=False):
            answers = [books.get(_key(reply), []) for reply in replies[message.id]]
            reached = [entries for entries in answers if entries]
            if not reached:
                lost += 1
                continue
            doubled += len(replies[message.id]) - 1
            if sent.written_at <= over_at:
                recovered = max(recovered, *(datetime.fromisoformat(each[0]["at"]) for each in reached))
    known = {_key(message) for message in messages if message.direction == Direction.OUT}
    extra = [entry for key, entries in books.items() if key not in known for entry in entries]
    doubts = sum(message.doubts for message in messages if message.channel == "telegram")
    again = min(sum(entry["channel"] == "telegram" for entry in extra), doubts)
    doubled += len(extra) - again
    with_contract = sum(writer.has_contract for writer in people)
    return Counts(
        messages=sum(len(writer.sent) for writer in people),
        lost=lost,
        doubled=doubled,
        readings_wrong=abs(len(stored) - with_contract) + sum(number - 1 for number in stored.values()),
        out_of_order=_out_of_order(messages, books),
        again_in_doubt=again,
        set_aside=sum(message.state is MessageState.SET_ASIDE for message in messages),
        apologies=sum(_begins_with_an_apology(message) for message in messages),
        recovery_seconds=round((recovered - over_at).total_seconds(), 1),
    )


def _books(ledger: Path) -> dict[str, list[dict[str, Any]]]:
    """What the carriers took, by its id there."""
    books: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in ledger.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        # Telegram numbers its messages per chat.
        key = f"{entry['to']}:{entry['id']}" if entry["channel"] == "telegram" else entry["id"]
        books[key].append(entry)
    return books


def _key(message: Message) -> str:
    return message.carrier_id or ""


def _out_of_order(messages: Sequence[Message], books: dict[str, list[dict[str, Any]]]) -> int:
    """Replies that reached the carrier before one that was written earlier in their conversation."""
    wrong = 0
    last: dict[int, int] = {}
    for message in messages:
        if message.direction == Direction.OUT and (entries := books.get(_key(message))):
            number = int(entries[0]["number"])
            wrong += number < last.get(message.conversation_id, 0)
            last[message.conversation_id] = number
    return wrong


def _begins_with_an_apology(message: Message) -> bool:
    return message.direction == Direction.OUT and message.body.startswith("Pardon pour l'attente.")
