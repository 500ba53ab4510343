"""SMS text: the GSM 7-bit alphabet (3GPP TS 23.038, formerly GSM 03.38) and how many parts a text costs.

One character outside the alphabet turns the whole message to UCS-2, which holds less than half as much.
French needs only a handful of them (ç ê â î ô û ë ï œ and typographic punctuation; é è à ù and Ç are in the
alphabet), so they are replaced by their nearest neighbours. Arabic has no neighbours there and stays as it
is.
"""

from __future__ import annotations

import re
import unicodedata

from gsm0338 import Codec

from bot.channels import text as texts

BODY_LIMIT = 1600
"""Characters of one message body at Twilio (error 21617 above)."""

SINGLE_SEPTETS, PART_SEPTETS = 160, 153
SINGLE_UNITS, PART_UNITS = 70, 67
"""Room in a lone message, and in one part of a longer one, whose header takes the difference."""

_ESCAPE = 0x1B
_FORM_FEED = "\f"  # in the extension table as a page break; no phone prints it


def _alphabet() -> dict[str, int]:
    """Each character of the alphabet with its cost in septets: 1, or 2 for the extension table."""
    codec = Codec()
    basic = (codec.decode(bytes([code]))[0] for code in range(0x80) if code != _ESCAPE)
    extension = (codec.decode(bytes([_ESCAPE, code]), "ignore")[0] for code in range(0x80))
    return dict.fromkeys(basic, 1) | {c: 2 for c in extension if c not in ("", _FORM_FEED)}


_SEPTETS = _alphabet()
_ALPHABET = frozenset(_SEPTETS)

_NEIGHBOURS = str.maketrans(
    {
        "’": "'", "‘": "'", "‚": "'", "‛": "'", "ʼ": "'", "′": "'", "`": "'", "´": "'",
        "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "‹": "'", "›": "'",
        "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "―": "-", "−": "-", "•": "-", "·": "-",
        "…": "...", "\t": " ", "\u2028": "\n", "\u2029": "\n",
        "œ": "oe", "Œ": "OE", "×": "x", "°": "o", "⁄": "/",
    }
)  # fmt: skip
_GUILLEMETS = re.compile(r"«\s*|\s*»")  # French sets a space inside them, which a straight quote does not want
_LINE_END = re.compile(r"\r\n?")


def transliterate(text: str) -> str:
    """`text` in the GSM alphabet where that loses no meaning, else `text` unchanged.

    Accents that the alphabet lacks are dropped, œ is spelled out, typographic punctuation and spaces become
    plain, invisible formatting goes. A single character without a neighbour (Arabic, an emoji) settles that
    the message is UCS-2 anyway, and then nothing is touched.
    """
    plain = _LINE_END.sub("\n", unicodedata.normalize("NFC", text))
    plain = _GUILLEMETS.sub('"', plain).translate(_NEIGHBOURS)
    if not is_gsm7(plain):
        plain = "".join(map(_neighbour, plain))
    return plain if is_gsm7(plain) else text


def _neighbour(character: str) -> str:
    if character in _SEPTETS:
        return character
    match unicodedata.category(character):
        case "Zs":
            return " "
        case "Cc" | "Cf":  # control characters, zero-width and direction marks
            return ""
    letters = unicodedata.normalize("NFKD", character)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).translate(_NEIGHBOURS)


def is_gsm7(text: str) -> bool:
    """Whether every character is in the alphabet or its extension table."""
    return _ALPHABET.issuperset(text)


def parts(text: str) -> int:
    """How many SMS parts `text` is sent (and charged) as; an empty text is one.

    A part never ends inside an extension character (two septets) or a surrogate pair (two UCS-2 units), so
    parts are filled one character at a time rather than divided.
    """
    if is_gsm7(text):
        widths, single, part = [_SEPTETS[c] for c in text], SINGLE_SEPTETS, PART_SEPTETS
    else:
        widths, single, part = [texts.units(c) for c in text], SINGLE_UNITS, PART_UNITS
    if sum(widths) <= single:
        return 1
    count, room = 1, part
    for width in widths:
        if width > room:
            count, room = count + 1, part
        room -= width
    return count


def fit(text: str, tail: str = "", limit: int = BODY_LIMIT) -> str:
    """`text` and `tail` as one message, transliterated together.

    If it is longer than `limit`, `text` is cut after a word and gets an ellipsis; `tail` (the numbered
    choices, say) is kept whole.
    """
    if is_gsm7(transliterate(text + tail)):
        text, tail, ellipsis = transliterate(text), transliterate(tail), "..."
    else:
        ellipsis = "…"
    return texts.shorten(text, limit - texts.units(tail), ellipsis) + tail
