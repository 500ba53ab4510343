"""Telegram: whether the token is taken, and whether updates are sent here or held back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bot.channels.telegram.carrier import PATH
from bot.doctor.finding import Finding, look, off, ok, said, wrong
from bot.settings import Settings

ASK_SECONDS = 10.0
MANY = 100
"""Updates that wait at Telegram."""
LATELY = timedelta(hours=1)


async def check(settings: Settings) -> AsyncIterator[Finding]:
    if settings.telegram_token is None:
        yield off("bot", "no TELEGRAM_TOKEN: Telegram is off")
        return
    if settings.telegram_mode == "webhook" and settings.telegram_webhook_secret is None:
        yield wrong("bot", "webhook mode needs TELEGRAM_WEBHOOK_SECRET; or set TELEGRAM_MODE=polling")
        return
    base = (settings.telegram_api_url or "https://api.telegram.org").rstrip("/")
    address = f"{base}/bot{settings.telegram_token.get_secret_value()}"
    async with httpx.AsyncClient(timeout=ASK_SECONDS) as client:
        try:
            status, me = await _get(client, f"{address}/getMe")
        except httpx.HTTPError as error:  # its address has the token: only what went wrong is said
            yield wrong(
                "bot", f"Telegram cannot be reached ({said(error) or type(error).__name__}): is the way out open?"
            )
            return
        if status != 200:
            why = "TELEGRAM_TOKEN is not right; BotFather has it" if status in (401, 404) else "try again later"
            yield wrong("bot", f"Telegram answers {status}: {why}")
            return
        yield ok("bot", f"@{me.get('username')}, by {settings.telegram_mode}")
        _, hook = await _get(client, f"{address}/getWebhookInfo")
        yield _webhook(settings, hook)


def _webhook(settings: Settings, hook: dict[str, Any]) -> Finding:
    url, waiting = hook.get("url") or "", int(hook.get("pending_update_count") or 0)
    if settings.telegram_mode == "polling":
        if url:
            return look("updates", "are sent to a webhook: the next start in polling mode takes it away")
        return ok("updates", f"are fetched by polling; {waiting} wait")
    wanted = f"{settings.public_url}{PATH}"
    if not url:
        return look("updates", f"no webhook yet: the next start sets {wanted}")
    if url != wanted:
        return wrong(
            "updates", f"are sent to another address than {wanted}: start `releve serve` with these settings"
        )
    failed = hook.get("last_error_date")
    if failed and datetime.now(UTC) - datetime.fromtimestamp(int(failed), UTC) < LATELY:
        return look("updates", f"{waiting} wait; Telegram failed lately: {hook.get('last_error_message')}")
    if waiting > MANY:
        return look("updates", f"{waiting} wait at Telegram: is the service up?")
    return ok("updates", f"are sent to {url}; {waiting} wait")


async def _get(client: httpx.AsyncClient, url: str) -> tuple[int, dict[str, Any]]:
    answer = await client.get(url)
    try:
        found = answer.json()
    except ValueError:
        found = {}
    result = found.get("result") if isinstance(found, dict) else None
    return answer.status_code, result if isinstance(result, dict) else {}
