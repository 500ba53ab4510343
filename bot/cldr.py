"""How each language writes numbers and money: its CLDR locale, for texts, pictures and documents alike.

Nothing else is imported: pictures are drawn in small processes.
"""

from __future__ import annotations

from collections.abc import Mapping

CLDR_LOCALES: Mapping[str, str] = {
    "fr": "fr_MA",
    "ar": "ar_MA",
    "ary": "ar_MA",
    "ary-Latn": "fr_MA",
    "en": "en_GB",
    "zgh": "fr_MA",
}
RIGHT_TO_LEFT = frozenset({"ar", "ary"})


def dirhams(language: str) -> str:
    """The currency as it is written after an amount."""
    return "درهم" if language in RIGHT_TO_LEFT else "DH"
