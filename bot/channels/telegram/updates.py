"""Telegram's updates read into our own words (https://core.telegram.org/bots/api#update).

A conversation about an account is private. In groups and channels nothing is read and nothing is said: the
bot leaves, at once when it is added, or at the first message of a group that it was already in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from telegram import CallbackQuery, Chat, ChatMember, ChatMemberUpdated, Message, Update, User

from bot.channels.carrier import Channel, Inbound, Kind, Media, MediaType
from bot.channels.text import storable

ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]
"""What we ask Telegram for; everything else is not even sent."""

UNREADABLE = (TypeError, KeyError, ValueError, AttributeError, OverflowError, OSError)
"""The library trusts the shape of what it reads, and fails in whatever way a wrong one leads to."""

_SERVICE = (
    "pinned_message",
    "message_auto_delete_timer_changed",
    "write_access_allowed",
    "connected_website",
    "chat_background_set",
)
"""Notices that Telegram itself writes in a private chat: nobody has said anything."""

_NOT_DIGIT = re.compile(r"[^0-9]")


class Malformed(ValueError):
    """Not an update."""


@dataclass(frozen=True, slots=True)
class Received:
    """What an update asks of us: a message to store, a pressed button to acknowledge, a group to leave."""

    inbound: Inbound | None = None
    callback_query_id: str | None = None
    leave_chat_id: int | None = None


def parse(data: Any, bot: Any = None) -> Update:
    """The library's object for one update as Telegram sent it. Raises `Malformed`."""
    if not isinstance(data, dict):
        raise Malformed("not an object")
    try:
        return Update.de_json(data, bot)
    except UNREADABLE as error:
        raise Malformed("not an update") from error


def read(update: Update) -> Received:
    """What `update` means to us; an empty `Received` for what we do not know or need. Raises `Malformed`."""
    try:
        return _read(update)
    except UNREADABLE as error:  # a part that Telegram always sends, and the library does not insist on
        raise Malformed("not an update") from error


def _read(update: Update) -> Received:
    if update.callback_query:
        return _read_press(update.callback_query)
    if update.my_chat_member:
        return _read_membership(update.my_chat_member)
    message = update.message or update.edited_message
    if message is None:
        return Received()
    if message.chat.type != Chat.PRIVATE:
        return Received(leave_chat_id=message.chat.id)
    if any(getattr(message, notice) for notice in _SERVICE):
        return Received()
    return Received(inbound=_read_message(message, edited=update.edited_message is not None))


def _read_press(query: CallbackQuery) -> Received:
    message = query.message  # None under a message of an inline query, which we never answer
    if message is None or not query.data:
        return Received(callback_query_id=query.id)
    if message.chat.type != Chat.PRIVATE:
        return Received(callback_query_id=query.id, leave_chat_id=message.chat.id)
    return Received(
        Inbound(
            channel=Channel.TELEGRAM,
            carrier_id=f"cb:{query.id}",
            address=str(message.chat.id),
            kind=Kind.BUTTON,
            text=_pressed_title(query),
            button=storable(query.data),
            language_hint=_language(query.from_user),
        ),
        callback_query_id=query.id,
    )


def _pressed_title(query: CallbackQuery) -> str:
    """What stood on the button; empty when the message is too old for Telegram to tell."""
    keyboard = getattr(query.message, "reply_markup", None)
    rows = keyboard.inline_keyboard if keyboard else ()
    return next((storable(b.text) for row in rows for b in row if b.callback_data == query.data), "")


def _read_membership(change: ChatMemberUpdated) -> Received:
    """Being added to a group; blocking and unblocking in a private chat need nothing."""
    present = change.new_chat_member.status in (
        ChatMember.MEMBER,
        ChatMember.ADMINISTRATOR,
        ChatMember.RESTRICTED,
    )
    if present and change.chat.type != Chat.PRIVATE:
        return Received(leave_chat_id=change.chat.id)
    return Received()


def _read_message(message: Message, *, edited: bool) -> Inbound:
    # Telegram gives an edited message the same id: the date of the edit makes each edit its own message.
    edit = f":e{int(message.edit_date.timestamp())}" if edited and message.edit_date else ""
    media = _media(message)
    place = message.location
    if message.text:
        kind = Kind.TEXT
    elif media:
        kind = Kind.MEDIA
    elif place:
        kind = Kind.LOCATION
    elif message.contact:
        kind = Kind.CONTACT
    else:
        kind = Kind.UNSUPPORTED
    return Inbound(
        channel=Channel.TELEGRAM,
        carrier_id=f"{message.chat.id}:{message.message_id}{edit}",
        address=str(message.chat.id),
        kind=kind,
        text=storable(message.text or message.caption or ""),
        media=(media,) if media else (),
        latitude=place.latitude if place else None,
        longitude=place.longitude if place else None,
        contact_phone=_own_phone(message),
        edited=edited,
        language_hint=_language(message.from_user),
        sent_at=message.edit_date if edited else message.date,
    )


def _media(message: Message) -> Media | None:
    if message.photo:  # several sizes of one picture, the largest last
        return Media(MediaType.IMAGE, message.photo[-1].file_id)
    # An animation is also given as a document, hence the order.
    for attribute, media_type in (
        ("sticker", MediaType.STICKER),
        ("animation", MediaType.VIDEO),
        ("video", MediaType.VIDEO),
        ("video_note", MediaType.VIDEO),
        ("voice", MediaType.AUDIO),
        ("audio", MediaType.AUDIO),
        ("document", MediaType.DOCUMENT),
    ):
        if attachment := getattr(message, attribute):
            content_type = getattr(attachment, "mime_type", None)
            return Media(media_type, attachment.file_id, storable(content_type) if content_type else None)
    return None


def _own_phone(message: Message) -> str | None:
    """The sender's own number in E.164, when that is what was shared.

    Anybody can share anybody's number: only a contact with the sender's own user id, and not forwarded,
    proves something.
    """
    contact, sender = message.contact, message.from_user
    if not contact or not sender or contact.user_id != sender.id or message.forward_origin:
        return None
    digits = _NOT_DIGIT.sub("", contact.phone_number)
    return f"+{digits}" if digits else None


def _language(user: User | None) -> str | None:
    return storable(user.language_code) if user and user.language_code else None
