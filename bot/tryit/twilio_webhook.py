"""Twilio's webhooks, parameter by parameter as the carrier sends them: messages and status callbacks.

Sources: https://www.twilio.com/docs/messaging/guides/webhook-request and, for WhatsApp's buttons and lists,
https://www.twilio.com/docs/whatsapp/buttons.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from bot.channels.carrier import Channel
from bot.tryit.customer import CustomerAction, MediaKind
from bot.tryit.phone import ButtonKind, PhoneButton, PhoneMessage
from bot.tryit.sms_parts import count_parts

API_VERSION = "2010-04-01"

CONTENT_TYPES = {
    MediaKind.STICKER: "image/webp",
    MediaKind.PHOTO: "image/jpeg",
    MediaKind.VOICE: "audio/ogg",
    MediaKind.VIDEO: "video/mp4",
    MediaKind.DOCUMENT: "application/pdf",
}
MESSAGE_TYPES = {
    MediaKind.STICKER: "sticker",
    MediaKind.PHOTO: "image",
    MediaKind.VOICE: "audio",
    MediaKind.VIDEO: "video",
    MediaKind.DOCUMENT: "document",
}


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """The account as both sides know it. Numbers are E.164; `sms_from` may be a messaging service (MG…)."""

    sid: str
    auth_token: str
    sms_from: str
    whatsapp_from: str
    service_number: str = "+212500000000"
    """The number behind the messaging service, when `sms_from` is one."""

    @property
    def sms_number(self) -> str:
        return self.service_number if self.sms_from.startswith("MG") else self.sms_from

    @property
    def messaging_service(self) -> str | None:
        return self.sms_from if self.sms_from.startswith("MG") else None

    def own_address(self, channel: Channel) -> str:
        return f"whatsapp:{self.whatsapp_from}" if channel is Channel.WHATSAPP else self.sms_number


@dataclass(frozen=True, slots=True)
class Tap:
    """A tap on one of our buttons, and the message that showed it."""

    button: PhoneButton
    message: PhoneMessage

    @property
    def in_list(self) -> bool:
        return self.button.kind is ButtonKind.LIST_ITEM


def incoming_form(
    account: TwilioAccount,
    channel: Channel,
    sid: str,
    action: CustomerAction,
    media_url: str,
    tap: Tap | None,
) -> dict[str, str]:
    """The form parameters of an incoming message. Empty parameters are sent, as Twilio does."""
    body = tap.button.title if tap else action.text or ""
    if channel is Channel.SMS and action.location:  # a telephone shares its place as a link
        body = f"https://maps.google.com/?q={action.location.latitude},{action.location.longitude}"
    form = {
        "SmsMessageSid": sid,
        "NumMedia": "1" if action.media or action.contact else "0",
        "SmsSid": sid,
        "SmsStatus": "received",
        "Body": body,
        "To": account.own_address(channel),
        "NumSegments": "1" if channel is Channel.WHATSAPP else str(count_parts(body)[0]),
        "MessageSid": sid,
        "AccountSid": account.sid,
        "From": f"whatsapp:{action.sender}" if channel is Channel.WHATSAPP else action.sender,
        "ApiVersion": API_VERSION,
    }
    if action.media:
        form |= {"MediaUrl0": media_url, "MediaContentType0": CONTENT_TYPES[action.media]}
    if action.contact:
        form |= {"MediaUrl0": media_url, "MediaContentType0": "text/vcard"}
    if channel is Channel.WHATSAPP:
        return form | _whatsapp_parameters(account, action, tap)
    return form | _sms_parameters(account)


def status_form(
    account: TwilioAccount, channel: Channel, sid: str, to: str, sender: str, status: str, error: int | None
) -> dict[str, str]:
    """The form parameters of a status callback."""
    form = {
        "SmsSid": sid,
        "SmsStatus": status,
        "MessageStatus": status,
        "To": to,
        "MessageSid": sid,
        "AccountSid": account.sid,
        "From": sender,
        "ApiVersion": API_VERSION,
    }
    if error:
        form["ErrorCode"] = str(error)
    if channel is Channel.WHATSAPP:
        form |= {"ChannelPrefix": "whatsapp", "ChannelToAddress": to}
        if status in ("delivered", "read"):
            form["EventType"] = status.upper()
    elif account.messaging_service:
        form["MessagingServiceSid"] = account.messaging_service
    return form


def signed(validator: RequestValidator, url: str, form: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the request, with the signature Twilio would compute for this address."""
    return urlencode(form).encode(), {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "User-Agent": "TwilioProxy/1.1",
        "X-Twilio-Signature": validator.compute_signature(url, form),
        "I-Twilio-Idempotency-Token": secrets.token_hex(16),
    }


def _sms_parameters(account: TwilioAccount) -> dict[str, str]:
    """What Twilio knows of the two numbers; only the countries for Moroccan ones."""
    form = dict.fromkeys(("FromCity", "FromState", "FromZip", "ToCity", "ToState", "ToZip"), "")
    form |= {"FromCountry": "MA", "ToCountry": "MA"}
    if account.messaging_service:
        form["MessagingServiceSid"] = account.messaging_service
    return form


def _whatsapp_parameters(account: TwilioAccount, action: CustomerAction, tap: Tap | None) -> dict[str, str]:
    number = action.sender.removeprefix("+")
    form = {
        "ProfileName": action.name,
        "WaId": number,
        "ReferralNumMedia": "0",
        "MessageType": _message_type(action, tap),
        "ChannelMetadata": json.dumps(
            {"type": "whatsapp", "data": {"context": {"ProfileName": action.name, "WaId": number}}}
        ),
    }
    if action.location:
        form |= {"Latitude": str(action.location.latitude), "Longitude": str(action.location.longitude)}
    if tap:
        form |= {
            "OriginalRepliedMessageSid": tap.message.id,
            "OriginalRepliedMessageSender": f"whatsapp:{account.whatsapp_from}",
        }
        if tap.in_list:
            form |= {"ListId": tap.button.token, "ListTitle": tap.button.title}
        else:
            form |= {"ButtonPayload": tap.button.token, "ButtonText": tap.button.title}
    return form


def _message_type(action: CustomerAction, tap: Tap | None) -> str:
    if tap:
        return "interactive" if tap.in_list else "button"
    if action.media:
        return MESSAGE_TYPES[action.media]
    if action.location:
        return "location"
    return "contacts" if action.contact else "text"
