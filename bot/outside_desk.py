"""What a helpdesk's agents do in a conversation, by the same rules as the agents of our own desk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.channels.carrier import Channel
from bot.desk.conversations import sendable
from bot.desk.conversations.sendable import NotSendable, check, cleaned
from bot.wake import announce
from store import hand_overs, outside
from store.desk_messages import write_reply
from store.desk_models import HandOver, Upload, User
from store.hand_overs import NotOpen
from store.models import Message

REASONS: Mapping[str, str] = {
    sendable.EMPTY: "the message is empty",
    sendable.TOO_LONG: "the message has {length} characters; this channel takes {limit}",
    sendable.NOT_COMPLETE: "places in the message are not filled: {places}",
    sendable.WINDOW_CLOSED: "the customer has not written for 24 hours: WhatsApp takes approved templates only",
    sendable.CANNOT_SEND: "this channel is not configured here: nothing can be sent on it",
}
"""Why a message is not sent, for whoever reads English; the desk's own words are the keys."""


class NoHandOver(LookupError):
    """There is no hand-over of that number."""


class KeyUsed(ValueError):
    """A call with this key wrote another message before."""


@dataclass(frozen=True, slots=True)
class OutsideDesk:
    """`source` says which helpdesk acts (`store.helpdesk_models`); `channels` are those that can be sent on."""

    source: str
    channels: Collection[Channel]

    async def held(self, session: AsyncSession, hand_over_id: int) -> HandOver:
        """The open hand-over, which nobody else changes meanwhile. Raises `NoHandOver` and `NotOpen`."""
        found = await session.get(HandOver, hand_over_id)
        if found is None:
            raise NoHandOver
        hand_over = await hand_overs.current(session, found.conversation_id, hold=True)
        if hand_over is None or hand_over.id != hand_over_id:
            raise NotOpen("this conversation is no longer with the agents")
        return hand_over

    async def reply(
        self,
        session: AsyncSession,
        hand_over: HandOver,
        user: User,
        text: str,
        reference: str,
        now: datetime,
        upload: Upload | None = None,
    ) -> Message:
        """Send a message to the customer, once for each `reference`; it takes the conversation.

        Raises `NotSendable`, `store.hand_overs.Taken`, and `KeyUsed` for a reference of another message.
        """
        before = await self.replied(session, hand_over, text, reference)
        if before is not None:
            return before
        text, conversation = cleaned(text), hand_over.conversation
        if conversation.channel not in self.channels:
            raise NotSendable(sendable.CANNOT_SEND)
        check(text, conversation, now)
        await self.take_over(session, hand_over, user, now)
        form = f"{self.source}/{reference}"
        message = await write_reply(session, conversation, user.id, text, form, now, upload=upload)
        await outside.note(session, message.id, self.source, reference)
        await announce(session, conversation.id)
        return message

    async def replied(self, session: AsyncSession, hand_over: HandOver, text: str, reference: str) -> Message | None:
        """The message that was sent under `reference`, open or not; None when none was.

        Raises `KeyUsed` for a reference of another message.
        """
        before = await outside.message_of(session, self.source, reference)
        if before is None:
            return None
        if before.conversation_id != hand_over.conversation_id or before.body != cleaned(text):
            raise KeyUsed("this key was used for another message")
        return before

    async def take_over(self, session: AsyncSession, hand_over: HandOver, user: User, now: datetime) -> None:
        """Have `user` have the conversation. Within a helpdesk conversations pass from agent to agent as it
        arranges them. Raises `Taken` when somebody of our own desk, or of another helpdesk, has it.
        """
        holder = hand_over.user_id
        if holder in (None, user.id) or not await outside.is_agent_of(session, self.source, holder):
            await hand_overs.claim(session, hand_over, user.id, now)
        else:
            await hand_overs.transfer(session, hand_over, user.id, now, to_user_id=user.id)


def reason_of(error: NotSendable) -> str:
    """One line of English."""
    return REASONS[error.text].format_map(error.values)
