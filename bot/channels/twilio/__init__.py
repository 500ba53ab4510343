"""Twilio: SMS and WhatsApp through one account."""

from bot.channels.twilio.carrier import TwilioCarrier

__all__ = ["TwilioCarrier"]
