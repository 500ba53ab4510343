"""What the assistant says: every text in every language, and how values are written in each."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

import nlu.standins  # noqa: F401 - must come before anything of Rasa
from bot.catalogues import SAMPLES
from bot.engine.texts import FALLBACKS, MissingText, Texts
from bot.settings import PROJECT

RESPONSES: dict[str, list[dict[str, Any]]] = yaml.safe_load((PROJECT / "domain.yml").read_text(encoding="utf-8"))[
    "responses"
]
CHANNELS = ("sms", "whatsapp", "telegram", "terminal")

CATALOGUE = """\
msgctxt "utter_sure"
msgid "C'est {value} ?"
msgstr "{value}؟"

#, fuzzy
msgctxt "utter_hello"
msgid "Bonjour"
msgstr "مرحبا"

msgctxt "utter_share.telegram"
msgid "Ou le bouton ?"
msgstr "أو الزر؟"

msgctxt "utter_share.button"
msgid "Partager"
msgstr "مشاركة"
"""


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts(RESPONSES, PROJECT / "locales")


@pytest.fixture
def few(tmp_path: Path) -> Texts:
    """Three responses; Arabic has two of them, the other languages none."""
    (tmp_path / "ar.po").write_text(CATALOGUE, encoding="utf-8")
    share = {"text": "Ou le bouton ?", "channel": "telegram", "buttons": [{"title": "Partager", "payload": "p"}]}
    responses = {
        "utter_sure": [{"text": "C'est {value} ?"}],
        "utter_hello": [{"text": "Bonjour"}],
        "utter_share": [{"text": "Votre contrat ?"}, share],
    }
    return Texts(responses, tmp_path)


@pytest.mark.parametrize("language", FALLBACKS)
def test_every_text_can_be_said(texts: Texts, language: str) -> None:
    for name in RESPONSES:
        for channel in CHANNELS:
            said = texts.render(name, language, channel, SAMPLES)
            for text in (said["text"], *(button["title"] for button in said.get("buttons", ()))):
                assert text.strip()
                assert not set("{}") & set(text), f"{language}: {name}"


def test_each_language_answers_in_itself(texts: Texts) -> None:
    said = {
        language: texts.render("utter_language_changed", language, "sms", {})["text"]
        for language in ("fr", "ar", "ary", "ary-Latn", "en")
    }
    assert said == {
        "fr": "D'accord, je continue en français.",
        "ar": "حسنا، سأتابع بالعربية.",
        "ary": "واخا، غانكمل بالدارجة.",
        "ary-Latn": "Wakha, ghankemmel b darija.",
        "en": "All right, I will continue in English.",
    }


def test_tamazight_is_answered_in_french_and_arabic_whatever_came_before(texts: Texts) -> None:
    said = {texts.render("utter_tamazight", language, "sms", {})["text"] for language in FALLBACKS}
    assert len(said) == 1
    french, arabic = said.pop().split("\n")
    assert "CONSEILLER" in french
    assert "مستشار" in arabic


@pytest.mark.parametrize(
    ("language", "value", "written"),
    [
        ("fr", Decimal("1234.5"), "1 234,50 DH"),
        ("ary-Latn", Decimal("1234.5"), "1 234,50 DH"),
        ("zgh", Decimal("640"), "640,00 DH"),
        ("ar", Decimal("1234.5"), "1.234,50 درهم"),
        ("ary", Decimal("0.25"), "0,25 درهم"),
        ("en", Decimal("1234.5"), "1,234.50 DH"),
        ("fr", date(2026, 3, 9), "09/03/2026"),
        ("ar", date(2026, 3, 9), "09/03/2026"),
        ("ary", date(2026, 12, 31), "31/12/2026"),
        ("ary-Latn", date(2026, 12, 31), "31/12/2026"),
        ("en", date(2026, 3, 9), "09/03/2026"),
        ("en", datetime(2026, 3, 9, 12, tzinfo=UTC), "09/03/2026"),
        ("fr", 30, "30"),
        ("ar", 30, "30"),
        ("ar", -5, "-5"),
        ("en", 0, "0"),
        # Names, references, contract and phone numbers are never reformatted.
        ("ar", "R-7K3M-X", "R-7K3M-X"),
        ("fr", "10000001", "10000001"),
        ("en", "080 200 77 77", "080 200 77 77"),
    ],
)
def test_values_are_written_the_readers_way(few: Texts, language: str, value: object, written: str) -> None:
    assert shown(few, language, value) == written


@pytest.mark.parametrize("language", FALLBACKS)
def test_numbers_are_in_western_digits_that_read_back(few: Texts, language: str) -> None:
    for number in (7, 113, 48213, 1234567):
        written = shown(few, language, number)
        assert re.fullmatch(r"[0-9]+(?:[ .,][0-9]{3})*", written), written
        assert int(re.sub(r"\D", "", written)) == number


def shown(few: Texts, language: str, value: object) -> str:
    """How `value` is written, marks that show nothing aside, and any kind of space as a plain one."""
    text: str = few.render("utter_sure", language, "sms", {"value": value})["text"]
    plain = re.sub(r"\s", " ", text.replace("\u200e", "").replace("\u200f", ""))
    return plain.removeprefix("C'est ").removesuffix(" ?").removesuffix("؟")


def test_a_truth_value_is_not_said(few: Texts) -> None:
    with pytest.raises(TypeError):
        few.render("utter_sure", "fr", "sms", {"value": True})


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [
        ("utter_sure", "ar", "5؟"),
        ("utter_sure", "ary", "5؟"),  # no catalogue of its own here: Modern Standard
        ("utter_sure", "ary-Latn", "C'est 5 ?"),
        ("utter_sure", "en", "C'est 5 ?"),
        ("utter_sure", "zgh", "C'est 5 ?"),
        ("utter_sure", "de", "C'est 5 ?"),
        ("utter_hello", "ar", "Bonjour"),  # a fuzzy translation is not used
    ],
)
def test_a_missing_translation_falls_back(few: Texts, name: str, language: str, text: str) -> None:
    assert few.render(name, language, "sms", {"value": 5}) == {"text": text}


@pytest.mark.parametrize(
    ("channel", "language", "said"),
    [
        ("sms", "fr", {"text": "Votre contrat ?"}),
        ("whatsapp", "ar", {"text": "Votre contrat ?"}),
        ("telegram", "fr", {"text": "Ou le bouton ?", "buttons": [{"title": "Partager", "payload": "p"}]}),
        ("telegram", "ar", {"text": "أو الزر؟", "buttons": [{"title": "مشاركة", "payload": "p"}]}),
    ],
)
def test_a_channel_has_its_own_variant(few: Texts, channel: str, language: str, said: object) -> None:
    assert few.render("utter_share", language, channel, {}) == said


@pytest.mark.parametrize(
    ("name", "reason"),
    [("utter_nothing", "has no response 'utter_nothing'"), ("utter_sure", "needs 'value', which was not given")],
)
def test_what_cannot_be_said_is_told(few: Texts, name: str, reason: str) -> None:
    with pytest.raises(MissingText, match=reason):
        few.render(name, "fr", "sms", {})
