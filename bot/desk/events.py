"""What is live, as server-sent events, and the same numbers for a page whose stream is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.pages import Pages
from bot.desk.subscriber import Subscriber

RowId = Annotated[int, Field(ge=1, lt=2**63)]
MOST_CONVERSATIONS = 20
"""That one page shows."""


def events_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter()
    may_converse = Depends(allowed(desk, Permission.CONVERSE, background=True))
    shown = Query(default=[], max_length=MOST_CONVERSATIONS)

    @router.get("/events")
    async def events(conversation: list[RowId] = shown, actor: Actor = may_converse) -> StreamingResponse:
        """`queue` with the person's numbers, whenever the list has changed; `conversation` with the number of one
        that looks different, of those asked for.
        """
        subscriber = Subscriber(actor.user_id, actor.session_id, actor.team_ids, frozenset(conversation))

        async def stream() -> AsyncIterator[str]:
            try:
                await desk.live.subscribe(subscriber)
                async for event in subscriber.events():
                    yield event
            finally:
                desk.live.unsubscribe(subscriber)

        # A proxy that collects answers would keep events back.
        return StreamingResponse(stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    @router.get("/counts")
    async def counts(actor: Actor = may_converse) -> dict[str, int]:
        """The numbers alone."""
        asking = Subscriber(actor.user_id, actor.session_id, actor.team_ids)
        return asking.numbers(await desk.live.counts())

    return router
