"""Cleaning, folding and the consonant skeleton."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.normalise import AFFIRM, DENY, MAX_LENGTH, clean, fold, normalise, skeleton


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("/restart", "restart"),
        (" //greet", "greet"),
        ("／restart", "restart"),  # full-width
        ("\u200f/restart", "restart"),  # hidden behind a direction mark
        ("48\u202e213\u202c", "48213"),
        ("in\u200bdex", "index"),
        ("a\x00b\x07c", "abc"),
        ("un\tdeux", "un deux"),
        ("un\r\ndeux", "un\ndeux"),
        ("été", "été"),
        ("e\u0301te\u0301", "été"),
        ("\ud800abc", "abc"),  # half a character
        ("👍🏽", "👍🏽"),
        ("✅\ufe0f", "✅"),
        ("  ", ""),
        ("", ""),
    ],
)
def test_cleaning(typed: str, cleaned: str) -> None:
    assert clean(typed) == cleaned


def test_a_long_text_is_cut() -> None:
    assert len(clean("a" * 5000)) == MAX_LENGTH


@given(st.text())
def test_cleaning_is_safe_and_idempotent(text: str) -> None:
    cleaned = clean(text)
    assert not cleaned.startswith("/")
    assert len(cleaned) <= MAX_LENGTH
    assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in cleaned)
    assert clean(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("ÉLECTRICITÉ", "electricite"),
        ("l’eau", "l'eau"),
        ("cœur", "coeur"),
        ("٤٨٢١٣", "48213"),
        ("۴۸۲۱۳", "48213"),
        ("أإآٱ", "اااا"),
        ("فاتورة", "فاتوره"),
        ("على", "علي"),
        ("مَرْحَبًا", "مرحبا"),
        ("ســـلام", "سلام"),
        ("مئة", "ميه"),
        ("ﻻ", "لا"),
        ("48\u202f213", "48 213"),
        ("٤٨٢١٣٫٥", "48213,5"),
    ],
)
def test_folding(typed: str, folded: str) -> None:
    assert fold(typed).text == folded


@given(st.text())
def test_folding_knows_where_each_character_came_from(text: str) -> None:
    folded = fold(text)
    for i, character in enumerate(folded.text):
        start, end = folded.span(i, i + 1)
        assert end == start + 1
        assert character in fold(text[start:end]).text


def test_a_replaced_piece_points_at_what_it_replaced() -> None:
    folded = fold("index été 5").replaced([(6, 9, "15")])
    assert folded.text == "index 15 5"
    assert folded.span(6, 8) == (6, 9)
    assert folded.span(9, 10) == (10, 11)


@pytest.mark.parametrize(
    ("typed", "normalised"),
    [
        ("bezaaaaaf", "bezaf"),
        ("facture", "facture"),
        ("appelle", "appelle"),
        ("سلااااام", "سلام"),
        ("100000", "100000"),  # digits are not letters drawn out
        ("👍", f" {AFFIRM} "),
        ("✅ merci", f" {AFFIRM}  merci"),
        ("👎", f" {DENY} "),
    ],
)
def test_normalising(typed: str, normalised: str) -> None:
    assert normalise(typed) == normalised


SAME_WORD = """
ch7al chhal shhal شحال
bghit bghyt بغيت
n3ref n3raf نعرف
fatoura fatora lfatoura فاتورة لفاتورة الفاتورة فاتوره
facture factura lfacture fakture لفاكتورة فاكتورة
konter kontor lkonter كونتور لكونتور الكونتور
l3addad 3adad العداد عداد
kahraba lkahraba كهرباء الكهرباء
do dow ddow الضو ضو
lma الما الماء
khlass khlas خلاص
nkhelles nkhles n5les نخلص
kifach kifash كيفاش
wa9tach waqtach وقتاش
wakha wa5a واخا
3lach 3lash علاش
3afak عافاك
chno chnou shno شنو
bzaf bezzaf bzzaf بزاف
khasni 5asni khassni خاصني
lwakala wakala الوكالة وكالة
kontra lkontra كونطرا الكونطرا
n9der nqder n9dar نقدر
lbare7 lbareh البارح
jem3a jm3a ljem3a الجمعة
9ra qra قرا
index انديكس
bslama beslama بسلامة
gal 9al قال گال
okht أخت
idara إدارة
"""


@pytest.mark.parametrize("spellings", SAME_WORD.strip().splitlines())
def test_the_spellings_of_a_word_have_one_skeleton(spellings: str) -> None:
    assert len({skeleton(normalise(word)) for word in spellings.split()}) == 1


def test_different_words_keep_different_skeletons() -> None:
    words = ["fatoura", "kontra", "3addad", "lwakala", "nkhles", "ch7al", "kifach", "wa9tach", "3lach", "khasni"]
    assert len({skeleton(word) for word in words}) == len(words)


@given(st.text())
def test_skeleton_never_raises(text: str) -> None:
    skeleton(normalise(text))
