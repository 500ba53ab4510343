"""Reference numbers given to customers: `R-4821370568` for a reading, `D-…` for a deferral and so on.

One letter says what it is about, then ten digits, the last one a check digit. Digits only, because every
customer can say them, hear them and type them on any keyboard, Arabic ones included, and because a letter
that looks like a digit (O, I, L) can then only mean that digit. 818 million references for each kind.

The check digit is ISO 7064 MOD 11-2 over the kind and the digits; numbers whose check would be "X" are never
given out. It detects every wrong digit, every wrong kind and every swap of neighbours, which is also how
people mishear in Arabic, where 48 is said "eight and forty". The first digit is never zero: no national phone
number can be taken for a reference.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from random import Random

from stdnum.iso7064 import mod_11_2


class Kind(StrEnum):
    """What a reference is about: the letter in front of it."""

    READING = "R"
    DEFERRAL = "D"
    INSTALMENTS = "I"
    SUBSCRIPTION = "S"
    COMPLAINT = "C"
    KWH_ADVANCE = "K"
    RECHARGE_VISIT = "V"
    OUTAGE = "P"  # panne; an O would be heard and typed as a zero
    PERSONAL_DATA = "N"


_KIND_DIGITS = {kind: str(digit) for digit, kind in enumerate(Kind, start=1)}
"""What the kind counts for in the check digit. Append only: references already given out depend on it."""

_LOOKALIKES = str.maketrans("OIL", "011")
_SEPARATOR = r"[\s.,:/\-\u2010-\u2015\u2212]"
_REFERENCE = re.compile(
    rf"([{''.join(Kind)}])((?:{_SEPARATOR}{{0,3}}[0-9OIL]){{10}})",
)
_NEIGHBOUR = r"[0-9A-Z\u00C0-\u024F]"
_REFERENCE_IN_TEXT = re.compile(rf"(?<!{_NEIGHBOUR})(?={_REFERENCE.pattern}(?!{_NEIGHBOUR}))")


def new_reference(kind: Kind | str, rng: Random) -> str:
    """A fresh reference such as `R-4821370568`; uniqueness is for the store to enforce.

    `rng` is `secrets.SystemRandom()` in production and a seeded `random.Random` for demo data and tests.
    Raises ValueError for an unknown kind.
    """
    kind = Kind(kind)
    while True:
        digits = str(rng.randrange(10**8, 10**9))
        check = mod_11_2.calc_check_digit(_KIND_DIGITS[kind] + digits)
        if check != "X":
            return f"{kind}-{digits}{check}"


def parse_reference(text: str) -> str | None:
    """The reference that `text` consists of, in its stored form, or None.

    Case, spaces, dots, missing or long dashes, Arabic digits, invisible direction marks and the letters O, I
    and L typed for 0 and 1 are forgiven; a wrong check digit is not.
    """
    cleaned = re.sub(f"^{_SEPARATOR}+|{_SEPARATOR}+$", "", _clean(text))
    found = _REFERENCE.fullmatch(cleaned)
    return _verified(*found.groups()) if found else None


def find_reference(text: str) -> str | None:
    """The first valid reference written somewhere in a sentence, in its stored form, or None."""
    for found in _REFERENCE_IN_TEXT.finditer(_clean(text)):
        if reference := _verified(*found.groups()):
            return reference
    return None


def _clean(text: str) -> str:
    """Capitals, Western digits, no direction marks or other invisible characters."""
    visible = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in visible).upper()


def _verified(kind: str, written: str) -> str | None:
    digits = re.sub(_SEPARATOR, "", written).translate(_LOOKALIKES)
    if digits[0] == "0" or not mod_11_2.is_valid(_KIND_DIGITS[Kind(kind)] + digits):
        return None
    return f"{kind}-{digits}"
