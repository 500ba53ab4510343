"""What the assistant says, in the customer's language.

The French source is the responses of `domain.yml`; `locales/LANGUAGE.po` translates them. The context of a
translation is the response's name, plus `.sms` and the like for a channel's variant and `.button` for a button's
title. A text that a language lacks falls back along `FALLBACKS`, so that a missing translation is never a missing
answer; the tests refuse incomplete catalogues all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, parse_pattern
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.shared.core.trackers import DialogueStateTracker

from actions.turn import current_turn
from billing.calendar import local_day
from billing.quantity import Quantity
from bot.cldr import CLDR_LOCALES, dirhams

SOURCE_LANGUAGE = "fr"
FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "fr": ("fr",),
    "ar": ("ar", "fr"),
    "ary": ("ary", "ar", "fr"),
    "ary-Latn": ("ary-Latn", "fr"),
    "en": ("en", "fr"),
    "zgh": ("fr",),
}


class MissingText(LookupError):
    """A response that `domain.yml` does not have, or a placeholder that the code does not fill."""


class Texts(NaturalLanguageGenerator):
    """Rasa's text generator over `domain.yml` and the catalogues."""

    def __init__(self, responses: Mapping[str, list[dict[str, Any]]], locales: Path) -> None:
        self.responses = responses
        self._catalogues = {path.stem: _read(path) for path in sorted(locales.glob("*.po"))}

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,
        *,
        domain_responses: object = None,
        **params: Any,
    ) -> dict[str, Any]:
        """As Rasa asks for it; all `domain_responses`, which it gives as well, are no parameter of this one."""
        return self.render(utter_action, current_turn().language, output_channel, params)

    def render(self, name: str, language: str, channel: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The text and buttons of response `name`. Raises `MissingText`."""
        variations = self.responses.get(name)
        if not variations:
            raise MissingText(f"domain.yml has no response '{name}'")
        variation = next(
            (each for each in variations if each.get("channel") == channel),
            next((each for each in variations if "channel" not in each), variations[0]),
        )
        context = f"{name}.{variation['channel']}" if "channel" in variation else name
        values = {key: self._filled(value, language, channel) for key, value in params.items()}
        try:
            text = self.translated(context, variation["text"], language).format_map(values)
            buttons = [
                {**button, "title": self.translated(f"{name}.button", button["title"], language).format_map(values)}
                for button in variation.get("buttons", ())
            ]
        except KeyError as missing:
            raise MissingText(f"response '{name}' needs {missing}, which was not given") from missing
        return {"text": text, "buttons": buttons} if buttons else {"text": text}

    def _filled(self, value: Any, language: str, channel: str) -> str:
        """A parameter in the reader's words; those of a list stand on a line each."""
        match value:
            case {"response": str(name), "params": dict(params)}:
                return str(self.render(name, language, channel, params)["text"])
            case list() | tuple():
                return "\n".join(self._filled(each, language, channel) for each in value)
        return shown(value, language)

    def translated(self, context: str, source: str, language: str) -> str:
        for each in FALLBACKS.get(language, (SOURCE_LANGUAGE,)):
            if each == SOURCE_LANGUAGE:
                return source
            translation = self._catalogues.get(each, {}).get((context, source))
            if translation:
                return translation
        return source


def _read(path: Path) -> dict[tuple[str | None, str], str]:
    with path.open("rb") as file:
        catalogue = read_po(file)
    return {
        (message.context, str(message.id)): str(message.string)
        for message in catalogue
        if message.id and message.string and not message.fuzzy
    }


def shown(value: Any, language: str) -> str:
    """A value as the reader's language writes it, by CLDR."""
    locale = _locale(CLDR_LOCALES.get(language, "fr_MA"))
    match value:
        case bool():
            raise TypeError("a truth value has no written form")
        case Quantity():
            return _quantity(value, locale)
        case Decimal():
            return f"{format_decimal(value, format=_pattern('#,##0.00'), locale=locale)} {dirhams(language)}"
        case int():
            return format_decimal(value, locale=locale)
        case datetime():
            return _day(local_day(value), locale)
        case date():
            return _day(value, locale)
        case _:
            return str(value)


def _quantity(value: Quantity, locale: Locale) -> str:
    decimals = max(-int(value.as_tuple().exponent), 0)
    return format_decimal(value, format=_pattern(f"#,##0.{'0' * decimals}".rstrip(".")), locale=locale)


@lru_cache(1000)
def _day(day: date, locale: Locale) -> str:
    return format_date(day, "dd/MM/yyyy", locale=locale)


# Babel reads names of locales and patterns of numbers anew each time that it is given them as texts.
_locale = cache(Locale.parse)
_pattern = lru_cache(20)(parse_pattern)


__all__ = ["CLDR_LOCALES", "FALLBACKS", "SOURCE_LANGUAGE", "MissingText", "Texts", "shown"]
