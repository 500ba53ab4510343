"""Tells the desks, in every process, that something they show has changed. It leaves with its transaction.

On PostgreSQL by NOTIFY, which takes a lock of the whole server at the commit: only for conversations that people
have, had, or write in, never for each message of the assistant's. On SQLite `Database` tells this process after the
commit. A lost notice only costs seconds: desks also look around on their own.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from store.database import note_change

NOTICE = "releve_desk"
_NOTIFY = text("SELECT pg_notify(:notice, :conversation)")


async def changed(session: AsyncSession, conversation_id: int) -> None:
    """Announce, once this transaction is committed, that a conversation looks different at the desk."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(_NOTIFY, {"notice": NOTICE, "conversation": str(conversation_id)})
    else:
        note_change(session, conversation_id)
