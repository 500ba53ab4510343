"""Telling customers that an answer takes long because of us: once per delay and conversation.

An answer that comes late begins with an apology. While none can be given but something can be sent (messages that
keep failing, a queue of many minutes) `Delays` says that the message is here; the answer then comes without apology.
`Conversation.delay_told_at` remembers either in the transaction that says it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.clock import Clock, system_clock
from bot.engine.texts import SOURCE_LANGUAGE, Texts
from bot.routine import Routine
from store.database import Database
from store.models import Conversation, Message
from store.queued import queued
from store.waiting import kept_waiting, longest_kept_waiting

log = structlog.get_logger()

LATE = timedelta(minutes=2)
VERY_LATE = timedelta(minutes=5)
LOOK_SECONDS = 15.0
MOST_AT_ONCE = 100
"""Customers told in one look: a notice is not to take the place of answers."""
TOO_LATE = timedelta(hours=23)
"""From when a notice is of no use; on WhatsApp it would be refused an hour later."""


class Lateness:
    """What is late, and the apology for it. `after` is how long a customer waits without one; zero is never late."""

    def __init__(self, texts: Texts, after: timedelta = LATE) -> None:
        self._texts = texts
        self._after = after

    def is_late(self, since: datetime, now: datetime) -> bool:
        """Whether what was written at `since` waited for too long."""
        return bool(self._after) and now - since > self._after

    def apology(self, conversation: Conversation, since: datetime, now: datetime, language: str) -> str | None:
        """What to begin an answer with that was due `since`; the conversation remembers that it was said."""
        if not self.is_late(since, now) or was_told(conversation, since):
            return None
        conversation.delay_told_at = now
        return str(self._texts.render("utter_sorry_late", language, conversation.channel, {})["text"])

    async def excuse(self, session: AsyncSession, message: Message, now: datetime) -> None:
        """Put the apology in front of a reply that has long waited to be sent, and that no carrier has yet."""
        if message.answers_id is None or not self.is_late(message.created_at, now):
            return
        held = {"key_share": True}
        conversation = await session.get_one(Conversation, message.conversation_id, with_for_update=held)
        apology = self.apology(conversation, message.created_at, now, message.language or SOURCE_LANGUAGE)
        if apology is not None:
            message.body = f"{apology}\n{message.body}"


def was_told(conversation: Conversation, since: datetime) -> bool:
    """Whether the customer heard of the delay after they wrote at `since`."""
    return conversation.delay_told_at is not None and conversation.delay_told_at >= since


class Delays(Routine):
    """Tells customers whose messages keep waiting that they are here. Any number of processes may look.

    `after` is how long a message waits before; zero turns it off. `send` is told where something is to be sent.
    """

    def __init__(
        self,
        database: Database,
        texts: Texts,
        channels: frozenset[str],
        send: Callable[[int], None],
        after: timedelta = VERY_LATE,
        clock: Clock = system_clock,
    ) -> None:
        super().__init__("delays", LOOK_SECONDS)
        self._database = database
        self._texts = texts
        self._channels = channels
        self._send = send
        self._after = after
        self._clock = clock

    async def look(self) -> None:
        if not self._after:
            return
        now = self._clock()
        async with self._database.reading() as session:
            found = await longest_kept_waiting(session, now - TOO_LATE, now - self._after, MOST_AT_ONCE)
        told = [each for each in found if await self._tell(each, now)]
        for conversation_id in told:
            self._send(conversation_id)
        if told:
            log.warning("delays.told", conversations=len(told))

    async def _tell(self, conversation_id: int, now: datetime) -> bool:
        """Put the notice in the outbox, unless the message was answered meanwhile, or is being."""
        async with self._database.writing() as session:
            held = await kept_waiting(session, conversation_id, now - self._after)
            if held is None:
                return False
            message, conversation = held
            if conversation.channel not in self._channels or was_told(conversation, message.created_at):
                return False
            conversation.delay_told_at = now
            language = conversation.language or SOURCE_LANGUAGE
            notice = self._texts.render("utter_delayed", language, conversation.channel, {})
            session.add(queued(conversation, notice["text"], language, now))
            return True
