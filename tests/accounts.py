"""Made-up accounts at the carriers, for our side and for the emulators that stand in for them."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from bot.settings import Settings
from bot.tryit import EmulatorConfig

SID = "AC" + "1" * 32
TOKEN = "test-auth-token"
BOT_TOKEN = "1000000001:test-token"
SECRET = "test-secret"
SMS_FROM = "+212520000001"
WHATSAPP_FROM = "+212520000002"


def settings_for(base: str, carriers: str, **more: Any) -> Settings:
    """Ours, listening at `base`, with both carriers at `carriers`."""
    return Settings(
        _env_file=None,
        public_url=base,
        twilio_account_sid=SID,
        twilio_auth_token=SecretStr(TOKEN),
        twilio_sms_from=SMS_FROM,
        twilio_whatsapp_from=WHATSAPP_FROM,
        twilio_api_url=f"{carriers}/carriers/twilio",
        telegram_token=SecretStr(BOT_TOKEN),
        telegram_api_url=f"{carriers}/carriers/telegram",
        telegram_webhook_secret=SecretStr(SECRET),
        **more,
    )


def emulators_for(base: str, carriers: str, **more: Any) -> EmulatorConfig:
    """The emulators' side of the same accounts."""
    return EmulatorConfig(
        webhook_base=base,
        own_base=carriers,
        twilio_account_sid=SID,
        twilio_auth_token=TOKEN,
        sms_from=SMS_FROM,
        whatsapp_from=WHATSAPP_FROM,
        telegram_token=BOT_TOKEN,
        telegram_secret=SECRET,
        **more,
    )
