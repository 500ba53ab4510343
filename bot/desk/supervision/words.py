"""What the rows of figures are called, also where nothing is known. French; templates translate with `_`."""

from __future__ import annotations

from bot.desk.wording import N_
from bot.desk.words import CHANNELS, LANGUAGES


def language_name(language: str | None) -> str:
    return N_("Langue inconnue") if language is None else LANGUAGES.get(language, language)


def channel_name(channel: str | None) -> str:
    return N_("Saisi par un conseiller") if channel is None else CHANNELS.get(channel, channel)
