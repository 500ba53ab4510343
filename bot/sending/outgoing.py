"""Outgoing messages as rows: which one is next, who holds it, and how a carrier sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import bindparam, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.channels.carrier import Attachment, Button, Channel, Outbound, Template
from bot.sending.attachments import SECONDS, UPLOADED, content_type
from bot.telemetry.tracing import parent_of
from store.models import Conversation, Holder, Message, MessageState
from store.unsettled import TO_SEND, spelled, unsettled

log = structlog.get_logger()

LEASE = timedelta(seconds=20)
"""How long a process may hold a message; longer than any carrier's time-out, so that a live send is never doubted."""
LEASE_WITH_ATTACHMENT = LEASE + timedelta(seconds=SECONDS)

NEXT_REPLY = (
    select(Message, Conversation.address)
    .join(Conversation, Conversation.id == Message.conversation_id)
    .where(
        Message.conversation_id == bindparam("conversation_id"),
        unsettled(TO_SEND),
        Message.bulk == false(),
    )
    .order_by(Message.id)
    .limit(1)
    # A locked row is waited for, not skipped: while another process claims the first, the second is not the first.
    .with_for_update(of=Message, key_share=True)
)
"""The oldest reply of a conversation that is not settled, due or not, and its recipient's address."""

_before = aliased(Message)
_with_people = aliased(Conversation)
_BULK_MAY_GO = (
    Message.bulk == true(),
    spelled(Message.state, TO_SEND),
    Message.due_at <= bindparam("now"),
    ~select(_before.id)
    .where(
        _before.conversation_id == Message.conversation_id,
        unsettled(TO_SEND, _before),
        or_(_before.bulk == false(), _before.id < Message.id),
    )
    .exists(),
    # Nobody who talks with a person is interrupted by a campaign.
    ~select(_with_people.id)
    .where(_with_people.id == Message.conversation_id, _with_people.holder == Holder.AGENT)
    .exists(),
)
BULK_AHEAD = (
    select(Message.id).where(Message.channel == bindparam("channel"), *_BULK_MAY_GO).order_by(Message.id).limit(100)
)
"""The oldest messages of campaigns on a channel that are due and have nothing to go before them in their
conversation, which no person has. Finding one costs as much as finding a hundred: what a campaign has left is
looked through.
"""
THIS_BULK = (
    select(Message, Conversation.address)
    .join(Conversation, Conversation.id == Message.conversation_id)
    .where(Message.id == bindparam("message_id"), *_BULK_MAY_GO)
    .with_for_update(of=Message, skip_locked=True, key_share=True)
)
"""One of these, unless it may not go any more or another process has it, and its recipient's address."""

_OPEN_REPLY = (
    select(Message.id)
    .where(
        Message.conversation_id == bindparam("conversation_id"),
        unsettled(TO_SEND),
        Message.bulk == false(),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process holds. `doubtful` when an earlier holder may have sent it already."""

    outbound: Outbound
    attempts: int
    """Each claim counts one: by it a holder sees whether another has taken the message over."""
    doubts: int
    doubtful: bool
    since: datetime
    asked_at: datetime | None = None
    """When the customer's message was stored that it answers."""


async def has_open(session: AsyncSession, conversation_id: int) -> bool:
    """Whether earlier replies of a conversation still wait to be sent: a new one must queue behind them.

    Not behind a campaign's messages, which it overtakes.
    """
    return await session.scalar(_OPEN_REPLY, {"conversation_id": conversation_id}) is not None


def take(message: Message, now: datetime) -> None:
    """Claim an outgoing message for this process."""
    message.state = MessageState.SENDING
    message.attempts += 1
    message.due_at = now + lease(with_attachment=(message.payload or {}).get("attachment") is not None)


def lease(*, with_attachment: bool) -> timedelta:
    """How long a message may be held."""
    return LEASE_WITH_ATTACHMENT if with_attachment else LEASE


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
        template=_template(payload.get("template")),
        bulk=message.bulk,
        answers=message.answers_id,
        traceparent=parent_of(message.payload),
    )


def _template(order: dict[str, Any] | None) -> Template | None:
    return None if order is None else Template(order["sid"], order.get("variables", {}))


def _attachment(message_id: int, order: dict[str, Any] | None) -> Attachment | None:
    if order is None:
        return None
    kind = content_type(order)
    if kind is None:  # of another release of ours
        log.error("outbox.text_alone", message=message_id, reason=f"nothing makes '{order['make']}'")
        return None
    return Attachment(order["name"], kind, order, essential=order["make"] == UPLOADED)
