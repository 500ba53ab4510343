"""How fast one sender writes, and what becomes of more than anybody means to say.

Each answer costs money, and a loop of two machines that answer each other never tires. Messages beyond the pace are
stored, heard and shown at the desk like any other; what is left out is the answer. The sender is told so once, and is
answered again after a minute of calm. Danger, anger, the wish for a person and STOP are never left out.

The measure is a bucket that each message fills by one and that empties at a steady rate; the conversation's row keeps
the moment at which it will be empty, so that all processes count as one and a restart forgets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from bot.settings import Settings
from store.models import Conversation

CALM = timedelta(minutes=1)
"""Without a message, after which a sender who wrote too fast is answered again."""


class Tempo(Enum):
    STEADY = auto()
    TOO_FAST = auto()  # from this message on: the sender is told
    STILL_TOO_FAST = auto()  # they know


@dataclass(frozen=True, slots=True)
class Pace:
    """`burst` messages at once, then `per_hour`."""

    burst: int
    per_hour: int

    @classmethod
    def of(cls, settings: Settings) -> Pace | None:
        """The operator's, if senders are to be held to one."""
        return cls(settings.sender_burst, settings.sender_per_hour) if settings.sender_burst else None

    def tempo(self, conversation: Conversation, arrived: datetime) -> Tempo:
        """How the message that arrived then fits in. Counts it on the conversation."""
        each = timedelta(hours=1) / self.per_hour
        full = arrived + self.burst * each
        empty_at = max(conversation.unhurried_at or arrived, arrived)
        if empty_at > full + CALM:  # no bucket is that full: the clock went back
            empty_at = arrived
        if empty_at + each <= full:
            conversation.unhurried_at = empty_at + each
            return Tempo.STEADY
        conversation.unhurried_at = full + max(CALM - each, timedelta.resolution)
        return Tempo.STILL_TOO_FAST if empty_at > full else Tempo.TOO_FAST
