"""Makes messages of notices, when the hour, the customer's wishes and the carriers allow; decisions before campaigns.

Each batch is one transaction: a process that dies in the middle has written its messages with their notices, or
neither. A campaign keeps few messages in the outbox, so that pausing it acts at once and little waits there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

import structlog
from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from actions.operator import Operator
from bot.channels.carrier import Channel
from bot.clock import Clock, system_clock
from bot.engine.assistant import open_form
from bot.engine.texts import MissingText, Texts
from bot.notice_text import Composed, Composer, Recipient, Unreachable
from bot.routine import Routine
from nlu.language import DEFAULT
from store.audience import no_longer
from store.campaigns import UNSENT, finish, running, selection_of
from store.database import Database
from store.models import (
    Campaign,
    CampaignState,
    Conversation,
    Direction,
    Holder,
    Message,
    MessageState,
    Notice,
    NoticeState,
)
from store.notices import AGENT_WAIT, restored
from store.supplies import registered_language
from store.unsettled import is_waiting, spelled

log = structlog.get_logger()

EVERY_SECONDS = 1.0
BATCH = 25
"""Notices of one transaction: on SQLite customers wait behind it."""
AHEAD = 200
"""Messages of campaigns that may wait in the outbox, those of all campaigns together."""


class Announcer(Routine):
    """`wake` is told the conversations that a reply-like message was written for; campaigns have their lanes."""

    def __init__(
        self,
        database: Database,
        texts: Texts,
        operator: Operator,
        channels: Collection[Channel],
        wake: Callable[[int], None],
        clock: Clock = system_clock,
        every: float = EVERY_SECONDS,
        ahead: int = AHEAD,
    ) -> None:
        super().__init__("announcer", every)
        self._database = database
        self._composer = Composer(texts, operator, channels)
        self._operator = operator
        self._wake = wake
        self._clock = clock
        self._ahead = ahead

    async def look(self) -> None:
        """Write all messages that may be written now. In quiet hours none: what is due stays due."""
        if not self._operator.notices.may_write(self._clock()):
            return
        decisions, campaigns = await self._anything()
        while decisions:
            decisions = await self._decisions()
        if not campaigns:
            return
        while await self._campaign_batch():
            pass
        async with self._database.writing() as session:
            for name in await finish(session, self._clock()):
                log.info("campaign.done", name=name)

    async def _decisions(self) -> bool:
        """One batch of what is told to one customer alone. True when there may be more."""
        now = self._clock()
        written: list[int] = []
        async with self._database.writing() as session:
            rows = await _due(session, now, BATCH, ())
            for notice, conversation in rows:
                conversation_id = await self._settle(session, notice, conversation, None, now)
                if conversation_id is not None:
                    written.append(conversation_id)
        for conversation_id in written:
            self._wake(conversation_id)
        return len(rows) == BATCH

    async def _anything(self) -> tuple[bool, bool]:
        """Whether decisions wait, and whether campaigns run, seen without keeping any writer waiting."""
        waiting = select(Notice.id).where(
            is_waiting(), Notice.not_before <= self._clock(), Notice.campaign_id.is_(None)
        )
        campaigns = select(Campaign.id).where(Campaign.state == CampaignState.RUNNING)
        async with self._database.reading() as session:
            decision = await session.scalar(waiting.limit(1))
            campaign = await session.scalar(campaigns.limit(1))
        return decision is not None, campaign is not None

    async def _campaign_batch(self) -> bool:
        """One batch of campaigns' messages, while the outbox has room. True when there may be more."""
        now = self._clock()
        async with self._database.writing() as session:
            campaigns = {campaign.id: campaign for campaign in await running(session)}
            room = self._ahead - await _unsent(session)
            if not campaigns or room <= 0:
                return False
            rows = await _due(session, now, min(room, BATCH), tuple(campaigns))
            gone: dict[int, str] = {}
            for campaign in campaigns.values():
                theirs = [notice for notice, _ in rows if notice.campaign_id == campaign.id and notice.contract_id]
                if theirs:
                    contracts = [notice.contract_id for notice in theirs if notice.contract_id is not None]
                    reasons = await no_longer(session, selection_of(campaign), contracts, now)
                    gone |= {each.id: reasons[each.contract_id] for each in theirs if each.contract_id in reasons}
            for notice, conversation in rows:
                await self._settle(session, notice, conversation, gone.get(notice.id), now)
        return bool(rows)

    async def _settle(
        self, session: AsyncSession, notice: Notice, conversation: Conversation, gone: str | None, now: datetime
    ) -> int | None:
        """Write, skip or postpone one notice. The conversation that was written in."""
        reason = gone
        if reason is None and await _opted_out(session, conversation):
            reason = "opted_out"
        if reason is None and conversation.holder == Holder.AGENT:
            notice.not_before = now + AGENT_WAIT
            return None
        if reason is None:
            composed = await self._composed(session, notice, conversation, now)
            if isinstance(composed, Composed):
                return await _write(session, notice, conversation, composed, now)
            reason = composed.reason
        notice.state, notice.skipped, notice.settled_at = NoticeState.SKIPPED, reason, now
        return None

    async def _composed(
        self, session: AsyncSession, notice: Notice, conversation: Conversation, now: datetime
    ) -> Composed | Unreachable:
        language = notice.language or conversation.language
        notice.language = language or await registered_language(session, conversation.address) or DEFAULT
        to = Recipient(Channel(conversation.channel), conversation.address, conversation.last_inbound_at)
        params = {name: restored(value) for name, value in notice.params.items()}
        try:
            return self._composer.compose(notice.response, params, notice.language, to, now)
        except MissingText as error:  # written by another release: told to the operator, and the others go on
            log.error("announcer.no_text", notice=notice.id, error=str(error))
            return Unreachable("no_text")


async def _due(
    session: AsyncSession, now: datetime, limit: int, campaigns: Iterable[int]
) -> list[tuple[Notice, Conversation]]:
    """The oldest notices due, of these campaigns or of none, with what they go to, held by this process.

    A conversation in the middle of a turn is left out: it is looked at again within a second or two.
    """
    whose = Notice.campaign_id.in_(campaigns) if campaigns else Notice.campaign_id.is_(None)
    query = (
        select(Notice, Conversation)
        .join(Conversation, Conversation.id == Notice.conversation_id)
        .where(is_waiting(), Notice.not_before <= now, whose)
        .order_by(Notice.not_before, Notice.id)
        .limit(limit)
        .with_for_update(of=(Notice, Conversation), skip_locked=True, key_share=True)
    )
    return [(notice, conversation) for notice, conversation in await session.execute(query)]


async def _unsent(session: AsyncSession) -> int:
    """Messages of campaigns that the outbox still holds."""
    query = select(func.count()).where(Message.bulk == true(), spelled(Message.state, UNSENT))
    return await session.scalar(query) or 0


async def _opted_out(session: AsyncSession, conversation: Conversation) -> bool:
    """Whether the person asked for no messages, here or from the same number on another channel."""
    query = select(Conversation.id).where(
        Conversation.address == conversation.address, Conversation.opted_out_at.is_not(None)
    )
    return await session.scalar(query.limit(1)) is not None


async def _write(
    session: AsyncSession, notice: Notice, conversation: Conversation, composed: Composed, now: datetime
) -> int:
    if composed.channel != conversation.channel:
        conversation = await _by_sms(session, conversation.address, now)
    payload: dict[str, object] = {}
    if composed.template is not None:
        payload["template"] = composed.template
    # In the middle of a form a number answers the form's question, not a button of ours.
    offers = bool(composed.buttons) and open_form(conversation.dialogue) is None
    if offers:
        payload["buttons"] = [list(button) for button in composed.buttons]
    message = Message(
        conversation_id=conversation.id,
        channel=composed.channel.value,
        direction=Direction.OUT,
        # Where a backup was restored since the notice was due, the carrier is asked first.
        state=MessageState.SENDING if notice.doubts else MessageState.QUEUED,
        body=composed.text,
        payload=payload or None,
        language=notice.language,
        bulk=notice.campaign_id is not None,
        due_at=now,
        created_at=notice.not_before if notice.doubts else now,
    )
    session.add(message)
    await session.flush()
    if offers:
        conversation.offered = {"message": message.id, "buttons": payload["buttons"]}
    notice.state, notice.message_id, notice.settled_at = NoticeState.WRITTEN, message.id, now
    return conversation.id


async def _by_sms(session: AsyncSession, phone: str, now: datetime) -> Conversation:
    """The SMS conversation with a phone that has written elsewhere."""
    query = select(Conversation).where(Conversation.channel == Channel.SMS.value, Conversation.address == phone)
    found = await session.scalar(query)
    if found is None:
        found = Conversation(channel=Channel.SMS.value, address=phone, created_at=now)
        session.add(found)
        await session.flush()
    return found
