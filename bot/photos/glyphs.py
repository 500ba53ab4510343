"""Characters as a recogniser saw them, and the lines that they make. Plain data: a process passes it to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from statistics import median
from typing import Any, Final

RED: Final = 0.12
"""Share of red pixels from which a character is red: thin red strokes on white fill about a fifth of their place."""
ALIKE: Final = (0.7, 1.4)
"""How much taller or lower a piece may be to belong to the same line."""
MOST_APART: Final = 1.3
"""The widest gap within a line, in heights of its characters: the wheels of a meter stand apart."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character. `certainty` from 0 to 1, `centre`, `width` and `height` in pixels, `redness` a share."""

    character: str
    certainty: float
    centre: tuple[float, float]
    width: float
    height: float
    redness: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """Characters from left to right."""

    glyphs: tuple[Glyph, ...]

    @property
    def text(self) -> str:
        return "".join(glyph.character for glyph in self.glyphs)

    @property
    def digits(self) -> int:
        return sum(glyph.character.isdigit() for glyph in self.glyphs)

    @property
    def height(self) -> float:
        return median(glyph.height for glyph in self.glyphs) if self.glyphs else 0.0

    def scaled(self, factor: float) -> Line:
        """The same with `factor` pixels for one."""
        return Line(
            tuple(
                replace(
                    glyph,
                    centre=(glyph.centre[0] * factor, glyph.centre[1] * factor),
                    width=glyph.width * factor,
                    height=glyph.height * factor,
                )
                for glyph in self.glyphs
            )
        )

    def doubted(self, characters: str, certain: Sequence[float]) -> Line:
        """With the lower of two certainties for what a second look saw as well, none for what it saw otherwise."""
        glyphs = [replace(glyph, certainty=0.0) for glyph in self.glyphs]
        for own, other, size in SequenceMatcher(None, self.text, characters, autojunk=False).get_matching_blocks():
            for step in range(size):
                certainty = min(self.glyphs[own + step].certainty, certain[other + step])
                glyphs[own + step] = replace(glyphs[own + step], certainty=certainty)
        return Line(tuple(glyphs))

    def as_json(self) -> dict[str, Any]:
        """What is kept of it: the characters, how certain and which are red, and the height of the line."""
        return {
            "text": self.text,
            "certain": [round(glyph.certainty, 3) for glyph in self.glyphs],
            "red": [index for index, glyph in enumerate(self.glyphs) if glyph.redness >= RED],
            "height": round(self.height, 4),
        }


def joined(lines: Sequence[Line]) -> list[Line]:
    """The lines, with the pieces put together that a detector took apart: each wheel of a meter has a frame."""
    left = sorted((line for line in lines if line.glyphs), key=lambda line: line.glyphs[0].centre[0])
    done: list[Line] = []
    while left:
        line = left.pop(0)
        while (following := next((each for each in left if _continues(line, each)), None)) is not None:
            left.remove(following)
            line = Line((*line.glyphs, *following.glyphs))
        done.append(line)
    return done


def _continues(line: Line, other: Line) -> bool:
    last, first = line.glyphs[-1], other.glyphs[0]
    if not (last.character.isdigit() and first.character.isdigit()):
        return False
    ratio = first.height / max(last.height, 1e-6)
    gap = (first.centre[0] - first.width / 2) - (last.centre[0] + last.width / 2)
    return (
        ALIKE[0] <= ratio <= ALIKE[1]
        and -0.4 * last.height <= gap <= MOST_APART * last.height
        and abs(first.centre[1] - last.centre[1]) <= 0.35 * last.height
    )
