"""A turn's reply, and what it says elsewhere, as rows of the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select

from actions.turn import Turn
from bot.engine.assistant import Assistant, Utterance
from bot.engine.texts import Texts
from bot.sending.outgoing import Claimed, outbound, take
from bot.telemetry.tracing import traced
from store.models import Conversation, Direction, Message, MessageState
from store.queued import queued
from store.turn_record import insert_reply

log = structlog.get_logger()


async def queue(assistant: Assistant, turn: Turn, utterances: list[Utterance], *, must_wait: bool) -> list[Claimed]:
    """Put the reply in the outbox: one message, since each costs; held by this process when it may go now.

    It `must_wait` when earlier replies do: whoever sends those goes on with it.
    """
    if not utterances:
        return []
    session, conversation = turn.session, turn.conversation
    reply = _reply(turn, utterances, assistant.say(turn, "utter_menu").text)
    doubtful = await _doubt(turn, reply)
    if not must_wait:
        take(reply, turn.now)
    await insert_reply(session, reply)
    buttons = (reply.payload or {}).get("buttons")
    conversation.offered = {"message": reply.id, "buttons": buttons} if buttons else None
    if must_wait:
        return []
    return [Claimed(outbound(reply, conversation.address), reply.attempts, 0, doubtful, turn.now)]


async def _doubt(turn: Turn, reply: Message) -> bool:
    """Whether the question was perhaps answered by a store that was lost: then the carrier is asked for this very
    reply, among all that it sent since the question, before it is sent.
    """
    question = await turn.session.get_one(Message, turn.message_id)  # in the session already
    if question.doubts:
        sent_at = (question.payload or {}).get("sent_at")
        reply.state = MessageState.SENDING
        reply.created_at = datetime.fromisoformat(sent_at) if sent_at else question.created_at
    return question.doubts > 0


async def notify_others(texts: Texts, turn: Turn) -> list[int]:
    """Queue what this turn says in other conversations (a one-time code), and which those are."""
    notified = []
    for notice in turn.notices:
        said = texts.render(notice.response, turn.language, notice.channel, notice.params)
        query = select(Conversation).where(
            Conversation.channel == notice.channel, Conversation.address == notice.address
        )
        other = await turn.session.scalar(query)
        if other is None:
            other = Conversation(channel=notice.channel, address=notice.address, created_at=turn.now)
            turn.session.add(other)
            await turn.session.flush()
        turn.session.add(queued(other, said["text"], turn.language, turn.now))
        notified.append(other.id)
    return notified


def _reply(turn: Turn, utterances: list[Utterance], menu: str) -> Message:
    # Only the question asked last: a number typed in answer must not press a button of something said before it.
    buttons = [list(button) for button in utterances[-1].buttons]
    payload: dict[str, Any] = {"buttons": buttons, "menu": menu} if buttons else {}
    attachments = [utterance.attachment for utterance in utterances if utterance.attachment]
    if attachments:
        payload["attachment"] = attachments[-1]
    if len(attachments) > 1:  # a message carries one, and a reply is one message
        log.warning("turn.attachments_left_out", message=turn.message_id, count=len(attachments) - 1)
    return Message(
        conversation_id=turn.conversation.id,
        channel=turn.conversation.channel,
        direction=Direction.OUT,
        state=MessageState.QUEUED,
        body="\n".join(utterance.text for utterance in utterances),
        payload=traced(payload or None),
        language=turn.language,
        answers_id=turn.message_id,
        attempts=0,
        doubts=0,
        bulk=False,
        due_at=turn.now,
        created_at=turn.now,
    )
