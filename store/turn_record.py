"""What every turn writes, in statements that are built once.

The session's unit of work compares, sorts and builds anew what is the same each time, and took an eighth of a turn:
so these rows go past it. The objects of the session are not told; nothing reads them after the turn.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Insert, Table, Update, bindparam, insert, inspect, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from store.models import Conversation, DialogueTurn, Message, MessageState

_MESSAGES = cast(Table, Message.__table__)
_CONVERSATIONS = cast(Table, Conversation.__table__)
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
        # No parameter has the name of a column: in one statement with others it would be set in their tables too.
        settled_at=bindparam("handled_at"),
        language=bindparam("spoken"),
        understood=bindparam("meant"),
    )
)
_KEEP_EVENTS = insert(cast(Table, DialogueTurn.__table__)).values(
    message_id=bindparam("handled_id"),
    conversation_id=bindparam("kept_in"),
    events=bindparam("told"),
)


@lru_cache
def _go_on(names: frozenset[str]) -> Update:
    """A conversation's columns of these names, as the turn leaves them."""
    new: dict[str, Any] = {name: bindparam(_NEW + name) for name in sorted(names)}
    return update(_CONVERSATIONS).where(_CONVERSATIONS.c.id == bindparam("kept_in")).values(new)


@lru_cache
def _all_at_once(names: frozenset[str]) -> Insert:
    """Everything in one round trip, which SQLite has neither need nor words for."""
    both = _KEEP_EVENTS.add_cte(_HANDLED.cte("handled"))
    return both.add_cte(_go_on(names).cte("goes_on")) if names else both


_NEW = "new_"
"""Before the names of columns, to name parameters."""


async def insert_reply(session: AsyncSession, reply: Message) -> None:
    """Store a reply that no session has, and give it its id."""
    values = {name: getattr(reply, name) for name in _REPLY_COLUMNS}
    reply.id = await session.run_sync(lambda session: session.connection().scalar(_INSERT_REPLY, values))


async def end_turn(
    session: AsyncSession,
    message: Message,
    conversation: Conversation,
    now: datetime,
    *,
    language: str,
    understood: dict[str, Any] | None,
    events: list[dict[str, Any]],
) -> None:
    """Mark `message` as handled in the store, keep what the turn changed of its `conversation`, which the session
    lets go of, and append the turn's `events` if there are any.
    """
    changes = _changes(conversation)
    session.expunge(conversation)
    names = frozenset(changes)
    new = {"kept_in": conversation.id} | {_NEW + name: value for name, value in changes.items()}
    handled = {"handled_id": message.id, "handled_at": now, "spoken": language, "meant": understood}
    kept = {"handled_id": message.id, "kept_in": message.conversation_id, "told": events}

    def write(session: Session) -> None:
        connection = session.connection()
        if events and connection.dialect.name == "postgresql":
            connection.execute(_all_at_once(names), handled | kept | new)
            return
        connection.execute(_HANDLED, handled)
        if names:
            connection.execute(_go_on(names), new)
        if events:
            connection.execute(_KEEP_EVENTS, kept)

    await session.run_sync(write)  # one change of stacks for all


def _changes(conversation: Conversation) -> dict[str, Any]:
    """By name, the columns that are not as they were read, or as they were written within the turn."""
    state = inspect(conversation)
    touched = set(state.mapper.column_attrs.keys()) - state.unmodified
    return {name: state.dict[name] for name in touched if state.attrs[name].history.has_changes()}
