"""Numbers in digits and words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.normalise import fold
from nlu.numbers import Number, find, spell_out


def read(text: str) -> list[Number]:
    return find(spell_out(fold(text)).text)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("48213", "48213"),
        ("48 213", "48213"),
        ("48.213", "48213"),
        ("48,213", "48213"),
        ("48\u202f213", "48213"),
        ("48'213", "48213"),
        ("1 048 213", "1048213"),
        ("٤٨٢١٣", "48213"),
        ("۴۸۲۱۳", "48213"),
        ("٤٨٬٢١٣", "48213"),
        ("index:48213kwh", "48213"),
        ("index48213", "48213"),
        ("0048213", "0048213"),
        ("4 8 2 1 3", "48213"),
        ("ب640 درهم", "640"),
        ("9" * 40, "9" * 40),
    ],
)
def test_digits(text: str, digits: str) -> None:
    assert [number.digits for number in read(text)] == [digits]


@pytest.mark.parametrize(
    ("text", "digits", "decimals"),
    [
        ("48213,5", "48213", "5"),
        ("48213.5", "48213", "5"),
        ("48.213,5", "48213", "5"),
        ("١٢٣٤٥٫٦", "12345", "6"),
        ("640,50", "640", "50"),
        ("0.901", "0", "901"),
        ("48213 virgule 5", "48213", "5"),
    ],
)
def test_decimals(text: str, digits: str, decimals: str) -> None:
    assert [(number.digits, number.decimals) for number in read(text)] == [(digits, decimals)]


def test_a_minus_sign_is_kept_but_a_dash_between_words_is_none() -> None:
    assert [n.negative for n in read("-48213")] == [True]
    assert [n.negative for n in read("index - 12")] == [True]
    assert [n.negative for n in read("cpt-48213")] == [False]


def test_two_numbers_stay_two() -> None:
    assert [n.digits for n in read("HP 4821 HC 9310")] == ["4821", "9310"]
    assert [n.digits for n in read("4821 9310")] == ["4821", "9310"]


@pytest.mark.parametrize("text", ["ch7al", "n3ref", "3lach", "7it", "9bel", "l3addad", "2ar9am", "m3", "un index"])
def test_letters_that_look_like_digits_are_no_numbers(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        # French
        ("quarante-huit mille deux cent treize", "48213"),
        ("quatre-vingt-dix-sept", "97"),
        ("quatre vingt un", "81"),
        ("soixante et onze", "71"),
        ("soixante-dix-neuf", "79"),
        ("mille deux cents", "1200"),
        ("deux mille vingt-six", "2026"),
        ("cent vingt", "120"),
        ("quatre huit deux un trois", "48213"),
        ("zéro quatre huit deux un", "04821"),
        ("quarante-huit deux cent treize", "48213"),
        ("48 mille 213", "48213"),
        ("vint deux mil trois cent cinkante", "22350"),
        ("neuf, deux, zéro, quatre, un", "92041"),
        ("trois", "3"),
        # English
        ("forty-eight thousand two hundred and thirteen", "48213"),
        ("four eight two one three", "48213"),
        ("twelve hundred", "1200"),
        ("one hundred and four thousand two hundred", "104200"),
        ("nine thousand one hundred and fifteen", "9115"),
        ("seven hundred an twenty", "720"),
        ("four eight oh two", "4802"),
        # Arabic
        ("ثمانية وأربعون ألفا ومئتان وثلاثة عشر", "48213"),
        ("خمسة آلاف وأربعمئة", "5400"),
        ("مئتا", "200"),
        ("ستمائة وأربعون", "640"),
        ("أحد عشر", "11"),
        ("ألفي", "2000"),
        ("ثلات الاف ومئه", "3100"),
        ("بخمسين", "50"),
        # Darija
        ("تمنية و ربعين ألف و ميتين و تلطاش", "48213"),
        ("ربعمية", "400"),
        ("خمسطاش", "15"),
        ("ستين", "60"),
        ("ستالاف ومية وعشرين", "6120"),
        ("عشرالاف وربعمية وتنين وتلاتين", "10432"),
        ("لتلاتين ألف وخمسمية وجوج", "30502"),
        ("تسعا الاف و ستميا و ربعين", "9640"),
        ("طناش لالف", "12000"),
        ("ميتين و 50", "250"),
        # Darija in Latin letters
        ("tmnya w rb3in alf w mitin w tltach", "48213"),
        ("tmanya w rb3in alf w miyatayn w tletach", "48213"),
        ("khamsa w tlatin alf w tes3 mya", "35900"),
        ("rb3a alaf w tmnmya w wa7ed w 3chrin", "4821"),
        ("48 alf w 213", "48213"),
        ("mitayn w khamsin", "250"),
        ("5amstach", "15"),
        ("jouj", "2"),
        ("tnach l alf w tlt mya w khamsa", "12305"),
        ("khmstach l'alf w st mya w 3chrin", "15620"),
        ("seb3 alaf w khmsmya w wa7d w rb3in", "7541"),
        ("settalaf w mya", "6100"),
        ("3 mya w 50", "350"),
        ("bkhmsin", "50"),
        ("tnin w tlatin", "32"),
    ],
)
def test_words(words: str, digits: str) -> None:
    assert [number.digits for number in read(words)] == [digits]


@pytest.mark.parametrize("text", ["un index", "une facture", "one bill", "واحد الفاتورة", "wa7ed lfacture"])
def test_a_lone_one_is_an_article(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    "text",
    ["un compteur neuf", "mille mercis", "merci mille fois", "ألف شكر", "بألف خير", "لست متأكدا", "oh no", "f rbi3"],
)
def test_words_that_also_mean_something_else_are_no_numbers(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize("text", ["sept 7", "le 7 sept 2026", "50 cents"])
def test_digits_beside_a_word_keep_it_from_being_a_number(text: str) -> None:
    word = "sept" if "sept" in text else "cents"
    assert word in spell_out(fold(text)).text


def test_number_words_point_at_themselves() -> None:
    text = "mon index: quarante-huit mille, merci"
    folded = spell_out(fold(text))
    (number,) = find(folded.text)
    start, end = folded.span(number.start, number.end)
    assert text[start:end] == "quarante-huit mille"


@pytest.mark.parametrize("text", ["nhar tlat", "had tlata", "nhar tnin", "حتى لتنين", "نهار التلات"])
def test_weekdays_are_not_two_and_three(text: str) -> None:
    assert read(text) == []


def test_three_parts_are_not_tuesday() -> None:
    assert [n.digits for n in read("3la tlat dfo3at")] == ["3"]


FRENCH = [
    *("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"),
    *("onze", "douze", "treize", "quatorze", "quinze", "seize"),
]
FRENCH_TENS = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante"}


def in_french(n: int) -> str:
    if n < 17:
        return FRENCH[n]
    if n < 20:
        return f"dix-{FRENCH[n - 10]}"
    if n < 70:
        tens, unit = divmod(n, 10)
        return FRENCH_TENS[tens] + ("" if unit == 0 else " et un" if unit == 1 else f"-{FRENCH[unit]}")
    if n < 80:
        return "soixante et onze" if n == 71 else f"soixante-{in_french(n - 60)}"
    if n < 100:
        return "quatre-vingts" if n == 80 else f"quatre-vingt-{in_french(n - 80)}"
    if n < 1000:
        hundreds, rest = divmod(n, 100)
        head = "cent" if hundreds == 1 else f"{FRENCH[hundreds]} cent"
        return head if rest == 0 else f"{head} {in_french(rest)}"
    thousands, rest = divmod(n, 1000)
    head = "mille" if thousands == 1 else f"{in_french(thousands)} mille"
    return head if rest == 0 else f"{head} {in_french(rest)}"


ARABIC = ["صفر", "واحد", "اثنان", "ثلاثة", "أربعة", "خمسة", "ستة", "سبعة", "ثمانية", "تسعة", "عشرة"]
ARABIC_TENS = ["عشرون", "ثلاثون", "أربعون", "خمسون", "ستون", "سبعون", "ثمانون", "تسعون"]
ARABIC_HUNDREDS = ["مئة", "مئتان", "ثلاثمئة", "أربعمئة", "خمسمئة", "ستمئة", "سبعمئة", "ثمانمئة", "تسعمئة"]


def in_arabic(n: int) -> str:
    if n <= 10:
        return ARABIC[n]
    if n < 20:
        return f"{'أحد' if n == 11 else 'اثنا' if n == 12 else ARABIC[n - 10]} عشر"
    if n < 100:
        tens, unit = divmod(n, 10)
        return (f"{ARABIC[unit]} و" if unit else "") + ARABIC_TENS[tens - 2]
    if n < 1000:
        hundreds, rest = divmod(n, 100)
        return ARABIC_HUNDREDS[hundreds - 1] + (f" و{in_arabic(rest)}" if rest else "")
    thousands, rest = divmod(n, 1000)
    if thousands == 1:
        head = "ألف"
    elif thousands == 2:
        head = "ألفان"
    else:
        head = f"{in_arabic(thousands)} {'آلاف' if thousands <= 10 else 'ألفا'}"
    return head + (f" و{in_arabic(rest)}" if rest else "")


@given(st.integers(2, 999_999))
def test_french_words_round_trip(n: int) -> None:
    assert [number.digits for number in read(in_french(n))] == [str(n)]


@given(st.integers(2, 999_999))
def test_arabic_words_round_trip(n: int) -> None:
    assert [number.digits for number in read(in_arabic(n))] == [str(n)]


@given(st.integers(0, 10**9), st.sampled_from([" ", ".", ",", "\u202f", "'"]))
def test_grouped_digits_round_trip(n: int, separator: str) -> None:
    assert [number.integer for number in read(f"{n:,}".replace(",", separator))] == [str(n)]


@given(st.text())
def test_reading_numbers_never_raises(text: str) -> None:
    for number in read(text):
        assert number.digits.isdecimal()
