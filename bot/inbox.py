"""Accepts what carriers bring: stored once, durably, before the carrier is answered. Nothing else happens here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import structlog
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot.channels.carrier import DELIVERY_ORDER, DeliveryState, Inbound, Kind, StatusUpdate
from bot.clock import Clock, system_clock
from bot.wake import announce
from store.changes import changed
from store.database import Database
from store.models import Conversation, Direction, Message, MessageState

log = structlog.get_logger()

MAX_BODY = 5_000
"""Characters kept of a message; no carrier sends longer ones, and a person reads them."""
EARLY_REPORT_TRIES = 4
EARLY_REPORT_WAIT = 0.75
"""Seconds between tries to find a message whose delivery is reported before its sending is written down."""


_CONVERSATION = select(Conversation.id).where(
    Conversation.channel == bindparam("channel"), Conversation.address == bindparam("address")
)


class Inbox:
    """Stores inbound messages and delivery reports; `wake` is told which conversations have something to do."""

    def __init__(self, database: Database, wake: Callable[[int], None], clock: Clock = system_clock) -> None:
        self._database = database
        self._wake = wake
        self._clock = clock
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._insert_message = (
            self._insert(Message)
            .on_conflict_do_nothing(index_elements=["channel", "direction", "carrier_id"])
            .returning(Message.id)
        )
        self._known: dict[tuple[str, str], int] = {}

    async def accept(self, messages: list[Inbound]) -> None:
        """Store each message under its unique carrier id; a duplicate changes nothing.

        Raises what the database raises: the carrier is then told to try again.
        """
        if not messages:
            return
        for conversation_id in await self._database.grouped(lambda session: self._accept(session, messages)):
            self._wake(conversation_id)

    async def _accept(self, session: AsyncSession, messages: list[Inbound]) -> list[int]:
        """The conversations that got a new message."""
        new: list[int] = []
        for message in messages:
            conversation_id = await self._conversation(session, message)
            if await self._store(session, conversation_id, message):
                new.append(conversation_id)
                await announce(session, conversation_id)
        return new

    async def advance(self, report: StatusUpdate) -> None:
        """Write down how far a sent message got; reports that come late or out of order never move it back."""
        for attempt in range(EARLY_REPORT_TRIES):
            if await self._advanced(report):
                return
            if attempt + 1 < EARLY_REPORT_TRIES:
                # The carrier may report faster than our own note that it took the message is committed.
                await asyncio.sleep(EARLY_REPORT_WAIT)
        log.info("inbox.unknown_report", channel=report.channel.value, carrier_id=report.carrier_id)

    async def _advanced(self, report: StatusUpdate) -> bool:
        async with self._database.writing() as session:
            query = select(Message.id, Message.delivery, Message.conversation_id, Message.user_id).where(
                Message.channel == report.channel.value,
                Message.direction == Direction.OUT,
                Message.carrier_id == report.carrier_id,
            )
            row = (await session.execute(query)).one_or_none()
            if row is None:
                return False
            if _is_further(row.delivery, report.state):
                values: dict[str, Any] = {"delivery": report.state.value}
                if report.error:
                    values["error"] = report.error[:300]
                await session.execute(update(Message).where(Message.id == row.id).values(**values))
                if row.user_id is not None:
                    await changed(session, row.conversation_id)
            return True

    async def _conversation(self, session: AsyncSession, message: Inbound) -> int:
        key = (message.channel.value, message.address)
        known = self._known.get(key)
        if known is not None:
            return known
        named = {"channel": key[0], "address": key[1]}
        found = await session.scalar(_CONVERSATION, named)
        if found is None:
            await session.execute(
                self._insert(Conversation)
                .values(channel=key[0], address=key[1], created_at=self._clock())
                .on_conflict_do_nothing(index_elements=["channel", "address"])
            )
            found = await session.scalar(_CONVERSATION, named)
            if found is None:
                raise LookupError("a conversation that was just created is not there")
            return found  # not remembered: this transaction may still be rolled back
        if len(self._known) > 50_000:
            self._known.clear()
        self._known[key] = found
        return found

    async def _store(self, session: AsyncSession, conversation_id: int, message: Inbound) -> bool:
        now = self._clock()
        values = {
            "conversation_id": conversation_id,
            "channel": message.channel.value,
            "direction": Direction.IN,
            "carrier_id": message.carrier_id,
            "state": MessageState.RECEIVED,
            "body": message.text.replace("\x00", "")[:MAX_BODY],
            "payload": _payload(message),
            "due_at": now,
            "created_at": now,
        }
        stored = await (await session.connection()).execute(self._insert_message, values)
        return stored.scalar_one_or_none() is not None


def _payload(message: Inbound) -> dict[str, Any] | None:
    """What a message carries besides its text; nothing for a plain text."""
    extra: dict[str, Any] = {}
    if message.kind is not Kind.TEXT:
        extra["kind"] = message.kind.value
    if message.button is not None:
        extra["button"] = message.button
    if message.media:
        extra["media"] = [asdict(media) | {"type": media.type.value} for media in message.media]
    if message.latitude is not None and message.longitude is not None:
        extra["location"] = [message.latitude, message.longitude]
    if message.contact_phone is not None:
        extra["contact_phone"] = message.contact_phone
    if message.edited:
        extra["edited"] = True
    if message.opt_out is not None:
        extra["opt_out"] = message.opt_out
    if message.language_hint:
        extra["language_hint"] = message.language_hint
    return extra or None


def _is_further(current: str | None, reported: DeliveryState) -> bool:
    """Delivery only moves forward: sent, delivered, read; a failure only before it was delivered."""
    if current is None:
        return True
    if current == DeliveryState.FAILED:
        return reported in (DeliveryState.DELIVERED, DeliveryState.READ)
    reached = DELIVERY_ORDER.index(DeliveryState(current))
    if reported is DeliveryState.FAILED:
        return reached < DELIVERY_ORDER.index(DeliveryState.DELIVERED)
    return DELIVERY_ORDER.index(reported) > reached
