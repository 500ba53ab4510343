"""The readings in doubt as a list, and several accepted together: shown once more first, then each for itself."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request, Response

from billing.calendar import local_day
from billing.reference import parse_reference
from bot.desk.access import Actor, Permission, allowed
from bot.desk.addresses import address, page_number, pages_of
from bot.desk.context import Desk
from bot.desk.decisions.reading_view import ABOUT_NUMBER, oddest, view
from bot.desk.decisions.readings import UNKNOWN, overtaken
from bot.desk.decisions.tabs import (
    READINGS,
    commune_choices,
    searched,
    tabs_shown,
)
from bot.desk.pages import Pages, redirect
from bot.desk.wording import N_
from bot.desk.words import WORDS
from store.decision_lists import PER_PAGE, reading_communes, waiting
from store.models import ReadingState
from store.reading_reviews import NoSuchReading, Reviewed, accept, readings_by_reference, readings_to_review

NONE_CHOSEN = N_("Cochez d’abord des relevés dans la liste.")
ONE_BY_ONE = N_("Relevé %(reference)s : son nombre est douteux, il se décide seul, sur sa page.")
ALL_ACCEPTED = N_("Relevés acceptés : %(number)s. Les clients sont prévenus.")
SOME_ACCEPTED = N_("Relevés acceptés : %(number)s. Les autres ne l’ont pas été, voici pourquoi.")


def several_readings_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter(prefix="/decisions/readings")
    may_decide = Depends(allowed(desk, Permission.DECIDE))

    @router.get("")
    async def show(
        request: Request,
        commune: str = "",
        text: str = "",
        use: str = "",
        page: str = "1",
        actor: Actor = may_decide,
    ) -> Response:
        filters = {"commune": searched(commune), "text": searched(text), "use": "1" if use else ""}
        return await _list(request, actor, filters, page_number(page))

    @router.post("/confirm")
    async def confirm(request: Request, actor: Actor = may_decide) -> Response:
        """What accepting the chosen ones means: how many, the oddest, and which are left out. Changes nothing."""
        references = await _chosen(request)
        if not references:
            return redirect(READINGS, NONE_CHOSEN, "warn")
        async with desk.database.reading() as session:
            found = await readings_by_reference(session, references)
        views = [view(each, actor.language) for each in found if each.reading.state is ReadingState.TO_REVIEW]
        together = [each for each in views if each.may_be_one_of_several]
        return pages.page(
            request,
            actor,
            "decisions/confirm.html",
            title=N_("Accepter des relevés"),
            together=together,
            alone=[each for each in views if not each.may_be_one_of_several],
            gone=len(references) - len(views),
            worst=oddest(together),
            home=READINGS,
            words=WORDS,
        )

    @router.post("/accept")
    async def accept_all(request: Request, actor: Actor = may_decide) -> Response:
        """Accept the chosen ones, a transaction each: one that cannot be keeps no other from being accepted."""
        accepted, problems = 0, []
        for reference in await _chosen(request):
            problem = await _accept(reference, actor)
            accepted += problem is None
            problems += [] if problem is None else [problem]
        if not problems:
            return redirect(READINGS, ALL_ACCEPTED, number=accepted)
        said: dict[str, object] = {"tone": "warn", "text": SOME_ACCEPTED, "values": {"number": str(accepted)}}
        return await _list(request, actor, {}, 1, [said, *problems])

    async def _accept(reference: str, actor: Actor) -> dict[str, object] | None:
        """None when it was accepted, else why not, as a message."""
        try:
            async with desk.database.writing() as session:
                found = await readings_by_reference(session, [reference])
                if found and not view(found[0], actor.language).may_be_one_of_several:
                    return {"tone": "warn", "text": ONE_BY_ONE, "values": {"reference": reference}}
                await accept(session, reference, actor.actor, desk.clock())
        except Reviewed as reviewed:
            return overtaken(reviewed)
        except NoSuchReading:
            return {"tone": "warn", "text": UNKNOWN, "values": {}}
        return None

    async def _list(
        request: Request,
        actor: Actor,
        filters: dict[str, str],
        page: int,
        messages: Sequence[dict[str, object]] = (),
    ) -> Response:
        async with desk.database.reading() as session:
            found, total = await readings_to_review(
                session,
                commune=filters.get("commune") or None,
                contract=filters.get("text") or None,
                without=ABOUT_NUMBER if filters.get("use") else (),
                page=page,
            )
            counts = await waiting(session, local_day(desk.clock()))
            communes = await reading_communes(session)
        return pages.page(
            request,
            actor,
            "decisions/readings.html",
            title=N_("Relevés à vérifier"),
            tabs=tabs_shown(counts, "readings"),
            readings=[view(each, actor.language) for each in found],
            total=total,
            filters=filters,
            communes=commune_choices(communes, filters.get("commune"), actor.language),
            page=page,
            pages=pages_of(total, PER_PAGE),
            here=address(READINGS, filters),
            home=READINGS,
            messages=list(messages),
            words=WORDS,
        )

    return router


async def _chosen(request: Request) -> list[str]:
    """The references that are ticked, each once; no more than a page has."""
    ticked = [parse_reference(str(each)) for each in (await request.form()).getlist("reading")]
    return list(dict.fromkeys(each for each in ticked if each))[:PER_PAGE]
