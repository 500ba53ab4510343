"""What may be sent in a conversation now: how long a text may be, what it costs, and WhatsApp's 24 hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from bot.channels import gsm
from bot.channels.carrier import Channel
from bot.channels.text import storable, units
from bot.desk.conversations.fields import unfilled
from bot.desk.wording import N_
from bot.notice_text import WHATSAPP_WINDOW
from store.models import Conversation

LIMITS: Final = {Channel.SMS: gsm.BODY_LIMIT, Channel.WHATSAPP: gsm.BODY_LIMIT, Channel.TELEGRAM: 4096}
"""UTF-16 units of one message, by channel."""
CLOSING_SOON: Final = timedelta(hours=2)

EMPTY = N_("Écrivez un message avant de l’envoyer.")
TOO_LONG = N_("Le message est trop long : %(length)s caractères, %(limit)s au plus sur ce canal.")
NOT_COMPLETE = N_("Complétez avant d’envoyer : %(places)s")
WINDOW_CLOSED = N_(
    "Le client n’a pas écrit depuis 24 heures : WhatsApp n’accepte plus de message libre. Choisissez un modèle "
    "approuvé ; votre texte est gardé."
)
CANNOT_SEND = N_("Ce canal n’est pas configuré ici : rien ne peut y être envoyé.")


class NotSendable(ValueError):
    """A message that may not be sent as it is. `text` is French with places that `values` fill."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text)
        self.text = text
        self.values = {name: str(value) for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class Window:
    """WhatsApp's 24 hours of a conversation; `closes_at` is None when the customer never wrote there."""

    closes_at: datetime | None
    is_open: bool
    is_closing: bool

    @property
    def word(self) -> str:
        return "closing" if self.is_closing else "open" if self.is_open else "closed"


@dataclass(frozen=True, slots=True)
class Measure:
    """What a text in the making amounts to. `parts` are those of an SMS, None elsewhere."""

    length: int
    limit: int
    parts: int | None
    is_extended: bool
    missing: list[str] = field(default_factory=list)

    @property
    def is_too_long(self) -> bool:
        return self.length > self.limit


def window_of(conversation: Conversation, now: datetime) -> Window | None:
    """None on channels where one may write at any time."""
    if conversation.channel != Channel.WHATSAPP:
        return None
    if conversation.last_inbound_at is None:
        return Window(None, is_open=False, is_closing=False)
    closes_at = conversation.last_inbound_at + WHATSAPP_WINDOW
    is_open = now < closes_at
    return Window(closes_at, is_open, is_open and closes_at - now < CLOSING_SOON)


def cleaned(text: str) -> str:
    """A text as it is stored and sent: line ends of one kind, nothing that a database refuses, no space around."""
    return storable(text).replace("\r\n", "\n").replace("\r", "\n").strip()


def measure(text: str, channel: str) -> Measure:
    """`text` as its carrier would send it on `channel`."""
    limit = LIMITS.get(Channel(channel), gsm.BODY_LIMIT)
    if channel != Channel.SMS:
        return Measure(units(text), limit, None, is_extended=False, missing=unfilled(text))
    sent = gsm.transliterate(text)
    return Measure(units(sent), limit, gsm.parts(sent), not gsm.is_gsm7(sent), unfilled(text))


def check(text: str, conversation: Conversation, now: datetime) -> None:
    """Raises `NotSendable` unless `text`, cleaned, may be sent in the conversation now."""
    if not text:
        raise NotSendable(EMPTY)
    window = window_of(conversation, now)
    if window is not None and not window.is_open:
        raise NotSendable(WINDOW_CLOSED)
    measured = measure(text, conversation.channel)
    if measured.is_too_long:
        raise NotSendable(TOO_LONG, length=measured.length, limit=measured.limit)
    if measured.missing:
        raise NotSendable(NOT_COMPLETE, places=" ".join(measured.missing))
