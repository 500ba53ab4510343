"""Numbers as customers write them: digits of three scripts, grouped or not, and words of five varieties.

`spell_out` turns number words into digits, so that everything after it (dates, amounts, counts, readings) reads
digits only; `find` then reads the digits. Both work on folded text and never raise.

Libraries were tried first. `text2num` reads French and English words well, but not dictated digits ("quatre huit
deux un trois"), nor a language mixed with another, and no Arabic; `ovos-number-parser` knows no Darija. One table
of words and one rule of composition serve all five varieties here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from nlu.normalise import Folded

Kind = Literal["unit", "teen", "ten", "hundred", "hundreds", "thousand", "thousands", "million"]


class _Word(NamedTuple):
    kind: Kind
    value: int


def _kind(value: int) -> Kind:
    if value < 10:
        return "unit"
    if value < 20:
        return "teen"
    if value < 100:
        return "ten"
    return "hundreds" if value < 1000 else "thousands"


_WORDS: dict[str, _Word] = {}
for _value, _spellings in {
    0: "zero صفر زيرو",
    1: "un une one واحد واحده احد احدي",
    2: "deux two اثنان اثنين اثنا اثني اثنتان اثنتين جوج زوج",
    3: "trois three ثلاث ثلاثه تلاته تلات",
    4: "quatre four اربع اربعه ربعه ربع",
    5: "cinq five خمس خمسه",
    6: "six ست سته",
    7: "sept seven سبع سبعه",
    8: "huit eight ثمان ثماني ثمانيه تمنيه تمانيه",
    9: "neuf nine تسع تسعه تسعود",
    10: "dix ten عشر عشره",
    11: "onze eleven حضاش حداش",
    12: "douze twelve طناش تناش اطناش",
    13: "treize thirteen تلطاش تلتاش طلطاش",
    14: "quatorze fourteen ربعطاش ربعتاش",
    15: "quinze fifteen خمسطاش خمستاش",
    16: "seize sixteen سطاش ستاش",
    17: "seventeen سبعطاش سبعتاش",
    18: "eighteen تمنطاش تمنتاش",
    19: "nineteen تسعطاش تسعتاش",
    20: "vingt vingts twenty عشرين عشرون",
    30: "trente thirty ثلاثين ثلاثون تلاتين",
    40: "quarante forty fourty اربعين اربعون ربعين",
    50: "cinquante fifty خمسين خمسون",
    60: "soixante sixty ستين ستون",
    70: "septante seventy سبعين سبعون",
    80: "huitante eighty ثمانين ثمانون تمانين",
    90: "nonante ninety تسعين تسعون",
    200: "ميتين ميتاين ميتان ميتا مايتين مايتان مايتا",
    2000: "الفين الفان",
}.items():
    _WORDS |= {spelling: _Word(_kind(_value), _value) for spelling in _spellings.split()}
_WORDS |= {w: _Word("hundred", 100) for w in ["cent", "cents", "hundred", "ميه", "مايه", "ميا", "ميات"]}
_WORDS |= {w: _Word("thousand", 1000) for w in ["mille", "milles", "thousand", "الف", "الفا", "الاف"]}
_WORDS |= {w: _Word("million", 1_000_000) for w in ["million", "millions", "مليون", "ملايين"]}
_WORDS |= {
    stem + hundred: _Word("hundreds", value)
    for value, stems in {
        300: "ثلاث تلت تلات",
        400: "اربع ربع",
        500: "خمس",
        600: "ست",
        700: "سبع",
        800: "ثمان ثماني تمن",
        900: "تسع",
    }.items()
    for stem in stems.split()
    for hundred in ("ميه", "مايه", "ميا")
}

# Darija in Latin letters has no spelling, so each number is a pattern: vowels come and go, kh is 5, ch is sh.
_MIA = r"m(?:i|y|iy|ey)(?:a|at|et)"
_STEMS = {
    3: "t[ae]?l[ae]?t",
    4: "a?r[aeo]?b[ae]?3",
    5: "(?:kh|5)[ae]?m[ae]?s",
    6: "s[ae]?t+",
    7: "s[ae]?b[ae]?3",
    8: "tm[ae]?n",
    9: "t[ae]?s[ae]?3",
}
_DARIJA_PATTERNS = [
    (r"wa[7h]e?da?", _Word("unit", 1)),
    (r"[jz](?:ou|o|u|oo)j", _Word("unit", 2)),
    *((f"{_STEMS[n]}(?:a|e|ah)", _Word("unit", n)) for n in (3, 4, 5, 6, 7)),
    (r"tlat", _Word("unit", 3)),  # the short forms before a noun: "tlat dfo3at"
    (r"r[ae]?b3", _Word("unit", 4)),
    (r"(?:kh|5)ams", _Word("unit", 5)),
    (rf"{_STEMS[8]}(?:ya|ia|iya|yya)", _Word("unit", 8)),
    (rf"{_STEMS[9]}(?:oud|od|ud|a|e)", _Word("unit", 9)),
    (r"3[ae]?[cs]hr[ae]", _Word("teen", 10)),
    (r"[7h]+[ae]?[dt]+a[cs]hr?", _Word("teen", 11)),
    (r"t+na[cs]hr?", _Word("teen", 12)),
    (r"t[ae]?l[ae]?t+a[cs]hr?", _Word("teen", 13)),
    (r"s[ae]?t+a[cs]hr?", _Word("teen", 16)),
    *((f"{_STEMS[n]}[ae]?t+a[cs]hr?", _Word("teen", 10 + n)) for n in (4, 5, 7, 8, 9)),
    (r"3[aeo]?[cs]hrine?", _Word("ten", 20)),
    (r"tlatine?", _Word("ten", 30)),
    *((f"{_STEMS[n]}ine?", _Word("ten", 10 * n)) for n in (4, 5, 6, 7, 9)),
    (r"tma?nya?ine?|tmanine?", _Word("ten", 80)),
    (_MIA, _Word("hundred", 100)),
    (r"m(?:i|y|iy|iya|ya)(?:t[ae]?ine?|tayne?)", _Word("hundreds", 200)),
    *((f"{stem}[ae]?{_MIA}", _Word("hundreds", 100 * n)) for n, stem in _STEMS.items()),
    (r"2?a+l[ae]?f|2?alaf", _Word("thousand", 1000)),
    (r"2?alf(?:ine?|ayne?|aine?)", _Word("thousands", 2000)),
]
_DARIJA = [(re.compile(pattern), word) for pattern, word in _DARIJA_PATTERNS]

_JOINERS = frozenset({"et", "and", "و", "w", "o", "u", "ou"})
_TOKEN = re.compile(r"[^\W_]+|\n|[^\s\w-]+|-")


@lru_cache(maxsize=16384)
def _word(token: str) -> _Word | None:
    """What a token says as a number word. Literal digits count only up to 999 ("48 mille 213")."""
    if token in _WORDS:
        return _WORDS[token]
    if token.isascii() and not token.isdecimal():
        return next((word for pattern, word in _DARIJA if pattern.fullmatch(token)), None)
    return None


class _Sum:
    """One number being composed from its words."""

    def __init__(self) -> None:
        self.millions = 0
        self.thousands = 0
        self.current = 0
        self.words: list[_Word] = []

    @property
    def value(self) -> int:
        return self.millions + self.thousands + self.current

    def take(self, word: _Word, joined: bool) -> bool:
        """Add a word if grammar lets it follow; `joined` says that "et", "and" or "و" stands before it."""
        if not self.words or self._compose(word, joined):
            if not self.words:
                self._begin(word)
            self.words.append(word)
            return True
        return False

    def _begin(self, word: _Word) -> None:
        if word.kind == "million":
            self.millions = word.value
        elif word.kind in ("thousand", "thousands"):
            self.thousands = word.value
        else:
            self.current = word.value

    def _compose(self, word: _Word, joined: bool) -> bool:
        kind, value = word
        last = self.words[-1].kind
        below = self.current % 100
        if self.words == [_Word("unit", 0)] or value == 0:  # nothing is added to a zero, nor a zero to anything
            return False
        if kind == "unit":
            # vingt deux, cent deux, dix-sept; but quatre huit are two numbers, and so are ten five
            if last == "unit" or (last == "teen" and not (below == 10 and value >= 7)):
                return below in (70, 90) and value >= 7 and last == "teen" and self._add(value)
            return below % 10 == 0 and self._add(value)
        if kind == "teen":
            if value == 10 and last == "unit" and below < 10:  # ثلاثة عشر
                return self._add(value)
            return below in (0, 60, 80) and last != "unit" and self._add(value)
        if kind == "ten":
            if value == 20 and last == "unit" and below == 4 and not joined:  # quatre-vingt
                return self._add(76)
            if joined and last == "unit" and 0 < below < 10:  # ثلاثة وأربعون
                return self._add(value)
            return below == 0 and self._add(value)
        if kind == "hundred":
            if last in ("unit", "teen") and 1 < self.current < 100:
                self.current *= 100
                return True
            return self.current == 0 and self._add(value)
        if kind == "hundreds":
            return self.current == 0 and self._add(value)
        if kind in ("thousand", "thousands"):
            if self.thousands or (kind == "thousands" and self.current):
                return False
            self.thousands, self.current = (value if kind == "thousands" else max(1, self.current) * 1000), 0
            return True
        if self.millions or self.thousands:
            return False
        self.millions, self.current = max(1, self.current) * value, 0
        return True

    def _add(self, value: int) -> bool:
        self.current += value
        return True


class _Group(NamedTuple):
    start: int
    end: int
    digits: str
    words: int
    alone: _Word | None
    """The only word of the group, when there is one."""


def _groups(text: str) -> Iterator[_Group | None]:
    """Composed numbers in order; `None` wherever something else stands between two of them."""
    tokens = [(m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
    skip = False
    total: _Sum | None = None
    start = end = 0
    joined = False
    written = 0  # number words (not literal digits) in the sum

    def close() -> Iterator[_Group]:
        if total is not None and written:
            only = total.words[0] if len(total.words) == 1 else None
            yield _Group(start, end, str(total.value), len(total.words), only)

    for i, (token, at, until) in enumerate(tokens):
        if skip or token == "-":
            skip = False
            continue
        if token in _JOINERS and total is not None and not joined:
            joined = True
            continue
        literal = token.isdecimal() and len(token) < 4
        word, attached = _word(token), False
        following = _word(tokens[i + 1][0]) if i + 1 < len(tokens) else None
        if word is None and following and following.kind == "hundred" and not literal:
            word = _word(token + tokens[i + 1][0])  # "tes3 mya" is "tes3mya"
            if word is not None:
                skip, until = True, tokens[i + 1][2]
        if word is None and token.startswith("و") and (rest := _word(token[1:])):
            word, attached = rest, True
        if literal:
            after_thousand = total is not None and total.thousands and total.current == 0
            if (following and following.kind == "thousand" and token[0] != "0") or after_thousand:
                value = int(token)
                kind: Kind = _kind(value) if value >= 10 else "unit"
                word = _Word("hundreds" if value >= 100 else kind, value)
        if word is None:
            yield from close()
            yield None
            total, joined, written = None, False, 0
            continue
        if total is not None and total.take(word, joined or attached):
            end = until
        else:
            yield from close()
            if joined or attached:
                yield None
            total = _Sum()
            total.take(word, joined=False)
            start, end, written = at + attached, until, 0
        written += not literal
        joined = False
    yield from close()


_FEWEST_DIGITS_OF_TWO = 4


def _dictated(run: list[_Group]) -> list[_Group]:
    """Numbers said one after the other are one number read out: "quatre huit deux un trois" is 48213.

    Two of them are only taken so when they make four digits or more ("deux trois jours" stays).
    """
    digits = "".join(group.digits for group in run)
    if len(run) > 2 or (len(run) == 2 and len(digits) >= _FEWEST_DIGITS_OF_TWO):
        return [_Group(run[0].start, run[-1].end, digits, sum(g.words for g in run), None)]
    return run


_ONE = _Word("unit", 1)
_TUESDAY = re.compile(r"(?<!\w)(?:n[h8]ar|had|يوم|نهار|هاد) (?:tlat|تلات)$")


def spell_out(folded: Folded) -> Folded:
    """The text with number words as digits; a lone "un", "one" or "واحد" is an article and stays."""
    pieces: list[tuple[int, int, str]] = []
    run: list[_Group] = []
    for group in (*_groups(folded.text), None):
        if group is not None:
            run.append(group)
            continue
        if run:
            pieces += [
                (g.start, g.end, g.digits)
                for g in _dictated(run)
                if g.alone != _ONE and not (g.alone and _TUESDAY.search(folded.text, 0, g.end))
            ]
        run = []
    return folded.replaced(pieces)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a folded text, at `start:end`. Any count of digits: it is text, not an int."""

    start: int
    end: int
    digits: str
    """The integer part as written, leading zeros included, separators removed."""
    decimals: str | None = None
    negative: bool = False

    @property
    def integer(self) -> str:
        """The integer part without leading zeros."""
        return self.digits.lstrip("0") or "0"


# "48 213", "48.213" and "48,213" group by thousands when exactly three digits follow each separator; "4 8 2 1 3"
# is a dial read out. A comma or point with other than three digits after it is a decimal: the red digit of a meter.
_NUMBER = re.compile(
    r"""
    (?P<sign>(?<![\w.,/-])-\ ?)?
    (?<![\d])(?<!\d[.,])
    (?P<integer>[1-9]\d{0,2}(?P<sep>[\ .,'])\d{3}(?:(?P=sep)\d{3})*(?!\d|[.,]\d{3}(?!\d))
      | \d(?:\ \d){2,}(?!\d)
      | \d+)
    (?:(?:[.,]|\ virgule\ |\ fasila\ |\ فاصله\ )(?P<decimals>\d{1,6})(?!\d))?
    """,
    re.VERBOSE,
)
_UNIT_AFTER = re.compile(r"(?:kwh|kw|kva|m3|dhs?|mad|eme|ere?|nd|rd|th|st|x|j|jrs?|h)(?![a-z0-9])")
_FEWEST_GLUED = 3
"""Digits that may touch a Latin letter and still be a number: "index48213" has one, "3la" and "ch7al" none."""


def find(text: str) -> list[Number]:
    """The numbers of a folded text, in order. Digits that are letters of Darija (3, 7, 9…) are not numbers."""
    numbers: list[Number] = []
    for m in _NUMBER.finditer(text):
        start, end = m.start("integer"), m.end()
        digits = re.sub(r"\D", "", m["integer"])
        before = text[start - 1] if start else ""
        after = text[end] if end < len(text) else ""
        glued_before = before.isascii() and before.isalpha()
        glued_after = after.isascii() and after.isalpha() and not _UNIT_AFTER.match(text, end)
        if len(digits) < _FEWEST_GLUED and (glued_before or glued_after):
            continue
        numbers.append(Number(m.start(), end, digits, m["decimals"], bool(m["sign"])))
    return numbers
