"""Messages that fail: how often each was tried, and what becomes of it after the last try.

A turn that raises is undone and counted afterwards. One that ends the process (a segmentation fault, no memory left,
a loop that never returns) leaves nobody to count, and would be tried for ever. So a message that is *found* waiting,
by a process that was not told of it, is counted before it is tried: it may be what ended another process. That costs
one more transaction, which messages that are announced do not need.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from actions.operator import Operator
from actions.turn import Turn, opened
from bot.clock import Clock, system_clock
from bot.engine.assistant import Assistant
from bot.sending.outgoing import has_open
from bot.sending.replying import queue
from bot.telemetry.metrics import MESSAGES_HANDLED, child
from bot.turns import parking
from bot.turns.handled import Handled, Outcome
from bot.turns.with_people import call_a_person
from store.changes import changed
from store.database import Database
from store.hand_over_events import tell_message
from store.models import Conversation, Message, MessageState
from store.waiting import LONGEST_HOLD, is_due, oldest_waiting

log = structlog.get_logger()

MAX_ATTEMPTS = 3
RETRY_WAIT = timedelta(seconds=5)
MARGIN = timedelta(seconds=5)
"""A try that was begun is another's after the longest turn, and this, at the earliest."""
ENDED_THE_PROCESS = "ended the process"


class Attempts:
    """Counts tries, and sets a message aside after the third: an apology goes out and a person is called."""

    def __init__(
        self,
        database: Database,
        assistant: Assistant,
        operator: Operator,
        longest_turn: timedelta,
        clock: Clock = system_clock,
    ) -> None:
        self._database = database
        self._assistant = assistant
        self._operator = operator
        self._hold = min(longest_turn + MARGIN, LONGEST_HOLD)
        self._clock = clock

    async def begin(self, conversation_id: int) -> Handled | int:
        """Count a try of the conversation's oldest message before it is made, and hold the message for it.

        Its id; or what became of it, when there is nothing to try (any more).
        """
        async with self._database.writing() as session:
            waiting = await oldest_waiting(session, conversation_id)
            if waiting is None:
                return Handled(Outcome.NOTHING)
            message, conversation = waiting.message, waiting.conversation
            now = self._clock()
            if not is_due(message.due_at, now, LONGEST_HOLD):
                return Handled(Outcome.LATER, due_at=message.due_at)
            if message.attempts >= MAX_ATTEMPTS:
                message.error = ENDED_THE_PROCESS
                return await self._set_aside(session, conversation, message)
            if message.attempts:
                log.warning("turn.tried_again", message=message.id, attempt=message.attempts + 1)
            message.attempts += 1
            message.due_at = now + self._hold
            return message.id

    async def failed(self, conversation_id: int, message_id: int, error: BaseException, *, counted: bool) -> Handled:
        """Put a message off whose turn raised `error`, or set it aside. `counted` when `begin` counted the try."""
        async with self._database.writing() as session:
            held = {"key_share": True}  # an agent may be taking the conversation
            conversation = await session.get_one(Conversation, conversation_id, with_for_update=held)
            message = await session.get_one(Message, message_id)
            if message.state is not MessageState.RECEIVED:  # the turn was committed, and cut off just then
                return Handled(Outcome.NOTHING)
            if not counted:
                message.attempts += 1
            message.error = type(error).__name__
            if message.attempts >= MAX_ATTEMPTS:
                return await self._set_aside(session, conversation, message)
            message.due_at = self._clock() + RETRY_WAIT * message.attempts
            return Handled(Outcome.FAILED, due_at=message.due_at)

    async def spare(self, message_id: int) -> None:
        """Take back what `begin` counted: the database failed in the middle, which is no fault of the message's."""
        with suppress(DBAPIError, OSError):  # still away: then the try counts
            async with self._database.writing() as session:
                message = await session.get(Message, message_id)
                if message is not None and message.state is MessageState.RECEIVED:
                    message.attempts -= 1
                    message.due_at = self._clock() + RETRY_WAIT

    async def _set_aside(self, session: AsyncSession, conversation: Conversation, message: Message) -> Handled:
        """Where people have the conversation already they see the message, and nothing is said."""
        now = self._clock()
        message.state = MessageState.SET_ASIDE
        message.settled_at = now
        turn = Turn(
            session=session,
            conversation=conversation,
            message_id=message.id,
            now=now,
            operator=self._operator,
            language=conversation.language or "fr",
        )
        child(MESSAGES_HANDLED, message.channel, "set_aside").inc()
        log.error("turn.set_aside", message=message.id, conversation=conversation.id, error=message.error)
        if turn.is_handed_over:
            await changed(session, conversation.id)
            await tell_message(session, conversation, message, now)
            return Handled(Outcome.FAILED)
        with opened(turn):
            parking.leave_form(conversation, now, self._operator.conversation)
            said = await call_a_person(self._assistant, turn, "poisoned")
            must_wait = await has_open(session, conversation.id)
            claimed = await queue(self._assistant, turn, said, must_wait=must_wait)
        return Handled(Outcome.FAILED, tuple(claimed), queued=True)
