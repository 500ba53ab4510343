"""Pictures of meters: taken in hand once at a time, what was seen in them, and the pictures themselves, sealed.

A picture is looked at before its message has its turn, outside any transaction. Its row says who has it in hand and
until when; the message's `due_at` keeps the turn waiting until then, and the messages after it too.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Message, MessageState
from store.photo_models import Photo, PhotoState
from store.sealing import Keyring

PURPOSE = "photo"
"""What `Photo.content` is sealed for (`store.sealing`)."""
MOST_ATTEMPTS = 2
"""A process that died over a picture may have died of something else: once more."""


async def take_in_hand(session: AsyncSession, message: Message, now: datetime, until: datetime) -> Photo | None:
    """Claim the picture of `message` until then and let the message wait; None when there is nothing left to do.

    Nothing is left when it has been seen, has failed, or too many died over it. Needs the message's row held.
    """
    photo = await session.get(Photo, message.id)
    if photo is None:
        photo = Photo(message_id=message.id, state=PhotoState.LOOKING, until=until, created_at=now)
        session.add(photo)
    elif photo.state is not PhotoState.LOOKING:
        return None
    elif photo.attempts >= MOST_ATTEMPTS:
        photo.state, photo.error = PhotoState.FAILED, "interrupted"
        return None
    else:
        photo.attempts += 1
        photo.until = until
    message.due_at = until
    return photo


async def seen(
    session: AsyncSession,
    keyring: Keyring,
    message_id: int,
    lines: list[dict[str, Any]],
    content: bytes,
    now: datetime,
) -> int | None:
    """Keep a picture and what it shows, and let its message have its turn; gives the conversation.

    None when the picture is no longer in hand: another process was quicker, or the customer's data was erased.
    """
    sealed = keyring.seal_file(content, PURPOSE)
    return await _settle(session, message_id, now, state=PhotoState.SEEN, lines=lines, content=sealed)


async def failed(session: AsyncSession, message_id: int, reason: str, now: datetime) -> int | None:
    """Give a picture up and let its message have its turn; gives the conversation, as `seen` does."""
    return await _settle(session, message_id, now, state=PhotoState.FAILED, error=reason[:60])


async def put_back(session: AsyncSession, message_ids: Collection[int], now: datetime) -> None:
    """Let another process take these pictures in hand at once: this one stops. It does not count as an attempt."""
    await session.execute(
        update(Photo)
        .where(Photo.message_id.in_(message_ids), Photo.state == PhotoState.LOOKING)
        .values(until=now, attempts=Photo.attempts - 1)
    )
    waiting = Message.state == MessageState.RECEIVED
    await session.execute(update(Message).where(Message.id.in_(message_ids), waiting).values(due_at=now))


async def _settle(session: AsyncSession, message_id: int, now: datetime, **values: Any) -> int | None:
    # The message first: a turn holds its row when it takes a picture in hand.
    message = await session.get(Message, message_id, with_for_update={"key_share": True})
    settled = await session.scalar(
        update(Photo)
        .where(Photo.message_id == message_id, Photo.state == PhotoState.LOOKING)
        .values(**values)
        .returning(Photo.message_id)
    )
    if settled is None or message is None:
        return None
    if message.state == MessageState.RECEIVED:
        message.due_at = now
    return message.conversation_id


async def lines_of(session: AsyncSession, message_id: int) -> list[dict[str, Any]] | None:
    """What the picture of a message shows; None when it was not seen, or is no longer kept."""
    return await session.scalar(select(Photo.lines).where(Photo.message_id == message_id))


async def picture_of(session: AsyncSession, keyring: Keyring, message_id: int) -> bytes | None:
    """The picture of a message as JPEG; None when none is kept. Raises `Unreadable`."""
    stored = await session.scalar(select(Photo.content).where(Photo.message_id == message_id))
    return None if stored is None else keyring.open_file(stored, PURPOSE)


async def forget(session: AsyncSession, message_ids: Collection[int] | Any) -> None:
    """Erase the pictures of these messages and what was seen in them. `message_ids` may be a query."""
    await session.execute(delete(Photo).where(Photo.message_id.in_(message_ids)))
