"""Takes what could tell who wrote out of a text before it becomes an example.

Numbers keep their shape, which is all that the models see of them (`nlu.features.masked`): a phone stays a phone and
a contract a contract, with digits of nobody's. Dates and years stay. Names must be taken out by whoever reads the
text; `names_in` says which ones we know of.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import cycle

from nlu.normalise import fold, normalise

_GAP = r"[ .\-\u00a0\u202f]"
_NUMBER = rf"\+?\d(?:{_GAP}?\d){{3,}}"
_NOT_IN_NUMBER = (
    rf"(?<!\d)(?<!\d{_GAP})(?P<when>\d{{1,2}}[/.\-]\d{{1,2}}[/.\-]\d{{2,4}}|\d{{4}}-\d\d-\d\d|(?:19|20)\d\d)"
)
_MAIL = r"(?P<mail>[^\s@<>]+@[^\s@<>]+\.\w+)"
_TELLING = re.compile(rf"{_MAIL}|{_NOT_IN_NUMBER}(?!{_GAP}?\d)|(?P<number>{_NUMBER})")
_PHONE = re.compile(r"(?:\+212|00212|212(?=\d{9}$)|0)\d")
"""How a Moroccan phone begins, its first digit included: it tells a mobile from a landline, and nothing more."""
SHORTEST_NAME = 3
"""Letters: "el" and "ben" are in many names and many words."""


def masked_numbers(text: str) -> str:
    """`text` with the digits of numbers of four and more replaced, and e-mail addresses."""
    return _TELLING.sub(_replaced, text)


def _replaced(found: re.Match[str]) -> str:
    if found["mail"]:
        return "nom@exemple.ma"
    if found["when"]:
        return found[0]
    bare = "".join(str(int(each)) if each.isdigit() else each for each in found[0] if each.isdigit() or each == "+")
    phone = _PHONE.match(bare) if len(bare) > len("12345678") else None
    kept = sum(each.isdigit() for each in phone[0]) if phone else 0
    others = cycle("1234567890")
    written = []
    for each in found[0]:
        if not each.isdigit():
            written.append(each)
        elif kept:
            kept -= 1
            written.append(each)
        else:
            written.append(chr(ord(each) - unicodedata.digit(each) + int(next(others))))
    return "".join(written)


def names_in(text: str, names: Iterable[str]) -> list[str]:
    """The words of `names` that `text` contains, in any case and with any accents."""
    said = set(_words(text))
    return [
        word for name in names for word in name.split() if len(word) >= SHORTEST_NAME and set(_words(word)) & said
    ]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", fold(normalise(text)).text)
