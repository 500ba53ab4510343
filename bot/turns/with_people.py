"""A customer's message in a conversation that people hold. The assistant listens, and says nothing.

It listens so that the agents see the language and what was understood, and so that danger comes first in their
queue. The way back is a word of the customer's (`Conversation.release_words` of the operator), or that no agent
came in time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from actions import handover
from actions.operator import Operator
from actions.photographed import proposals
from actions.supply import senders_contracts
from actions.turn import Turn
from bot.engine.assistant import Assistant, Utterance
from bot.turns.hearing import Heard, hear
from store.changes import changed
from store.conversations import OVERHEARD
from store.desk_models import HandOver, Outcome, Priority
from store.models import Message


async def call_a_person(assistant: Assistant, turn: Turn, reason: str) -> list[Utterance]:
    """Hand the conversation over, and what is said of it."""
    return [assistant.say(turn, line.response, **line.params) for line in await handover.hand_over(turn, reason)]


def way_back(operator: Operator, turn: Turn, message: Message, hand_over: HandOver) -> Outcome | None:
    """How a hand-over ends with this message; None while people have it.

    Nobody came in time only where nobody ever took it: who has talked with an agent is left to agents. Time counts
    from when the desk was open: a Friday night's message is not lost before Monday.
    """
    rules = operator.conversation
    if message.body.strip(" .,!?\"'«»").casefold() in rules.release_words:
        return Outcome.CUSTOMER_LEFT
    waits_since = operator.desk.hours.first_open(hand_over.opened_at, operator.working_days)
    was_taken = hand_over.claimed_at is not None or hand_over.user_id is not None
    if not was_taken and turn.now - waits_since > timedelta(hours=rules.agent_hours):
        return Outcome.EXPIRED
    return None


async def overhear(assistant: Assistant, turn: Turn, message: Message, hand_over: HandOver) -> None:
    """Note the language and the meaning of a message that agents answer."""
    heard = hear(assistant, turn, message)
    hand_over.language = turn.language
    if not isinstance(heard, Heard):
        return
    turn.understood = summary(heard.parses) | {OVERHEARD: True}
    if turn.photo is not None:
        read = await proposals(await senders_contracts(turn), turn)
        turn.understood["entities"] += [["photo", str(value)] for value in read]
    entities = {entity["entity"] for parse in heard.parses for entity in parse["entities"]}
    if "danger" in entities and hand_over.priority is not Priority.URGENT:
        hand_over.priority = Priority.URGENT
        await turn.session.flush()
        await changed(turn.session, turn.conversation.id)


LIKELIEST = 5
"""Intents of a message's ranking that are kept with it."""


def summary(parses: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """What the desk and the designers see of the understanding, and choose from when they review unsure messages.

    `language` is the one identified; the message's own is what was answered in.
    """
    first = parses[0]
    intent = first.get("intent") or {}
    return {
        "intent": intent.get("name"),
        "confidence": round(float(intent.get("confidence") or 0), 3),
        "meant": first.get("meant"),
        "certainty": first.get("certainty"),
        "language": first.get("language"),
        "ranking": [
            [each["name"], round(each["confidence"], 3)] for each in first.get("intent_ranking", ())[:LIKELIEST]
        ],
        "entities": [[each["entity"], each.get("value")] for parse in parses for each in parse["entities"]],
        "also": [(parse.get("intent") or {}).get("name") for parse in parses[1:]],
    }
