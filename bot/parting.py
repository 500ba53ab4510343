"""How an agent leaves a conversation: the customer is told that the assistant is back, or asked how it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from actions.operator import Operator
from bot.channels.carrier import Channel
from bot.engine.texts import Texts, shown
from bot.notice_text import WHATSAPP_WINDOW
from bot.turns import parking
from bot.wake import announce
from nlu.language import DEFAULT
from nlu.score import BEST
from store import hand_overs
from store.desk_models import HandOver, Outcome
from store.models import Conversation, Message
from store.queued import queued

SCORE = "score:"
"""Begins what a button of the closing question stands for; the score follows."""


@dataclass(frozen=True, slots=True)
class Parting:
    """What is said goes to the outbox in the transaction of the end itself.

    Nothing is said where it may not be sent: by SMS to somebody who stopped all messages, and on WhatsApp a day
    after the customer's last message.
    """

    texts: Texts
    operator: Operator

    async def close(
        self,
        session: AsyncSession,
        hand_over: HandOver,
        user_id: int,
        now: datetime,
        outcome: Outcome,
        summary: str | None,
        *,
        ask: bool = True,
    ) -> None:
        """`store.hand_overs.close`, and with `ask` one question: from 1 to 5, how was it?"""
        asked = ask and _may_tell(hand_over.conversation, now)
        await hand_overs.close(session, hand_over, user_id, now, outcome, summary, ask=asked)
        conversation = hand_over.conversation
        self._put_aside(conversation, now)
        if asked:
            await self._ask(session, hand_over, now)
        await announce(session, conversation.id)

    async def release(self, session: AsyncSession, hand_over: HandOver, user_id: int, now: datetime) -> None:
        """`store.hand_overs.release`, and the customer is told that the assistant answers again."""
        await hand_overs.release(session, hand_over, user_id, now)
        conversation = hand_over.conversation
        self._put_aside(conversation, now)
        if _may_tell(conversation, now):
            await self._say(session, hand_over, "utter_released", now)
        await announce(session, conversation.id)

    def _put_aside(self, conversation: Conversation, now: datetime) -> None:
        """A form that was open when the agent came: its question is long forgotten."""
        parking.leave_form(conversation, now, self.operator.conversation)

    async def _ask(self, session: AsyncSession, hand_over: HandOver, now: datetime) -> None:
        conversation, language = hand_over.conversation, _language(hand_over)
        question = await self._say(session, hand_over, "utter_how_was_it", now)
        if conversation.channel == Channel.SMS:
            return  # "1. 1" on five lines says nothing that the question does not
        buttons = [[shown(score, language), f"{SCORE}{score}"] for score in range(1, BEST + 1)]
        menu = self.texts.render("utter_menu", language, conversation.channel, {})["text"]
        question.payload = {"buttons": buttons, "menu": menu}
        conversation.offered = {"message": question.id, "buttons": buttons}
        await session.flush()

    async def _say(self, session: AsyncSession, hand_over: HandOver, response: str, now: datetime) -> Message:
        conversation, language = hand_over.conversation, _language(hand_over)
        said: dict[str, Any] = self.texts.render(response, language, conversation.channel, {})
        message = queued(conversation, said["text"], language, now)
        session.add(message)
        await session.flush()
        return message


def _language(hand_over: HandOver) -> str:
    """The customer's, as they have written since, or then."""
    return hand_over.conversation.language or hand_over.language or DEFAULT


def _may_tell(conversation: Conversation, now: datetime) -> bool:
    if conversation.channel == Channel.SMS:
        return conversation.opted_out_at is None
    since = conversation.last_inbound_at
    return conversation.channel != Channel.WHATSAPP or (since is not None and now - since < WHATSAPP_WINDOW)
