"""The carriers that this installation has settings for."""

from __future__ import annotations

from bot.channels.carrier import Carrier
from bot.settings import Settings


def carriers(settings: Settings) -> list[Carrier]:
    """One carrier per account that is configured; a carrier without settings is off."""
    found: list[Carrier] = []
    # Each SDK takes a good part of a second and tens of megabytes to import: only those in use are.
    if settings.twilio_configured:
        from bot.channels.twilio import TwilioCarrier

        found.append(TwilioCarrier(settings))
    if settings.telegram_configured:
        from bot.channels.telegram import TelegramCarrier

        found.append(TelegramCarrier(settings))
    return found
