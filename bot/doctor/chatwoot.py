"""Chatwoot as the desk: whether it answers, and whether its inbox is one that the bridge can use."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.bridges.chatwoot.api import ChatwootApi, ChatwootFault
from bot.bridges.chatwoot.webhook import PATH
from bot.doctor.finding import Finding, look, off, ok, wrong
from bot.settings import Settings

NAMES = ("CHATWOOT_URL", "CHATWOOT_ACCOUNT_ID", "CHATWOOT_INBOX_ID", "CHATWOOT_API_TOKEN", "CHATWOOT_WEBHOOK_SECRET")


async def check(settings: Settings) -> AsyncIterator[Finding]:
    lacking = [name for name in NAMES if getattr(settings, name.lower()) is None]
    if len(lacking) == len(NAMES):
        yield off("Chatwoot", "no CHATWOOT_URL: conversations are answered at /desk, or through the API")
        return
    if lacking:
        yield wrong("Chatwoot", f"needs {', '.join(lacking)} too; docs/helpdesk.md")
        return
    api = ChatwootApi(settings)
    try:
        inbox = await api.inbox()
    except ChatwootFault as fault:
        yield wrong("Chatwoot", f"{fault}: see CHATWOOT_URL, _ACCOUNT_ID, _INBOX_ID and _API_TOKEN")
        return
    finally:
        await api.close()
    if inbox.get("channel_type") != "Channel::Api":
        yield wrong("Chatwoot", "the inbox is not of the kind API: make one, and set CHATWOOT_INBOX_ID")
        return
    yield ok("Chatwoot", f"{settings.chatwoot_url} answers")
    told = f"{settings.public_url}{PATH}"
    if inbox.get("webhook_url") != told:
        yield look("Chatwoot's webhook", f"set the inbox's to {told}: without it agents' answers take up to a minute")
    if inbox.get("lock_to_single_conversation"):
        yield wrong("Chatwoot's inbox", "switch off 'Lock to single conversation': each hand-over has one of its own")
