"""A hand-over as somebody outside reads it: who the customer is, what was understood, and what was said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from store.desk_models import HandOver, User
from store.models import Conversation, Direction, Message
from store.senders import sender_of

PARTS = (joinedload(HandOver.conversation), joinedload(HandOver.user), joinedload(HandOver.team))
RECENT = 20
"""Messages that tell somebody who comes new what it is about."""


async def load(session: AsyncSession, hand_over_id: int) -> HandOver | None:
    """A hand-over with all that `stay` tells."""
    query = select(HandOver).where(HandOver.id == hand_over_id).options(*PARTS)
    return await session.scalar(query)


async def agent_of(session: AsyncSession, message: Message) -> str | None:
    """The name of the agent who wrote a message; None when none did."""
    return (
        None if message.user_id is None else await session.scalar(select(User.name).where(User.id == message.user_id))
    )


def stay(hand_over: HandOver, conversation: Conversation) -> dict[str, Any]:
    """The hand-over itself, without what was said. Moments are ISO 8601 with their zone."""
    return {
        "id": hand_over.id,
        "conversation": hand_over.conversation_id,
        "channel": conversation.channel,
        "address": conversation.address,
        "reason": hand_over.reason,
        "priority": hand_over.priority.value,
        "language": hand_over.language,
        "team": hand_over.team.name if hand_over.team else None,
        "agent": hand_over.user.name if hand_over.user else None,
        "opened_at": moment(hand_over.opened_at),
        "claimed_at": moment(hand_over.claimed_at),
        "ended_at": moment(hand_over.ended_at),
        "outcome": hand_over.outcome.value if hand_over.outcome else None,
        "summary": hand_over.summary,
    }


async def context(session: AsyncSession, conversation_id: int, now: datetime) -> dict[str, Any]:
    """Who writes, as far as it is known, what they last meant, and the latest messages."""
    sender = await sender_of(session, conversation_id, now)
    recent = await messages(session, conversation_id, RECENT)
    return {
        "customers": sorted({each.customer.name for each in sender.contracts}) if sender else [],
        "contracts": sorted(each.number for each in sender.contracts) if sender else [],
        "known_by": [way.proof for way in sender.ways] if sender else [],
        "understood": next((each["understood"] for each in reversed(recent) if each["understood"]), None),
        "transcript": recent,
    }


async def messages(
    session: AsyncSession, conversation_id: int, limit: int, after: int | None = None
) -> list[dict[str, Any]]:
    """The latest messages of a conversation, or those after number `after`, in order."""
    query = (
        select(Message, User.name)
        .outerjoin(User, User.id == Message.user_id)
        .where(Message.conversation_id == conversation_id)
        .limit(limit)
    )
    if after is None:
        return [said(row.Message, row.name) for row in await session.execute(query.order_by(Message.id.desc()))][::-1]
    query = query.where(Message.id > after).order_by(Message.id)
    return [said(row.Message, row.name) for row in await session.execute(query)]


def said(message: Message, agent: str | None = None) -> dict[str, Any]:
    """A message. `by` is `customer`, `assistant` or `agent`; attachments are numbered from 0."""
    payload = message.payload or {}
    media = payload.get("media", ()) if message.direction == Direction.IN else ()
    return {
        "id": message.id,
        "by": "customer" if message.direction == Direction.IN else "agent" if message.user_id else "assistant",
        "agent": agent,
        "text": message.body,
        "language": message.language,
        "state": message.state.value,
        "at": moment(message.created_at),
        "understood": _understood(message.understood),
        "attachments": [
            {"number": number, "type": each.get("type"), "content_type": each.get("content_type")}
            for number, each in enumerate(media)
        ],
    }


def _understood(kept: dict[str, Any] | None) -> dict[str, Any] | None:
    if not kept or not kept.get("intent"):
        return None
    return {"intent": kept["intent"], "confidence": kept.get("confidence"), "entities": kept.get("entities", [])}


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
