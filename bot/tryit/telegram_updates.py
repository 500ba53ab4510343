"""Telegram's updates as the Bot API sends them, and the queue in which they wait to be fetched.

Objects: https://core.telegram.org/bots/api#available-types.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bot.tryit.customer import PHOTO, CustomerAction, MediaKind, PhoneEvent

MAX_PENDING = 10_000
MAX_FETCH = 100
PHOTO_FILE_ID = "AgACAgQAAxkBAAM-releve-meter-photo"

NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Updates that a bot only gets when it names them in `allowed_updates`."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TelegramUser:
    """A person on Telegram, as a bot sees them: no phone number."""

    id: int
    first_name: str
    language_code: str

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "is_bot": False,
            "first_name": self.first_name,
            "language_code": self.language_code,
        }

    def chat(self, group: int | None = None) -> Json:
        if group:
            return {"id": group, "title": "Groupe", "type": "group", "all_members_are_administrators": True}
        return {"id": self.id, "first_name": self.first_name, "type": "private"}


def message_update(user: TelegramUser, action: CustomerAction, message_id: int) -> Json:
    """A new or edited message, without the update's id."""
    message: Json = {
        "message_id": message_id,
        "from": user.as_json(),
        "chat": user.chat(action.group),
        "date": int(time.time()),
        **_content(user, action),
    }
    if action.edits:
        return {"edited_message": {**message, "edit_date": message["date"]}}
    return {"message": message}


def tap_update(user: TelegramUser, data: str, message: Json) -> Json:
    """A tap on an inline button of `message`."""
    return {
        "callback_query": {
            "id": str(secrets.randbits(62)),
            "from": user.as_json(),
            "message": message,
            "chat_instance": str(secrets.randbits(62)),
            "data": data,
        }
    }


def membership_update(user: TelegramUser, bot: Json, event: PhoneEvent) -> Json:
    """The customer blocked the bot, or let it in again."""
    before, after = ("member", "kicked") if event is PhoneEvent.BLOCK else ("kicked", "member")
    old: Json = {"user": bot, "status": before}
    new: Json = {"user": bot, "status": after}
    for member in (old, new):
        if member["status"] == "kicked":
            member["until_date"] = 0
    return {
        "my_chat_member": {
            "chat": user.chat(),
            "from": user.as_json(),
            "date": int(time.time()),
            "old_chat_member": old,
            "new_chat_member": new,
        }
    }


def _content(user: TelegramUser, action: CustomerAction) -> Json:
    if action.media:
        media = _media(action.media)
        return {**media, "caption": action.text} if action.text else media
    if action.location:
        return {"location": action.location.model_dump()}
    if action.contact:
        contact: Json = {"phone_number": action.contact.removeprefix("+"), "first_name": user.first_name}
        # Telegram names the user only of a contact that is on Telegram; the bot compares it with the sender.
        if action.contact == action.sender:
            contact["user_id"] = user.id
        return {"contact": contact}
    if action.dice:
        return {"dice": {"emoji": "🎲", "value": secrets.randbelow(6) + 1}}
    text = action.text or ""
    content: Json = {"text": text}
    if text.startswith("/") and len(command := text.split()[0]) > 1:
        content["entities"] = [{"offset": 0, "length": len(command), "type": "bot_command"}]
    return content


def _media(kind: MediaKind) -> Json:
    file: Json = {"file_id": secrets.token_urlsafe(24), "file_unique_id": secrets.token_urlsafe(8)}
    match kind:
        case MediaKind.PHOTO:
            size = PHOTO.stat().st_size
            photo = {"file_id": PHOTO_FILE_ID, "file_unique_id": "meter", "file_size": size}
            return {"photo": [{**photo, "width": 480, "height": 360}]}
        case MediaKind.STICKER:
            shape = {"width": 512, "height": 512, "is_animated": False, "is_video": False, "type": "regular"}
            return {"sticker": {**file, **shape, "emoji": "🙂", "file_size": 12_000}}
        case MediaKind.VOICE:
            return {"voice": {**file, "duration": 3, "mime_type": "audio/ogg", "file_size": 9_000}}
        case MediaKind.VIDEO:
            shape = {"width": 640, "height": 480, "duration": 3}
            return {"video": {**file, **shape, "mime_type": "video/mp4", "file_size": 90_000}}
        case MediaKind.DOCUMENT:
            name = {"file_name": "facture.pdf", "mime_type": "application/pdf"}
            return {"document": {**file, **name, "file_size": 40_000}}


class Terminated(Exception):
    """Another request fetches the updates now; this one is over."""


class UpdateQueue:
    """The bot's updates: numbered, and kept for `getUpdates` until a later request confirms them."""

    def __init__(self) -> None:
        self.allowed: frozenset[str] | None = None
        """The kinds of updates that the bot asked for; None means the default ones."""
        self._next_id = random.randrange(10**8, 9 * 10**8)
        self._pending: deque[Json] = deque(maxlen=MAX_PENDING)
        self._arrived = asyncio.Event()
        self._fetcher: object | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def number(self, update: Json) -> Json | None:
        """The update with its id, or None when the bot did not ask for this kind."""
        kind = next(iter(update))
        if kind in NOT_BY_DEFAULT if self.allowed is None else kind not in self.allowed:
            return None
        self._next_id += 1
        return {"update_id": self._next_id, **update}

    def put(self, update: Json) -> None:
        self._pending.append(update)
        self._arrived.set()

    def clear(self) -> None:
        self._pending.clear()

    async def fetch(self, *, offset: int, limit: int, seconds: float) -> list[Json]:
        """The oldest waiting updates; waits up to `seconds` for one.

        Those before `offset` are confirmed and forgotten; a negative offset keeps that many of the newest.
        Raises `Terminated` when another fetch begins.
        """
        me = self._fetcher = object()
        if offset < 0:
            while len(self._pending) > -offset:
                self._pending.popleft()
        while self._pending and self._pending[0]["update_id"] < offset:
            self._pending.popleft()
        if not self._pending and seconds > 0:
            self._arrived.set()  # wakes an older fetch, which finds that it is over
            self._arrived = asyncio.Event()
            try:
                await asyncio.wait_for(self._arrived.wait(), seconds)
            except TimeoutError:
                return []
        if self._fetcher is not me:
            raise Terminated
        return list(islice(self._pending, min(max(limit, 1), MAX_FETCH)))
