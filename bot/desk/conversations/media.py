"""What customers send besides text, and what was sent to them: passed on to agents.

Only pictures that were looked at for a reading are kept here; all else is fetched from the carrier each time.
"""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Depends, HTTPException, Response
from sqlalchemy import select

from bot.channels.carrier import NotFetched
from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.pages import Pages
from bot.desk.wording import N_
from bot.received_files import NoSuchFile, ReceivedFiles, file_response
from bot.sending.attachments import GATHERED, NotMade
from store.access_log import note_view
from store.models import Direction, Message

log = structlog.get_logger()

GONE = N_("Ce fichier n’est plus chez l’opérateur de messagerie.")
NOT_NOW = N_("L’opérateur de messagerie ne répond pas. Réessayez dans un moment.")


def media_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter()
    received = ReceivedFiles(desk.database, desk.carriers, desk.settings.keyring)
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
        return file_response(content, f"message-{message_id}-{number}")

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
        try:
            return await received.content(message, number)
        except NoSuchFile as error:
            raise HTTPException(404) from error

    return router
