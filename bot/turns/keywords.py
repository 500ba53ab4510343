"""Messages of one word that carriers and the law give a meaning: no more messages, and messages again.

They are taken before any understanding and whoever answers the conversation. While people have it, to confirm one
is all that the assistant says: whoever asks for no more messages must learn, once, that it was heard.
"""

from __future__ import annotations

import unicodedata
from enum import Enum
from functools import lru_cache

from actions.operator import Keywords
from actions.turn import Turn
from bot.channels.carrier import Channel, Kind
from store.models import Message
from store.opt_outs import opt_in, opt_out


class Keyword(Enum):
    STOP = "stop"
    START = "start"


def keyword(turn: Turn, message: Message) -> Keyword | None:
    """The keyword that a stored message consists of, by its text or by what the carrier took it for.

    A word that brings messages back is only one for somebody who gets none: to others it means what it says.
    """
    payload = message.payload or {}
    taken = payload.get("opt_out")
    if taken is not None:
        return Keyword(taken)
    if payload.get("kind", Kind.TEXT) != Kind.TEXT:  # a button may be called the same
        return None
    said, words = plain(message.body), turn.operator.conversation.keywords
    if said in _plainly(words.stop):
        return Keyword.STOP
    opted_out = turn.conversation.opted_out_at is not None
    return Keyword.START if opted_out and said in _plainly(words.start) else None


async def obey(turn: Turn, message: Message, wanted: Keyword) -> str | None:
    """Do what a keyword says; the response to confirm it with, None where that is somebody else's or was done.

    Twilio confirms its own keywords on SMS itself, and takes nothing more for that phone after a STOP. A second
    STOP by SMS is not confirmed again: it asks for fewer messages, and was written down the first time.
    """
    session, conversation = turn.session, turn.conversation
    if wanted is Keyword.STOP:
        changed = await opt_out(session, conversation, turn.actor, turn.now)
    else:
        changed = await opt_in(session, conversation, turn.actor, turn.now)
    on_sms = conversation.channel == Channel.SMS
    answered = on_sms and _answered_by_carrier(message, turn.operator.conversation.keywords)
    if answered or (on_sms and not changed and wanted is Keyword.STOP):
        return None
    return "utter_opted_out" if wanted is Keyword.STOP else "utter_opted_in"


def _answered_by_carrier(message: Message, words: Keywords) -> bool:
    taken = (message.payload or {}).get("opt_out")
    return taken is not None or plain(message.body) in _plainly(words.answered_by_carrier)


def plain(text: str) -> str:
    """Letters and digits alone, without case and accents: « Arrêt ! » is `arret`."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in apart if character.isalnum())


@lru_cache
def _plainly(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(plain, words))
