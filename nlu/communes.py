"""Towns and communes as customers name them: "bni mellal", «فبني ملال», "a Khenifra", and with a slip of the finger.

The names are in `data/communes.yml`, which operators edit. Spellings are compared folded and without the gaps
between their words, so that "Beni-Mellal" and "benimellal" are one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from nlu.entities import Entity, spelled_out
from nlu.normalise import Folded

NAME = "commune"
"""The entity; only the dialogue uses it."""
FILE = Path(__file__).parents[1] / "data" / "communes.yml"

_WORD = re.compile(r"[^\W_]+")
_FEWEST_FOR_A_SLIP = {"latin": 6, "arabic": 7}
"""Letters, the Arabic article not counted, from which one wrong, missing, doubled or swapped letter is forgiven.

Arabic writes no short vowels: two of its words of six letters are often one letter apart."""
_FEWEST_GLUED = 5
"""Letters of a name that a Latin preposition may be glued to ("fagadir")."""
_FEWEST_WITHOUT_ARTICLE = 5
"""Letters of an Arabic name that is known without its article too (الناظور, ناظور)."""
_MOST_WORDS = 4

_PLACE_BEFORE = frozenset((
    "a", "f", "fi", "fe", "in", "at", "near", "ville", "commune", "province", "region", "agence", "agency",
    "lagence", "town", "city", "douar", "mdint", "mdinat", "w7da", "7da", "في", "ف", "مدينا", "لمدينا",
    "بمدينا", "جماعا", "بجماعا", "اقليم", "باقليم", "عمالا", "وكالا", "حدا", "قرب", "wakala", "lwakala",
    "wikala", "lwikala", "الوكالا", "لاجونس", "بيرو",
))  # fmt: skip
"""Words, as `_bare` leaves them, after which a name that is also a common word is the place."""
_OF = frozenset(["de", "d", "dyal", "dial", "of", "ديال", "د"])
"""Words that may stand between: "l'agence de Safi"."""


@dataclass(frozen=True, slots=True)
class _Spelling:
    commune: str
    words: int
    doubtful: bool
    """It is also a common word: only what stands around it tells."""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int


class Gazetteer:
    """Finds the communes that a message names."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        """From what the file holds; `bot.datacheck` says what is wrong with it."""
        self._spellings: dict[str, _Spelling] = {}
        self._parts: set[tuple[int, str]] = set()
        self._of_slip = lru_cache(maxsize=16384)(self._with_a_slip)
        self._never = {key_of(word) for word in content.get("never") or ()}
        self.names: tuple[str, ...] = tuple(each["name"] for each in content["communes"])
        for each in content["communes"]:
            for doubtful in (True, False):  # a spelling under `words` is a word, were it also the name
                for spelling in spellings(each, doubtful=doubtful):
                    self._enter(spelling, each["name"], doubtful)
        self._shortened: dict[str, list[str]] = defaultdict(list)
        for key, entry in self._spellings.items():
            if not entry.doubtful and _is_long(key):
                for shorter in _shortened(key):
                    self._shortened[shorter].append(key)
        self._longest = max(map(len, self._spellings), default=0) + 1

    def _enter(self, spelling: str, commune: str, doubtful: bool) -> None:
        words = [word.text for word in _words(spelled_out(spelling).text)]
        key = "".join(words)
        entry = _Spelling(commune, len(words), doubtful)
        self._parts |= {(len(words), word) for word in words}
        self._spellings.setdefault(key, entry)
        bare = _without_article(key)
        if bare != key and len(bare) >= _FEWEST_WITHOUT_ARTICLE:
            self._spellings.setdefault(bare, entry)

    def canonical(self, text: str) -> str | None:
        """The commune that a text is the name of, and nothing else: an answer, a cell of an import. Never raises."""
        words = _words(spelled_out(text).text)
        while words and words[0].text in _PLACE_BEFORE:
            words = words[1:]
        found = next(self._named(words, 0, len(words)), None) if 0 < len(words) <= _MOST_WORDS else None
        return found[0].commune if found else None

    def find_in(self, folded: Folded, text: str) -> list[Entity]:
        """The communes of a message that is spelled out, and the same message as typed. Never raises."""
        words = _words(folded.text)
        found: list[Entity] = []
        at = 0
        while at < len(words):
            length = 1
            for n in range(min(_MOST_WORDS, len(words) - at), 0, -1):
                if (commune := self._place(words, at, n, folded, text)) is not None:
                    start, end = folded.span(words[at].start, words[at + n - 1].end)
                    found.append({"entity": NAME, "value": commune, "start": start, "end": end})
                    length = n
                    break
            at += length
        return found

    def _place(self, words: Sequence[_Word], at: int, n: int, folded: Folded, text: str) -> str | None:
        for entry, prefix in self._named(words, at, n):
            if not entry.doubtful or prefix == "ف" or _is_place(words, at, n, folded, text):
                return entry.commune
        return None

    def _named(self, words: Sequence[_Word], at: int, n: int) -> Iterator[tuple[_Spelling, str]]:
        """What `n` words from `at` may be, with what is glued to the first: as spelled, else with one slip."""
        rest = "".join(word.text for word in words[at + 1 : at + n])
        if len(words[at].text) + len(rest) > self._longest + len("وبال"):
            return
        slips: list[str] = []
        intact = n == 1 or any((n, word.text) in self._parts for word in words[at + 1 : at + n])
        for head, prefix in _heads(words[at].text):
            key = head + rest
            entry = self._spellings.get(key)
            if entry is not None and (entry.words == n or _is_long(key)):
                glued_latin = prefix.isascii() and prefix != ""
                if not glued_latin or (not entry.doubtful and len(key) >= _FEWEST_GLUED):
                    yield entry, prefix
            # A slip is in one word of a name, so another one is as it should be.
            if (not prefix.isascii() or prefix == "") and (intact or (n, head) in self._parts):
                slips.append(key)
        for key in slips:
            if (slip := self._of_slip(key, n)) is not None:
                yield slip, ""

    def _with_a_slip(self, key: str, n: int) -> _Spelling | None:
        """The commune whose name is one letter away; a slip does not change the first letter."""
        if len(key) < min(_FEWEST_FOR_A_SLIP.values()) - 1 or key in self._never or any(c.isdecimal() for c in key):
            return None
        near = list(self._shortened.get(key, ()))
        for shorter in _shortened(key):
            if shorter in self._spellings:
                near.append(shorter)
            near += self._shortened.get(shorter, ())
        fitting: dict[str, _Spelling] = {}
        for known in near:
            entry = self._spellings[known]
            fits = entry.words == n and not entry.doubtful and _is_long(known) and known[0] == key[0]
            if fits and not _is_of_there(known, key) and _one_edit(known, key):
                fitting[entry.commune] = entry
        return next(iter(fitting.values())) if len(fitting) == 1 else None  # "azila" is Azilal or Asilah


def spellings(commune: Mapping[str, Any], *, doubtful: bool) -> list[str]:
    """The spellings of one entry of the file: those that are also common words, or all the others."""
    words = [str(each) for each in commune.get("words") or ()]
    if doubtful:
        return words
    return [str(commune["name"]), str(commune["ar"]), *(str(each) for each in commune.get("also") or ())]


def key_of(spelling: str) -> str:
    """What two spellings have in common that are the same to the finder."""
    return "".join(map(_bare, _WORD.findall(spelled_out(spelling).text)))


@lru_cache(maxsize=1)
def known() -> Gazetteer:
    """The communes of the project's file, read once. Raises `OSError`, `yaml.YAMLError`, `KeyError`."""
    return Gazetteer(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def _words(text: str) -> list[_Word]:
    return [_Word(_bare(m[0]), *m.span()) for m in _WORD.finditer(text)]


def _bare(word: str) -> str:
    """A word without the difference between «خنيفرة» and «خنيفرا», who both hear the same."""
    return word[:-1] + "ا" if len(word) > 2 and word[-1] == "ه" else word


def _is_place(words: Sequence[_Word], at: int, n: int, folded: Folded, text: str) -> bool:
    """Whether what stands around a common word makes it the name of a place."""
    before = [word.text for word in words[max(0, at - 2) : at]]
    if before and before[-1] in _OF:
        before.pop()
    if n == len(words) or (before and before[-1] in _PLACE_BEFORE):
        return True
    first = folded.starts[words[at].start]
    begins_sentence = at == 0 or text[:first].rstrip()[-1:] in tuple(".!?\n:")
    # A capital says nothing of two words, which may be somebody's name, nor in a text all in capitals.
    return n == 1 and text[first].isupper() and not begins_sentence and not text.isupper()


def _heads(word: str) -> Iterator[tuple[str, str]]:
    """A word as it stands and without what is written together with it, which comes second."""
    yield word, ""
    if "\u0600" <= word[0] <= "\u06ff":
        for prefix in "وفبلك":
            rest = word.removeprefix(prefix)
            if rest == word or len(rest) < 3:
                continue
            yield rest, prefix
            if prefix == "ل":  # لرباط and للرباط are both "to" الرباط
                yield "ا" + rest if rest[0] == "ل" else "ال" + rest, prefix
            if prefix == "و" and rest[0] in "فبل" and len(rest) > 3:
                yield rest[1:], rest[0]
    elif word[0] in "fbld" and len(word) > _FEWEST_GLUED:
        yield word[1:], word[0]


def _without_article(key: str) -> str:
    return key.removeprefix("ال")


def _is_long(key: str) -> bool:
    """Whether a name is long enough to be known with one letter wrong, or with other gaps between its words."""
    return len(_without_article(key)) >= _FEWEST_FOR_A_SLIP["latin" if key.isascii() else "arabic"]


def _is_of_there(name: str, key: str) -> bool:
    """Whether a word is rather what people are called who come from there: Ouazzani, «المحمدي»."""
    return key[-1] in "iي" and name[-1] not in "iي"


def _shortened(key: str) -> set[str]:
    return {key[:i] + key[i + 1 :] for i in range(len(key))}


def _one_edit(a: str, b: str) -> bool:
    """Whether two different words are one letter apart: one more, one other, or two neighbours swapped."""
    if len(a) > len(b):
        a, b = b, a
    i = next((i for i in range(len(a)) if a[i] != b[i]), len(a))
    if len(a) < len(b):
        return a[i:] == b[i + 1 :]
    return a[i + 1 :] == b[i + 1 :] or (a[i + 2 :] == b[i + 2 :] and a[i : i + 2] == b[i : i + 2][::-1])
