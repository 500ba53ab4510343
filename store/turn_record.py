"""What every turn writes, in statements that are built once.

The session's unit of work compares, sorts and builds anew what is the same each time, and took an eighth of a turn:
so these rows go past it. The objects of the session are not told; nothing reads them after the turn.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from store.models import DialogueTurn, Message, MessageState

_MESSAGES = cast(Table, Message.__table__)
_REPLY_COLUMNS = (
    *("conversation_id", "channel", "direction", "state", "body", "payload", "language", "answers_id"),
    *("attempts", "due_at", "doubts", "bulk", "created_at"),
)
_INSERT_REPLY = insert(_MESSAGES).values({name: bindparam(name) for name in _REPLY_COLUMNS}).returning(_MESSAGES.c.id)
_HANDLED = (
    update(_MESSAGES)
    .where(_MESSAGES.c.id == bindparam("handled_id"))
    .values(
        state=MessageState.HANDLED,
        **{name: bindparam(name) for name in ("settled_at", "language", "understood")},
    )
)
_KEEP_EVENTS = insert(cast(Table, DialogueTurn.__table__)).values(
    # No names that columns of messages have: beside that update they would be set there too.
    message_id=bindparam("handled_id"),
    conversation_id=bindparam("kept_in"),
    events=bindparam("events"),
)
_HANDLED_WITH_EVENTS = _KEEP_EVENTS.add_cte(_HANDLED.cte("handled"))
"""Both in one round trip, which SQLite has neither need nor words for."""


async def insert_reply(session: AsyncSession, reply: Message) -> None:
    """Store a reply that no session has, and give it its id."""
    values = {name: getattr(reply, name) for name in _REPLY_COLUMNS}
    reply.id = await session.run_sync(lambda session: session.connection().scalar(_INSERT_REPLY, values))


async def end_turn(
    session: AsyncSession,
    message: Message,
    now: datetime,
    *,
    language: str,
    understood: dict[str, Any] | None,
    events: list[dict[str, Any]],
) -> None:
    """Mark `message` as handled in the store, and append the turn's `events` if there are any."""
    handled = {"handled_id": message.id, "settled_at": now, "language": language, "understood": understood}
    kept = {"handled_id": message.id, "kept_in": message.conversation_id, "events": events}

    def write(session: Session) -> None:
        connection = session.connection()
        if events and connection.dialect.name == "postgresql":
            connection.execute(_HANDLED_WITH_EVENTS, handled | kept)
            return
        connection.execute(_HANDLED, handled)
        if events:
            connection.execute(_KEEP_EVENTS, kept)

    await session.run_sync(write)  # one change of stacks for both
