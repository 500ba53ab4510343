"""Every odd thing Twilio posts has a row here."""

from __future__ import annotations

from typing import Any

import pytest

from bot.channels.carrier import (
    Button,
    Channel,
    DeliveryState,
    Inbound,
    Kind,
    Media,
    MediaType,
    Outbound,
    StatusUpdate,
)
from bot.channels.twilio.contents import Choice, Layout
from bot.channels.twilio.forms import Malformed, decode_form, decode_json, read_message, read_status

SID = "SM0123456789abcdef0123456789abcdef"
MEDIA_URL = "https://api.twilio.com/2010-04-01/Accounts/AC00/Messages/MM00/Media/ME00"

SMS = {
    "ToCountry": "MA",
    "SmsMessageSid": SID,
    "NumMedia": "0",
    "SmsSid": SID,
    "SmsStatus": "received",
    "Body": "48213",
    "To": "+212520000000",
    "NumSegments": "1",
    "MessageSid": SID,
    "AccountSid": "AC00000000000000000000000000000000",
    "From": "+212600000001",
    "ApiVersion": "2010-04-01",
}
WHATSAPP = SMS | {
    "From": "whatsapp:+212600000001",
    "To": "whatsapp:+212520000000",
    "ProfileName": "Client fictif",
    "WaId": "212600000001",
    "MessageType": "text",
}


def sms(**fields: Any) -> Inbound:
    return Inbound(Channel.SMS, SID, "+212600000001", **({"kind": Kind.TEXT, "text": "48213"} | fields))


def whatsapp(**fields: Any) -> Inbound:
    return Inbound(Channel.WHATSAPP, SID, "+212600000001", **({"kind": Kind.TEXT, "text": "48213"} | fields))


def media(kind: MediaType, content_type: str | None) -> dict[str, Any]:
    return {"kind": Kind.MEDIA, "text": "", "media": (Media(kind, MEDIA_URL, content_type),)}


def posted(content_type: str, message_type: str) -> dict[str, str]:
    return {
        "Body": "",
        "NumMedia": "1",
        "MediaUrl0": MEDIA_URL,
        "MediaContentType0": content_type,
        "MessageType": message_type,
    }


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param(SMS, sms(), id="sms"),
        pytest.param(WHATSAPP, whatsapp(), id="whatsapp"),
        pytest.param(SMS | {"Body": "٤٨٢١٣ شكرا"}, sms(text="٤٨٢١٣ شكرا"), id="arabic"),
        pytest.param(SMS | {"Body": ""}, sms(text=""), id="empty sms"),
        pytest.param(WHATSAPP | {"Body": ""}, whatsapp(text=""), id="empty whatsapp text"),
        pytest.param({k: v for k, v in SMS.items() if k != "Body"}, sms(text=""), id="no body at all"),
        pytest.param(SMS | {"Body": "x" * 5000}, sms(text="x" * 5000), id="5,000 characters"),
        pytest.param(SMS | {"Body": "4\x008\x1b2\r\n"}, sms(text="4\ufffd8\x1b2\r\n"), id="control codes"),
        pytest.param(SMS | {"Body": "/intent{}"}, sms(text="/intent{}"), id="slash"),
        pytest.param(
            SMS | {"Body": "STOP", "OptOutType": "STOP"}, sms(text="STOP", opt_out="stop"), id="opt-out keyword"
        ),
        pytest.param(
            SMS | {"Body": "Unstop", "OptOutType": "START"}, sms(text="Unstop", opt_out="start"), id="opt-in keyword"
        ),
        pytest.param(SMS | {"Body": "HELP", "OptOutType": "HELP"}, sms(text="HELP"), id="help keyword"),
        pytest.param(SMS | {"MessageSid": ""}, sms(), id="only SmsSid"),
        pytest.param(
            WHATSAPP | posted("image/webp", "sticker"),
            whatsapp(**media(MediaType.STICKER, "image/webp")),
            id="sticker",
        ),
        pytest.param(
            {k: v for k, v in (WHATSAPP | posted("image/webp", "")).items() if k != "MessageType"},
            whatsapp(**media(MediaType.STICKER, "image/webp")),
            id="sticker without a message type",
        ),
        pytest.param(
            SMS | posted("image/webp", ""), sms(**media(MediaType.IMAGE, "image/webp")), id="webp by MMS"
        ),
        pytest.param(
            WHATSAPP | posted("audio/ogg; codecs=opus", "audio"),
            whatsapp(**media(MediaType.AUDIO, "audio/ogg")),
            id="voice",
        ),
        pytest.param(
            WHATSAPP | posted("image/jpeg", "image") | {"Body": "mon compteur"},
            whatsapp(**media(MediaType.IMAGE, "image/jpeg") | {"text": "mon compteur"}),
            id="picture with a caption",
        ),
        pytest.param(
            WHATSAPP | posted("video/mp4", "video"),
            whatsapp(**media(MediaType.VIDEO, "video/mp4")),
            id="video",
        ),
        pytest.param(
            WHATSAPP | posted("text/vcard", "contacts"),
            whatsapp(**media(MediaType.DOCUMENT, "text/vcard")),
            id="contact card",
        ),
        pytest.param(
            WHATSAPP | posted("application/pdf", "document"),
            whatsapp(**media(MediaType.DOCUMENT, "application/pdf")),
            id="document",
        ),
        pytest.param(
            WHATSAPP | posted("", "document"),
            whatsapp(**media(MediaType.DOCUMENT, None)),
            id="media of no type",
        ),
        pytest.param(
            SMS | {"Body": "", "NumMedia": "many", "MediaUrl0": MEDIA_URL, "MediaContentType0": "image/png"},
            sms(**media(MediaType.IMAGE, "image/png")),
            id="a count that is no number",
        ),
        pytest.param(SMS | {"NumMedia": "3"}, sms(), id="a count without media"),
        pytest.param(
            WHATSAPP
            | {"Body": "", "MessageType": "location", "Latitude": "33.5731", "Longitude": "-7.5898"},
            whatsapp(kind=Kind.LOCATION, text="", latitude=33.5731, longitude=-7.5898),
            id="location",
        ),
        pytest.param(
            WHATSAPP | {"Body": "", "MessageType": "location", "Latitude": "nan", "Longitude": "-7.5"},
            whatsapp(kind=Kind.UNSUPPORTED, text=""),
            id="location nowhere",
        ),
        pytest.param(
            WHATSAPP | {"Body": "", "MessageType": "location", "Latitude": "91", "Longitude": "x"},
            whatsapp(kind=Kind.UNSUPPORTED, text=""),
            id="location off the globe",
        ),
        pytest.param(
            WHATSAPP
            | {"Body": "Oui", "ButtonText": "Oui", "ButtonPayload": "b:7f3a", "MessageType": "button"},
            whatsapp(kind=Kind.BUTTON, text="Oui", button="b:7f3a"),
            id="quick reply",
        ),
        pytest.param(
            WHATSAPP
            | {
                "Body": "20000003",
                "ListId": "b:91cc",
                "ListTitle": "20000003 eau",
                "MessageType": "interactive",
                "OriginalRepliedMessageSid": "SM99",
            },
            whatsapp(kind=Kind.BUTTON, text="20000003 eau", button="b:91cc"),
            id="list picker",
        ),
        pytest.param(
            WHATSAPP | {"Body": "", "ButtonText": "Oui", "ButtonPayload": "", "MessageType": "button"},
            whatsapp(text="Oui"),
            id="button of an older template, without payload",
        ),
        pytest.param(
            WHATSAPP | {"Body": "", "MessageType": "interactive", "InteractiveData": "{\"pages\": []}"},
            whatsapp(kind=Kind.UNSUPPORTED, text=""),
            id="a flow, which we never send",
        ),
        pytest.param(
            WHATSAPP | {"Body": "", "MessageType": "unsupported"},
            whatsapp(kind=Kind.UNSUPPORTED, text=""),
            id="a poll",
        ),
        pytest.param(
            WHATSAPP | {"From": "whatsapp:MA.1502576394655843"},
            Inbound(Channel.WHATSAPP, SID, "MA.1502576394655843", Kind.TEXT, "48213"),
            id="a customer who hides the number",
        ),
        pytest.param(SMS | {"From": "MAROCTEL"}, None, id="alphanumeric sender"),
        pytest.param(SMS | {"From": "5050"}, None, id="short code"),
        pytest.param(SMS | {"From": "+5050"}, None, id="short code with a plus"),
        pytest.param(
            SMS | {"From": "+212520000000"},
            Inbound(Channel.SMS, SID, "+212520000000", Kind.TEXT, "48213"),
            id="a landline",
        ),
        pytest.param(SMS | {"From": "rcs:+212600000001"}, None, id="another channel"),
        pytest.param(SMS | {"From": "whatsapp:"}, None, id="whatsapp without a number"),
        pytest.param(SMS | {"From": "+٢١٢٦٠٠٠٠٠٠٠١"}, None, id="digits that are not ASCII"),
    ],
)  # fmt: skip
def test_messages(form: dict[str, str], expected: Inbound | None) -> None:
    assert read_message(form) == expected


def test_a_message_with_all_the_media_twilio_allows_keeps_them_in_order() -> None:
    many = {f"MediaUrl{i}": f"{MEDIA_URL}{i}" for i in range(12)}
    message = read_message(SMS | many | {"NumMedia": "12"})
    assert message
    assert [m.reference for m in message.media] == [f"{MEDIA_URL}{i}" for i in range(10)]


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({}, "no SmsSid"),
        ({"MessageSid": SID}, "no From"),
        (SMS | {"MessageSid": "SM 1\n"}, "MessageSid is not an identifier"),
        (SMS | {"MessageSid": "x" * 65}, "MessageSid is not an identifier"),
    ],
)
def test_malformed_messages(form: dict[str, str], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        read_message(form)


STATUS = {"MessageSid": SID, "From": "+212520000000", "To": "+212600000001", "MessageStatus": "sent"}


@pytest.mark.parametrize(
    ("fields", "state", "error"),
    [
        ({"MessageStatus": "queued"}, DeliveryState.SENT, None),
        ({"MessageStatus": "sending"}, DeliveryState.SENT, None),
        ({"MessageStatus": "sent"}, DeliveryState.SENT, None),
        ({"MessageStatus": "delivered"}, DeliveryState.DELIVERED, None),
        ({"MessageStatus": "read"}, DeliveryState.READ, None),
        ({"MessageStatus": "undelivered", "ErrorCode": "30005"}, DeliveryState.FAILED, "30005"),
        (
            {"MessageStatus": "undelivered", "ErrorCode": "30003"},
            DeliveryState.FAILED,
            "30003 the phone cannot be reached",
        ),
        (
            {"MessageStatus": "failed", "ErrorCode": "63016"},
            DeliveryState.FAILED,
            "63016 outside WhatsApp's 24 hours, and not an approved template",
        ),
        (
            {"MessageStatus": "failed", "ErrorCode": "21610"},
            DeliveryState.FAILED,
            "21610 the customer opted out",
        ),
        (
            {
                "MessageStatus": "failed",
                "ErrorCode": "63016",
                "ErrorMessage": "Outside window for +212600000001",
            },
            DeliveryState.FAILED,
            "63016 Outside window for …",
        ),
        ({"MessageStatus": "failed"}, DeliveryState.FAILED, "no reason given"),
        ({"MessageStatus": "", "SmsStatus": "delivered"}, DeliveryState.DELIVERED, None),
        ({"MessageStatus": "received"}, None, None),
        ({"MessageStatus": "teleported"}, None, None),
    ],
)
def test_delivery_states(fields: dict[str, str], state: DeliveryState | None, error: str | None) -> None:
    expected = StatusUpdate(Channel.SMS, SID, state, error) if state else None
    assert read_status(STATUS | fields) == expected


def test_a_status_belongs_to_whatsapp_when_either_end_does() -> None:
    update = read_status(STATUS | {"To": "whatsapp:+212600000001", "From": "whatsapp:+212520000000"})
    assert update
    assert update.channel is Channel.WHATSAPP


def test_a_status_without_a_state_is_malformed() -> None:
    with pytest.raises(Malformed, match="no SmsStatus"):
        read_status({"MessageSid": SID})


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        (b"Body=&From=%2B212600000001", [("Body", ""), ("From", "+212600000001")]),
        (b"Body=a+b%20c&Body=d", [("Body", "a b c"), ("Body", "d")]),
        ("Body=é".encode(), [("Body", "é")]),
    ],
)
def test_forms_keep_empty_and_repeated_parameters(body: bytes, pairs: list[tuple[str, str]]) -> None:
    assert decode_form(body).multi_items() == pairs


@pytest.mark.parametrize("body", [b"Body=%ff%fe", b"\xff\xfe", b"Body", b"&".join([b"a=1"] * 1001)])
def test_broken_forms(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode_form(body)


def test_json_keeps_plain_values_only() -> None:
    text = '{"MessageSid": "SM1", "NumMedia": 0, "Latitude": 33.5, "Extra": {"a": 1}, "None": null}'
    assert decode_json(text) == {"MessageSid": "SM1", "NumMedia": "0", "Latitude": "33.5"}


@pytest.mark.parametrize("body", ["", "{", "[]", '"text"', "null", "[" * 100_000])
def test_broken_json(body: str) -> None:
    with pytest.raises(Malformed):
        decode_json(body)


def outbound(*titles: str, text: str = "C'est bien 48213 ?", menu: str = "") -> Outbound:
    buttons = tuple(Button(title, f"b:{i}") for i, title in enumerate(titles))
    return Outbound(1, Channel.WHATSAPP, "+212600000001", text, buttons, menu=menu)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (outbound("Oui", "Non"), (Layout.QUICK_REPLY, 2)),
        (outbound("a", "b", "c", "d", menu="Choisir"), (Layout.LIST_PICKER, 4)),
        (outbound("a", "b", "c", "d"), None),
        (outbound(*"abcdefghijk", menu="Choisir"), None),
        (outbound(), None),
        (outbound("Oui", text=" \n"), None),
        (outbound("Oui", text="x" * 1025), None),
        (outbound("Le contrat d'électricité A", "Le contrat d'électricité B"), None),
    ],
)
def test_buttons_that_whatsapp_can_show(message: Outbound, expected: tuple[Layout, int] | None) -> None:
    choice = Choice.of(message)
    assert (choice and (choice.layout, choice.count)) == expected


def test_titles_are_cut_to_what_whatsapp_allows_and_apostrophes_escaped() -> None:
    choice = Choice.of(outbound("Envoyer une photo du compteur", "Non"))
    assert choice
    assert choice.variables == (
        '{"1": "C\\u0027est bien 48213 ?", "2": "Envoyer une photo\\u2026", "3": "b:0", "4": "Non", "5": "b:1"}'
    )


def test_a_button_for_the_phone_number_means_nothing_on_whatsapp() -> None:
    share = Button("Partager mon numéro", "b:9", shares_phone=True)
    assert Choice.of(Outbound(1, Channel.WHATSAPP, "+212600000001", "Votre numéro ?", (share,))) is None
