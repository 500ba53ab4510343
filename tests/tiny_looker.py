"""Looks at "pictures" that say what they show, or what happens to the process that looks at them."""

from __future__ import annotations

import os
import time

from bot.photos.glyphs import Glyph, Line


def look(content: bytes) -> tuple[bytes, list[Line]]:
    """The lines of a text as characters seen for certain. Raises `ValueError` for what is no text."""
    match content:
        case b"crash":
            os._exit(139)
        case b"hang":
            time.sleep(3600)
        case b"greed":
            bytearray(8 * 1024**3)
    return content, [line(text) for text in content.decode().splitlines()]


def line(text: str, certainty: float = 0.99, red: int = 0, height: float = 0.1) -> Line:
    """A line whose last `red` characters are red."""
    return Line(
        tuple(
            Glyph(character, certainty, (place * height, height), height, height, float(place >= len(text) - red))
            for place, character in enumerate(text)
        )
    )
