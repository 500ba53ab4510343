"""The queue: conversations that wait for a person, those that people have, and those that ended lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from pydantic import Field

from bot.channels.carrier import Channel
from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.pages import Pages
from bot.desk.rendered import Rendered
from bot.desk.shown import masked
from bot.desk.wording import N_
from bot.desk.words import ANSWERED_IN, WORDS
from bot.notice_text import WHATSAPP_WINDOW
from store.desk_models import Team
from store.queue import FARTHEST, PAGE, Entry, Filters, State, listed
from store.teams import every_team

SOON = timedelta(hours=3)
"""Before the end of WhatsApp's window, from when the list says so."""
EVERYBODY = "all"
LISTS: Mapping[State, str] = {
    State.WAITING: N_("En attente"),
    State.MINE: N_("Les miennes"),
    State.ALL: N_("Toutes les ouvertes"),
    State.CLOSED: N_("Terminées"),
}
Word = Annotated[str, Field(max_length=20)]
PageNumber = Annotated[int, Field(ge=1, le=FARTHEST // PAGE)]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The filters as the address has them. `team` is a number, `all`, or empty for one's own."""

    state: State
    team: str
    language: str
    page: int

    def address(self, **other: str) -> str:
        """This list's address, with `other` filters; another list begins at its first page."""
        query = {"state": self.state.value, "team": self.team, "language": self.language} | other
        return f"/desk/queue?{urlencode({name: value for name, value in query.items() if value})}"

    def filters(self, actor: Actor) -> Filters:
        if self.state is State.MINE:
            return Filters(State.MINE, language=self.language or None, user_id=actor.user_id)
        if self.team.isascii() and self.team.isdecimal() and int(self.team) < 2**63:
            team_ids: tuple[int, ...] = (int(self.team),)
        else:
            team_ids = () if self.team == EVERYBODY else tuple(sorted(actor.team_ids))
        return Filters(self.state, team_ids, self.language or None)


def queue_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter()
    rendered = Rendered(desk.clock)
    may_converse = Depends(allowed(desk, Permission.CONVERSE, live_parts=True))

    @router.get("/queue")
    async def queue(
        request: Request,
        state: State = State.WAITING,
        team: Word = "",
        language: Word = "",
        page: PageNumber = 1,
        actor: Actor = may_converse,
    ) -> HTMLResponse:
        """The page, or for htmx its list alone. Whoever looks at the same list at the same time shares it."""
        chosen = Chosen(state, team, language if language in ANSWERED_IN else "", page)
        filters = chosen.filters(actor)

        async def render() -> str:
            now = desk.clock()
            async with desk.database.reading() as session:
                found = await listed(session, filters, now, page)
            return pages.part(
                request,
                actor,
                "queue/list.html",
                listed=found,
                chosen=chosen,
                window_end=lambda entry: window_end(entry, now),
                now=now,
                masked=masked,
                languages=ANSWERED_IN,
                words=WORDS,
            )

        shown = await rendered.of((chosen, filters, actor.language), desk.live.version, render)
        if "hx-request" in request.headers:
            return HTMLResponse(shown)
        async with desk.database.reading() as session:
            teams = await every_team(session)
        return pages.page(
            request,
            actor,
            "queue/index.html",
            title=N_("File d’attente"),
            listed=Markup(shown),  # our own template's, escaped there
            chosen=chosen,
            states=LISTS,
            teams=_team_options(teams, actor),
            languages=ANSWERED_IN,
        )

    return router


def _team_options(teams: list[Team], actor: Actor) -> list[tuple[str, str]]:
    """Choices of the filter; who is in no team sees every team's queue anyway."""
    own = [("", N_("Mes équipes"))] if actor.team_ids else []
    everybody = (EVERYBODY if actor.team_ids else "", N_("Toutes les équipes"))
    return [*own, everybody, *((str(team.id), team.name) for team in teams)]


def window_end(entry: Entry, now: datetime) -> datetime | None:
    """When WhatsApp no longer takes a free text, if that is soon or past; None on other channels and once closed."""
    if entry.channel != Channel.WHATSAPP or entry.last_inbound_at is None or entry.hand_over.ended_at is not None:
        return None
    end = entry.last_inbound_at + WHATSAPP_WINDOW
    return end if end - now < SOON else None
