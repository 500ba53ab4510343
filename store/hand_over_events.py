"""What the operator's helpdesk is told of hand-overs (`store.webhooks`), with the change itself.

All events of a conversation have one subject and are published by whoever holds the conversation: they arrive in the
order in which things happened, each message once.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, delete, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from store import hand_over_record
from store.desk_models import HandOver
from store.exchange_models import DeliveryState, WebhookDelivery, WebhookEndpoint
from store.models import Conversation, Message
from store.webhooks import Event, publish


async def tell_opened(session: AsyncSession, hand_over: HandOver, now: datetime) -> None:
    """A conversation waits for people: all that they need to begin."""
    if not await _is_wanted(session, Event.HAND_OVER_OPENED):
        return  # what was said is looked up for somebody only
    data = hand_over_record.stay(hand_over, hand_over.conversation)
    data |= await hand_over_record.context(session, hand_over.conversation_id, now)
    await publish(session, Event.HAND_OVER_OPENED, data, now, subject=_subject(hand_over.conversation_id))


async def tell_message(session: AsyncSession, conversation: Conversation, message: Message, now: datetime) -> None:
    """A customer wrote while people have the conversation."""
    if not await _is_wanted(session, Event.HAND_OVER_MESSAGE):
        return
    open_stay = select(HandOver.id).where(HandOver.conversation_id == conversation.id, HandOver.ended_at.is_(None))
    await session.flush()
    hand_over_id = await session.scalar(open_stay)
    if hand_over_id is None:
        return  # it went back to the assistant with this message
    data = {
        "id": hand_over_id,
        "conversation": conversation.id,
        "channel": conversation.channel,
        "message": hand_over_record.said(message),
    }
    await publish(session, Event.HAND_OVER_MESSAGE, data, now, subject=_subject(conversation.id))


async def tell_ended(session: AsyncSession, hand_over: HandOver, now: datetime) -> None:
    """The assistant answers again."""
    data = hand_over_record.stay(hand_over, hand_over.conversation)
    await publish(session, Event.HAND_OVER_ENDED, data, now, subject=_subject(hand_over.conversation_id))


async def erase_events(session: AsyncSession, conversation_id: int) -> None:
    """Erase what was told of a conversation; what is still to be told is left: it is about to be read."""
    await session.execute(
        delete(WebhookDelivery).where(
            WebhookDelivery.subject == _subject(conversation_id), WebhookDelivery.state != DeliveryState.WAITING
        )
    )


async def _is_wanted(session: AsyncSession, event: Event) -> bool:
    """Whether anybody wants to be told of `event`."""
    query = select(WebhookEndpoint.id).where(
        WebhookEndpoint.disabled_at.is_(None),
        type_coerce(WebhookEndpoint.events, String).contains(f'"{event.value}"', autoescape=True),
    )
    return await session.scalar(query.limit(1)) is not None


def _subject(conversation_id: int) -> str:
    return f"conversation:{conversation_id}"
