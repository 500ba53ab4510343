"""What waits in the store: messages to be handled, replies to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, exists, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from store.models import Conversation, Holder, Message
from store.unsettled import RECEIVED, TO_SEND, unsettled

LONGEST_HOLD = timedelta(minutes=2)
"""No message that came in is put off for longer: one due later was put off before the clock went back."""
LONGEST_PAUSE = timedelta(minutes=30)
"""The same of messages that go out."""

_later, _reply = aliased(Message), aliased(Message)
# Statements of every turn are built once: building one costs SQLAlchemy more than SQLite takes to run it.
_OLDEST_WAITING = (
    select(
        Message,
        Conversation,
        exists().where(
            _later.conversation_id == Message.conversation_id,
            unsettled(RECEIVED, _later),
            _later.id > Message.id,
        ),
        exists().where(
            _reply.conversation_id == Message.conversation_id,
            unsettled(TO_SEND, _reply),
            _reply.bulk == false(),
        ),
    )
    .join(Conversation, Conversation.id == Message.conversation_id)
    .where(Message.conversation_id == bindparam("conversation_id"), unsettled(RECEIVED))
    .order_by(Message.id)
    .limit(1)
    # Both rows: a look taken just before another worker's commit would otherwise see its message as waiting.
    .with_for_update(of=(Conversation, Message), skip_locked=True, key_share=True)
)


def is_due(due_at: datetime, now: datetime, longest: timedelta) -> bool:
    """Whether what may wait for `longest` at most is to be done by `now`, also after the clock went back."""
    return due_at <= now or due_at > now + longest


_WAITS = select(exists().where(Message.conversation_id == bindparam("conversation_id"), unsettled(RECEIVED)))


class Oldest(NamedTuple):
    """The next message of a conversation, whether `more` wait behind it, and whether earlier replies are `unsent`."""

    message: Message
    conversation: Conversation
    more: bool
    unsent: bool


async def oldest_waiting(session: AsyncSession, conversation_id: int) -> Oldest | None:
    """The next message and its conversation, held until the transaction ends; None also when another process
    holds it, see `waits`.

    Held without touching keys, so that accepting a new message, which refers to the row, is never kept waiting.
    """
    row = (await session.execute(_OLDEST_WAITING, {"conversation_id": conversation_id})).one_or_none()
    return None if row is None else Oldest(*row)


async def waits(session: AsyncSession, conversation_id: int) -> bool:
    """Whether a message waits in a conversation, whoever holds it."""
    return bool(await session.scalar(_WAITS, {"conversation_id": conversation_id}))


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation with messages to handle: since when the oldest of them waits, and how often one was tried."""

    conversation_id: int
    since: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Conversations with something due, the longest waiting first."""

    to_handle: tuple[Found, ...]
    to_send: tuple[int, ...]


async def waiting_conversations(session: AsyncSession, now: datetime, limit: int = 500) -> Waiting:
    """Conversations with a message to handle, or a reply to send, by `now`."""
    to_handle = (
        select(Message.conversation_id, func.min(Message.created_at), func.max(Message.attempts))
        .where(unsettled(RECEIVED), _due(now, LONGEST_HOLD))
        .group_by(Message.conversation_id)
        .order_by(func.min(Message.id))
        .limit(limit)
    )
    to_send = (
        select(Message.conversation_id)
        # Campaigns have lanes of their own.
        .where(
            unsettled(TO_SEND),
            _due(now, LONGEST_PAUSE),
            Message.bulk == false(),
        )
        .group_by(Message.conversation_id)
        .order_by(func.min(Message.id))
        .limit(limit)
    )
    found = tuple(Found(*row) for row in await session.execute(to_handle))
    return Waiting(found, tuple(await session.scalars(to_send)))


def _due(now: datetime, longest: timedelta) -> ColumnElement[bool]:
    return or_(Message.due_at <= now, Message.due_at > now + longest)


async def longest_kept_waiting(session: AsyncSession, after: datetime, before: datetime, limit: int) -> list[int]:
    """Conversations of the assistant's with a message received between `after` and `before` that nobody has answered,
    and whose senders were not told of the delay since; the longest waiting first.
    """
    query = (
        select(Message.conversation_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            unsettled(RECEIVED),
            Message.created_at > after,
            Message.created_at <= before,
            Conversation.holder == Holder.ASSISTANT,
            or_(Conversation.delay_told_at.is_(None), Conversation.delay_told_at < Message.created_at),
        )
        .group_by(Message.conversation_id)
        .order_by(func.min(Message.id))
        .limit(limit)
    )
    return list(await session.scalars(query))


async def kept_waiting(
    session: AsyncSession, conversation_id: int, before: datetime
) -> tuple[Message, Conversation] | None:
    """As `oldest_waiting`, if it was received by `before` and the assistant is to answer it."""
    held = await oldest_waiting(session, conversation_id)
    if held is None or held.message.created_at > before or held.conversation.holder is not Holder.ASSISTANT:
        return None
    return held.message, held.conversation
