"""The customer's answer to the question after closing: how was it, from 1 to 5?"""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select

from actions.operator import Operator
from actions.turn import Turn
from bot.channels.carrier import Kind
from bot.engine.assistant import open_form
from bot.parting import SCORE
from nlu.score import score_in
from store.changes import changed
from store.desk_models import HandOver
from store.models import Message


async def scored(operator: Operator, turn: Turn, message: Message) -> bool:
    """Keep the score when the message is one and answers our question; anything else is an ordinary message.

    It answers while the question is the last that we have asked, for as long as the operator says.
    """
    score = await _pressed(turn, message) if _kind(message) is Kind.BUTTON else _typed(turn, message)
    if score is None:
        return False
    query = (
        select(HandOver).where(HandOver.conversation_id == turn.conversation.id).order_by(HandOver.id.desc()).limit(1)
    )
    last = await turn.session.scalar(query)
    if last is None or last.asked_at is None or last.score is not None:
        return False
    if turn.now - last.asked_at > timedelta(hours=operator.desk.score_hours):
        return False
    last.score = score
    turn.conversation.offered = None
    await turn.session.flush()
    await changed(turn.session, turn.conversation.id)
    return True


_TOKEN = re.compile(r"(\d{1,18}):(\d{1,2})")
"""What a button of ours brings back: its message and its place there."""


def _kind(message: Message) -> Kind:
    return Kind((message.payload or {}).get("kind", Kind.TEXT))


async def _pressed(turn: Turn, message: Message) -> int | None:
    """Also when something was said since: a "thank you" before the button makes it no less an answer."""
    found = _TOKEN.fullmatch((message.payload or {}).get("button") or "")
    if found is None:
        return None
    question = await turn.session.get(Message, int(found[1]))
    if question is None or question.conversation_id != turn.conversation.id:
        return None
    buttons = (question.payload or {}).get("buttons", ())
    payload = buttons[int(found[2])][1] if int(found[2]) < len(buttons) else ""
    return int(payload.removeprefix(SCORE)) if payload.startswith(SCORE) else None


def _typed(turn: Turn, message: Message) -> int | None:
    """A number typed while another question of ours is open answers that one."""
    offered = (turn.conversation.offered or {}).get("buttons", ())
    is_asked_otherwise = any(not payload.startswith(SCORE) for _, payload in offered)
    if is_asked_otherwise or open_form(turn.conversation.dialogue):
        return None
    return score_in(message.body)
