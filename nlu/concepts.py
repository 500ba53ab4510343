"""Concepts: the meanings that words of different varieties share, from `lexicon/concepts.yml`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import yaml

from nlu.normalise import normalise, skeleton

LEXICON = Path(__file__).parent / "lexicon" / "concepts.yml"

_SHORTEST_SKELETON = 3
"""Consonants from which a Darija word is recognised in any spelling; shorter ones must be written as listed."""


class Lexicon:
    """Looks up the concepts of the words of a normalised text."""

    def __init__(self, path: Path = LEXICON) -> None:
        self._words: dict[str, set[str]] = defaultdict(set)
        self._stems: dict[str, set[str]] = defaultdict(set)
        self._skeletons: dict[str, set[str]] = defaultdict(set)
        self._pairs: dict[tuple[str, str], set[str]] = defaultdict(set)
        for concept, lists in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            for word in str(lists.get("words", "")).split():
                self._enter(concept, word)
            for word in str(lists.get("darija", "")).split():
                self._enter(concept, word)
                bones = tuple(skeleton(normalise(part)) for part in word.split("_"))
                if len(bones) == 1 and len(bones[0]) >= _SHORTEST_SKELETON:
                    self._skeletons[bones[0]].add(concept)
        self._longest = max(map(len, self._stems), default=0)
        self._of_word = lru_cache(maxsize=16384)(self._find)

    def _enter(self, concept: str, word: str) -> None:
        stem = word.endswith("*")
        parts = [normalise(part) for part in word.rstrip("*").split("_")]
        if len(parts) > 1:
            self._pairs[parts[0], parts[1]].add(concept)
        elif stem:
            self._stems[parts[0]].add(concept)
        else:
            self._words[parts[0]].add(concept)

    def _find(self, word: str) -> frozenset[str]:
        found = set(self._words.get(word, ()))
        found |= self._skeletons.get(skeleton(word), set())
        for length in range(2, min(len(word), self._longest) + 1):
            found |= self._stems.get(word[:length], set())
        return frozenset(found)

    def concepts(self, words: Sequence[str]) -> list[str]:
        """The concepts of a text's words, each once, in the order of their first word."""
        found: dict[str, None] = {}
        for i, word in enumerate(words):
            for concept in sorted(self._of_word(word)):
                found.setdefault(concept)
            for concept in sorted(self._pairs.get((word, words[i + 1]), ())) if i + 1 < len(words) else ():
                found.setdefault(concept)
        return list(found)
