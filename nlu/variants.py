"""Spelling variants of Darija in Latin letters, for training only.

Nobody teaches how to write it, so every writer has a spelling; examples written by a few people cover a few. Each
variant respells some sounds the way another writer would: `ch7al` is also `chhal`, `sh7al` and `chehal`.
"""

from __future__ import annotations

import re
from random import Random

_SWAPS: list[tuple[re.Pattern[str], tuple[str, ...]]] = [
    (re.compile(pattern), choices)
    for pattern, choices in (
        (r"kh", ("5", "kh", "x")),
        (r"5(?=[a-z])|(?<=[a-z])5", ("kh",)),
        (r"gh", ("gh", "4", "r", "8")),
        (r"ch", ("sh", "ch")),
        (r"sh", ("ch",)),
        (r"7(?=[a-z])|(?<=[a-z])7", ("h", "7")),
        (r"9(?=[a-z])|(?<=[a-z])9", ("q", "9", "k")),
        (r"q(?!u)", ("9",)),
        (r"(?<=[a-z])3(?=[a-z])", ("a", "3", "e")),
        (r"(?<![a-z0-9])3(?=[a-z])", ("3", "a")),
        (r"ou", ("o", "u", "ou", "w")),
        (r"(?<=[a-z])o(?![uo])", ("ou", "u")),
        (r"i", ("i", "y", "e")),
        (r"(?<=[bcdfghjklmnpqrstvz])e(?=[bcdfghjklmnpqrstvz])", ("", "a", "i")),
        (r"(?<=[bcdfghjklmnpqrstvz])a(?=[bcdfghjklmnpqrstvz])", ("a", "e", "")),
        (r"([bdfklmnrstz])\1", ("single",)),
        (r"(?<=[a-z])z(?=[a-z])", ("z", "zz")),
        (r"(?<![a-z0-9])l(?=[bcdfgjkmnpqrstvz])", ("l", "el", "l'", "l ")),
    )
]
_RATE = 0.35
"""Share of the places where another spelling is possible that get one."""

_FOREIGN_TO_DARIJA = re.compile(r"(?<![a-z0-9])(?:[A-Z]-?\w*\d\w*|\d+)(?![a-z0-9])", re.IGNORECASE)


def respell(text: str, random: Random) -> str:
    """One other spelling of a Darija text; numbers and references stay as they are."""
    parts: list[str] = []
    at = 0
    for m in _FOREIGN_TO_DARIJA.finditer(text):
        parts += (_respell(text[at : m.start()], random), m[0])
        at = m.end()
    parts.append(_respell(text[at:], random))
    return "".join(parts)


def _respell(text: str, random: Random) -> str:
    text = text.lower()
    for pattern, choices in _SWAPS:

        def swap(m: re.Match[str], choices: tuple[str, ...] = choices) -> str:
            if random.random() > _RATE:
                return m[0]
            choice = random.choice(choices)
            return m[1] if choice == "single" else choice

        text = pattern.sub(swap, text)
    return text
