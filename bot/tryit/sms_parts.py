"""How many SMS a text takes, by GSM 03.38 and 3GPP TS 23.040."""

from __future__ import annotations

import gsm0338

_CODEC = gsm0338.Codec()

GSM7 = "GSM-7"
UCS2 = "UCS-2"


def count_parts(text: str) -> tuple[int, str]:
    """The number of parts, at least 1, and the encoding.

    One character outside the GSM alphabet turns the whole text to UCS-2. A text in several parts loses seven
    septets, or three UCS-2 characters, of each part to the header that puts them together again. That an
    escaped character or a surrogate pair is never split between two parts is not counted.
    """
    try:
        length, single, several = len(_CODEC.encode(text)[0]), 160, 153
        encoding = GSM7
    except UnicodeEncodeError:
        length, single, several = len(text.encode("utf-16-be")) // 2, 70, 67
        encoding = UCS2
    return (1 if length <= single else -(-length // several)), encoding
