"""The piece of a message around the words that were looked for, cut so that a template can mark them."""

from __future__ import annotations

import re
from collections.abc import Sequence

AROUND = 70
"""Characters shown before the first of the words."""
LONGEST = 220

Piece = tuple[str, bool]
"""Some text, and whether it is one of the words."""


def excerpt(text: str, words: Sequence[str]) -> list[Piece]:
    """`text` in pieces, with "…" where it was cut. Nothing is escaped: templates do that."""
    text = " ".join(text.split())
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.IGNORECASE)
    first = pattern.search(text) if words else None
    start = max(first.start() - AROUND, 0) if first else 0
    shown = text[start : start + LONGEST]
    pieces: list[Piece] = [("…", False)] if start else []
    at = 0
    for found in pattern.finditer(shown) if words else ():
        if found.start() > at:
            pieces.append((shown[at : found.start()], False))
        pieces.append((found[0], True))
        at = found.end()
    if at < len(shown):
        pieces.append((shown[at:], False))
    if start + LONGEST < len(text):
        pieces.append(("…", False))
    return pieces
