"""A helpdesk's agents, and which messages both sides have."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from store.desk_models import Role, User
from store.helpdesk_models import OutsideAgent, OutsideMessage
from store.models import Message
from store.users import LONGEST_NAME

DOMAIN = "helpdesk.invalid"
"""Of the addresses that accounts need and these never use: no such domain can exist (RFC 2606)."""


async def agent(session: AsyncSession, source: str, reference: str, name: str, now: datetime) -> User:
    """Somebody whom `source` calls `reference`, made when they come for the first time; `name` is what they are
    called now. They have no password and no other way to sign in at our desk.
    """
    found = await _agent(session, source, reference)
    if found is None:
        try:
            async with session.begin_nested():
                await _add(session, source, reference, name, now)
        except IntegrityError:  # another process was first
            pass
        found = await _agent(session, source, reference)
        assert found is not None
    found.name = name.strip()[:LONGEST_NAME]
    await session.flush()
    return found


async def is_agent_of(session: AsyncSession, source: str, user_id: int) -> bool:
    """Whether somebody is an agent of that helpdesk."""
    query = select(OutsideAgent.user_id).where(OutsideAgent.source == source, OutsideAgent.user_id == user_id)
    return await session.scalar(query) is not None


async def message_of(session: AsyncSession, source: str, reference: str) -> Message | None:
    """The message that the helpdesk knows under `reference`."""
    query = (
        select(Message)
        .join(OutsideMessage, OutsideMessage.message_id == Message.id)
        .where(OutsideMessage.source == source, OutsideMessage.reference == reference)
    )
    return await session.scalar(query)


async def note(session: AsyncSession, message_id: int, source: str, reference: str | None) -> None:
    """Write down that the helpdesk has a message, or, without a `reference`, that it is on its way there."""
    session.add(OutsideMessage(message_id=message_id, source=source, reference=reference))
    await session.flush()


async def _agent(session: AsyncSession, source: str, reference: str) -> User | None:
    query = select(OutsideAgent).where(OutsideAgent.source == source, OutsideAgent.reference == reference)
    found = await session.scalar(query.options(joinedload(OutsideAgent.user)))
    return None if found is None else found.user


async def _add(session: AsyncSession, source: str, reference: str, name: str, now: datetime) -> None:
    local = sha256(f"{source}\n{reference}".encode()).hexdigest()[:32]
    user = User(
        email=f"{local}@{DOMAIN}",
        name=name.strip()[:LONGEST_NAME],
        role=Role.AGENT,
        must_change_password=False,
        created_at=now,
    )
    session.add(user)
    await session.flush()
    session.add(OutsideAgent(user_id=user.id, source=source, reference=reference))
    await session.flush()
