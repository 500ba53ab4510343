"""Tells the desks, in every process, that something they show has changed. It leaves with its transaction."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession


async def changed(session: AsyncSession, conversation_id: int) -> None:
    """Announce, once this transaction is committed, that a conversation looks different at the desk."""
