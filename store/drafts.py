"""Replies that agents have begun: one for each agent and conversation, kept from the first letter until it is sent.

A draft that changed a moment ago means that its writer is typing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from store.changes import changed
from store.desk_models import Draft, User

TYPING = timedelta(seconds=8)
TELL_EVERY = timedelta(seconds=3)
"""How often others are told, at most, that somebody goes on typing."""


async def draft_of(session: AsyncSession, conversation_id: int, user_id: int) -> str:
    """What the person has begun to write; empty when nothing."""
    query = select(Draft.body).where(Draft.conversation_id == conversation_id, Draft.user_id == user_id)
    return await session.scalar(query) or ""


async def keep_draft(session: AsyncSession, conversation_id: int, user_id: int, body: str, now: datetime) -> None:
    """Remember what was typed so far; an empty draft goes."""
    if body.strip():
        await _touch(session, conversation_id, user_id, now, body)
    else:
        mine = (Draft.conversation_id == conversation_id, Draft.user_id == user_id)
        await session.execute(delete(Draft).where(*mine))


async def keep_typing(session: AsyncSession, conversation_id: int, user_id: int, now: datetime) -> None:
    """The person has just pressed a key; what they wrote comes later, by `keep_draft`."""
    await _touch(session, conversation_id, user_id, now, None)


async def typing(session: AsyncSession, conversation_id: int, except_user_id: int, now: datetime) -> list[str]:
    """The names of the others who are writing in a conversation."""
    query = (
        select(User.name)
        .join(Draft, Draft.user_id == User.id)
        .where(
            Draft.conversation_id == conversation_id,
            Draft.user_id != except_user_id,
            Draft.changed_at > now - TYPING,
        )
        .order_by(User.name)
    )
    return list(await session.scalars(query))


async def _touch(session: AsyncSession, conversation_id: int, user_id: int, now: datetime, body: str | None) -> None:
    """Write the draft, and tell the other desks unless they were told a moment ago."""
    told = await session.scalar(
        select(Draft.changed_at).where(Draft.conversation_id == conversation_id, Draft.user_id == user_id)
    )
    is_news = told is None or now - told >= TELL_EVERY
    if body is None and not is_news:
        return
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(Draft).values(
        conversation_id=conversation_id, user_id=user_id, body=body or "", changed_at=now
    )
    again = {"changed_at": statement.excluded.changed_at}
    if body is not None:
        again["body"] = statement.excluded.body
    await session.execute(statement.on_conflict_do_update(index_elements=["conversation_id", "user_id"], set_=again))
    if is_news:
        await changed(session, conversation_id)
