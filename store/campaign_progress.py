"""How far a campaign has come: what became of its notices and their messages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from store.models import Direction, Message, MessageState, Notice, NoticeState


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign has come, in notices. `replied` wrote to us after their message."""

    waiting: int
    skipped: dict[str, int]
    queued: int
    sent: int
    delivered: int
    failed: int
    replied: int

    @property
    def total(self) -> int:
        return self.waiting + sum(self.skipped.values()) + self.queued + self.sent + self.failed

    @property
    def settled(self) -> int:
        return self.total - self.waiting - self.queued


async def progress(session: AsyncSession, campaign_id: int) -> Progress:
    query = (
        select(Notice.state, Notice.skipped, Message.state, Message.delivery, func.count())
        .outerjoin(Message, Message.id == Notice.message_id)
        .where(Notice.campaign_id == campaign_id)
        .group_by(Notice.state, Notice.skipped, Message.state, Message.delivery)
    )
    notices: Counter[NoticeState] = Counter()
    skipped: Counter[str] = Counter()
    states: Counter[MessageState | None] = Counter()
    delivered = undelivered = 0
    for state, reason, message, delivery, count in await session.execute(query):
        notices[state] += count
        if reason is not None:
            skipped[reason] += count
        states[message] += count
        if message == MessageState.SENT:
            delivered += count if delivery in ("delivered", "read") else 0
            undelivered += count if delivery == "failed" else 0
    answer = aliased(Message)
    replied = await session.scalar(
        select(func.count())
        .select_from(Notice)
        .join(Message, Message.id == Notice.message_id)
        .where(Notice.campaign_id == campaign_id)
        .where(
            exists().where(
                answer.conversation_id == Message.conversation_id,
                answer.direction == Direction.IN,
                answer.id > Message.id,
            )
        )
    )
    return Progress(
        waiting=notices[NoticeState.WAITING],
        skipped=dict(skipped),
        queued=states[MessageState.QUEUED] + states[MessageState.SENDING],
        sent=states[MessageState.SENT] - undelivered,
        delivered=delivered,
        failed=states[MessageState.REFUSED] + states[MessageState.DEAD] + undelivered,
        replied=replied or 0,
    )
