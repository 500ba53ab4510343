"""How a language writes in a picture or a document: direction, numbers, amounts."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from babel.numbers import format_decimal

from bot.cldr import CLDR_LOCALES, RIGHT_TO_LEFT, dirhams

Language = Literal["fr", "ar", "ary", "ary-Latn", "en"]

_LEFT_TO_RIGHT_MARK = "\u200e"
_RIGHT_TO_LEFT_MARK = "\u200f"
_NO_BREAK_SPACE = "\u00a0"
_MINUS = "\u2212"  # as wide as the plus, where CLDR's hyphen is easily missed on a small screen

# A phone number or the like, "080 200 77 77": the bidirectional algorithm alone would lay its groups of digits from
# right to left in an Arabic line. Two numbers side by side are left alone, they are two numbers.
_GROUPS_OF_DIGITS = re.compile(r"\+?\d+(?:[ \u00a0\u202f]\d+){2,}")

# And it would put a number's sign on the other side of its digits.
_SIGN = re.compile(r"(?<![^\s(])[-+\u2212](?=\d)")

# A space within a number, or between it and a short word such as its unit: no line ends there.
_SPACE_AFTER_DIGIT = re.compile(r"(?<=\d) (?=\d|\S{1,4}(?!\S))")


def is_right_to_left(language: str) -> bool:
    return language in RIGHT_TO_LEFT


def number(value: int, language: str) -> str:
    return format_decimal(value, locale=CLDR_LOCALES[language])


def money(amount: Decimal, language: str, *, signed: bool = False) -> str:
    """`amount` in dirhams with its two decimals. With `signed` an increase has its plus; nothing has no sign."""
    pattern = "+#,##0.00;-#,##0.00" if signed and amount else "#,##0.00"
    digits = format_decimal(amount, format=pattern, locale=CLDR_LOCALES[language]).replace("-", _MINUS)
    return f"{digits}{_NO_BREAK_SPACE}{dirhams(language)}"


def unbroken(text: str) -> str:
    """`text` whose numbers keep together, and with their units, when it is wrapped."""
    return _SPACE_AFTER_DIGIT.sub(_NO_BREAK_SPACE, text)


def ordered(text: str, language: str) -> str:
    """`text` with the invisible marks that keep phone numbers and signs in order within Arabic."""
    if not is_right_to_left(language):
        return text
    grouped = _GROUPS_OF_DIGITS.sub(rf"{_LEFT_TO_RIGHT_MARK}\g<0>{_LEFT_TO_RIGHT_MARK}", text)
    return _SIGN.sub(rf"{_LEFT_TO_RIGHT_MARK}\g<0>", grouped)


def line(text: str, language: str) -> str:
    """`text`, ordered, as a line that runs in the direction of `language`.

    Unmarked, a line takes the direction of its first letter, and "TPPAN" would turn an Arabic one around.
    """
    mark = _RIGHT_TO_LEFT_MARK if is_right_to_left(language) else _LEFT_TO_RIGHT_MARK
    return mark + ordered(text, language)
