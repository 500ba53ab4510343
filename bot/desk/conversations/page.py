"""The page of a conversation, and its parts that come again: the transcript, the form to write in."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Query, Request, Response

from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.conversations.show import Show
from bot.desk.pages import Pages

LARGEST_ID = 2**53
"""Beyond any row's number, within what both databases compare."""
BEFORE = Query(None, ge=1, le=LARGEST_ID)
AFTER = Query(0, ge=0, le=LARGEST_ID)


def conversation_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter(prefix="/conversations/{conversation_id:int}")
    show = Show(desk, pages)
    conversing = Depends(allowed(desk, Permission.CONVERSE))
    looking_on = Depends(allowed(desk, Permission.CONVERSE, background=True))

    @router.get("")
    async def page(
        request: Request,
        conversation_id: int,
        before: int | None = BEFORE,
        actor: Actor = conversing,
    ) -> Response:
        """The page; with `before` the transcript up to that message."""
        return await show.whole(request, actor, conversation_id, before=before)

    @router.get("/transcript")
    async def transcript(
        request: Request,
        conversation_id: int,
        before: int | None = BEFORE,
        after: int = AFTER,
        actor: Actor = looking_on,
    ) -> Response:
        """Part of the transcript: before a message, or what is new after one."""
        if before is not None:
            return await show.earlier(request, actor, conversation_id, before)
        return await show.live(request, actor, conversation_id, after)

    @router.get("/composer")
    async def composer(request: Request, conversation_id: int, actor: Actor = looking_on) -> Response:
        """The form to write in, as it stands now."""
        return await show.composer(request, actor, conversation_id)

    return router
