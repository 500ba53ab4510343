"""Rows that stay because others refer to them, and go when nothing does any more.

A reading keeps the message it came in, and a request the conversation it was made in, for as long as they are kept
themselves: as bare rows, without words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import Column, ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Base, Conversation, DialogueTurn, Holder, Identity, Message, OneTimeCode
from store.words import HAS_WORDS, SETTLED

GO_ALONG = frozenset({"dialogue_turn", "draft", "identity", "identity_attempt", "one_time_code", "outside_message"})
"""Tables whose rows go with the message or the conversation that they refer to; those of all others keep it."""


def referrers(model: type[Base]) -> Iterator[Column[int]]:
    """The columns of other tables that refer to a row of `model` and keep it."""
    for table in Base.metadata.sorted_tables:
        if table is not model.__table__ and table.name not in GO_ALONG:
            for key in table.foreign_keys:
                if key.column.table is model.__table__:
                    yield key.parent


def is_referred_to(model: type[Message] | type[Conversation]) -> ColumnElement[bool]:
    """That a row of another table keeps a row of `model`."""
    return or_(*(exists().where(column == model.id) for column in referrers(model)))


async def drop_traces(session: AsyncSession, message_ids: Collection[int], before: datetime) -> None:
    """Remove those of the messages, written before a moment, that have no words left and that nothing refers to."""
    those = select(Message.id).where(
        Message.id.in_(message_ids),
        Message.created_at < before,
        Message.state.in_(SETTLED),
        ~HAS_WORDS,
        ~is_referred_to(Message),
    )
    bare = list(await session.scalars(those))
    for statement in (
        delete(DialogueTurn).where(DialogueTurn.message_id.in_(bare)),
        # An answer is a little younger than its question, and goes a little later.
        update(Message).where(Message.answers_id.in_(bare)).values(answers_id=None),
        delete(Message).where(Message.id.in_(bare)),
    ):
        await session.execute(statement.execution_options(synchronize_session=False))


async def forget_conversations(session: AsyncSession, conversation_ids: Collection[int], before: datetime) -> None:
    """Forget where the conversations stood in which nobody wrote since a moment, and remove those that nothing is
    left of. Who opted out stays known: that is the wish.
    """
    idle = (
        Conversation.id.in_(conversation_ids),
        Conversation.holder == Holder.ASSISTANT,
        func.coalesce(Conversation.last_inbound_at, Conversation.created_at) < before,
    )
    # Held first: whoever writes meanwhile refers to the row, and is waited for or waits.
    held = select(Conversation.id).where(*idle).with_for_update(skip_locked=True)
    ids = list(await session.scalars(held))
    for proof in (Identity, OneTimeCode):
        forgotten = delete(proof).where(proof.conversation_id.in_(ids))
        await session.execute(forgotten.execution_options(synchronize_session=False))
    empty = delete(Conversation).where(
        Conversation.id.in_(ids),
        Conversation.opted_out_at.is_(None),
        ~exists().where(Message.conversation_id == Conversation.id),
        ~is_referred_to(Conversation),
    )
    await session.execute(empty.execution_options(synchronize_session=False))
    bare = update(Conversation).where(Conversation.id.in_(ids)).values(dialogue=None, offered=None)
    await session.execute(bare.execution_options(synchronize_session=False))
