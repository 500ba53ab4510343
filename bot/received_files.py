"""What customers sent besides text, for those who answer them: fetched from the carrier, or kept here when it is the
picture of a meter. A signed address lets a helpdesk fetch one for a day without a key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from fastapi import APIRouter, HTTPException, Response

from bot.channels.carrier import Carrier, Channel, Media, MediaType, NotFetched
from bot.clock import Clock, system_clock
from bot.file_kinds import EXTENSIONS, kind_of
from bot.photos.arrivals import place_of_picture
from bot.settings import Settings
from store.database import Database
from store.models import Direction, Message
from store.photos import picture_of
from store.sealing import Keyring, Unreadable

log = structlog.get_logger()

PATH = "/files/received"
LIFETIME = timedelta(hours=24)
OTHER = "application/octet-stream"


class NoSuchFile(LookupError):
    """The message has no such file."""


@dataclass(frozen=True, slots=True)
class ReceivedFiles:
    """Gives the files of customers' messages, numbered from 0."""

    database: Database
    carriers: Mapping[Channel, Carrier]
    keyring: Keyring

    async def content(self, message: Message, number: int) -> bytes:
        """The bytes of a file. Raises `NotFetched` and `NoSuchFile`."""
        kept = (message.payload or {}).get("media", ()) if message.direction == Direction.IN else ()
        if number >= len(kept):
            raise NoSuchFile
        if number == place_of_picture(message) and (picture := await self._kept(message.id)) is not None:
            return picture
        carrier = self.carriers.get(Channel(message.channel))
        if carrier is None:
            raise NotFetched(f"no carrier for {message.channel} is configured")
        each = kept[number]
        return await carrier.fetch(Media(MediaType(each["type"]), each["reference"], each.get("content_type")))

    async def _kept(self, message_id: int) -> bytes | None:
        try:
            async with self.database.reading() as session:
                return await picture_of(session, self.keyring, message_id)
        except Unreadable as error:
            log.error("received.picture_unreadable", message=message_id, reason=str(error))
            return None


def file_response(content: bytes, stem: str) -> Response:
    """A file called `stem` with the type that its bytes say; only pictures and sound are shown, all else is saved."""
    kind = kind_of(content) or OTHER
    is_shown = kind.startswith(("image/", "audio/"))
    name = file_name(content, stem)
    return Response(
        content,
        media_type=kind,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'{"inline" if is_shown else "attachment"}; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
        },
    )


def file_name(content: bytes, stem: str) -> str:
    """`stem` with the extension of what the bytes are."""
    return f"{stem}.{EXTENSIONS.get(kind_of(content) or OTHER, 'bin')}"


class ReceivedLinks:
    """Makes signed addresses of customers' files, and reads them back."""

    def __init__(self, settings: Settings) -> None:
        self._base = f"{settings.public_url}{PATH}"
        # Without a SECRET_KEY an address is good for as long as this process runs.
        keys = [key.get_secret_value().encode() for key in settings.secret_keys] or [secrets.token_bytes(32)]
        self._keys = [hmac.digest(key, b"releve received files", hashlib.sha256) for key in keys]

    def url(self, message_id: int, number: int, now: datetime) -> str:
        """The address of a file, good for `LIFETIME`."""
        claim = f"{message_id}.{number}.{int((now + LIFETIME).timestamp())}"
        return f"{self._base}/{claim}.{_signature(self._keys[0], claim)}/file"

    def file(self, token: str, now: datetime) -> tuple[int, int] | None:
        """The message and the number of its file; None when the address is not ours or too old."""
        claim, _, signature = token.rpartition(".")
        given = signature.encode(errors="replace")
        if not any(hmac.compare_digest(given, _signature(key, claim).encode()) for key in self._keys):
            return None
        message_id, number, end = (int(each) for each in claim.split("."))  # ours, so they are numbers
        return (message_id, number) if now.timestamp() < end else None


def received_router(files: ReceivedFiles, links: ReceivedLinks, clock: Clock = system_clock) -> APIRouter:
    """`GET /files/received/{token}/file`: 404 for no live address of ours or what is gone, 503 when not now."""
    router = APIRouter(include_in_schema=False)

    @router.get(f"{PATH}/{{token}}/file")  # longer than addresses of `bot.sending.files`, which look alike
    async def fetch(token: str) -> Response:
        found = links.file(token, clock())
        if found is None:
            raise HTTPException(404)
        message_id, number = found
        async with files.database.reading() as session:
            message = await session.get(Message, message_id)
        if message is None:
            raise HTTPException(404)
        try:
            content = await files.content(message, number)
        except NoSuchFile as error:  # erased since
            raise HTTPException(404) from error
        except NotFetched as error:
            log.warning("received.not_fetched", message=message_id, reason=str(error))
            raise HTTPException(404 if error.is_gone else 503) from error
        return file_response(content, f"message-{message_id}-{number}")

    return router


def _signature(key: bytes, claim: str) -> str:
    digest = hmac.digest(key, claim.encode(errors="replace"), hashlib.sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")
