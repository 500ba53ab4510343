"""What the models look at in a text."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from itertools import combinations, pairwise

from nlu import numbers
from nlu.concepts import Lexicon
from nlu.entities import DEFAULT_PATTERNS, Patterns, numeric_spans
from nlu.linear import Blocks
from nlu.normalise import fold, normalise, skeleton

PLACEHOLDERS = {
    "reading": "N",
    "contract": "C",
    "meter": "E",
    "phone": "P",
    "amount": "M",
    "date": "D",
    "count": "K",
    "reference": "R",
    "duration": "L",
    "time": "T",
    "year": "Y",
    "identity": "I",
    "small": "S",
}
"""What stands in the text for a number or a date: upper case, which a normalised text never has."""

_WORD = re.compile(r"[^\W_]+")
_ANY_DAY = date(2026, 1, 1)
"""Which day a date falls on is nothing to the models."""


def masked(text: str, patterns: Patterns = DEFAULT_PATTERNS) -> str:
    """The normalised text with each number and date as the letter of its kind."""
    folded = numbers.spell_out(fold(normalise(text)))
    spans = numeric_spans(folded.text, _ANY_DAY, patterns)
    return folded.replaced([(s.start, s.end, f" {PLACEHOLDERS[s.kind]} ") for s in spans]).text


def words(masked_text: str) -> list[str]:
    return _WORD.findall(masked_text)


@lru_cache(maxsize=32768)
def _grams(word: str, shortest: int, longest: int) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(padded[i : i + n] for n in range(shortest, longest + 1) for i in range(len(padded) - n + 1))


@lru_cache(maxsize=32768)
def _bones(word: str) -> str:
    """The skeleton of a word; a placeholder is its own."""
    return word if word.isupper() else skeleton(word)


def _runs(tokens: list[str]) -> list[str]:
    """Single tokens and pairs of neighbours."""
    return tokens + [f"{a} {b}" for a, b in pairwise(tokens)]


INTENT_SCALES = (1.0, 1.0, 1.0, 1.0, 0.6)
"""The length of each block of `intent_blocks`; concepts say little of what makes two intents differ."""


def intent_blocks(tokens: list[str], lexicon: Lexicon) -> Blocks:
    """Words, characters, skeletons, characters of skeletons, and concepts alone and in pairs."""
    bones = [_bones(token) for token in tokens]
    concepts = lexicon.concepts(tokens)
    return (
        _runs(tokens),
        [gram for token in tokens for gram in _grams(token, 2, 5)],
        # Skipping words between two that belong together: "ma … ch", "ch7al … nkhles".
        _runs(bones) + [f"{a}_{b}" for gap in (2, 3) for a, b in zip(bones, bones[gap:], strict=False)],
        [gram for bone in bones for gram in _grams(bone, 2, 4)],
        concepts + [f"{a}&{b}" for a, b in combinations(sorted(concepts), 2)],
    )


LANGUAGE_SCALES = (1.0, 1.0)


def language_blocks(text: str) -> Blocks:
    """Words and characters of the normalised text; numbers say nothing of the language."""
    tokens = [token for token in _WORD.findall(normalise(text)) if not token.isdecimal()]
    return tokens, [gram for token in tokens for gram in _grams(token, 1, 4)]
