"""Telegram: the Bot API, by webhook or by polling."""

from bot.channels.telegram.carrier import TelegramCarrier

__all__ = ["TelegramCarrier"]
