"""SMS text: what is replaced, what is not, and how many parts a text costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import gsm
from bot.channels.text import shorten, storable, units


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        # In the alphabet: stays (the lower-case ç is not, the capital is).
        ("é è à ù ì ò É Ç ä ö ñ ü", "é è à ù ì ò É Ç ä ö ñ ü"),
        ("Ä Ö Ñ Ü å Å æ ß £ ¥ @ § ¿ ¡", "Ä Ö Ñ Ü å Å æ ß £ ¥ @ § ¿ ¡"),
        ("640,00 € [a] {b} ~ | \\ ^", "640,00 € [a] {b} ~ | \\ ^"),
        # French letters outside it.
        ("Reçu, ça va être sûr", "Recu, ca va etre sur"),
        ("Où êtes-vous ? Noël, maïs, île, hôte, goût", "Où etes-vous ? Noel, mais, ile, hote, gout"),
        ("À È Ê Î Ô Û Ë Ï", "A E E I O U E I"),
        ("cœur et ŒUVRE", "coeur et OEUVRE"),
        # Typography.
        ("l’index n’est « pas » lu…", "l'index n'est \"pas\" lu..."),
        ("«\u00a0Oui\u00a0» : 48\u202f213\u00a0kWh", '"Oui" : 48 213 kWh'),
        ("du 1 – au 2 — fin‑là −5 • “a” „b”", "du 1 - au 2 - fin-là -5 - \"a\" \"b\""),
        ("12 m³, n° 5, 3 × 4, ½", "12 m3, no 5, 3 x 4, 1/2"),
        ("a\tb\r\nc\u2028d\x00\x07\u200b\u200f\ufeff", "a b\nc\nd"),
        # Decomposed accents are letters of the alphabet once composed.
        ("re\u0301sume\u0301", "résumé"),
        # One character without a neighbour decides for UCS-2: nothing is touched.
        ("استهلاككم 48213 كيلوواط", "استهلاككم 48213 كيلوواط"),
        ("Reçu 👍", "Reçu 👍"),
        ("Reçu شكرا", "Reçu شكرا"),
        ("ⴰⵣⵓⵍ", "ⴰⵣⵓⵍ"),
        ("", ""),
    ],
)  # fmt: skip
def test_transliteration_loses_no_meaning(text: str, sent: str) -> None:
    assert gsm.transliterate(text) == sent


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        # An extension character costs two septets...
        ("€" * 80, 1),
        ("€" * 80 + "a", 2),
        # ... and is never split: 152 + the pair does not fit in 153.
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ش" * 70, 1),
        ("ش" * 71, 2),
        ("ش" * 134, 2),
        ("ش" * 135, 3),
        # A surrogate pair costs two units and is never split.
        ("👍" * 35, 1),
        ("👍" * 36, 2),
        ("ش" * 66 + "👍" + "ش" * 65, 2),
        ("ش" * 66 + "👍" + "ش" * 66, 3),
        # One stray character turns everything to UCS-2.
        ("a" * 70 + "ç", 2),
        ("é" * 160, 1),
    ],
)
def test_parts_are_counted_as_the_network_splits(text: str, parts: int) -> None:
    assert gsm.parts(text) == parts


def test_a_french_answer_of_150_characters_is_one_part() -> None:
    text = (
        "Votre relevé 48 213 kWh a bien été reçu, c’est noté. Depuis le 12 août vous avez "
        "consommé « 113 kWh » en 30 jours… Référence : R-7K3M-X. Merci, à bientôt !"
    )
    assert 145 <= len(text) <= 160
    assert gsm.parts(text) == 3
    assert gsm.parts(gsm.fit(text)) == 1


@pytest.mark.parametrize(
    ("text", "tail", "limit", "fitted"),
    [
        ("Bonjour à tous", "", 20, "Bonjour à tous"),
        ("Bonjour à tous les clients", "", 20, "Bonjour à tous..."),
        ("Bonjour à tous les", "", 18, "Bonjour à tous les"),
        ("Reçu, merci beaucoup à vous", "\n1. Oui", 30, "Recu, merci beaucoup...\n1. Oui"),
        ("شكرا جزيلا لكم جميعا", "", 14, "شكرا جزيلا…"),
        # The tail decides with the text: Arabic choices make the whole message UCS-2.
        ("Reçu", "\n1. نعم", 20, "Reçu\n1. نعم"),
        ("x" * 30, "", 20, "x" * 17 + "..."),
    ],
)
def test_a_text_too_long_is_cut_after_a_word(text: str, tail: str, limit: int, fitted: str) -> None:
    assert gsm.fit(text, tail, limit) == fitted


@given(st.text(), st.integers(min_value=10, max_value=60))
def test_whatever_is_fitted_fits_and_stays_whole_text(text: str, limit: int) -> None:
    fitted = gsm.fit(storable(text), limit=limit)
    assert units(fitted) <= limit
    assert storable(fitted) == fitted
    assert gsm.parts(fitted) >= 1


@given(st.text(alphabet=st.characters(max_codepoint=0x17F)))
def test_transliteration_is_stable(text: str) -> None:
    once = gsm.transliterate(text)
    assert gsm.transliterate(once) == once


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("48\x00213", "48\ufffd213"),
        ("\ud800a", "\ufffda"),
        ("a\udc00", "a\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("tab\tand\nline", "tab\tand\nline"),
    ],
)
def test_what_a_database_refuses_is_replaced(text: str, stored: str) -> None:
    assert storable(text) == stored
    stored.encode()


def test_a_cut_never_leaves_half_a_character() -> None:
    assert shorten("👍👍👍👍", 4) == "👍…"
