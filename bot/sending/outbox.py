"""Sends messages: in order per conversation, within the carriers' limits, never twice when that can be known.

A row is claimed for a while (`sending`, `due_at`), sent, and settled. A claim that ran out is a message *in
doubt*: the process died, or the carrier did not answer, after the request may have left. The carrier is asked
first; where it cannot be asked a reply is sent again rather than lost, and the doubt is counted. Each claim has a
number (`attempts`): a process that stood still for longer than its claim neither sends what another has taken over
nor changes what has become of it.

A *bulk* message is one of a campaign. It goes when its conversation has no reply left to send, and is claimed only
once the carrier's rate leaves room, so that none is held for longer than a send takes. In doubt, where the carrier
cannot be asked, it is given up: a reminder is rather lost than sent twice.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from types import SimpleNamespace
from typing import Any

import structlog
from sqlalchemy import Connection, Row, Select, bindparam, exists, literal_column, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.channels.carrier import (
    Accepted,
    Busy,
    CannotAsk,
    Carrier,
    Channel,
    InDoubt,
    Outbound,
    RateLimits,
    Refused,
)
from bot.clock import Clock, system_clock
from bot.sending.attachments import Attachments, NotMade
from bot.sending.files import FileLinks
from bot.sending.outgoing import BULK_AHEAD, NEXT_REPLY, THIS_BULK, Claimed, lease, outbound, take
from bot.sending.throttle import BULK_SHARE, Throttle
from bot.telemetry.messages import answered, sending, taken_by
from bot.telemetry.metrics import MESSAGES_SENT, SENT_AGAIN, child
from bot.turns.lateness import Lateness
from store.changes import changed
from store.database import Database
from store.models import Conversation, Direction, Message, MessageState
from store.unsettled import TO_SEND, unsettled
from store.waiting import LONGEST_PAUSE, is_due

log = structlog.get_logger()

MAX_ATTEMPTS = 8
"""Tries of a campaign's message. A reply is tried for `GIVEN_UP_AFTER`: an outage of the carrier's loses none."""
GIVEN_UP_AFTER = timedelta(hours=24)
FIRST_RETRY = timedelta(seconds=2)
LAST_RETRY = timedelta(minutes=2)
KNOWN_IDS = 500
"""Of a conversation's newest messages, told to a carrier that is asked: more than any carrier looks through."""
NOT_SENT_AGAIN = "in doubt: not sent again"


class After(Enum):
    """What follows a message that was dealt with."""

    WAIT = "the next must wait"
    NOTHING = "the next may follow"
    MORE = "the next may follow, and is in the store: perhaps queued by another process, which leaves it to us"


class NotSentAgain(Exception):
    """A bulk message in doubt at a carrier that cannot be asked."""


class Outbox:
    """Drains the queued messages of conversations through the configured carriers."""

    def __init__(
        self,
        database: Database,
        carriers: list[Carrier],
        attachments: Attachments,
        links: FileLinks,
        clock: Clock = system_clock,
        bulk_share: float = BULK_SHARE,
        lateness: Lateness | None = None,
    ) -> None:
        self._database = database
        self._lateness = lateness
        self._attachments = attachments
        self._links = links
        self._clock = clock
        self._carriers = {channel: carrier for carrier in carriers for channel in carrier.channels}
        limits: dict[Channel, RateLimits] = {}
        for carrier in carriers:
            limits.update(carrier.limits)
        self._throttle = Throttle(limits, bulk_share)
        self._bulk_ahead: defaultdict[Channel, deque[int]] = defaultdict(deque)

    @property
    def channels(self) -> frozenset[Channel]:
        """Where messages can be sent."""
        return frozenset(self._carriers)

    async def deliver(self, claimed: list[Claimed]) -> After:
        """Send messages that this process holds, in order; stops at the first after which the next must wait."""
        after = After.NOTHING
        for each in claimed:
            after = await self._deliver(each)
            if after is After.WAIT:
                break
        return after

    async def drain(self, conversation_id: int, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Send the replies that are due in one conversation, oldest first; stops at the first that must wait.

        No further one is begun once it no longer `goes_on`: at one a second a long queue outlasts the patience of
        whoever stops the process, and another process can send it.
        """
        while goes_on():
            head = await self._claim(NEXT_REPLY, conversation_id=conversation_id)
            if head is None or await self._deliver(head) is After.WAIT:
                return

    async def room_for_bulk(self, channel: Channel) -> None:
        """Wait until the channel's rate leaves room for a bulk message, and no reply waits for it."""
        await self._throttle.bulk(channel)

    async def claim_bulk(self, channel: Channel) -> Claimed | None:
        """The oldest bulk message that may go now on a channel, held by this process: `deliver` it.

        They are found many at a time, without keeping any writer waiting, and claimed one by one.
        """
        ahead, now = self._bulk_ahead[channel], self._clock()
        if not ahead:
            async with self._database.reading() as session:
                ahead.extend(await session.scalars(BULK_AHEAD, {"channel": channel.value, "now": now}))
        while ahead:
            claimed = await self._claim(THIS_BULK, message_id=ahead.popleft(), now=now)
            if claimed is not None:
                return claimed
        return None

    async def _claim(self, query: Select[Message, str], **parameters: Any) -> Claimed | None:
        now = self._clock()
        async with self._database.writing() as session:
            row = (await session.execute(query, parameters)).one_or_none()
            if row is None:
                return None
            message, address = row
            if not is_due(message.due_at, now, LONGEST_PAUSE):
                return None
            doubtful = message.state == MessageState.SENDING
            if not doubtful and self._lateness is not None:
                await self._lateness.excuse(session, message, now)
            take(message, now)
            asked = select(Message.created_at).where(Message.id == message.answers_id)
            asked_at = None if message.answers_id is None else await session.scalar(asked)
            return Claimed(outbound(message, address), message.attempts, message.doubts, doubtful, now, asked_at)

    async def _deliver(self, claimed: Claimed) -> After:
        """Send one message and settle it."""
        with sending(claimed):
            return await self._sent(claimed)

    async def _sent(self, claimed: Claimed) -> After:
        doubtful = claimed.doubtful
        message = self._furnished(claimed.outbound)
        carrier = self._carriers.get(message.channel)
        if carrier is None:
            log.error("outbox.no_carrier", channel=message.channel.value, message=message.key)
            error = f"no carrier for {message.channel} is configured"
            return await self._settle(claimed, MessageState.DEAD, error=error)
        try:
            accepted = await self._find(carrier, message, claimed.doubts) if doubtful else None
            doubtful = False
            if accepted is None:
                # What a bulk message had to wait for, it waited for before it was claimed.
                wait = self._throttle.recipient if message.bulk else self._throttle.reply
                await wait(message.channel, message.address)
                if not await self._is_held(claimed):
                    return After.WAIT
                accepted = await taken_by(carrier, message)
        except NotSentAgain:
            log.error("outbox.given_up_in_doubt", message=message.key, channel=message.channel.value)
            return await self._settle(claimed, MessageState.DEAD, error=NOT_SENT_AGAIN)
        except Refused as refusal:
            log.warning("outbox.refused", message=message.key, channel=message.channel.value, reason=refusal.reason)
            return await self._settle(claimed, MessageState.REFUSED, error=refusal.reason)
        except InDoubt as doubt:
            # Left as `sending`: once the lease is over it is settled by asking the carrier.
            log.warning("outbox.in_doubt", message=message.key, channel=message.channel.value, reason=doubt.reason)
            return After.WAIT
        except Busy as busy:
            await self._postpone(claimed, busy, doubtful)
            return After.WAIT
        answered(claimed, self._clock())
        after = await self._settle(claimed, MessageState.SENT, accepted=accepted)
        log.info("outbox.sent", message=message.key, channel=message.channel.value, carrier_id=accepted.carrier_id)
        return after

    def _furnished(self, message: Outbound) -> Outbound:
        """`message` with an attachment that carriers can use."""
        attachment = message.attachment
        if attachment is None or message.created_at is None:
            return message
        order = attachment.order

        async def content() -> bytes | None:
            try:
                return await self._attachments.content(order, message.key)
            except NotMade as fault:
                log.error("outbox.text_alone", message=message.key, reason=str(fault))
                return None

        # The same address at each try, since it may be part of the text that a message in doubt is known by.
        url = self._links.url(message.key, attachment.name, message.created_at)
        return replace(message, attachment=replace(attachment, url=url, content=content))

    async def _find(self, carrier: Carrier, message: Outbound, doubts: int) -> Accepted | None:
        """Settle a doubt by asking; None means: send it (again). Raises `NotSentAgain`."""
        can_be_asked, found = True, None
        try:
            found = await carrier.find_sent(message, await self._known_ids(message))
        except CannotAsk:
            can_be_asked = False
        async with self._database.writing() as session:
            await session.execute(update(Message).where(Message.id == message.key).values(doubts=doubts + 1))
        if not can_be_asked:
            if message.bulk:
                raise NotSentAgain
            child(SENT_AGAIN, message.channel.value).inc()
            log.warning("outbox.sent_in_doubt", message=message.key, channel=message.channel.value)
        return found

    async def _known_ids(self, message: Outbound) -> frozenset[str]:
        async with self._database.reading() as session:
            query = (
                select(Message.carrier_id)
                .join(Conversation, Conversation.id == Message.conversation_id)
                .where(
                    Conversation.channel == message.channel.value,
                    Conversation.address == message.address,
                    Message.direction == Direction.OUT,
                    Message.carrier_id.is_not(None),
                )
                .order_by(Message.id.desc())
                .limit(KNOWN_IDS)
            )
            return frozenset(each for each in await session.scalars(query) if each is not None)

    async def _is_held(self, claimed: Claimed) -> bool:
        """Whether a message is still this process's, for as long as sending it takes. It may have waited for the
        carrier's rate, or the process stood still: then the claim is renewed, unless another process has taken over.
        """
        now, message = self._clock(), claimed.outbound
        if now - claimed.since <= lease(with_attachment=False) / 2:  # time enough is left
            return True
        values = {**_held(claimed), "until": now + lease(with_attachment=message.attachment is not None)}

        def renew(connection: Connection) -> bool:
            return connection.execute(_RENEW, values).one_or_none() is not None

        if await self._database.grouped(renew):
            return True
        _taken_over(message)
        return False

    async def _postpone(self, claimed: Claimed, busy: Busy, doubtful: bool) -> None:
        """Try again later; `doubtful` when the carrier could not even be asked, so that it is asked then."""
        message = claimed.outbound
        if self._is_given_up(claimed):
            await self._settle(claimed, MessageState.DEAD, error=busy.reason)
            log.error("outbox.dead", message=message.key, channel=message.channel.value, reason=busy.reason)
            return
        wait = min(FIRST_RETRY * 2 ** (claimed.attempts - 1), LAST_RETRY)
        if busy.retry_after is not None:
            wait = min(max(wait, timedelta(seconds=busy.retry_after)), LONGEST_PAUSE)
        async with self._database.writing() as session:
            postponed = await session.execute(
                update(Message)
                .where(Message.id == message.key, Message.attempts == claimed.attempts)
                .values(
                    state=MessageState.SENDING if doubtful else MessageState.QUEUED,
                    due_at=self._clock() + wait,
                    error=busy.reason[:300],
                )
                .returning(*_WRITER)
                .execution_options(synchronize_session=False)
            )
            written = postponed.one_or_none()
            await _tell_writer(session, written)
        if written is None:
            _taken_over(message)
            return
        log.warning("outbox.busy", message=message.key, reason=busy.reason, wait_seconds=wait.total_seconds())

    def _is_given_up(self, claimed: Claimed) -> bool:
        message = claimed.outbound
        if message.bulk or message.created_at is None:
            return claimed.attempts >= MAX_ATTEMPTS
        return self._clock() - message.created_at > GIVEN_UP_AFTER

    async def _settle(
        self,
        claimed: Claimed,
        state: MessageState,
        *,
        accepted: Accepted | None = None,
        error: str | None = None,
    ) -> After:
        message = claimed.outbound
        values = {
            **_held(claimed),
            "state": state,
            "settled_at": self._clock(),
            "error": error and error[:300],
            "carrier_id": accepted and accepted.carrier_id,
            "parts": accepted and accepted.parts,
        }

        def settle(connection: Connection) -> Row[int, int | None, bool] | None:
            return connection.execute(_SETTLE, values).one_or_none()

        settled = await self._database.grouped(settle, in_no_hurry=True)
        if settled is None:
            _taken_over(message)
            return After.NOTHING
        if settled.user_id is not None:
            async with self._database.writing() as session:
                await _tell_writer(session, settled)
        child(MESSAGES_SENT, message.channel.value, state.value).inc()
        return After.MORE if settled.more else After.NOTHING


async def _tell_writer(
    session: AsyncSession, written: Row[int, int | None] | Row[int, int | None, bool] | None
) -> None:
    """Let the desks know how the message that was `written` fares, if an agent wrote it."""
    if written is not None and written.user_id is not None:
        await changed(session, written.conversation_id)


def _taken_over(message: Outbound) -> None:
    log.warning("outbox.taken_over", message=message.key, channel=message.channel.value)


def _held(claimed: Claimed) -> dict[str, int]:
    return {"message_id": claimed.outbound.key, "claim": claimed.attempts}


_HELD = (Message.id == bindparam("message_id"), Message.attempts == bindparam("claim"))
_RENEW = (
    update(Message)
    .where(*_HELD)
    .values(due_at=bindparam("until"))
    .returning(Message.id)
    .execution_options(synchronize_session=False)
)
_WRITER = (Message.conversation_id, Message.user_id)
# Columns by their names: SQLAlchemy leaves the tables of others out of what SQLite returns, in a subquery too.
_LATER = SimpleNamespace(state=literal_column("later.state"))
_MORE = (
    exists()
    .select_from(text("message AS later"))
    .where(
        text("later.conversation_id = message.conversation_id"),
        unsettled(TO_SEND, _LATER),
        text("NOT later.bulk AND later.id > message.id"),
    )
    .label("more")
)
_SETTLE = (
    update(Message)
    .where(*_HELD)
    .values({name: bindparam(name) for name in ("state", "settled_at", "error", "carrier_id", "parts")})
    .returning(*_WRITER, _MORE)
    .execution_options(synchronize_session=False)
)
