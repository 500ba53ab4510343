"""Numbers as customers write them: digits of three scripts, grouped or not, and words of five varieties.

`spell_out` turns number words into digits, so that everything after it (dates, amounts, counts, readings) reads
digits only; `find` then reads the digits. Both work on folded text and never raise.

Libraries were tried first (docs/understanding.md): `text2num` has no Arabic, `ovos-number-parser` little Darija. One
table of words and one rule of composition serve all five varieties here, mixed in one number if need be.
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
    0: "zero zeros صفر زيرو",
    1: "un une one واحد واحده احد احدي",
    2: "deux deu two اثنان اثنين اثنا اثني اثنتان اثنتين اتنين جوج زوج تنين ثنين",
    3: "trois troi three ثلاث ثلاثه ثلات ثلاته تلاته تلاتا تلات",
    4: "quatre quatr katre catre four اربع اربعه ربعه ربعا ربع",
    5: "cinq cink sinq five خمس خمسه خمسا",
    6: "six siks ست سته ستا",
    7: "sept seven سبع سبعه سبعا",
    8: "huit uit eight eigth ثمان ثماني ثمانيه تمانيه تماني تمنيه تمنيا",
    9: "neuf nine تسع تسعه تسعا تسعود",
    10: "dix diz ten عشر عشره عشرا",
    11: "onze onz eleven حضاش حداش حضاشر حداشر احداش",
    12: "douze douz twelve twelwe طناش تناش اطناش اتناش طناشر تناشر",
    13: "treize trez treiz thirteen تلطاش تلتاش طلطاش تلطاشر تلتاشر",
    14: "quatorze katorze catorze fourteen ربعطاش ربعتاش ربعطاشر ربعتاشر",
    15: "quinze kinze quinz fifteen خمسطاش خمستاش خمسطاشر خمستاشر",
    16: "seize sez seiz sixteen سطاش ستاش سطاشر ستاشر",
    17: "seventeen سبعطاش سبعتاش سبعطاشر سبعتاشر",
    18: "eighteen eightteen تمنطاش تمنتاش تمنطاشر تمنتاشر",
    19: "nineteen ninteen تسعطاش تسعتاش تسعطاشر تسعتاشر",
    20: "vingt vingts vint twenty twenti عشرين عشرون",
    30: "trente trent trante thirty therty ثلاثين ثلاثون ثلاتين تلاتين",
    40: "quarante quarente karante carante forty fourty اربعين اربعون ربعين",
    50: "cinquante cinquente cinkante sinquante sinkante fifty خمسين خمسون",
    60: "soixante soissante swasante sixty ستين ستون",
    70: "septante seventy سبعين سبعون",
    80: "huitante eighty ثمانين ثمانون تمانين",
    90: "nonante ninety ninty تسعين تسعون",
    200: "ميتين ميتاين ميتان ميتا ميتي مايتين مايتان مايتا مايتي",
    2000: "الفين الفان الفي",
}.items():
    _WORDS |= {spelling: _Word(_kind(_value), _value) for spelling in _spellings.split()}
_WORDS |= {w: _Word("hundred", 100) for w in ["cent", "cents", "hundred", "hundered", "ميه", "مايه", "ميا", "ميات"]}
_WORDS |= {w: _Word("thousand", 1000) for w in ["mille", "milles", "mil", "thousand", "الف", "الفا", "الاف"]}
_WORDS |= {w: _Word("million", 1_000_000) for w in ["million", "millions", "مليون", "ملايين"]}
_STEMS_ARABIC = {
    3: "ثلاث ثلات تلت تلات",
    4: "اربع ربع",
    5: "خمس",
    6: "ست",
    7: "سبع",
    8: "ثمان ثماني تمن تمان",
    9: "تسع",
    10: "عشر",
}
_WORDS |= {
    stem + hundred: _Word("hundreds", 100 * n)
    for n, stems in _STEMS_ARABIC.items()
    for stem in stems.split()
    for hundred in ("ميه", "مايه", "ميا", "ميات")
    if n < 10
}
_WORDS |= {  # "six thousand" is one word to many: ستالاف, خمستالاف
    stem + thousands: _Word("thousands", 1000 * n)
    for n, stems in _STEMS_ARABIC.items()
    for stem in stems.split()
    for thousands in ("الاف", "تالاف", "تلاف")
}

# Darija in Latin letters has no spelling, so each number is a pattern: vowels come and go, kh is 5, ch is sh.
_MIA = r"m(?:i|y|iy|ey)(?:a|at|et)"
_ACH = r"a[cs]h(?:e?[rl])?"
"""The end of 11 to 19; a final r or l belongs to the noun that follows: "tnachel alf", "khmstacher yom"."""
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
    (r"w[ae][7h]e?da?", _Word("unit", 1)),
    (r"[jz](?:ou|o|u|oo)j|t[ae]?nin", _Word("unit", 2)),
    *((f"{_STEMS[n]}(?:a|e|ah)", _Word("unit", n)) for n in (3, 4, 5, 6, 7)),
    (r"tlat", _Word("unit", 3)),  # the short forms before a noun: "tlat dfo3at"
    (r"r[ae]?b3", _Word("unit", 4)),
    (r"(?:kh|5)ams", _Word("unit", 5)),
    (rf"{_STEMS[8]}(?:ya|ia|iya|yya)", _Word("unit", 8)),
    (rf"{_STEMS[9]}(?:oud|od|ud|a|e)", _Word("unit", 9)),
    (r"3[ae]?[cs]hr[ae]", _Word("teen", 10)),
    (rf"[7h]+[ae]?[dt]+{_ACH}", _Word("teen", 11)),
    (rf"t+n{_ACH}", _Word("teen", 12)),
    (rf"t[ae]?l[ae]?t+{_ACH}", _Word("teen", 13)),
    (rf"s[ae]?t+{_ACH}", _Word("teen", 16)),
    *((rf"{_STEMS[n]}[ae]?t+{_ACH}", _Word("teen", 10 + n)) for n in (4, 5, 7, 8, 9)),
    (r"3[aeo]?[cs]hrine?", _Word("ten", 20)),
    *((f"{_STEMS[n]}ine?", _Word("ten", 10 * n)) for n in (3, 4, 5, 6, 7, 9)),
    (r"tma?nya?ine?|tmanine?", _Word("ten", 80)),
    (_MIA, _Word("hundred", 100)),
    (r"m(?:i|y|iy|iya|ya)(?:t[ae]?ine?|tayne?)", _Word("hundreds", 200)),
    *((f"{stem}[ae]?{_MIA}", _Word("hundreds", 100 * n)) for n, stem in _STEMS.items()),
    *((f"{stem}t?a+l[ae]?f", _Word("thousands", 1000 * n)) for n, stem in _STEMS.items()),  # "settalaf"
    (r"3[ae]?[cs]hr[ae]?t?a+l[ae]?f", _Word("thousands", 10_000)),
    (r"2?a+l[ae]?f|2?alaf", _Word("thousand", 1000)),
    (r"2?alf(?:ine?|ayne?|aine?)", _Word("thousands", 2000)),
]
_DARIJA = [(re.compile(pattern), word) for pattern, word in _DARIJA_PATTERNS]

_JOINERS = frozenset({"et", "and", "an", "nd", "&", "و", "w", "o", "u", "ou"})
_LINKS = frozenset({"l", "'", "ل"})
"""What stands between 11 to 19 and a thousand in Darija: "tnach l'alf"."""
_TOKEN = re.compile(r"[^\W_]+|\n|[^\s\w-]+|-")


@lru_cache(maxsize=16384)
def _word(token: str) -> _Word | None:
    """What a token says as a number word; literal digits say nothing here, see `_literal`."""
    if token in _WORDS:
        return _WORDS[token]
    if token.isascii() and not token.isdecimal():
        return next((word for pattern, word in _DARIJA if pattern.fullmatch(token)), None)
    return None


_PREFIX_ARABIC = re.compile(r"(و?[بفل]|و)(?=..)")
_PREFIX_LATIN = re.compile(r"([bfw])(?=...)")
_NOT_PREFIXED = frozenset({"لست", "ولست"})
"""A number after a letter that could be a preposition, but the word is another ("I am not")."""


@lru_cache(maxsize=16384)
def _prefixed(token: str) -> tuple[str, _Word] | None:
    """The preposition or "and" written onto a number word, and the word: «بخمسين», «وجوج», "w3chrin"."""
    prefix = (_PREFIX_LATIN if token.isascii() else _PREFIX_ARABIC).match(token)
    if prefix is None or token in _NOT_PREFIXED:
        return None
    word = _word(token[prefix.end() :])
    return (prefix[1], word) if word else None


_COUNTED = re.compile(
    r"(?:l?i?[yj]yam|l?i?yam|l?ayam|l?d[aeo]?[fu][aeo]?[fu]?[aeo]?3at|l?dof3at|m[ae]?r+at|(?:ch|sh)h?o?u?h?o?u?r"
    r"|s[ie]?manat|snin|d[ei]?rh?[ae]?m|dh)"
)


def _shortened(token: str, noun: str) -> _Word | None:
    """The short form that a unit of Darija in Latin letters has before a noun: "seb3 alaf", "tmn iyam"."""
    following = _word(noun)
    if (following and following.kind in ("hundred", "thousand")) or _COUNTED.fullmatch(noun):
        word = _word(f"{token}a") or _word(f"{token}ya")
        return word if word and word.kind == "unit" else None
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
            if last in ("unit", "teen") and 1 <= self.current < 100:
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


class _Token(NamedTuple):
    text: str
    start: int
    end: int


class _Read(NamedTuple):
    """A number word as it stands in the text."""

    word: _Word
    start: int
    end: int
    joined: bool = False
    """"And" is written onto it."""
    begins: bool = False
    """A preposition is written onto it: it begins a number of its own."""
    literal: bool = False
    tokens: int = 1


def _literal(tokens: list[_Token], i: int, total: _Sum | None, joined: bool) -> _Word | None:
    """Digits among words: "48 mille 213", "3 mya w 50"."""
    token = tokens[i].text
    if len(token) > 3 or token[0] == "0":
        return None
    value = int(token)
    following = _word(tokens[i + 1].text) if i + 1 < len(tokens) else None
    hundreds = following is not None and following.kind == "hundred" and 2 <= value <= 9
    thousands = following is not None and following.kind == "thousand"
    after_thousand = total is not None and total.thousands and total.current == 0
    after_hundreds = total is not None and joined and total.current % 100 == 0 and 10 <= value < 100
    if not (hundreds or thousands or after_thousand or after_hundreds):
        return None
    return _Word("hundreds" if value >= 100 else _kind(value), value)


_DAY_OR_YEAR = re.compile(r"0?[1-9]|[12]\d|3[01]|20\d\d|1er|\d{1,2}(?:st|nd|rd|th)")


def _is_september(tokens: list[_Token], i: int, total: _Sum | None) -> bool:
    """Whether "sept" is the month, because a day or a year in digits stands beside it."""
    if tokens[i].text != "sept" or total is not None:
        return False
    beside = [tokens[k].text for k in (i - 1, i + 1) if 0 <= k < len(tokens)]
    return any(_DAY_OR_YEAR.fullmatch(each) for each in beside)


def _read(tokens: list[_Token], i: int, total: _Sum | None, joined: bool) -> _Read | None:
    """The number word at token `i`, if there is one; `total` is the number that it may go on with."""
    token, start, end = tokens[i]
    following = tokens[i + 1] if i + 1 < len(tokens) else None
    if token.isdecimal():
        literal = _literal(tokens, i, total, joined)
        return _Read(literal, start, end, literal=True) if literal else None
    word = _word(token)
    if word is not None:
        cents = word.kind == "hundred" and total is None and i > 0 and tokens[i - 1].text.isdecimal()
        return None if cents or _is_september(tokens, i, total) else _Read(word, start, end)
    if following is not None:
        next_word = _word(following.text)
        if next_word and next_word.kind == "hundred" and (word := _word(token + following.text)):
            return _Read(word, start, following.end, tokens=2)  # "tes3 mya" is "tes3mya"
        if token.isascii() and (word := _shortened(token, following.text)):
            return _Read(word, start, end)
    if found := _prefixed(token):
        prefix, word = found
        joined = prefix in ("و", "w")
        if prefix == "w" and total is None:  # "walf" alone is another word
            return None
        # «طناش لالف» links, as "tnach l alf" does
        begins = not joined and not (prefix == "ل" and word.kind == "thousand" and total is not None)
        return _Read(word, start + len(prefix), end, joined, begins)
    if token == "oh" and total is not None:
        return _Read(_ZERO, start, end)
    return None


def _groups(text: str) -> Iterator[_Group | None]:
    """Composed numbers in order; `None` wherever something else stands between two of them."""
    tokens = [_Token(m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
    total: _Sum | None = None
    start = end = 0
    joined = False
    written = 0  # number words (not literal digits) in the sum
    after = 0  # the token to go on with

    def close() -> Iterator[_Group]:
        if total is not None and written:
            only = total.words[0] if len(total.words) == 1 else None
            yield _Group(start, end, str(total.value), len(total.words), only)

    for i, token in enumerate(tokens):
        if i < after or token.text == "-" or (total is not None and _links(tokens, i, total)):
            continue
        if token.text in _JOINERS and total is not None and not joined:
            joined = True
            continue
        read = _read(tokens, i, total, joined)
        if read is None:
            yield from close()
            yield None
            total, joined, written = None, False, 0
            continue
        after = i + read.tokens
        joined = joined or read.joined
        if total is not None and not read.begins and total.take(read.word, joined):
            end = read.end
        else:
            yield from close()
            if joined or read.begins:
                yield None
            total = _Sum()
            total.take(read.word, joined=False)
            start, end, written = read.start, read.end, 0
        written += not read.literal
        joined = False
    yield from close()


def _links(tokens: list[_Token], i: int, total: _Sum) -> bool:
    """Whether token `i` is a comma between digits read out, or the "l" of "tnach l'alf"."""
    following = _word(tokens[i + 1].text) if i + 1 < len(tokens) else None
    if tokens[i].text == "," and total.words[-1].kind == "unit":  # dictated: "neuf, deux, zéro"
        return following is not None and following.kind == "unit"
    if tokens[i].text not in _LINKS or not 10 < total.current < 20:
        return False
    rest = [token.text for token in tokens[i + 1 : i + 3]]
    following = _word(next((text for text in rest if text != "'"), ""))
    return following is not None and following.kind == "thousand"


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
_ZERO = _Word("unit", 0)
_ANOTHER_WORD = re.compile(
    r"(?<!\w)(?:"
    r"(?:n[h8]ar|had|يوم|نهار|هاد|حتي) (?:tlata?|ar[ae]?b[ae]?3a?|ل?تلاتا?|ثلاثا?|اربعا?|لربعا?)"  # the weekday
    r"|t[ae]?nin|ل?[تث]نين"  # Monday; two only within a number
    r"|(?:compteur|contrat|logement|appartement|maison|branchement|tableau|abonnement|tout|quoi de|est) neuf"
    r")$"
)


_WISHES = re.compile(
    r" (?:fois|merci\w*|excuses?|pardons?|thanks|thank|sorry|chokr\w*|mabro\w*|m[ae]r7ba\w*|t7iya"
    r"|شكر\w*|خير|مبروك|سلام\w*|مرحبا|تحيه)(?!\w)"
)
"""What there are a thousand of without being counted: "merci mille fois", «بألف خير»."""


def _is_number(text: str, group: _Group) -> bool:
    """Whether a composed number is one in its sentence; a lone word may be an article or a weekday."""
    if group.alone is None:
        return True
    if group.alone == _ONE or (group.alone.kind == "thousand" and _WISHES.match(text, group.end)):
        return False
    return not _ANOTHER_WORD.search(text, 0, group.end)


def _glued(text: str, at: int) -> bool:
    """Whether a Latin preposition is written onto the word at `at`: digits after a letter would be no number."""
    return at > 0 and text[at - 1].isascii() and text[at - 1].isalpha()


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
                (g.start, g.end, " " * _glued(folded.text, g.start) + g.digits)
                for g in _dictated(run)
                if _is_number(folded.text, g)
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
_UNIT_AFTER = re.compile(r"(?:kwh|kw|kva|m3|dhs?|mad|eme|ere?|nd|rd|th|st|x|j|jrs?|h)(?![a-z0-9])|dh(?=\d\d(?!\d))")
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
