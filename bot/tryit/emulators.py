"""The two carriers together with the phones and books they share, and how they are configured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.routing import BaseRoute, Mount

from bot.clock import Clock, system_clock
from bot.tryit.customer_api import CustomerApi
from bot.tryit.ledger import Ledger
from bot.tryit.phone import Phones
from bot.tryit.postman import Postman
from bot.tryit.received import ReceivedFiles
from bot.tryit.telegram_emulator import TelegramEmulator
from bot.tryit.twilio_content import APPROVED, ApprovedTemplate
from bot.tryit.twilio_emulator import Receipts, TwilioEmulator
from bot.tryit.twilio_webhook import TwilioAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorConfig:
    """What the emulators and the house have to agree on.

    `webhook_base` is the house's public address: webhooks are posted to its `/webhooks/twilio` and
    `/webhooks/telegram`, and Twilio's are signed for it. `connect_base` is where to connect instead, when the house
    does not listen at its public address. `own_base` is where these routes are mounted, as seen from the house.
    `receipts` says how far delivery states are reported, `receipt_pause` how many seconds lie between two of them.
    `retries` is how often a failed webhook is posted again, by Twilio also after a 5xx if `retries_5xx`. `approved`
    are the WhatsApp templates that may be sent at any time. `keeps_opt_outs` says whether Twilio obeys STOP on SMS by
    itself; `clock` is what it counts WhatsApp's 24 hours by.
    """

    webhook_base: str
    own_base: str
    twilio_account_sid: str
    twilio_auth_token: str
    sms_from: str
    whatsapp_from: str
    telegram_token: str
    telegram_secret: str | None
    telegram_polling: bool = False
    connect_base: str | None = None
    receipts: Receipts = "read"
    receipt_pause: float = 0.4
    retries: int = 1
    retries_5xx: bool = False
    ledger: Path | None = None
    approved: tuple[ApprovedTemplate, ...] = APPROVED
    keeps_opt_outs: bool = True
    clock: Clock = system_clock


class Emulators:
    """Twilio and Telegram in this process. Mount `routes`; call `aclose` at the end."""

    def __init__(self, config: EmulatorConfig) -> None:
        own_base = config.own_base.rstrip("/")
        webhook_base = config.webhook_base.rstrip("/")
        self.phones = Phones()
        self.files = ReceivedFiles()
        self.ledger = Ledger(config.ledger)
        self._postman = Postman(
            webhook_base, config.connect_base, retries=config.retries, retries_5xx=config.retries_5xx
        )
        self.twilio = TwilioEmulator(
            TwilioAccount(config.twilio_account_sid, config.twilio_auth_token, config.sms_from, config.whatsapp_from),
            phones=self.phones,
            files=self.files,
            ledger=self.ledger,
            postman=self._postman,
            api_base=f"{own_base}/carriers/twilio",
            webhook=f"{webhook_base}/webhooks/twilio",
            receipts=config.receipts,
            receipt_pause=config.receipt_pause,
            approved=config.approved,
            keeps_opt_outs=config.keeps_opt_outs,
            clock=config.clock,
        )
        self.telegram = TelegramEmulator(
            config.telegram_token,
            phones=self.phones,
            files=self.files,
            ledger=self.ledger,
            postman=self._postman,
            webhook=None if config.telegram_polling else f"{webhook_base}/webhooks/telegram",
            secret=config.telegram_secret,
        )
        self.routes: list[BaseRoute] = [
            Mount("/carriers/twilio", self.twilio.app),
            Mount("/carriers/telegram", self.telegram.app),
            *CustomerApi(self.phones, self.files, self.ledger, self.twilio, self.telegram).routes,
        ]

    async def aclose(self) -> None:
        await self._postman.aclose()
        self.ledger.close()
