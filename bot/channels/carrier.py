"""What a carrier is to the rest of the house: something that parses what came in and sends what goes out.

Storage, retries, throttling and logging live once, in `bot.inbox` and `bot.sending.outbox`. A new carrier is one
module here implementing `Carrier`, and one table of payloads in its test.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from fastapi import APIRouter

CAPTION_LIMIT = 1024
"""UTF-16 units of text that Telegram and WhatsApp take with a picture or a document."""
MOST_MEDIA_BYTES = 16 * 1024 * 1024
"""The largest picture, voice message or document of a customer's that is fetched; WhatsApp takes no larger ones."""


class Channel(StrEnum):
    """Where a conversation takes place; with the sender's address it names the conversation."""

    SMS = "sms"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    TERMINAL = "terminal"


class Kind(StrEnum):
    """What the customer sent, before any understanding of it."""

    TEXT = "text"
    BUTTON = "button"  # one of our buttons: `Inbound.button` carries the token we sent
    MEDIA = "media"  # pictures, voice, documents, stickers: `Inbound.media` says which
    LOCATION = "location"
    CONTACT = "contact"  # a shared phone number: `Inbound.contact_phone` when it is the sender's own
    UNSUPPORTED = "unsupported"  # polls, dice, reactions and whatever comes next year


class MediaType(StrEnum):
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    STICKER = "sticker"


@dataclass(frozen=True, slots=True)
class Media:
    """One attachment. `reference` is the carrier's handle (a URL or a file id), never fetched on receipt."""

    type: MediaType
    reference: str
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """One customer message as a carrier delivered it.

    `carrier_id` is unique within `channel` and is what de-duplicates repeated webhooks. `address` is an
    E.164 number, or the chat id on Telegram. (A WhatsApp customer who hides the number has a user id such as
    `MA.1502576394655843` instead.) `text` is untrusted and unnormalised; with media it is the caption.
    """

    channel: Channel
    carrier_id: str
    address: str
    kind: Kind
    text: str = ""
    button: str | None = None
    media: tuple[Media, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    contact_phone: str | None = None
    edited: bool = False
    """The customer edited an earlier message; it is a new message to us and never undoes what was done."""
    language_hint: str | None = None
    """The language of the customer's application when the carrier tells (Telegram does), BCP 47."""
    opt_out: str | None = None
    """`stop` or `start` where the carrier took the message for that, and has confirmed it to the sender."""
    sent_at: datetime | None = None
    doubtful: bool = False
    """Perhaps answered already, by a store that was lost since: the carrier is asked before a reply is sent."""


class DeliveryState(StrEnum):
    """The life of an outgoing message at the carrier; it only ever moves forward, see `DELIVERY_ORDER`."""

    SENT = "sent"  # accepted by the carrier
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


DELIVERY_ORDER = (DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.READ)


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """A carrier's later word on a message that it had accepted. `error` is the carrier's code and reason."""

    channel: Channel
    carrier_id: str
    state: DeliveryState
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A choice offered to the customer. `token` is opaque, at most 64 bytes, and returns in `Inbound.button`.

    Where a carrier has no buttons (SMS) the carrier module numbers the titles in the text instead; the inbox
    understands the number. `shares_phone` asks to share the customer's own number (Telegram only).
    """

    title: str
    token: str
    shares_phone: bool = False


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture or a document that goes with a reply, made of `order` when a carrier asks for it.

    `content` gives its bytes, or None when it cannot be made: the text then goes alone. `url` is where they can be
    fetched for a day. The outbox fills in both before a carrier sees the message. What is `essential` says something
    that the text does not: an agent's picture, unlike the picture of a bill that the text explains.
    """

    name: str
    content_type: str
    order: Mapping[str, Any] = field(repr=False)
    url: str = field(default="", repr=False)
    content: Callable[[], Awaitable[bytes | None]] = field(default=_nothing, repr=False, compare=False)
    essential: bool = False

    @property
    def is_picture(self) -> bool:
        return self.content_type.startswith("image/")

    @property
    def link(self) -> str:
        """What stands for it at the end of a text. A picture that only illustrates the text is left out."""
        return "" if self.is_picture and not self.essential else f"\n{self.url}"


@dataclass(frozen=True, slots=True)
class Template:
    """A text that WhatsApp approved, by its id at the carrier ("HX…"), and what fills its numbered places.

    Nothing else may be sent there more than 24 hours after the customer's last message.
    """

    sid: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to send. `key` is our message's id, stable over retries."""

    key: int
    channel: Channel
    address: str
    text: str
    buttons: tuple[Button, ...] = ()
    language: str = "fr"
    created_at: datetime | None = None
    menu: str = ""
    """Title of what opens a list of four to ten choices on WhatsApp, in the customer's language ("Choisir"),
    at most 20 characters. Without it so many choices are numbered lines there.
    """
    attachment: Attachment | None = None
    template: Template | None = None
    """What WhatsApp gets in the place of text, buttons and attachment; `text` is what it says in full."""
    bulk: bool = False
    """One of a campaign: it waits for replies to go first, and is rather lost than sent twice."""
    answers: int | None = None
    """The customer's message that it answers, where it answers one."""
    traceparent: str | None = None
    """The trace that it belongs to, where traces are kept (`bot.telemetry.tracing`)."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier took the message. `carrier_id` is its name for it; `parts` the parts of an SMS, else 1."""

    carrier_id: str
    parts: int = 1


class SendError(Exception):
    """The carrier did not take the message. `reason` is one line: code and words, no personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(SendError):
    """For good: opted out, invalid number, blocked by the customer, window closed. Never sent again."""


class Busy(SendError):
    """Not now, and certainly not taken (429 or 503 answered, connection refused): try later.

    `retry_after` is in seconds when the carrier said so.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class InDoubt(SendError):
    """The request left and no telling answer came back (none, or a 500, 502 or 504, after which the message
    may have been sent all the same). Settled with `Carrier.find_sent`.
    """


class NotFetched(Exception):
    """What a customer sent cannot be had: expired, too large, or the carrier does not answer. `is_gone` for good.

    The message is one line for the log, without anything of the customer's.
    """

    def __init__(self, reason: str, *, is_gone: bool = False) -> None:
        super().__init__(reason)
        self.is_gone = is_gone


class CannotAsk(Exception):
    """The carrier has no way to say whether a message was sent."""


Accept = Callable[[list[Inbound]], Awaitable[None]]
"""Stores messages durably; returns once they are safe. Duplicates change nothing. If it raises: 5xx."""

Advance = Callable[[StatusUpdate], Awaitable[None]]
"""Stores a delivery state, forward only."""


@dataclass(slots=True)
class Intake:
    """What a carrier's webhook needs from the house."""

    accept: Accept
    advance: Advance


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What a carrier allows: messages per second over the account, and per recipient."""

    account_per_second: float
    recipient_per_second: float = field(default=float("inf"))


class Carrier(Protocol):
    """One carrier account. Instances hold the SDK's client; they are created once per process."""

    name: str
    channels: frozenset[Channel]

    @property
    def limits(self) -> Mapping[Channel, RateLimits]:
        """What the carrier allows on each of `channels`; the outbox keeps to it."""
        ...

    def router(self, intake: Intake) -> APIRouter:
        """The webhook routes. They check the signature, parse, call `intake` and answer; nothing else."""
        ...

    async def send(self, message: Outbound) -> Accepted:
        """Send one message. Raises `Refused`, `Busy` or `InDoubt`, and nothing else."""
        ...

    async def find_sent(self, message: Outbound, known: frozenset[str] = frozenset()) -> Accepted | None:
        """Ask whether a message in doubt was taken; `known` are carrier ids that belong to other messages.

        Raises `CannotAsk` when the carrier has no such question, `Busy` when it did not answer now.
        """
        ...

    async def fetch(self, media: Media) -> bytes:
        """What a customer sent with a message, at most `MOST_MEDIA_BYTES`. Raises `NotFetched`."""
        ...

    async def start(self, intake: Intake | None) -> None:
        """Open connections; start polling when the carrier is polled. Without an intake it only sends."""
        ...

    async def stop(self) -> None: ...
