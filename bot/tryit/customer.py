"""What a customer does on a phone, before a carrier makes a webhook of it."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{7,14}$")]
"""E.164."""


PHOTO = Path(__file__).with_name("static") / "meter.jpg"
"""The one picture that these phones send: a drawn meter."""


class MediaKind(StrEnum):
    STICKER = "sticker"
    PHOTO = "photo"
    VOICE = "voice"
    VIDEO = "video"
    DOCUMENT = "document"


class PhoneEvent(StrEnum):
    """What a customer does to the phone instead of writing; each lasts until its opposite."""

    SWITCH_OFF = "switch_off"  # SMS, WhatsApp: messages are accepted and never delivered
    SWITCH_ON = "switch_on"
    CLOSE_WINDOW = "close_window"  # WhatsApp: the last message is over 24 hours old; until the next one
    BLOCK = "block"  # Telegram: the bot is blocked
    UNBLOCK = "unblock"


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid")

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class CustomerAction(BaseModel):
    """One thing sent from a phone: exactly one of text, button, media, location, contact, dice and event.

    Media may have a caption in `text`. `sender` is the phone's number (`from` in JSON); on Telegram it may be
    a chat id. `times` posts the same webhook that many times at once, as a carrier with hiccups would.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    sender: Annotated[str, Field(alias="from", pattern=r"^(\+[1-9]\d{7,14}|[1-9]\d{0,18})$")]
    text: str | None = None
    button: Annotated[str, Field(min_length=1)] | None = None
    """The token of a button shown on this phone."""
    media: MediaKind | None = None
    location: Place | None = None
    contact: Phone | None = None
    """A number shared as a contact card; the phone's own number shares itself."""
    dice: bool = False
    """Telegram: something that a bot has no use for."""
    event: PhoneEvent | None = None
    edits: str | None = None
    """Telegram: the id of the earlier message that this text replaces."""
    group: int | None = None
    """Telegram: the (negative) id of the group where this is written, instead of the private chat."""
    name: str = "Client"
    language: str = "fr"
    """The language of the application, BCP 47; only Telegram tells it."""
    times: Annotated[int, Field(ge=1, le=1_000)] = 1

    def model_post_init(self, _context: object) -> None:
        given = [self.button, self.media, self.location, self.contact, self.event, self.dice or None]
        if self.text is not None and not self.media:
            given.append(self.text)
        if sum(part is not None for part in given) != 1:
            raise ValueError("say exactly one of text, button, media, location, contact, dice and event")


def chat_id_for(phone: str) -> str:
    """The Telegram chat of a phone number: always the same one, from which the number cannot be guessed."""
    digest = hashlib.sha256(f"telegram chat of {phone}".encode()).digest()
    return str(10**9 + int.from_bytes(digest[:8], "big") % (9 * 10**9))
