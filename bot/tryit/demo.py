"""The fictitious customers that a newcomer can play, as the demo loader creates them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("fr", "ar", "en")
"""The languages of the page, not of the assistant; the first is the default."""

TEXTS = Path(__file__).with_name("texts")


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """One phone to play. `about` says in a line who it is, by language of the page."""

    phone: str
    name: str
    language: str
    about: Mapping[str, str]


@cache
def page_texts(language: str) -> Mapping[str, Any]:
    """The page's texts in one of `LANGUAGES`."""
    return tomllib.loads((TEXTS / f"{language}.toml").read_text(encoding="utf-8"))


def demo_customers() -> tuple[DemoCustomer, ...]:
    """The fixed demo customers; their names are those of the first texts file."""
    return tuple(
        DemoCustomer(
            phone,
            who["name"],
            who["language"],
            {language: page_texts(language)["customers"][phone]["about"] for language in LANGUAGES},
        )
        for phone, who in page_texts(LANGUAGES[0])["customers"].items()
    )
