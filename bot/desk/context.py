"""What every page of the desk works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from actions.operator import Operator
from bot.channels.carrier import Carrier, Channel
from bot.clock import Clock
from bot.desk.live import Live
from bot.edge.tries import Tries
from bot.engine.texts import Texts
from bot.sending.attachments import Attachments
from bot.sending.files import FileLinks
from bot.settings import Settings
from store.database import Database


@dataclass(frozen=True, slots=True)
class Desk:
    """One process' desk. `send` tells the outbox that a conversation has something to send."""

    settings: Settings
    database: Database
    operator: Operator
    texts: Texts
    carriers: Mapping[Channel, Carrier]
    attachments: Attachments
    links: FileLinks
    live: Live
    send: Callable[[int], None]
    clock: Clock
    tries: Tries = field(default_factory=Tries)
    """Failed sign-ins, by network address."""
