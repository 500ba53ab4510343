"""`POST /webhooks/chatwoot`: Chatwoot says that something happened in one of its conversations.

Only which conversation is taken from it; what happened is read from Chatwoot's API. So neither a forged nor a
repeated webhook could do more than have it asked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from bot.channels.webhook import read_body, rejection
from bot.clock import Clock, system_clock
from bot.settings import Settings
from store import helpdesk_stays
from store.database import Database

PATH = "/webhooks/chatwoot"
CARRIER = "chatwoot"
LARGEST_BODY = 1024 * 1024
LATEST = timedelta(minutes=5)
"""How old a signature may be, and how far the two clocks may be apart."""


def chatwoot_router(settings: Settings, database: Database, clock: Clock = system_clock) -> APIRouter:
    """200 for what is signed with the secret of the inbox's webhook; 403 for what is not, 400 for no JSON."""
    router = APIRouter(include_in_schema=False)
    assert settings.chatwoot_webhook_secret
    secret = settings.chatwoot_webhook_secret.get_secret_value().encode()

    @router.post(PATH)
    async def told(request: Request) -> Response:
        body = await read_body(request, CARRIER, LARGEST_BODY)
        timestamp = request.headers.get("x-chatwoot-timestamp", "")
        signature = request.headers.get("x-chatwoot-signature", "")
        if not is_signed(body, timestamp, signature, secret):
            raise rejection(CARRIER, 403, "the signature is not right")
        if abs(clock().timestamp() - int(timestamp)) > LATEST.total_seconds():
            raise rejection(CARRIER, 403, "the signature is too old")
        try:
            event = json.loads(body)
        except ValueError:
            raise rejection(CARRIER, 400, "the body is no JSON") from None
        ticket = ticket_of(event)
        if ticket is not None:
            async with database.writing() as session:
                await helpdesk_stays.poke(session, ticket, clock(), ended=is_for_customer(event))
        return Response(status_code=200)

    return router


def is_signed(body: bytes, timestamp: str, signature: str, secret: bytes) -> bool:
    """Whether `signature` is `sha256=` and the HMAC of the time, a full stop and the body."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    digest = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature.encode(errors="replace"), f"sha256={digest}".encode())


def ticket_of(event: Any) -> int | None:
    """The number of the conversation that an event is about; None when it is about none."""
    if not isinstance(event, dict):
        return None
    about = event.get("conversation") if str(event.get("event", "")).startswith("message_") else event
    number = about.get("id") if isinstance(about, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**63 else None


def is_for_customer(event: Any) -> bool:
    """Whether somebody wrote to the customer there: a conversation that is over is looked at for that alone."""
    return (
        event.get("event") == "message_created"
        and event.get("message_type") in (1, "outgoing")
        and not event.get("private")
    )
