"""Customers' texts as agents see them: every character shown for what it is, long ones folded.

What turns the direction of writing around, and control characters, are replaced by a sign: nothing a customer sends
can rearrange the page or hide part of a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FOLDED: Final = 600
"""Characters of a message that are shown at once."""

_DIRECTIONS: Final = {
    "\u202a": "⟨LRE⟩",
    "\u202b": "⟨RLE⟩",
    "\u202c": "⟨PDF⟩",
    "\u202d": "⟨LRO⟩",
    "\u202e": "⟨RLO⟩",
    "\u2066": "⟨LRI⟩",
    "\u2067": "⟨RLI⟩",
    "\u2068": "⟨FSI⟩",
    "\u2069": "⟨PDI⟩",
}
"""By their names in Unicode (UAX #9). The marks U+200E, U+200F and U+061C move nothing and are common in Arabic."""
_CONTROLS: Final = {chr(code): chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
_SIGNS: Final = str.maketrans(
    _DIRECTIONS | _CONTROLS | {"\x7f": "\u2421", "\r": "", "\u2028": "\n", "\u2029": "\n"}
    | {chr(code): f"⟨{code:02X}⟩" for code in range(0x80, 0xA0)}
)  # fmt: skip
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Folded:
    """`rest` is what is shown on demand; `length` counts the characters of both."""

    begin: str
    rest: str
    length: int


def visible(text: str) -> str:
    """`text` with a sign in the place of each character that would not show."""
    return text.translate(_SIGNS)


def folded(text: str) -> Folded:
    """`text` made visible, and cut after a word when it is long."""
    shown = visible(text)
    if len(shown) <= FOLDED + FOLDED // 4:  # nobody unfolds a line or two
        return Folded(shown, "", len(text))
    spaces = [match.start() for match in _SPACE.finditer(shown, FOLDED // 2, FOLDED)]
    cut = spaces[-1] if spaces else FOLDED
    return Folded(shown[:cut], shown[cut:], len(text))
