"""The lists of requests: by kind, state, commune and day, or the one of a reference.

No names in them: a list is for finding what to decide, and opening a request is what the audit notes.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from billing.calendar import local_day
from billing.reference import parse_reference
from bot.desk.access import Actor, Permission, allowed
from bot.desk.addresses import address, page_number, pages_of
from bot.desk.context import Desk
from bot.desk.decisions.tabs import (
    HOME,
    STANDS,
    TABS,
    commune_choices,
    searched,
    tab_of,
    tabs_shown,
)
from bot.desk.pages import Pages
from bot.desk.wording import N_, translate
from bot.desk.words import WORDS
from store.decision_lists import PER_PAGE, Stand, Wanted, communes_of, requests_listed, waiting
from store.requests import GRANTABLE, OPEN, request_by_reference


def lists_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter(prefix="/decisions")
    may_decide = Depends(allowed(desk, Permission.DECIDE))

    @router.get("")
    async def show(
        request: Request,
        kind: str = "",
        stand: str = Stand.UNDECIDED,
        commune: str = "",
        late: str = "",
        text: str = "",
        page: str = "1",
        actor: Actor = may_decide,
    ) -> Response:
        tab, typed, number = tab_of(kind), searched(text), page_number(page)
        stands = Stand(stand) if stand in list(Stand) else Stand.UNDECIDED
        today = local_day(desk.clock())
        reference = parse_reference(typed)
        async with desk.database.reading() as session:
            if reference is not None and await request_by_reference(session, reference) is not None:
                return RedirectResponse(f"{HOME}/{reference}", 303)
            wanted = Wanted(
                kinds=tab.kinds,
                stand=stands,
                commune=searched(commune) or None,
                late_on=today if late else None,
                contract=typed or None,
            )
            listed = await requests_listed(session, wanted, number)
            counts = await waiting(session, today)
            communes = await communes_of(session)
        filters = {
            "kind": "" if tab is TABS[0] else tab.key,
            "stand": "" if stands is Stand.UNDECIDED else stands.value,
            "commune": wanted.commune or "",
            "late": "1" if late else "",
            "text": typed,
        }
        return pages.page(
            request,
            actor,
            "decisions/index.html",
            title=N_("Décisions"),
            tabs=tabs_shown(counts, tab.key),
            listed=listed,
            filters=filters,
            stands=[(each.value, translate(actor.language, text)) for each, text in STANDS.items()],
            communes=commune_choices(communes, wanted.commune, actor.language),
            page=number,
            pages=pages_of(listed.total, PER_PAGE),
            here=address(HOME, filters),
            home=HOME,
            today=today,
            words=WORDS,
            grantable=GRANTABLE,
            open_states=OPEN,
        )

    return router
