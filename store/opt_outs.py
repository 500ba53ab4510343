"""Who wants no messages that they did not ask for. A wish holds for the phone, whatever the channel it came by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Audit, Conversation, Message, MessageState, Notice, NoticeState

OPTED_OUT = "opted_out"
"""Why a notice was skipped, and why a message of a campaign was not sent."""
_OF_PHONE = select(Conversation).where(Conversation.address == bindparam("address")).order_by(Conversation.id)


async def opt_out(session: AsyncSession, conversation: Conversation, actor: str, now: datetime) -> bool:
    """Write nothing unasked to this sender from now on, nor what waits to be written. False when it was so before."""
    if conversation.opted_out_at is not None:
        return False
    everywhere = await _of_same_phone(session, conversation)
    for each in everywhere:
        each.opted_out_at = each.opted_out_at or now
    ids = [each.id for each in everywhere]
    await session.execute(
        update(Notice)
        .where(Notice.conversation_id.in_(ids), Notice.state == NoticeState.WAITING)
        .values(state=NoticeState.SKIPPED, skipped=OPTED_OUT, settled_at=now)
    )
    await session.execute(
        update(Message)
        .where(Message.conversation_id.in_(ids), Message.bulk == true(), Message.state == MessageState.QUEUED)
        .values(state=MessageState.DEAD, error=OPTED_OUT, settled_at=now)
    )
    _note(session, conversation, "conversation.opted_out", actor, now)
    return True


async def opt_in(session: AsyncSession, conversation: Conversation, actor: str, now: datetime) -> bool:
    """Take the wish back, for the same conversations. False when there was none."""
    if conversation.opted_out_at is None:
        return False
    for each in await _of_same_phone(session, conversation):
        each.opted_out_at = None
    _note(session, conversation, "conversation.opted_in", actor, now)
    return True


async def inherit(session: AsyncSession, conversation: Conversation) -> None:
    """Give a new conversation what its phone said in others."""
    said = (each.opted_out_at for each in await _of_same_phone(session, conversation))
    conversation.opted_out_at = next((at for at in said if at is not None), None)


async def _of_same_phone(session: AsyncSession, conversation: Conversation) -> list[Conversation]:
    """The conversation and, when its address is a phone's number, those of that number on other channels."""
    if not conversation.address.startswith("+"):
        return [conversation]
    return list(await session.scalars(_OF_PHONE, {"address": conversation.address}))


def _note(session: AsyncSession, conversation: Conversation, action: str, actor: str, now: datetime) -> None:
    session.add(Audit(at=now, actor=actor, action=action, subject=f"conversation:{conversation.id}"))
