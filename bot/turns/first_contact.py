"""The notice with the first reply to anyone: who keeps what they write, why, what rights they have (law 09-08)."""

from __future__ import annotations

from dataclasses import replace

from actions.turn import Turn
from bot.channels.carrier import Channel
from bot.channels.gsm import parts, transliterate
from bot.channels.text import numbered
from bot.engine.assistant import Assistant, Utterance

MOST_PARTS = 2
"""SMS parts of a first reply and the notice together."""


def informed(assistant: Assistant, turn: Turn, utterances: list[Utterance]) -> list[Utterance]:
    """`utterances`, with the notice where it was not given yet.

    It waits for the second reply where the first would be too long by SMS, or brings a person.
    """
    conversation, privacy = turn.conversation, turn.operator.privacy
    if conversation.informed_at is not None or not utterances:
        return utterances
    if privacy.declaration is None:
        notice = assistant.say(turn, "utter_informed", controller=privacy.controller)
    else:
        notice = assistant.say(
            turn, "utter_informed_declared", controller=privacy.controller, declaration=privacy.declaration
        )
    # In the same breath as the last question, so that its buttons stay those of the reply.
    said = [*utterances[:-1], replace(utterances[-1], text=f"{utterances[-1].text}\n{notice.text}")]
    is_first = conversation.last_inbound_at is None
    if is_first and (turn.is_handed_over or (conversation.channel == Channel.SMS and _is_long(said))):
        return utterances
    conversation.informed_at = turn.now
    return said


def _is_long(utterances: list[Utterance]) -> bool:
    choices = numbered(title for title, _ in utterances[-1].buttons)
    text = "\n".join([*(utterance.text for utterance in utterances), choices])
    return parts(transliterate(text)) > MOST_PARTS
