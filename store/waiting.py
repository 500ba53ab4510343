"""What waits in the store: messages to be handled, replies to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Conversation, Message, MessageState

# Statements of every turn are built once: building one costs SQLAlchemy more than SQLite takes to run it.
_OLDEST_WAITING = (
    select(Message, Conversation)
    .join(Conversation, Conversation.id == Message.conversation_id)
    .where(Message.conversation_id == bindparam("conversation_id"), Message.state == MessageState.RECEIVED)
    .order_by(Message.id)
    .limit(1)
    # Both rows: a look taken just before another worker's commit would otherwise see its message as waiting.
    .with_for_update(of=(Conversation, Message), skip_locked=True, key_share=True)
)


async def oldest_waiting(session: AsyncSession, conversation_id: int) -> tuple[Message, Conversation] | None:
    """The next message and its conversation, held until the transaction ends; None also when another worker
    holds it, who will look for more before it leaves.

    Held without touching keys, so that accepting a new message, which refers to the row, is never kept waiting.
    """
    row = (await session.execute(_OLDEST_WAITING, {"conversation_id": conversation_id})).one_or_none()
    return None if row is None else (row[0], row[1])


@dataclass(frozen=True, slots=True)
class Waiting:
    """Conversations with something due, the longest waiting first."""

    to_handle: tuple[int, ...]
    to_send: tuple[int, ...]


async def waiting_conversations(session: AsyncSession, now: datetime, limit: int = 500) -> Waiting:
    """Conversations with a message to handle, or a reply to send, by `now`."""

    async def due(*states: MessageState) -> tuple[int, ...]:
        query = (
            select(Message.conversation_id)
            # Campaigns have lanes of their own.
            .where(Message.state.in_(states), Message.due_at <= now, Message.bulk == false())
            .group_by(Message.conversation_id)
            .order_by(func.min(Message.id))
            .limit(limit)
        )
        return tuple(await session.scalars(query))

    return Waiting(await due(MessageState.RECEIVED), await due(MessageState.QUEUED, MessageState.SENDING))
