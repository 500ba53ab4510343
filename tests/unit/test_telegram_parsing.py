"""Every odd thing Telegram sends has a row here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels.carrier import Channel, Inbound, Kind, Media, MediaType
from bot.channels.telegram.updates import Malformed, Received, parse, read

CHAT = {"id": 5001, "first_name": "Client", "type": "private"}
GROUP = {"id": -1005002, "title": "Immeuble", "type": "supergroup"}
SENDER = {"id": 5001, "is_bot": False, "first_name": "Client", "language_code": "fr"}
BOT = {"id": 999, "is_bot": True, "first_name": "Relève", "username": "releve_bot"}
DATE, EDIT_DATE = 1767607200, 1767607260
SENT_AT, EDITED_AT = datetime.fromtimestamp(DATE, UTC), datetime.fromtimestamp(EDIT_DATE, UTC)
FILE = {"file_id": "AgAC", "file_unique_id": "u1"}


def message(**fields: Any) -> dict[str, Any]:
    return {"message_id": 7, "from": SENDER, "chat": CHAT, "date": DATE} | fields


def inbound(**fields: Any) -> Inbound:
    defaults: dict[str, Any] = {"kind": Kind.TEXT, "language_hint": "fr", "sent_at": SENT_AT}
    return Inbound(Channel.TELEGRAM, "5001:7", "5001", **(defaults | fields))


def attached(media_type: MediaType, content_type: str | None = None, text: str = "") -> Inbound:
    return inbound(kind=Kind.MEDIA, text=text, media=(Media(media_type, "AgAC", content_type),))


SIZE = FILE | {"width": 9, "height": 9}
PLACE = {"latitude": 33.5, "longitude": -7.5}
VIDEO = FILE | {"width": 1, "height": 1, "duration": 1}
STICKER = FILE | {"type": "regular", "width": 1, "height": 1, "is_animated": False, "is_video": False}
OWN_CONTACT = {"phone_number": "212600000001", "first_name": "Client", "user_id": 5001}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"text": "48213"}, inbound(text="48213"), id="text"),
        pytest.param({"text": "عدادي ٤٨٢١٣"}, inbound(text="عدادي ٤٨٢١٣"), id="arabic"),
        pytest.param({"text": "/start contrat"}, inbound(text="/start contrat"), id="command"),
        pytest.param({"text": "x" * 4096}, inbound(text="x" * 4096), id="longest text"),
        pytest.param({"text": "4\x008\x1b\ud800"}, inbound(text="4\ufffd8\x1b\ufffd"), id="control codes"),
        pytest.param(
            {"photo": [SIZE | {"file_id": "small"}, SIZE]},
            attached(MediaType.IMAGE),
            id="photo: the largest size",
        ),
        pytest.param(
            {"photo": [SIZE], "caption": "48213"},
            attached(MediaType.IMAGE, text="48213"),
            id="photo with a caption",
        ),
        pytest.param({"sticker": STICKER | {"emoji": "👍"}}, attached(MediaType.STICKER), id="sticker"),
        pytest.param(
            {"voice": FILE | {"duration": 3, "mime_type": "audio/ogg"}},
            attached(MediaType.AUDIO, "audio/ogg"),
            id="voice",
        ),
        pytest.param({"audio": FILE | {"duration": 3}}, attached(MediaType.AUDIO), id="music"),
        pytest.param({"video": VIDEO}, attached(MediaType.VIDEO), id="video"),
        pytest.param({"video_note": VIDEO | {"length": 9}}, attached(MediaType.VIDEO), id="video note"),
        pytest.param({"animation": VIDEO, "document": FILE}, attached(MediaType.VIDEO), id="gif"),
        pytest.param(
            {"document": FILE | {"mime_type": "application/pdf"}},
            attached(MediaType.DOCUMENT, "application/pdf"),
            id="document",
        ),
        pytest.param(
            {"location": PLACE},
            inbound(kind=Kind.LOCATION, latitude=33.5, longitude=-7.5),
            id="location",
        ),
        pytest.param(
            {"location": PLACE, "venue": {"location": PLACE, "title": "Agence", "address": "x"}},
            inbound(kind=Kind.LOCATION, latitude=33.5, longitude=-7.5),
            id="venue",
        ),
        pytest.param(
            {"contact": OWN_CONTACT},
            inbound(kind=Kind.CONTACT, contact_phone="+212600000001"),
            id="own number",
        ),
        pytest.param(
            {"contact": OWN_CONTACT | {"phone_number": "+212 600-000001"}},
            inbound(kind=Kind.CONTACT, contact_phone="+212600000001"),
            id="own number with punctuation",
        ),
        pytest.param(
            {"contact": OWN_CONTACT | {"user_id": 5009}},
            inbound(kind=Kind.CONTACT),
            id="someone else's number",
        ),
        pytest.param(
            {"contact": {"phone_number": "212600000001", "first_name": "x"}},
            inbound(kind=Kind.CONTACT),
            id="a number of nobody on Telegram",
        ),
        pytest.param(
            {
                "contact": OWN_CONTACT,
                "forward_origin": {"type": "hidden_user", "sender_user_name": "x", "date": DATE},
            },
            inbound(kind=Kind.CONTACT),
            id="a forwarded contact",
        ),
        pytest.param(
            {
                "poll": {
                    "id": "1",
                    "question": "?",
                    "options": [],
                    "total_voter_count": 0,
                    "is_closed": False,
                    "is_anonymous": True,
                    "type": "regular",
                    "allows_multiple_answers": False,
                    "allows_revoting": False,
                    "members_only": False,
                }
            },
            inbound(kind=Kind.UNSUPPORTED),
            id="poll",
        ),
        pytest.param({"dice": {"value": 6, "emoji": "🎲"}}, inbound(kind=Kind.UNSUPPORTED), id="dice"),
        pytest.param({"hologram_of_2031": {}}, inbound(kind=Kind.UNSUPPORTED), id="what comes next year"),
        pytest.param({"write_access_allowed": {"from_request": True}}, None, id="service"),
        pytest.param({"text": "48213", "chat": GROUP}, None, id="group"),
    ],
)  # fmt: skip
def test_messages(fields: dict[str, Any], expected: Inbound | None) -> None:
    assert read(parse({"update_id": 1, "message": message(**fields)})).inbound == expected


def test_each_edit_of_a_message_is_a_message_of_its_own() -> None:
    edited = message(text="48214", edit_date=EDIT_DATE)
    assert read(parse({"update_id": 2, "edited_message": edited})) == Received(
        Inbound(
            Channel.TELEGRAM,
            f"5001:7:e{EDIT_DATE}",
            "5001",
            Kind.TEXT,
            "48214",
            edited=True,
            language_hint="fr",
            sent_at=EDITED_AT,
        )
    )


def press(**fields: Any) -> dict[str, Any]:
    keyboard = {
        "inline_keyboard": [[{"text": "Oui", "callback_data": "b:1"}, {"text": "Non", "callback_data": "b:2"}]]
    }
    under = message(**{"from": BOT, "text": "C'est bien 48213 ?", "reply_markup": keyboard})
    query = {"id": "4382", "from": SENDER, "chat_instance": "x", "message": under, "data": "b:1"}
    return {"update_id": 3, "callback_query": query | fields}


@pytest.mark.parametrize(
    ("update", "text"),
    [
        (press(), "Oui"),
        # Telegram no longer shows messages that are too old: date 0, and no keyboard.
        (press(message={"chat": CHAT, "message_id": 7, "date": 0}), ""),
        (press(data="b:gone"), ""),
    ],
)
def test_a_pressed_button_brings_its_token_back(update: dict[str, Any], text: str) -> None:
    token = update["callback_query"]["data"]
    assert read(parse(update)) == Received(
        Inbound(Channel.TELEGRAM, "cb:4382", "5001", Kind.BUTTON, text, button=token, language_hint="fr"),
        callback_query_id="4382",
    )


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        pytest.param(press(message=None), Received(callback_query_id="4382"), id="button of an inline query"),
        pytest.param(press(data=None, game_short_name="g"), Received(callback_query_id="4382"), id="game"),
        pytest.param(
            press(message=message(chat=GROUP)),
            Received(callback_query_id="4382", leave_chat_id=-1005002),
            id="button in a group",
        ),
        pytest.param(
            {"update_id": 4, "message": message(text="@releve_bot 48213", chat=GROUP)},
            Received(leave_chat_id=-1005002),
            id="mentioned in a group",
        ),
        pytest.param({"update_id": 5}, Received(), id="empty"),
        pytest.param({"update_id": 6, "telepathy": {"from": SENDER}}, Received(), id="unknown"),
        pytest.param(
            {"update_id": 7, "channel_post": message(chat=GROUP | {"type": "channel"}, text="x")},
            Received(),
            id="channel post",
        ),
    ],
)
def test_what_is_no_private_message(update: dict[str, Any], expected: Received) -> None:
    assert read(parse(update)) == expected


ADMINISTRATOR_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)
EXTRA: dict[str, dict[str, Any]] = {
    "administrator": dict.fromkeys(ADMINISTRATOR_RIGHTS, False),
    "kicked": {"until_date": 0},
}


@pytest.mark.parametrize(
    ("chat", "status", "leaves"),
    [
        (GROUP, "member", True),
        (GROUP, "administrator", True),
        (GROUP, "left", False),
        (GROUP, "kicked", False),
        (CHAT, "member", False),
        (CHAT, "kicked", False),
    ],
)
def test_a_group_is_left_as_soon_as_the_bot_is_in_it(chat: dict[str, Any], status: str, leaves: bool) -> None:
    new = {"user": BOT, "status": status} | EXTRA.get(status, {})
    change = {
        "chat": chat,
        "from": SENDER,
        "date": DATE,
        "old_chat_member": {"user": BOT, "status": "left"},
        "new_chat_member": new,
    }
    expected = Received(leave_chat_id=chat["id"]) if leaves else Received()
    assert read(parse({"update_id": 8, "my_chat_member": change})) == expected


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        7,
        {},
        {"message": {}},
        {"update_id": 1, "message": "text"},
        {"update_id": 1, "message": {"message_id": 1}},
        {"update_id": 1, "message": message(chat=7)},
        {"update_id": 1, "message": message(chat=None)},
        {"update_id": 1, "message": message(date="yesterday")},
        {"update_id": 1, "message": message(date=10**20)},
        {"update_id": 1, "callback_query": {"id": "1"}},
    ],
)
def test_what_is_no_update_is_malformed(data: Any) -> None:
    with pytest.raises(Malformed):
        read(parse(data))
