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
    .limit(bindparam("count"))
)


async def previous_message(session: AsyncSession, conversation_id: int, before_id: int) -> Message | None:
    """The customer's message handled just before this one."""
    return next(iter(await previous_messages(session, conversation_id, before_id, 1)), None)


async def previous_messages(session: AsyncSession, conversation_id: int, before_id: int, count: int) -> list[Message]:
    """The customer's last `count` messages handled before this one, the latest first."""
    named = {"conversation_id": conversation_id, "before_id": before_id, "count": count}
    return list(await session.scalars(_PREVIOUS, named))


OVERHEARD = "overheard"
"""A mark in `Message.understood`: people had the conversation, and the assistant only listened."""


def is_overheard(message: Message) -> bool:
    return bool((message.understood or {}).get(OVERHEARD))
