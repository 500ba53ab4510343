"""Twilio: whether the credentials are taken, and whether its numbers send customers' messages here.

Asked with plain requests: what is asked for is read-only, and little of it is in the SDK's asynchronous part.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.channels.twilio.carrier import MESSAGE_PATH
from bot.doctor.finding import Finding, look, off, ok, said, wrong
from bot.settings import Settings

API = "https://api.twilio.com/2010-04-01"
MESSAGING = "https://messaging.twilio.com"
ASK_SECONDS = 10.0


async def check(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.twilio_configured:
        if settings.twilio_account_sid or settings.twilio_auth_token:
            needed = "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_SMS_FROM or TWILIO_WHATSAPP_FROM"
            yield wrong("account", f"needs {needed}")
        else:
            yield off("account", "no TWILIO_ACCOUNT_SID: SMS and WhatsApp are off")
        return
    assert settings.twilio_auth_token is not None
    auth = (str(settings.twilio_account_sid), settings.twilio_auth_token.get_secret_value())
    async with httpx.AsyncClient(auth=auth, timeout=ASK_SECONDS) as client:
        twilio = _Twilio(client, settings)
        account = await twilio.account()
        yield account
        if account.verdict.value == "ok":
            if settings.twilio_sms_from:
                yield await twilio.sms(settings.twilio_sms_from)
            if settings.twilio_whatsapp_from:
                yield await twilio.whatsapp(settings.twilio_whatsapp_from)


class _Twilio:
    def __init__(self, client: httpx.AsyncClient, settings: Settings) -> None:
        self._client = client
        self._sid = str(settings.twilio_account_sid)
        self._elsewhere = settings.twilio_api_url
        self._webhook = f"{settings.public_url}{MESSAGE_PATH}"

    async def account(self) -> Finding:
        try:
            status, account = await self._get(f"{API}/Accounts/{self._sid}.json")
        except httpx.HTTPError as error:
            return wrong(
                "account", f"Twilio cannot be reached ({said(error) or type(error).__name__}): is the way out open?"
            )
        if status in (401, 403, 404):
            return wrong("account", f"Twilio answers {status}: TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is not right")
        if status != 200:
            return look("account", f"Twilio answers {status}: try again later, or see status.twilio.com")
        if account.get("status") != "active":
            return wrong("account", f"the account is {account.get('status')}: see Twilio's console")
        if account.get("type") == "Trial":
            return look("account", "a trial account: it sends to verified numbers only")
        return ok("account", "credentials are taken")

    async def sms(self, sender: str) -> Finding:
        subject = "SMS"
        if sender.startswith("MG"):
            status, service = await self._get(f"{MESSAGING}/v1/Services/{sender}")
            if status != 200:
                return wrong(subject, f"TWILIO_SMS_FROM: Twilio knows no messaging service {sender} in this account")
            if service.get("use_inbound_webhook_on_number"):
                return look(subject, f"{sender} leaves webhooks to its numbers: each must have {self._webhook}")
            return self._leads_here(subject, sender, service.get("inbound_request_url"))
        query = {"PhoneNumber": sender}
        status, found = await self._get(f"{API}/Accounts/{self._sid}/IncomingPhoneNumbers.json", query)
        numbers = found.get("incoming_phone_numbers") or []
        if status != 200 or not numbers:
            return wrong(subject, "TWILIO_SMS_FROM is no number of this account")
        return self._leads_here(subject, "the number", numbers[0].get("sms_url"))

    async def whatsapp(self, sender: str) -> Finding:
        subject = "WhatsApp"
        status, found = await self._get(
            f"{MESSAGING}/v2/Channels/Senders", {"Channel": "whatsapp", "PageSize": "100"}
        )
        if status != 200:
            return look(
                subject, f"Twilio answers {status} when asked for senders; its webhook must be {self._webhook}"
            )
        wanted = sender.removeprefix("whatsapp:")
        for each in found.get("senders") or []:
            if each.get("sender_id", "").removeprefix("whatsapp:") == wanted:
                if not str(each.get("status", "")).startswith("ONLINE"):
                    return wrong(
                        subject, f"the sender is {each.get('status')}: see WhatsApp senders in Twilio's console"
                    )
                return self._leads_here(subject, "the sender", (each.get("webhook") or {}).get("callback_url"))
        return wrong(subject, "TWILIO_WHATSAPP_FROM is no WhatsApp sender of this account")

    def _leads_here(self, subject: str, who: str, webhook: str | None) -> Finding:
        """Twilio lets the address end in `#…`, which says how often it tries."""
        if not webhook:
            return wrong(subject, f"{who} has no webhook: set {self._webhook}#rc=3&rp=all (POST)")
        address, _, options = webhook.partition("#")
        if address != self._webhook:
            return wrong(
                subject, f"{who} calls {urlsplit(address).hostname or 'elsewhere'}: set {self._webhook}#rc=3&rp=all"
            )
        if not options:
            return look(subject, f"{who} calls here, and only tries again when it cannot connect: add #rc=3&rp=all")
        return ok(subject, f"{who} calls {address}")

    async def _get(self, url: str, query: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        if self._elsewhere:
            url = self._elsewhere.rstrip("/") + urlsplit(url).path
        answer = await self._client.get(url, params=query)
        try:
            found = answer.json()
        except ValueError:
            found = {}
        return answer.status_code, found if isinstance(found, dict) else {}
