"""Conversations and the messages around the current one."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Direction, Message, MessageState


async def previous_message(session: AsyncSession, conversation_id: int, before_id: int) -> Message | None:
    """The customer's message handled just before this one."""
    query = (
        select(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.direction == Direction.IN,
            Message.state == MessageState.HANDLED,
            Message.id < before_id,
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    return await session.scalar(query)
