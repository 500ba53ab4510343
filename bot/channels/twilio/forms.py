"""Twilio's webhook parameters read into our own words.

Parameters: https://www.twilio.com/docs/messaging/guides/webhook-request for messages, and
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status for status callbacks.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict

from bot.channels.carrier import Channel, DeliveryState, Inbound, Kind, Media, MediaType, StatusUpdate
from bot.channels.text import storable

Form = Mapping[str, str]

WHATSAPP = "whatsapp:"
MOST_MEDIA = 10

_SID = re.compile(r"[!-~]{1,64}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
"""WhatsApp's business-scoped user id, in the place of the number of customers who chose to hide it (2026)."""

_NUMBER = re.compile(r"\+?[0-9]{7,}")

_STATES = {
    "accepted": DeliveryState.SENT,
    "scheduled": DeliveryState.SENT,
    "queued": DeliveryState.SENT,
    "sending": DeliveryState.SENT,
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "undelivered": DeliveryState.FAILED,
    "failed": DeliveryState.FAILED,
    "canceled": DeliveryState.FAILED,
}


_OPT_OUTS = {"STOP": "stop", "START": "start"}
_WORDS = {
    "21610": "the customer opted out",
    "30003": "the phone cannot be reached",
    "30006": "a landline, or a carrier that cannot be reached",
    "63016": "outside WhatsApp's 24 hours, and not an approved template",
}
"""What a status callback often says by its code alone: https://www.twilio.com/docs/api/errors."""


class Malformed(ValueError):
    """The request is not what Twilio sends. The message is a short reason and quotes nothing of it."""


def decode_form(body: bytes) -> ImmutableMultiDict[str, str]:
    """The parameters of a form body, repeated ones included: the signature covers all. Raises `Malformed`."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=1000
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise Malformed("not a form in UTF-8") from error
    return ImmutableMultiDict(pairs)


def decode_json(body: str) -> Form:
    """The parameters of a JSON body: those of its members that are plain values. Raises `Malformed`."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(members, dict):
        raise Malformed("not a JSON object")
    return {name: str(value) for name, value in members.items() if isinstance(value, str | int | float)}


def read_message(form: Form) -> Inbound | None:
    """A customer's message; None when nobody could be answered.

    That is a sender that is no phone: an alphanumeric name, a short code, another channel's prefix (`rcs:`,
    `messenger:`). Such a message is well formed, so it is no error to Twilio; it is an advertisement or an
    alert of an operator, and answering short codes is how loops begin. Raises `Malformed`.

    `OptOutType` tells that Twilio took the message for STOP or START and has answered it. HELP, which it answers
    too, changes nothing and is left to the turn.
    """
    carrier_id = _sid(form)
    sender = _required(form, "From")
    channel = Channel.WHATSAPP if sender.startswith(WHATSAPP) else Channel.SMS
    address = sender.removeprefix(WHATSAPP)
    if not (_E164.fullmatch(address) or (channel is Channel.WHATSAPP and _USER_ID.fullmatch(address))):
        return None

    text = storable(form.get("Body", ""))
    button = form.get("ButtonPayload") or form.get("ListId") or None
    title = form.get("ButtonText") or form.get("ListTitle") or ""
    media = _media(form, channel)
    place = _place(form)
    if button:
        kind = Kind.BUTTON
    elif media:
        kind = Kind.MEDIA
    elif place:
        kind = Kind.LOCATION
    elif text or title or _is_text(form):
        kind = Kind.TEXT
    else:
        kind = Kind.UNSUPPORTED
    return Inbound(
        channel=channel,
        carrier_id=carrier_id,
        address=address,
        kind=kind,
        text=storable(title) or text,
        button=storable(button) if button else None,
        media=media,
        latitude=place[0] if place else None,
        longitude=place[1] if place else None,
        opt_out=_OPT_OUTS.get(form.get("OptOutType", "")),
    )


def read_status(form: Form) -> StatusUpdate | None:
    """A delivery state; None for a status that we do not know or that is not about delivery.

    Raises `Malformed`.
    """
    carrier_id = _sid(form)
    state = _STATES.get((form.get("MessageStatus") or _required(form, "SmsStatus")).lower())
    if state is None:
        return None
    on_whatsapp = any(form.get(end, "").startswith(WHATSAPP) for end in ("To", "From"))
    return StatusUpdate(
        channel=Channel.WHATSAPP if on_whatsapp else Channel.SMS,
        carrier_id=carrier_id,
        state=state,
        error=_error(form) if state is DeliveryState.FAILED else None,
    )


def without_numbers(text: str) -> str:
    """`text` without phone numbers, which Twilio's error messages quote."""
    return _NUMBER.sub("…", text)


def _required(form: Form, name: str) -> str:
    if value := form.get(name):
        return value
    raise Malformed(f"no {name}")


def _sid(form: Form) -> str:
    sid = form.get("MessageSid") or _required(form, "SmsSid")
    if not _SID.fullmatch(sid):
        raise Malformed("MessageSid is not an identifier")
    return sid


def _media(form: Form, channel: Channel) -> tuple[Media, ...]:
    # The URLs are the truth: NumMedia is only their count, and is 0 for some WhatsApp types.
    found = []
    for index in range(MOST_MEDIA):
        if not (url := form.get(f"MediaUrl{index}")):
            break
        content_type = form.get(f"MediaContentType{index}", "").partition(";")[0].strip().lower()
        is_sticker = form.get("MessageType") == "sticker" or (
            channel is Channel.WHATSAPP and content_type == "image/webp"  # WhatsApp takes no other webp
        )
        media_type = MediaType.STICKER if is_sticker else _media_type(content_type)
        found.append(Media(media_type, storable(url), storable(content_type) or None))
    return tuple(found)


def _media_type(content_type: str) -> MediaType:
    match content_type.partition("/")[0]:
        case "image":
            return MediaType.IMAGE
        case "audio":
            return MediaType.AUDIO
        case "video":
            return MediaType.VIDEO
        case _:  # application/pdf, text/vcard for a shared contact, and what Twilio does not name
            return MediaType.DOCUMENT


def _place(form: Form) -> tuple[float, float] | None:
    try:
        latitude, longitude = float(form["Latitude"]), float(form["Longitude"])
    except (KeyError, ValueError):
        return None
    # A comparison with NaN is false, so that NaN is out of range too.
    in_range = math.fabs(latitude) <= 90 and math.fabs(longitude) <= 180
    return (latitude, longitude) if in_range else None


def _is_text(form: Form) -> bool:
    """Whether an empty message is an empty text (SMS) rather than something unseen (a poll, an order)."""
    return form.get("MessageType", "text") == "text"


def _error(form: Form) -> str:
    code = form.get("ErrorCode", "")
    words = (code, without_numbers(form.get("ErrorMessage", "")) or _WORDS.get(code, ""))
    return storable(" ".join(filter(None, words)))[:200] or "no reason given"
