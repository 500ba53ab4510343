"""What customers send besides text, and what was sent to them: passed on to agents, never stored here."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Depends, HTTPException, Response
from sqlalchemy import select

from bot.attachments import GATHERED, NotMade
from bot.channels.carrier import Channel, Media, MediaType, NotFetched
from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.pages import Pages
from bot.desk.wording import N_
from bot.file_kinds import EXTENSIONS, kind_of
from store.access_log import note_view
from store.models import Direction, Message

log = structlog.get_logger()

GONE = N_("Ce fichier n’est plus chez l’opérateur de messagerie.")
NOT_NOW = N_("L’opérateur de messagerie ne répond pas. Réessayez dans un moment.")
OTHER = "application/octet-stream"


def media_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter()
    looking_on = Depends(allowed(desk, Permission.CONVERSE, background=True))

    @router.get("/conversations/{conversation_id:int}/messages/{message_id:int}/media/{number:int}")
    async def media(
        conversation_id: int,
        message_id: int,
        number: int,
        actor: Actor = looking_on,
    ) -> Response:
        """One file of a message. 404 when there is none or no longer, 503 when it cannot be had now.

        Its type is what its bytes say. Pictures and sound are shown in the page, all else is only saved.
        """
        async with desk.database.reading() as session:
            query = select(Message).where(Message.id == message_id, Message.conversation_id == conversation_id)
            message = await session.scalar(query)
        if message is None:
            raise HTTPException(404)
        await note_view(desk.database, actor.actor, f"conversation:{conversation_id}", desk.clock())
        try:
            content = await _content(message, number)
        except NotFetched as error:
            log.warning("desk.media_not_fetched", message=message_id, reason=str(error))
            if error.is_gone:
                raise HTTPException(404, GONE) from error
            raise HTTPException(503, NOT_NOW) from error
        return _file(content, f"message-{message_id}-{number}")

    async def _content(message: Message, number: int) -> bytes:
        """Raises `NotFetched`, and 404 for what the message does not have."""
        payload = message.payload or {}
        if message.direction == Direction.OUT:
            order = payload.get("attachment")
            if order is None or number != 0 or order["make"] in GATHERED:
                raise HTTPException(404)
            try:
                return await desk.attachments.content(order, message.id)
            except NotMade as error:
                raise NotFetched(str(error)) from error
        kept = payload.get("media", ())
        if number >= len(kept):
            raise HTTPException(404)
        carrier = desk.carriers.get(Channel(message.channel))
        if carrier is None:
            raise NotFetched(f"no carrier for {message.channel} is configured")
        each = kept[number]
        return await carrier.fetch(Media(MediaType(each["type"]), each["reference"], each.get("content_type")))

    return router


def _file(content: bytes, stem: str) -> Response:
    kind = kind_of(content) or OTHER
    is_shown = kind.startswith(("image/", "audio/"))
    name = f"{stem}.{EXTENSIONS.get(kind, 'bin')}"
    return Response(
        content,
        media_type=kind,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'{"inline" if is_shown else "attachment"}; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )
