"""How what is old goes, and with it what only stayed because of it. Numbers of rows come in, nothing comes back.

The moment that goes along is that before which all of it was made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import HandOver, Note
from store.models import Base, Message, Notice, Reading, Request
from store.traces import drop_traces, forget_conversations
from store.words import erase_words

Remove = Callable[[AsyncSession, Collection[int], datetime], Awaitable[None]]


def rows_of(model: type[Base], key: Any) -> Remove:
    """Just the rows of a table."""

    async def remove(session: AsyncSession, numbers: Collection[int], _before: datetime) -> None:
        await session.execute(delete(model).where(key.in_(numbers)).execution_options(synchronize_session=False))

    return remove


async def remove_messages(session: AsyncSession, numbers: Collection[int], before: datetime) -> None:
    those = Message.id.in_(numbers)
    conversations = set(await session.scalars(select(Message.conversation_id).where(those).distinct()))
    await erase_words(session, those)
    await drop_traces(session, numbers, before)
    await forget_conversations(session, conversations, before)


async def remove_notices(session: AsyncSession, numbers: Collection[int], before: datetime) -> None:
    those = Notice.id.in_(numbers)
    rows = (await session.execute(select(Notice.message_id, Notice.conversation_id).where(those))).all()
    await rows_of(Notice, Notice.id)(session, numbers, before)
    await _drop_what_they_kept(session, rows, before)


async def remove_requests(session: AsyncSession, numbers: Collection[int], before: datetime) -> None:
    those = Request.id.in_(numbers)
    rows = (await session.execute(select(Request.message_id, Request.conversation_id).where(those))).all()
    await rows_of(Request, Request.id)(session, numbers, before)
    await _drop_what_they_kept(session, rows, before)


async def remove_readings(session: AsyncSession, numbers: Collection[int], before: datetime) -> None:
    kept_for = (
        select(Message.id, Message.conversation_id)
        .join(Reading, Reading.message_id == Message.id)
        .where(Reading.id.in_(numbers))
    )
    rows = (await session.execute(kept_for)).all()
    await rows_of(Reading, Reading.id)(session, numbers, before)
    await _drop_what_they_kept(session, rows, before)


async def remove_hand_overs(session: AsyncSession, numbers: Collection[int], before: datetime) -> None:
    of_them = select(HandOver.conversation_id).where(HandOver.id.in_(numbers)).distinct()
    conversations = set(await session.scalars(of_them))
    await rows_of(HandOver, HandOver.id)(session, numbers, before)
    await forget_conversations(session, conversations, before)


async def remove_notes(session: AsyncSession, numbers: Collection[int], before: datetime) -> None:
    conversations = set(await session.scalars(select(Note.conversation_id).where(Note.id.in_(numbers)).distinct()))
    await rows_of(Note, Note.id)(session, numbers, before)
    await forget_conversations(session, conversations, before)


async def _drop_what_they_kept(session: AsyncSession, rows: Sequence[Any], before: datetime) -> None:
    """Messages that only had a row because of what is gone now, and conversations that nothing is left of."""
    await drop_traces(session, {message for message, _ in rows if message is not None}, before)
    await forget_conversations(session, {talk for _, talk in rows if talk is not None}, before)
