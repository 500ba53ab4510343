"""From what a person typed to what the models read.

Three steps, each lossier than the one before:

* `clean` makes a text safe to store and to hand to Rasa. It still reads as the customer wrote it.
* `fold` maps every character to plain lower-case letters and ASCII digits and remembers where each came from,
  so that what is found in the folded text can be shown in the original.
* `skeleton` reduces a word to the consonants that Arabic and Latin spellings of Darija share:
  `ch7al`, `chhal` and `شحال` are one word to it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MAX_LENGTH = 1000
"""Characters kept of one message; nobody explains a bill in more, and parse time stays bounded."""

AFFIRM = "emojiyes"
DENY = "emojino"
THANK = "emojithanks"
GREET = "emojiwave"
"""The words that stand for emoji with a meaning; see `normalise`."""

_EMOJI_WORDS = {
    emoji: f" {word} "
    for word, all_of_it in {AFFIRM: "👍✅👌✔☑🆗", DENY: "👎❌✖🚫🙅", THANK: "🙏🤝", GREET: "👋"}.items()
    for emoji in all_of_it
}

# Letters that Unicode does not decompose, and the spellings of one letter that Arabic keyboards produce.
_LETTERS = {
    **dict.fromkeys("ىیېے", "ي"),
    **dict.fromkeys("ةۀہەھ", "ه"),
    **dict.fromkeys("کڪ", "ك"),
    **dict.fromkeys("ڭݣڨڴ", "گ"),
    **dict.fromkeys("ٱ", "ا"),
    **dict.fromkeys("ڤڥ", "ف"),
    **dict.fromkeys("پ", "ب"),
    **dict.fromkeys("ـء", ""),
    **{"œ": "oe", "æ": "ae", "ø": "o", "ß": "ss", "ı": "i", "ł": "l"},
    **dict.fromkeys("’‘ʼ´ʹ", "'"),
    **dict.fromkeys("«»“”„", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **{"،": ",", "؛": ";", "؟": "?", "٫": ",", "٬": ".", "٪": "%", "۔": "."},
}

_INVISIBLE = frozenset({"Cf", "Cs", "Co", "Cn", "Cc"})
_VARIATION = re.compile("[\ufe00-\ufe0f]")


def clean(text: str) -> str:
    """The text without what could harm or mislead: never raises, and cleaning twice changes nothing.

    Compatibility forms are unified (NFKC); control characters, bidirectional overrides, zero-width and
    unassigned characters go; leading slashes go because Rasa would obey `/restart`; at most `MAX_LENGTH`
    characters stay. Line breaks are kept: they separate requests.
    """
    # NFKC can make one character eighteen, so the cap comes before (for the cost) and after (for the promise).
    composed = unicodedata.normalize("NFKC", text[: 4 * MAX_LENGTH].replace("\r\n", "\n").replace("\r", "\n"))
    visible = "".join(
        c if c == "\n" or unicodedata.category(c) not in _INVISIBLE else " " if c == "\t" else ""
        for c in _VARIATION.sub("", composed)
    )
    # Removing an invisible character can bring two letters together that compose into one.
    return unicodedata.normalize("NFKC", visible).lstrip("/ \n")[:MAX_LENGTH].rstrip()


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; character `i` stands for `original[starts[i]:ends[i]]`."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` (not empty) lies in the original."""
        return self.starts[start], self.ends[end - 1]

    def replaced(self, pieces: list[tuple[int, int, str]]) -> Folded:
        """Another folded text with each `(start, end, new)` put in; pieces are in order and do not overlap."""
        if not pieces:
            return self
        text: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for start, end, new in pieces:
            text += (self.text[at:start], new)
            first, last = self.span(start, end)
            starts += (*self.starts[at:start], *(first for _ in new))
            ends += (*self.ends[at:start], *(last for _ in new))
            at = end
        text.append(self.text[at:])
        return Folded("".join(text), (*starts, *self.starts[at:]), (*ends, *self.ends[at:]))


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    folded: list[str] = []
    for c in unicodedata.normalize("NFKD", character):
        category = unicodedata.category(c)
        if c == "\n":
            folded.append(c)
        elif category == "Nd":
            folded.append(str(unicodedata.decimal(c)))
        elif category.startswith("Z") or c == "\t":
            folded.append(" ")
        elif category != "Mn" and category not in _INVISIBLE:
            folded.extend(_LETTERS.get(low, low) for low in c.lower() if unicodedata.category(low) != "Mn")
    return "".join(folded)


def fold(text: str) -> Folded:
    """Lower case, no accents or vowel signs, one form per Arabic letter, ASCII digits and punctuation."""
    if text.isascii() and text.isprintable():
        return Folded(text.lower(), tuple(range(len(text))), tuple(range(1, len(text) + 1)))
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for i, character in enumerate(text):
        for c in _fold_character(character):
            letters.append(c)
            starts.append(i)
            ends.append(i + 1)
    return Folded("".join(letters), tuple(starts), tuple(ends))


_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
_EMOJI = re.compile("|".join(map(re.escape, _EMOJI_WORDS)))


def normalise(text: str) -> str:
    """The text as the models' features see it: folded, letters drawn out put right, telling emoji as words."""
    spoken = _EMOJI.sub(lambda m: _EMOJI_WORDS[m[0]], text)
    return _REPEATED.sub(r"\1", fold(spoken).text)


# The classes of consonants. Emphatic and plain letters fall together because Latin spellings do not tell them
# apart, and so do ح and ه ("bzaf 7it" and "bzaf hit"), ق and گ ("9al" and "gal"). `S` is ش, `X` is خ, `G` is غ,
# `3` is ع; `A`, `W` and `Y` are the vowels and half-vowels.
_ARABIC = dict(zip("بتثجحخدذرزسشصضطظعغفقكگلمنهوي", "bttjhXddrzsSsdtd3GfqkqlmnhWY", strict=True)) | {"ا": "A"}
_LATIN_DIGRAPHS = (
    ("sch", "S"), ("ch", "S"), ("sh", "S"), ("kh", "X"), ("gh", "G"), ("ph", "f"), ("dj", "j"),
    ("dh", "d"), ("th", "t"), ("ck", "k"), ("qu", "k"), ("ou", "W"), ("oo", "W"), ("ee", "Y"),
    ("eau", "W"), ("au", "W"), ("ai", "Y"), ("ei", "Y"),
)  # fmt: skip
_LATIN = {
    **dict(zip("bcdfgjklmnpqrstvwxyz", "bkdfqjklmnbqrstfWkYz", strict=True)),
    **{"x": "ks", "h": "h", "2": "", "3": "3", "4": "G", "5": "X", "6": "t", "7": "h", "8": "h", "9": "q"},
    **{"o": "W", "u": "W", "i": "Y", "e": "", "a": "A"},
}
_SOFT_C = re.compile(r"c(?=[eiy])")
_LATIN_PARTS = re.compile("|".join(d for d, _ in _LATIN_DIGRAPHS) + "|.")
_LATIN_SOUNDS = _LATIN | dict(_LATIN_DIGRAPHS)
_ARTICLE_ARABIC = re.compile(r"^(?:[وفبك]?ال(?=..)|لل?(?=...))")
_ARTICLE_LATIN = re.compile(r"^(?:e?l(?=[^aeiouy].)|al(?=[^aeiou]..))")
_DOUBLED = re.compile(r"(.)\1+")
_VOWELS = re.compile(r"[AWY]")


@lru_cache(maxsize=16384)
def skeleton(word: str) -> str:
    """The consonants of one normalised word, the same for its Arabic and Latin spellings.

    The article is dropped, doubled consonants count once, and vowels go, except in words that would be left
    with a single consonant (`do` and `الضو` are both `dW`).
    """
    arabic = any("\u0600" <= c <= "\u06ff" for c in word)
    if arabic:
        stem = _ARTICLE_ARABIC.sub("", word)
        if len(stem) > 3 and stem.endswith("ه"):  # a final ه after a consonant is nearly always a ta marbuta
            stem = stem[:-1] + "ا"
        sounds = "".join(_ARABIC.get(c, "") for c in stem)
    else:
        if not word.isascii() or word.isdigit():
            return word
        stem = _ARTICLE_LATIN.sub("", word)
        stem = _SOFT_C.sub("s", stem)
        sounds = "".join(_LATIN_SOUNDS.get(p, "") for p in _LATIN_PARTS.findall(stem))
    sounds = _DOUBLED.sub(r"\1", sounds)
    if not sounds:
        return ""
    # ولد and wld begin with a consonant; idara and إدارة, okht and أخت with a vowel that only one script writes.
    head = sounds[0] if stem[0] in "wyوي" else ""
    bones = head + _DOUBLED.sub(r"\1", _VOWELS.sub("", sounds[len(head) :]))
    return bones if len(bones) > 1 else sounds.lstrip("A") or sounds
