"""Who looked at which customer's file: one line of the audit for each person, subject and hour.

A subject is `conversation:ID` or `contract:NUMBER`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.database import Database
from store.models import Audit
from store.types import Instant

VIEWED = "customer.viewed"
ONCE_PER = timedelta(hours=1)
"""How long a look covers those after it."""

_LOOKED = (
    select(Audit.id)
    .where(
        Audit.subject == bindparam("subject"),
        Audit.at > bindparam("since", type_=Instant),
        Audit.actor == bindparam("actor"),
        Audit.action == VIEWED,
    )
    .limit(1)
)


async def has_viewed(session: AsyncSession, actor: str, subject: str, since: datetime) -> bool:
    """Whether `actor` looked at `subject` after `since`."""
    found = await session.scalar(_LOOKED, {"subject": subject, "since": since, "actor": actor})
    return found is not None


async def viewed(
    session: AsyncSession,
    actor: str,
    subject: str,
    now: datetime,
    why: str | None = None,
    **details: Any,
) -> None:
    """Note that `actor` (`user:7`) looks at `subject`, unless that is noted within the hour.

    `why` is what they gave as their reason, and is always noted; `details` are JSON values.
    """
    if why is None and await has_viewed(session, actor, subject, now - ONCE_PER):
        return
    reason = {} if why is None else {"why": why}
    session.add(Audit(at=now, actor=actor, action=VIEWED, subject=subject, details={**reason, **details}))
    await session.flush()


async def note_view(database: Database, actor: str, subject: str, now: datetime, **details: Any) -> None:
    """The same in a transaction of its own, which is only begun when there is something to note.

    Pages that come again every few seconds would otherwise wait for the one writer that SQLite has.
    """
    async with database.reading() as session:
        if await has_viewed(session, actor, subject, now - ONCE_PER):
            return
    async with database.writing() as session:
        await viewed(session, actor, subject, now, **details)
