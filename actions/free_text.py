"""Names, addresses and days as answers: words that the classifier cannot know."""

from __future__ import annotations

from actions.casework import is_words
from actions.message import Message

PLAINLY = 0.95
"""Confidence from which a message is a cry for help rather than a short name that looks like one. Measured: "aide",
"menu" and their kin are above 0.99, unknown names ("Amina") below 0.9."""


def is_detail(message: Message) -> bool:
    """Whether a message may be a name or an address: any words but a yes, a no, or another wish."""
    if message.intent == "help" and message.ranking:
        return float(message.ranking[0]["confidence"]) < PLAINLY
    return message.intent not in ("affirm", "deny") and is_words(message)
