"""Renders the page of a conversation and its parts."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from bot.desk.access import Actor
from bot.desk.context import Desk
from bot.desk.conversations.entries import entries_of
from bot.desk.conversations.view import (
    composing_of,
    names_of,
    others_typing,
    shared_context,
    standing_of,
    targets,
)
from bot.desk.pages import Pages
from store.access_log import note_view
from store.desk_messages import latest_inbound
from store.transcript import Stretch, after, newest


class Show:
    """One for each process. What is shown comes from one look at the database."""

    def __init__(self, desk: Desk, pages: Pages) -> None:
        self._desk = desk
        self._pages = pages

    async def whole(
        self,
        request: Request,
        actor: Actor,
        conversation_id: int,
        *,
        status: int = 200,
        before: int | None = None,
        composing: dict[str, Any] | None = None,
        closing: dict[str, Any] | None = None,
    ) -> HTMLResponse:
        """The page. `composing` and `closing` are what somebody sent with a form that was not obeyed."""
        desk = self._desk
        now = desk.clock()
        async with desk.database.reading() as session:
            standing = await standing_of(session, desk, conversation_id, actor)
            stretch = await newest(session, conversation_id, before)
            teams, people = await targets(session, actor)
            context = {
                **shared_context(standing),
                **self._entries(stretch, actor),
                "names": await names_of(session, standing.conversation, now),
                "typing": await others_typing(session, conversation_id, actor, now),
                "composing": await composing_of(session, desk, standing, actor, **(composing or {})),
                "teams": teams,
                "people": people,
                "seen": await latest_inbound(session, conversation_id),
                "closing": closing or {},
                "is_past": before is not None,
                "now": now,
            }
        await note_view(desk.database, actor.actor, f"conversation:{conversation_id}", now)
        return self._pages.page(request, actor, "conversation/index.html", status=status, **context)

    async def composer(
        self, request: Request, actor: Actor, conversation_id: int, *, status: int = 200, **composing: Any
    ) -> HTMLResponse:
        """The form to write in, alone."""
        async with self._desk.database.reading() as session:
            standing = await standing_of(session, self._desk, conversation_id, actor)
            context = {
                **shared_context(standing),
                "composing": await composing_of(session, self._desk, standing, actor, **composing),
            }
        return self._part(request, actor, "conversation/composer.html", context, status)

    async def earlier(self, request: Request, actor: Actor, conversation_id: int, before: int) -> HTMLResponse:
        """The stretch of the transcript before a message."""
        async with self._desk.database.reading() as session:
            standing = await standing_of(session, self._desk, conversation_id, actor)
            stretch = await newest(session, conversation_id, before)
        await note_view(self._desk.database, actor.actor, f"conversation:{conversation_id}", self._desk.clock())
        context = {**shared_context(standing), **self._entries(stretch, actor)}
        return self._part(request, actor, "conversation/stretch.html", context)

    async def live(self, request: Request, actor: Actor, conversation_id: int, seen: int) -> HTMLResponse:
        """What is new since message `seen`, and all else on the page that may have changed."""
        desk = self._desk
        now = desk.clock()
        async with desk.database.reading() as session:
            standing = await standing_of(session, desk, conversation_id, actor)
            stretch = await after(session, conversation_id, seen)
            context = {
                **shared_context(standing),
                **self._entries(stretch, actor),
                **await self._actions(session, actor, conversation_id),
                "typing": await others_typing(session, conversation_id, actor, now),
                "now": now,
            }
        await note_view(desk.database, actor.actor, f"conversation:{conversation_id}", now)
        return self._part(request, actor, "conversation/live.html", context)

    async def _actions(self, session: AsyncSession, actor: Actor, conversation_id: int) -> dict[str, Any]:
        teams, people = await targets(session, actor)
        seen = await latest_inbound(session, conversation_id)
        return {"teams": teams, "people": people, "seen": seen, "closing": {}}

    def _entries(self, stretch: Stretch, actor: Actor) -> dict[str, Any]:
        messages = stretch.messages
        return {
            "entries": list(entries_of(stretch, actor.language)),
            "first": messages[0].id if messages else 0,
            "last": messages[-1].id if messages else 0,
            "has_earlier": stretch.has_earlier,
            "has_later": stretch.has_later,
        }

    def part(
        self, request: Request, actor: Actor, template: str, *, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """Any other part of the page."""
        return self._part(request, actor, f"conversation/{template}", context, status)

    def _part(
        self, request: Request, actor: Actor, template: str, context: dict[str, Any], status: int = 200
    ) -> HTMLResponse:
        return HTMLResponse(self._pages.part(request, actor, template, **context), status_code=status)
