"""The addresses under which a reply's picture or document can be fetched for a day, by whoever was sent one.

Twilio fetches a WhatsApp message's media itself, and an SMS carries a document as a link. An address is the secret:
it names a message, and is signed, so that none can be guessed, made up or prolonged.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, HTTPException, Response
from sqlalchemy import select

from bot.clock import Clock, system_clock
from bot.sending.attachments import GATHERED, Attachments, NotMade, content_type
from bot.settings import Settings
from store.database import Database
from store.models import Direction, Message

log = structlog.get_logger()

PATH = "/files"
LIFETIME = timedelta(hours=24)


class FileLinks:
    """Makes addresses and reads them back. A message has the same address in every process and at every try."""

    def __init__(self, settings: Settings) -> None:
        self._base = f"{settings.public_url}{PATH}"
        # Without a SECRET_KEY, what every process of this installation knows and nobody else does. With no carrier
        # at all there is nobody to send an address to.
        shared = settings.twilio_auth_token or settings.telegram_token
        given = settings.secret_keys or ((shared,) if shared else ())
        known = [each.get_secret_value().encode() for each in given] or [secrets.token_bytes(32)]
        self._keys = [hmac.digest(secret, b"releve file links", hashlib.sha256) for secret in known]

    def url(self, message_id: int, name: str, since: datetime) -> str:
        """The address of a message's attachment called `name`, good for `LIFETIME` after `since`."""
        claim = f"{message_id}.{int((since + LIFETIME).timestamp())}"
        return f"{self._base}/{claim}.{_signature(self._keys[0], claim)}/{quote(name)}"

    def message_id(self, token: str, now: datetime) -> int | None:
        """The message that `token` stands for; None when it is not one of ours or is too old."""
        claim, _, signature = token.rpartition(".")
        given = signature.encode(errors="replace")
        if not any(hmac.compare_digest(given, _signature(key, claim).encode()) for key in self._keys):
            return None
        message_id, _, end = claim.partition(".")  # ours, so they are numbers
        return int(message_id) if now.timestamp() < int(end) else None


def _signature(key: bytes, claim: str) -> str:
    digest = hmac.digest(key, claim.encode(errors="replace"), hashlib.sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")


def files_router(
    links: FileLinks, database: Database, attachments: Attachments, clock: Clock = system_clock
) -> APIRouter:
    """`GET /files/{token}/{name}`: 404 for whatever is not a live address of ours, 503 when it cannot be made now."""
    router = APIRouter(include_in_schema=False)

    @router.api_route(f"{PATH}/{{token}}/{{name}}", methods=["GET", "HEAD"])  # Twilio asks HEAD first
    async def fetch(token: str, name: str) -> Response:
        message_id = links.message_id(token, clock())
        order = None if message_id is None else await _order(database, message_id)
        kind = None if order is None else content_type(order)
        if order is None or kind is None or order["name"] != name:
            raise HTTPException(404)
        try:
            content = await attachments.content(order, message_id)
        except NotMade as fault:
            log.error("file.not_made", message=message_id, reason=str(fault))
            raise HTTPException(503, headers={"Retry-After": "60"}) from fault
        headers = {
            "Cache-Control": "no-store" if order["make"] in GATHERED else "private",
            "Content-Disposition": f'inline; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
        }
        return Response(content, media_type=kind, headers=headers)

    return router


async def _order(database: Database, message_id: int) -> Mapping[str, Any] | None:
    async with database.reading() as session:
        query = select(Message.payload).where(Message.id == message_id, Message.direction == Direction.OUT)
        payload = await session.scalar(query)
    return (payload or {}).get("attachment")
