"""The customers' phones: what each one sent and received, and who is looking at its screen."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.channels.carrier import Channel, DeliveryState
from bot.tryit.received import ReceivedFile

WATCHER_BACKLOG = 1_000
"""Events kept for a screen that does not read them; past that it has to open its stream again."""


class Content(StrEnum):
    """What a bubble shows."""

    TEXT = "text"
    STICKER = "sticker"
    PHOTO = "photo"
    VOICE = "voice"
    VIDEO = "video"
    DOCUMENT = "document"
    LOCATION = "location"
    CONTACT = "contact"
    DICE = "dice"


class ButtonKind(StrEnum):
    """Where a button is and how a tap is reported."""

    REPLY = "reply"  # under the message; reports its token
    LIST_ITEM = "list_item"  # in the message's list; reports its token
    TEXT = "text"  # on the keyboard; writes its title
    SHARE_PHONE = "share_phone"  # on the keyboard; shares the phone's own number


@dataclass(frozen=True, slots=True)
class PhoneButton:
    title: str
    token: str = ""
    kind: ButtonKind = ButtonKind.REPLY


@dataclass(frozen=True, slots=True)
class PhoneKey:
    """One application on one phone. `address` is an E.164 number, or the chat id on Telegram."""

    channel: Channel
    address: str


@dataclass(slots=True)
class PhoneMessage:
    """One bubble. `number` runs over all phones and only grows; `mine` is what the customer sent.

    `file` is what the house sent along; `text` is its caption then.
    """

    number: int
    phone: PhoneKey
    id: str
    mine: bool
    text: str
    at: datetime
    content: Content = Content.TEXT
    file: ReceivedFile | None = None
    buttons: tuple[PhoneButton, ...] = ()
    parts: int = 1
    encoding: str = ""
    state: DeliveryState | None = None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "channel": self.phone.channel,
            "address": self.phone.address,
            "id": self.id,
            "mine": self.mine,
            "text": self.text,
            "at": self.at.isoformat(),
            "content": self.content,
            "file": self.file.as_json() if self.file else None,
            "buttons": [asdict(button) for button in self.buttons],
            "parts": self.parts,
            "encoding": self.encoding,
            "state": self.state,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """A line that the application shows for a moment and does not keep (Telegram's answer to a tap)."""

    phone: PhoneKey
    text: str


Event = PhoneMessage | Notice
Watcher = asyncio.Queue[Event | None]


class Phones:
    """All phones, in memory. The least recently used phone is forgotten first, then its oldest messages."""

    def __init__(self, *, max_phones: int = 20_000, max_messages: int = 200) -> None:
        self._max_phones = max_phones
        self._max_messages = max_messages
        self._screens: OrderedDict[PhoneKey, deque[PhoneMessage]] = OrderedDict()
        self._watchers: dict[PhoneKey, set[Watcher]] = {}
        self._number = 0

    def add(self, phone: PhoneKey, **fields: Any) -> PhoneMessage:
        """Show a new message; `fields` are those of `PhoneMessage` but its number and time."""
        self._number += 1
        message = PhoneMessage(number=self._number, phone=phone, at=datetime.now(UTC), **fields)
        screen = self._screens.get(phone)
        if screen is None:
            screen = self._screens[phone] = deque(maxlen=self._max_messages)
            if len(self._screens) > self._max_phones:
                self._screens.popitem(last=False)
        else:
            self._screens.move_to_end(phone)
        screen.append(message)
        self._tell(phone, message)
        return message

    def changed(self, message: PhoneMessage) -> None:
        """Show a message again: its state, text or buttons are not what they were."""
        self._tell(message.phone, message)

    def arrived(self, message: PhoneMessage, status: int | None) -> None:
        """Mark what the customer sent by what the house's webhook answered; None is no answer."""
        if status is not None and status < 300:
            message.state = DeliveryState.DELIVERED
        else:
            message.state, message.error = DeliveryState.FAILED, str(status or "")
        self.changed(message)

    def notice(self, notice: Notice) -> None:
        self._tell(notice.phone, notice)

    def messages(self, phone: PhoneKey, after: int = 0) -> list[PhoneMessage]:
        """What the screen shows, oldest first, from the first message with a number above `after`."""
        return [message for message in self._screens.get(phone, ()) if message.number > after]

    def find(self, phone: PhoneKey, message_id: str) -> PhoneMessage | None:
        return next((m for m in reversed(self._screens.get(phone, ())) if m.id == message_id), None)

    def find_button(self, phone: PhoneKey, token: str) -> tuple[PhoneMessage, PhoneButton] | None:
        """The latest message on this phone that offers the button, and the button."""
        for message in reversed(self._screens.get(phone, ())):
            for button in message.buttons:
                if button.token == token:
                    return message, button
        return None

    @contextmanager
    def watch(self, phones: Iterable[PhoneKey]) -> Iterator[Watcher]:
        """What happens on these phones from now on. `None` in the queue says that events were lost."""
        watcher: Watcher = asyncio.Queue()
        keys = frozenset(phones)
        for key in keys:
            self._watchers.setdefault(key, set()).add(watcher)
        try:
            yield watcher
        finally:
            for key in keys:
                self._watchers[key].discard(watcher)
                if not self._watchers[key]:
                    del self._watchers[key]

    def _tell(self, phone: PhoneKey, event: Event) -> None:
        for watcher in self._watchers.get(phone, ()):
            if watcher.qsize() < WATCHER_BACKLOG:
                watcher.put_nowait(event)
            elif watcher.qsize() == WATCHER_BACKLOG:
                watcher.put_nowait(None)
