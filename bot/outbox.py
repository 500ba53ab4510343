"""Sends replies: in order per conversation, within the carriers' limits, never twice when that can be known.

A row is claimed for a while (`sending`, `due_at`), sent, and settled. A claim that ran out is a message *in
doubt*: the process died, or the carrier did not answer, after the request may have left. The carrier is asked
first; where it cannot be asked the reply is sent again rather than lost, and the doubt is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiolimiter import AsyncLimiter
from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.attachments import SECONDS, Attachments, NotMade, content_type
from bot.channels.carrier import (
    Accepted,
    Attachment,
    Busy,
    Button,
    CannotAsk,
    Carrier,
    Channel,
    InDoubt,
    Outbound,
    RateLimits,
    Refused,
)
from bot.clock import Clock, system_clock
from bot.files import FileLinks
from store.database import Database
from store.models import Conversation, Direction, Message, MessageState

log = structlog.get_logger()

LEASE = timedelta(seconds=20)
"""How long a process may hold a message; longer than any carrier's time-out, so that a live send is never doubted."""
LEASE_WITH_ATTACHMENT = LEASE + timedelta(seconds=SECONDS)
MAX_ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=2)
LAST_RETRY = timedelta(minutes=10)
RECIPIENTS_REMEMBERED = 10_000

OPEN = (MessageState.QUEUED, MessageState.SENDING)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process holds. `doubtful` when an earlier holder may have sent it already."""

    outbound: Outbound
    attempts: int
    doubts: int
    doubtful: bool


class Throttle:
    """The carriers' rates, per account and per recipient. Waiting here delays; it never drops."""

    def __init__(self, limits: dict[Channel, RateLimits]) -> None:
        self._limits = limits
        self._accounts = {
            channel: AsyncLimiter(max(1, limit.account_per_second), 1) for channel, limit in limits.items()
        }
        self._recipients: dict[tuple[Channel, str], AsyncLimiter] = {}

    async def wait(self, channel: Channel, address: str) -> None:
        limit = self._limits.get(channel)
        if limit is None:
            return
        if limit.recipient_per_second != float("inf"):
            await self._recipient(channel, address, limit.recipient_per_second).acquire()
        await self._accounts[channel].acquire()

    def _recipient(self, channel: Channel, address: str, per_second: float) -> AsyncLimiter:
        if len(self._recipients) > RECIPIENTS_REMEMBERED:
            self._recipients.clear()
        return self._recipients.setdefault(
            (channel, address), AsyncLimiter(max(1, per_second), max(1.0, 1 / per_second))
        )


class Outbox:
    """Drains the queued replies of conversations through the configured carriers."""

    def __init__(
        self,
        database: Database,
        carriers: list[Carrier],
        attachments: Attachments,
        links: FileLinks,
        clock: Clock = system_clock,
    ) -> None:
        self._database = database
        self._attachments = attachments
        self._links = links
        self._clock = clock
        self._carriers = {channel: carrier for carrier in carriers for channel in carrier.channels}
        limits: dict[Channel, RateLimits] = {}
        for carrier in carriers:
            limits.update(carrier.limits)
        self._throttle = Throttle(limits)

    async def deliver(self, claimed: list[Claimed]) -> None:
        """Send messages that this process holds, in order; stops at the first that must wait."""
        for each in claimed:
            if not await self._deliver(each):
                return

    async def drain(self, conversation_id: int) -> None:
        """Send what is due in one conversation, oldest first; stops at the first message that must wait."""
        while True:
            head = await self._claim(conversation_id)
            if head is None or not await self._deliver(head):
                return

    async def _claim(self, conversation_id: int) -> Claimed | None:
        now = self._clock()
        async with self._database.writing() as session:
            query = (
                select(Message, Conversation.address)
                .join(Conversation, Conversation.id == Message.conversation_id)
                .where(Message.conversation_id == conversation_id, Message.state.in_(OPEN))
                .order_by(Message.id)
                .limit(1)
                .with_for_update(of=Message, skip_locked=True, key_share=True)
            )
            row = (await session.execute(query)).one_or_none()
            if row is None:
                return None
            message, address = row
            if message.due_at > now:
                return None
            doubtful = message.state == MessageState.SENDING
            take(message, now)
            return Claimed(outbound(message, address), message.attempts, message.doubts, doubtful)

    async def _deliver(self, claimed: Claimed) -> bool:
        """Send one message and settle it. True when the next one may follow."""
        message = self._furnished(claimed.outbound)
        carrier = self._carriers.get(message.channel)
        if carrier is None:
            await self._settle(message, MessageState.DEAD, error=f"no carrier for {message.channel} is configured")
            log.error("outbox.no_carrier", channel=message.channel.value, message=message.key)
            return True
        try:
            accepted = await self._find(carrier, message, claimed.doubts) if claimed.doubtful else None
            if accepted is None:
                await self._throttle.wait(message.channel, message.address)
                accepted = await carrier.send(message)
        except Refused as refusal:
            await self._settle(message, MessageState.REFUSED, error=refusal.reason)
            log.warning("outbox.refused", message=message.key, channel=message.channel.value, reason=refusal.reason)
            return True
        except InDoubt as doubt:
            # Left as `sending`: once the lease is over it is settled by asking the carrier.
            log.warning("outbox.in_doubt", message=message.key, channel=message.channel.value, reason=doubt.reason)
            return False
        except Busy as busy:
            await self._postpone(claimed, busy)
            return False
        await self._settle(message, MessageState.SENT, accepted=accepted)
        log.info("outbox.sent", message=message.key, channel=message.channel.value, carrier_id=accepted.carrier_id)
        return True

    def _furnished(self, message: Outbound) -> Outbound:
        """`message` with an attachment that carriers can use."""
        attachment = message.attachment
        if attachment is None or message.created_at is None:
            return message
        order = attachment.order

        async def content() -> bytes | None:
            try:
                return await self._attachments.content(order)
            except NotMade as fault:
                log.error("outbox.text_alone", message=message.key, reason=str(fault))
                return None

        # The same address at each try, since it may be part of the text that a message in doubt is known by.
        url = self._links.url(message.key, attachment.name, message.created_at)
        return replace(message, attachment=replace(attachment, url=url, content=content))

    async def _find(self, carrier: Carrier, message: Outbound, doubts: int) -> Accepted | None:
        """Settle a doubt by asking; None means: send it (again)."""
        try:
            found = await carrier.find_sent(message, await self._known_ids(message))
        except CannotAsk:
            found = None
            log.warning("outbox.sent_in_doubt", message=message.key, channel=message.channel.value)
        async with self._database.writing() as session:
            await session.execute(update(Message).where(Message.id == message.key).values(doubts=doubts + 1))
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
            )
            return frozenset(each for each in await session.scalars(query) if each is not None)

    async def _postpone(self, claimed: Claimed, busy: Busy) -> None:
        message = claimed.outbound
        if claimed.attempts >= MAX_ATTEMPTS:
            await self._settle(message, MessageState.DEAD, error=busy.reason)
            log.error("outbox.dead", message=message.key, channel=message.channel.value, reason=busy.reason)
            return
        wait = min(FIRST_RETRY * 2 ** (claimed.attempts - 1), LAST_RETRY)
        if busy.retry_after is not None:
            wait = max(wait, timedelta(seconds=busy.retry_after))
        async with self._database.writing() as session:
            await session.execute(
                update(Message)
                .where(Message.id == message.key)
                .values(state=MessageState.QUEUED, due_at=self._clock() + wait, error=busy.reason[:300])
            )
        log.warning("outbox.busy", message=message.key, reason=busy.reason, wait_seconds=wait.total_seconds())

    async def _settle(
        self,
        message: Outbound,
        state: MessageState,
        *,
        accepted: Accepted | None = None,
        error: str | None = None,
    ) -> None:
        values = {
            "message_id": message.key,
            "state": state,
            "settled_at": self._clock(),
            "error": error and error[:300],
            "carrier_id": accepted and accepted.carrier_id,
            "parts": accepted and accepted.parts,
        }

        async def settle(session: AsyncSession) -> None:
            # By the connection: the session would look for the row's primary key among the parameters.
            await (await session.connection()).execute(_SETTLE, values)

        await self._database.grouped(settle)


def take(message: Message, now: datetime) -> None:
    """Claim an outgoing message for this process."""
    message.state = MessageState.SENDING
    message.attempts += 1
    message.due_at = now + (LEASE_WITH_ATTACHMENT if (message.payload or {}).get("attachment") else LEASE)


def outbound(message: Message, address: str) -> Outbound:
    """A stored message as a carrier sends it. Buttons come back as `MESSAGE:INDEX`, which nobody can forge."""
    payload = message.payload or {}
    return Outbound(
        key=message.id,
        channel=Channel(message.channel),
        address=address,
        text=message.body,
        buttons=tuple(
            Button(title, f"{message.id}:{index}", shares_phone=payload == "share_phone")
            for index, (title, payload) in enumerate(payload.get("buttons", ()))
        ),
        language=message.language or "fr",
        created_at=message.created_at,
        menu=payload.get("menu", ""),
        attachment=_attachment(message.id, payload.get("attachment")),
    )


def _attachment(message_id: int, order: dict[str, Any] | None) -> Attachment | None:
    if order is None:
        return None
    kind = content_type(order)
    if kind is None:  # of another release of ours
        log.error("outbox.text_alone", message=message_id, reason=f"nothing makes '{order['make']}'")
        return None
    return Attachment(order["name"], kind, order)


_OPEN_REPLY = (
    select(Message.id)
    .where(Message.conversation_id == bindparam("conversation_id"), Message.state.in_(OPEN))
    .limit(1)
)
_SETTLE = (
    update(Message)
    .where(Message.id == bindparam("message_id"))
    .values({name: bindparam(name) for name in ("state", "settled_at", "error", "carrier_id", "parts")})
    .execution_options(synchronize_session=False)
)


async def has_open(session: AsyncSession, conversation_id: int) -> bool:
    """Whether earlier replies of a conversation still wait to be sent: a new one must queue behind them."""
    return await session.scalar(_OPEN_REPLY, {"conversation_id": conversation_id}) is not None
