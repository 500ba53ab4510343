"""Search over conversations: supervisors in all of them, agents in those that they had and those that are open."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from billing.calendar import local_day
from bot.desk.access import Actor, Permission, allowed
from bot.desk.addresses import address, number_in, page_number
from bot.desk.context import Desk
from bot.desk.pages import Pages
from bot.desk.supervision.excerpts import excerpt
from bot.desk.supervision.spans import Span
from bot.desk.wording import N_
from bot.desk.words import CHANNELS, LANGUAGES
from store.access_log import viewed
from store.apart import Apart
from store.conversation_search import Found, Wanted, pages, search
from store.database import Database
from store.models import Audit
from store.users import every_user

PATH = "/desk/search"
DEFAULT_DAYS = 90
LONGEST_TEXT = 200


def search_router(desk: Desk, views: Pages) -> APIRouter:
    """`/search`."""
    router = APIRouter()
    apart = Apart(desk.database)
    reader = Depends(allowed(desk, Permission.CONVERSE))

    @router.get("/search")
    async def show(request: Request, actor: Actor = reader) -> HTMLResponse:
        query = request.query_params
        span = Span.asked(query, local_day(desk.clock()), DEFAULT_DAYS)
        wanted = _wanted(request, actor, span)
        page = page_number(query.get("page"))
        found = None
        if query and not span.problem:
            found = await apart.look(partial(search, wanted=wanted, page=page))
            await _note(desk.database, actor, wanted, found, desk)
        async with desk.database.reading() as session:
            people = await every_user(session)
        asked = {
            "q": wanted.text,
            **span.query,
            "channel": wanted.channel,
            "language": wanted.language,
            "user": wanted.user_id,
        }
        return views.page(
            request,
            actor,
            "supervision/search.html",
            title=N_("Recherche"),
            span=span,
            wanted=wanted,
            found=found,
            page=page,
            pages=pages(found.total) if found else 1,
            url=address(PATH, asked),
            channels=CHANNELS,
            languages=LANGUAGES,
            people=people,
            excerpt=excerpt,
        )

    return router


def _wanted(request: Request, actor: Actor, span: Span) -> Wanted:
    """Filters that mean nothing are left out."""
    query = request.query_params
    channel, language = query.get("channel"), query.get("language")
    return Wanted(
        text=query.get("q", "").replace("\x00", "").strip()[:LONGEST_TEXT],
        period=span.period,
        channel=channel if channel in CHANNELS else None,
        language=language if language in LANGUAGES else None,
        user_id=number_in(query.get("user")),
        seen_by=None if actor.may(Permission.SUPERVISE) else actor.user_id,
    )


async def _note(database: Database, actor: Actor, wanted: Wanted, found: Found, desk: Desk) -> None:
    """Put in the audit what was looked for, and each conversation that was shown."""
    now = desk.clock()
    async with database.writing() as session:
        session.add(
            Audit(
                at=now,
                actor=actor.actor,
                action="search.made",
                subject="conversations",
                details={"text": wanted.text, "found": found.total},
            )
        )
        for hit in found.hits:
            await viewed(session, actor.actor, f"conversation:{hit.conversation_id}", now, by="search")
