"""Conversations and the messages around the current one."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Direction, Message, MessageState

_PREVIOUS = (
    select(Message)
    .where(
        Message.conversation_id == bindparam("conversation_id"),
        Message.direction == Direction.IN,
        Message.state == MessageState.HANDLED,
        Message.id < bindparam("before_id"),
    )
    .order_by(Message.id.desc())
    .limit(1)
)


async def previous_message(session: AsyncSession, conversation_id: int, before_id: int) -> Message | None:
    """The customer's message handled just before this one."""
    return await session.scalar(_PREVIOUS, {"conversation_id": conversation_id, "before_id": before_id})
