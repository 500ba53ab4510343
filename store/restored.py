"""What a store that was restored from a backup must not do: say again what the lost one has said since.

What was to be sent then has most likely been sent; what was to be handled has been answered. Carriers that can be
asked are asked before anything of it is sent. For the others it is given up, and people can see that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Update, delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import UserSession
from store.models import Audit, Campaign, CampaignState, Message, MessageState, Notice, NoticeState

GIVEN_UP = "backup restored: perhaps sent, not sent again"
SET_ASIDE = "backup restored: perhaps answered"
_TO_SEND = (MessageState.QUEUED, MessageState.SENDING)


@dataclass(frozen=True, slots=True)
class Settled:
    """What was found waiting: `asked` messages are asked for first, `given_up` ones are not sent or answered."""

    asked: int
    given_up: int
    notices: int
    campaigns: int
    sign_ins: int


async def settle(session: AsyncSession, cannot_ask: Collection[str], taken_at: datetime, now: datetime) -> Settled:
    """Put in doubt all that waited when the backup was taken, pause campaigns, and sign everybody out.

    `cannot_ask` are the channels whose carriers do not say what they sent. Doing it twice changes nothing more.
    """
    unknowable = Message.channel.in_(cannot_ask)
    given_up = await _changed(
        session,
        update(Message)
        .where(unknowable, Message.state.in_(_TO_SEND))
        .values(state=MessageState.DEAD, error=GIVEN_UP, settled_at=now),
    ) + await _changed(
        session,
        update(Message)
        .where(unknowable, Message.state == MessageState.RECEIVED)
        .values(state=MessageState.SET_ASIDE, error=SET_ASIDE, settled_at=now),
    )
    asked = await _changed(
        session,
        update(Message)
        .where(Message.state.in_(_TO_SEND))
        .values(state=MessageState.SENDING, due_at=now, doubts=Message.doubts + 1),
    ) + await _changed(session, update(Message).where(Message.state == MessageState.RECEIVED).values(doubts=1))
    notices = await _changed(session, update(Notice).where(Notice.state == NoticeState.WAITING).values(doubts=1))
    running = update(Campaign).where(Campaign.state == CampaignState.RUNNING)
    campaigns = await _changed(session, running.values(state=CampaignState.PAUSED))
    # Whoever signed out, was shut out or lost a browser since is signed in again in the backup.
    ended = await session.scalars(delete(UserSession).returning(UserSession.id))
    settled = Settled(asked, given_up, notices, campaigns, len(ended.all()))
    details = {"taken_at": taken_at.isoformat(timespec="seconds"), "asked": asked, "given_up": given_up}
    session.add(Audit(at=now, actor="command", action="database.restored", subject="database", details=details))
    await session.flush()
    return settled


async def _changed(session: AsyncSession, statement: Update) -> int:
    model = statement.entity_description["entity"]
    rows = await session.scalars(statement.returning(model.id).execution_options(synchronize_session=False))
    return len(rows.all())
