"""What the page of a conversation makes of texts, files and carriers' errors, without a database."""

from __future__ import annotations

import pytest

from bot.desk.conversations.delivery import REASONS, UNKNOWN_REASON, reason_of
from bot.desk.conversations.fields import fill, unfilled
from bot.desk.conversations.sendable import cleaned, measure
from bot.desk.conversations.visible import FOLDED, folded, visible
from bot.file_kinds import kind_of
from bot.sending.uploads import clean_name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bonjour\n\tà tous", "Bonjour\n\tà tous"),
        ("a\x00b", "a␀b"),
        ("a\u202eb\u2066c", "a⟨RLO⟩b⟨LRI⟩c"),
        ("a\x85b\x7f", "a⟨85⟩b␡"),
        ("قراءة\u200f 48213", "قراءة\u200f 48213"),
        ("a\r\nb\u2028c", "a\nb\nc"),
    ],
)
def test_what_does_not_show_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["court", "x" * 5_000, "mot " * 1_250, "\u202e" * 5_000, ""])
def test_folding_loses_nothing(text: str) -> None:
    parts = folded(text)
    assert parts.begin + parts.rest == visible(text)
    assert len(parts.begin) <= FOLDED * 1.25
    assert parts.length == len(text)


@pytest.mark.parametrize(
    ("channel", "text", "length", "parts", "too_long"),
    [
        ("sms", "é" * 160, 160, 1, False),
        ("sms", "ê" * 161, 161, 2, False),
        ("sms", "ق" * 71, 71, 2, False),
        ("sms", "x" * 1_601, 1_601, 11, True),
        ("whatsapp", "x" * 1_601, 1_601, None, True),
        ("telegram", "😀" * 2_048, 4_096, None, False),
        ("telegram", "😀" * 2_049, 4_098, None, True),
    ],
)
def test_a_text_is_measured_as_its_carrier_does(
    channel: str, text: str, length: int, parts: int | None, too_long: bool
) -> None:
    measured = measure(text, channel)
    assert (measured.length, measured.parts, measured.is_too_long) == (length, parts, too_long)


def test_fields_without_a_value_stay_and_are_found() -> None:
    text = fill("{customer}, {amount_due} ; {customer} { vide } {Autre}", {"customer": "Amal {agent}"})
    assert text == "Amal {agent}, {amount_due} ; Amal {agent} { vide } {Autre}"
    assert unfilled(text) == ["{agent}", "{amount_due}"]


@pytest.mark.parametrize(
    ("text", "stored"), [(" a\r\nb\rc\x00 ", "a\nb\nc\ufffd"), ("\ud800", "\ufffd"), ("\n ", "")]
)
def test_a_text_is_cleaned_of_what_no_database_takes(text: str, stored: str) -> None:
    assert cleaned(text) == stored


@pytest.mark.parametrize(
    ("error", "sign"),
    [
        ("63016 Failed to send freeform message", "63016"),
        ("21610", "21610"),
        ("Forbidden: bot was blocked by the user", "bot was blocked"),
        ("Bad Request: chat not found", "chat not found"),
        ("no connection: ClientConnectorError", "no connection"),
        ("no carrier for sms is configured", "no carrier"),
        ("in doubt: not sent again", "in doubt"),
    ],
)
def test_a_carriers_error_has_a_meaning(error: str, sign: str) -> None:
    assert reason_of(error) == REASONS[sign]


@pytest.mark.parametrize("error", ["", "99999 Something new", "no answer: TimeoutError", "code 2161"])
def test_an_error_that_is_not_known_has_a_sentence_too(error: str) -> None:
    assert reason_of(error) == UNKNOWN_REASON


@pytest.mark.parametrize(
    ("given", "kind", "name"),
    [
        ("facture.pdf", "application/pdf", "facture.pdf"),
        ("C:\\Users\\a\\Reçu d'été.exe", "application/pdf", "Recu-d-ete.pdf"),
        ("../../etc/passwd", "image/png", "passwd.png"),
        ("فاتورة.pdf", "application/pdf", "document.pdf"),
        ('a"\r\nSet-Cookie: x.jpeg', "image/jpeg", "a-Set-Cookie-x.jpg"),
        ("x" * 300 + ".png", "image/png", "x" * 60 + ".png"),
        ("", "image/png", "document.png"),
    ],
)
def test_a_files_name_is_safe_everywhere(given: str, kind: str, name: str) -> None:
    assert clean_name(given, kind) == name


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"OggS\0", "audio/ogg"),
        (b"\0\0\0\x18ftypM4A ", "audio/mp4"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "video/mp4"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"%PDF-1.4", "application/pdf"),
        (b"<svg xmlns", None),
        (b"<!doctype html>", None),
        (b"", None),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, kind: str | None) -> None:
    assert kind_of(content) == kind
