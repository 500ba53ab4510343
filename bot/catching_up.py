"""Looks at the carrier's own list for messages whose webhook never reached us, and takes them in.

A carrier gives a webhook up after some seconds (Twilio) or keeps it for a day (Telegram, which needs none of this).
When nothing here could take it, the customer's words are only in the carrier's list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import structlog
from sqlalchemy import select

from bot.channels.carrier import Accept, Carrier, Channel, Inbound
from bot.clock import Clock, system_clock
from bot.routine import Routine
from store.database import Database
from store.models import Direction, Message

log = structlog.get_logger()

LOOK_SECONDS = 300.0
STILL_COMING = timedelta(minutes=1)
"""A younger message's webhook may be on its way still, and tells more than the list."""
OVERLAP = timedelta(minutes=5)
"""Between one look and the next, for clocks that differ."""
LOOK_BACK = timedelta(hours=1)
"""Of the first look, when the store is up to date: single webhooks may have been lost before the stop."""
LONGEST_LOOK_BACK = timedelta(days=3)
"""What is older has been settled otherwise by whoever wrote it."""
ASKED_AT_ONCE = 500


@runtime_checkable
class Remembering(Protocol):
    """A carrier that lists what it received."""

    channels: frozenset[Channel]

    def received(self, since: datetime, until: datetime) -> AsyncIterator[Inbound]:
        """Messages from customers between the two moments, in any order."""
        ...


class CatchingUp(Routine):
    """Asks each carrier that remembers. Every process may: a message is stored once, whoever brings it."""

    def __init__(
        self, database: Database, carriers: Iterable[Carrier], accept: Accept, clock: Clock = system_clock
    ) -> None:
        super().__init__("catching_up", LOOK_SECONDS)
        self._database = database
        self._carriers = [carrier for carrier in carriers if isinstance(carrier, Remembering)]
        self._accept = accept
        self._clock = clock
        self._looked_until: dict[int, datetime] = {}

    async def look(self) -> None:
        """Take in what is missing, the oldest first. Raises what a carrier's SDK or the database raises."""
        for number, carrier in enumerate(self._carriers):
            until = self._clock() - STILL_COMING
            since = await self._since(number, carrier, until)
            if since is None:
                continue
            listed = [message async for message in carrier.received(since, until)]
            missing = await self._missing(listed)
            if missing:
                log.warning("catching_up.found", messages=len(missing), listed=len(listed))
                # The store may have been restored from a backup that is older than these.
                missing = [replace(message, doubtful=True) for message in missing]
                await self._accept(sorted(missing, key=lambda message: message.sent_at or until))
            self._looked_until[number] = until

    async def _since(self, number: int, carrier: Remembering, until: datetime) -> datetime | None:
        """None where nobody has ever written: what an account took before Relève is not for us to answer."""
        if number in self._looked_until:
            return self._looked_until[number] - OVERLAP
        channels = [channel.value for channel in carrier.channels]
        newest = (
            select(Message.created_at)
            .where(Message.direction == Direction.IN, Message.channel.in_(channels))
            .order_by(Message.created_at.desc())
            .limit(1)
        )
        async with self._database.reading() as session:
            last: datetime | None = await session.scalar(newest)
        if last is None:
            return None
        return max(min(last - OVERLAP, until - LOOK_BACK), until - LONGEST_LOOK_BACK)

    async def _missing(self, listed: Sequence[Inbound]) -> list[Inbound]:
        known: set[tuple[str, str | None]] = set()
        async with self._database.reading() as session:
            for first in range(0, len(listed), ASKED_AT_ONCE):
                some = listed[first : first + ASKED_AT_ONCE]
                query = select(Message.channel, Message.carrier_id).where(
                    Message.direction == Direction.IN,
                    Message.channel.in_({message.channel.value for message in some}),
                    Message.carrier_id.in_([message.carrier_id for message in some]),
                )
                known.update((channel, carrier_id) for channel, carrier_id in await session.execute(query))
        return [message for message in listed if (message.channel.value, message.carrier_id) not in known]
