"""Files that agents send with a message, sealed where there is a key.

One that was never sent is kept for a day: its draft may still be.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from store.desk_models import Upload
from store.sealing import Keyring

UNSENT_KEPT = timedelta(days=1)
PURPOSE = "upload"
"""What `Upload.content` is sealed for (`store.sealing`)."""


async def keep(
    session: AsyncSession,
    keyring: Keyring,
    user_id: int,
    name: str,
    content_type: str,
    content: bytes,
    now: datetime,
) -> Upload:
    """Store a file that waits to be sent; what the person never sent long ago goes."""
    await session.execute(
        delete(Upload).where(
            Upload.user_id == user_id, Upload.message_id.is_(None), Upload.created_at < now - UNSENT_KEPT
        )
    )
    sealed = keyring.seal_file(content, PURPOSE)
    upload = Upload(user_id=user_id, name=name, content_type=content_type, content=sealed, created_at=now)
    session.add(upload)
    await session.flush()
    return upload


async def unsent(session: AsyncSession, upload_id: int, user_id: int) -> Upload | None:
    """A file of this person's that waits to be sent, without its bytes."""
    query = select(Upload).where(Upload.id == upload_id, Upload.user_id == user_id, Upload.message_id.is_(None))
    return await session.scalar(query.options(defer(Upload.content)))


async def content_of(session: AsyncSession, keyring: Keyring, message_id: int) -> bytes:
    """The bytes that go with a message. Raises `NoResultFound` and `Unreadable`."""
    query = select(Upload.content).where(Upload.message_id == message_id).limit(1)
    return keyring.open_file((await session.scalars(query)).one(), PURPOSE)
