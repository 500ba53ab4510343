"""What agents write in a conversation: replies, approved templates, and notes to each other.

A reply takes the conversation for whoever writes it. Each form that is sent has a token of its own, kept with the
message: sent twice, it is written once. Callers hold the conversation first (`store.hand_overs.held_conversation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from store.changes import changed
from store.desk_models import Draft, Note, Upload
from store.hand_overs import take_by_reply
from store.models import Conversation, Direction, Message
from store.queued import queued

FORMS_KEPT = 20
"""Latest messages of an agent in a conversation among which a form that was sent already is looked for."""
SAME_NOTE = timedelta(minutes=1)


async def is_written(session: AsyncSession, conversation_id: int, user_id: int, form: str) -> bool:
    """Whether the form with this token was sent already."""
    query = (
        select(Message.payload)
        .where(
            Message.conversation_id == conversation_id,
            Message.direction == Direction.OUT,
            Message.user_id == user_id,
        )
        .order_by(Message.id.desc())
        .limit(FORMS_KEPT)
    )
    return any(payload is not None and payload.get("form") == form for payload in await session.scalars(query))


async def write_reply(
    session: AsyncSession,
    conversation: Conversation,
    user_id: int,
    text: str,
    form: str,
    now: datetime,
    *,
    upload: Upload | None = None,
    template: Mapping[str, Any] | None = None,
) -> Message:
    """Queue an agent's message, which takes the conversation; their draft goes.

    `upload` goes with it; `template` is what WhatsApp gets instead, as the outbox takes it (`sid`, `variables`).
    Raises `store.hand_overs.Taken` when somebody else has the conversation.
    """
    await take_by_reply(session, conversation, user_id, now)
    payload: dict[str, Any] = {"form": form}
    if upload is not None:
        payload["attachment"] = {
            "make": "upload",
            "name": upload.name,
            "upload": upload.id,
            "type": upload.content_type,
        }
    if template is not None:
        payload["template"] = dict(template)
    message = queued(conversation, text, conversation.language or "fr", now, payload=payload, user_id=user_id)
    session.add(message)
    await session.flush()
    if upload is not None:
        await session.execute(update(Upload).where(Upload.id == upload.id).values(message_id=message.id))
    mine = (Draft.conversation_id == conversation.id, Draft.user_id == user_id)
    await session.execute(delete(Draft).where(*mine))
    await changed(session, conversation.id)
    return message


async def add_note(session: AsyncSession, conversation_id: int, user_id: int, text: str, now: datetime) -> None:
    """Write a note beside the transcript; the same words by the same person a moment later are one note."""
    query = (
        select(Note)
        .where(Note.conversation_id == conversation_id, Note.user_id == user_id)
        .order_by(Note.id.desc())
        .limit(1)
    )
    last = await session.scalar(query)
    if last is not None and last.body == text and now - last.created_at < SAME_NOTE:
        return
    session.add(Note(conversation_id=conversation_id, user_id=user_id, body=text, created_at=now))
    await session.flush()
    await changed(session, conversation_id)


async def latest_inbound(session: AsyncSession, conversation_id: int) -> int:
    """The number of the customer's latest message; 0 when they never wrote."""
    query = select(func.max(Message.id)).where(
        Message.conversation_id == conversation_id, Message.direction == Direction.IN
    )
    return await session.scalar(query) or 0
