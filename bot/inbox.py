"""Accepts what carriers bring: stored once, durably, before the carrier is answered. Nothing else happens here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from bot.channels.carrier import DELIVERY_ORDER, DeliveryState, Inbound, Kind, StatusUpdate
from bot.clock import Clock, system_clock
from bot.telemetry.correlation import this_request_is_about
from bot.telemetry.messages import arrived
from bot.telemetry.metrics import DELIVERIES, UNKNOWN_REPORTS, child
from bot.telemetry.tracing import traced
from bot.wake import announce_in
from store.changes import changed
from store.database import Database
from store.models import Conversation, Direction, Message, MessageState

log = structlog.get_logger()

MAX_BODY = 5_000
"""Characters kept of a message; no carrier sends longer ones, and a person reads them."""
LATE_ARRIVAL = timedelta(hours=1)
"""From when a message was long on the way to us: the moment at which it was written is then kept."""
EARLY_REPORT_TRIES = 4
EARLY_REPORT_WAIT = 0.75
"""Seconds between tries to find a message whose delivery is reported before its sending is written down."""
ANSWER_SECONDS = 8.0
"""Carriers wait for 15 at most, their way here included."""


class NotStored(Exception):
    """A message could not be written down in the time that its carrier waits for an answer."""


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
        self._insert_conversation = self._insert(Conversation).on_conflict_do_nothing(
            index_elements=["channel", "address"]
        )
        self._known: dict[tuple[str, str], int] = {}
        self.hands_on = False
        """Whether other processes handle what comes here, and are told of it."""

    async def accept(self, messages: list[Inbound]) -> None:
        """Store each message under its unique carrier id; a duplicate changes nothing.

        Raises what the database raises, or `NotStored` when it takes too long: the carrier is then told to try again.
        """
        if not messages:
            return
        storing = asyncio.create_task(self._store_all(messages))
        # Not cancelled, which would wait for a database that does not answer. What is stored late after all is found
        # to be a duplicate when the carrier brings it again.
        done, _ = await asyncio.wait({storing}, timeout=ANSWER_SECONDS)
        if not done:
            storing.add_done_callback(_gave_up)
            raise NotStored
        stored = storing.result()
        arrived(messages, [message_id for _, message_id in stored])
        for conversation_id, message_id in stored:
            if message_id is not None and not self.hands_on:
                self._wake(conversation_id)

    async def _store_all(self, messages: list[Inbound]) -> list[tuple[int, int | None]]:
        """For each its conversation, and the number it is stored under if it is new."""
        try:
            return await self._database.grouped(lambda connection: self._accept(connection, messages))
        except IntegrityError:
            # A conversation that we knew by its number was forgotten meanwhile, being old: it begins anew.
            self._known.clear()
            return await self._database.grouped(lambda connection: self._accept(connection, messages))

    def _accept(self, connection: Connection, messages: list[Inbound]) -> list[tuple[int, int | None]]:
        stored: list[tuple[int, int | None]] = []
        for message in messages:
            conversation_id = self._conversation(connection, message)
            message_id = self._store(connection, conversation_id, message)
            stored.append((conversation_id, message_id))
            if message_id is not None:
                self._announce(connection, conversation_id)
        return stored

    def _announce(self, connection: Connection, conversation_id: int) -> None:
        """Tell those who handle it. Who handles what it takes tells nobody: all would wake up for each message."""
        if self.hands_on:
            announce_in(connection, conversation_id)

    async def advance(self, report: StatusUpdate) -> None:
        """Write down how far a sent message got; reports that come late or out of order never move it back."""
        for attempt in range(EARLY_REPORT_TRIES):
            if await self._advanced(report):
                return
            if attempt + 1 < EARLY_REPORT_TRIES:
                # The carrier may report faster than our own note that it took the message is committed.
                await asyncio.sleep(EARLY_REPORT_WAIT)
        child(UNKNOWN_REPORTS, report.channel.value).inc()
        log.info("inbox.unknown_report", channel=report.channel.value, carrier_id=report.carrier_id)

    async def _advanced(self, report: StatusUpdate) -> bool:
        async with self._database.writing() as session:
            query = select(
                Message.id, Message.delivery, Message.conversation_id, Message.user_id, Message.answers_id
            ).where(
                Message.channel == report.channel.value,
                Message.direction == Direction.OUT,
                Message.carrier_id == report.carrier_id,
            )
            row = (await session.execute(query)).one_or_none()
            if row is None:
                return False
            this_request_is_about(row.answers_id or row.id)
            if _is_further(row.delivery, report.state):
                child(DELIVERIES, report.channel.value, report.state.value).inc()
                values: dict[str, Any] = {"delivery": report.state.value}
                if report.error:
                    values["error"] = report.error[:300]
                await session.execute(update(Message).where(Message.id == row.id).values(**values))
                if row.user_id is not None:
                    await changed(session, row.conversation_id)
            return True

    def _conversation(self, connection: Connection, message: Inbound) -> int:
        key = (message.channel.value, message.address)
        known = self._known.get(key)
        if known is not None:
            return known
        named = {"channel": key[0], "address": key[1]}
        found = connection.scalar(_CONVERSATION, named)
        if found is None:
            connection.execute(self._insert_conversation, {**named, "created_at": self._clock()})
            found = connection.scalar(_CONVERSATION, named)
            if found is None:
                raise LookupError("a conversation that was just created is not there")
            return found  # not remembered: this transaction may still be rolled back
        if len(self._known) > 50_000:
            self._known.clear()
        self._known[key] = found
        return found

    def _store(self, connection: Connection, conversation_id: int, message: Inbound) -> int | None:
        now = self._clock()
        values = {
            "conversation_id": conversation_id,
            "channel": message.channel.value,
            "direction": Direction.IN,
            "carrier_id": message.carrier_id,
            "state": MessageState.RECEIVED,
            "body": message.text.replace("\x00", "")[:MAX_BODY],
            "payload": traced(_payload(message, now)),
            "due_at": now,
            "doubts": int(message.doubtful),
            "created_at": now,
        }
        message_id: int | None = connection.scalar(self._insert_message, values)
        return message_id


def _gave_up(storing: asyncio.Task[list[tuple[int, int | None]]]) -> None:
    """The end of what was no longer waited for: stored after all, and found by the next sweep, or not."""
    if not storing.cancelled() and (error := storing.exception()) is not None:
        log.error("inbox.not_stored", error=type(error).__name__)


def _payload(message: Inbound, now: datetime) -> dict[str, Any] | None:
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
    if message.sent_at is not None and (message.doubtful or now - message.sent_at > LATE_ARRIVAL):
        extra["sent_at"] = message.sent_at.isoformat()
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
