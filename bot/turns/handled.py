"""What became of a conversation's oldest waiting message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from bot.photos.arrivals import Picture
from bot.sending.outgoing import Claimed


class Outcome(Enum):
    NOTHING = auto()  # nothing is waiting
    HELD = auto()  # another process has this conversation; what waits may be its own or not
    LATER = auto()  # the oldest message waits for its next try
    HANDLED = auto()
    FAILED = auto()  # undone; it will be tried again or was set aside


@dataclass(frozen=True, slots=True)
class Handled:
    outcome: Outcome
    claimed: tuple[Claimed, ...] = ()
    """Replies that this process already holds and must send now."""
    queued: bool = False
    """Whether a reply waits to be sent, held or not."""
    more: bool = False
    """Whether another message waited already when this one was taken; what came since wakes the worker."""
    due_at: datetime | None = None
    notified: tuple[int, ...] = ()
    """Other conversations that were written to in this turn."""
    language: str | None = None
    """That the message was answered in."""
    understood: Mapping[str, Any] | None = None
    """What the assistant took it to mean, where it listened."""
    picture: Picture | None = None
    """What is to be looked at before the message has its turn."""
