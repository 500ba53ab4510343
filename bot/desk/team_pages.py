"""The teams, for administrators: their names, the customers' languages they are for, who is in them."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.forms import Faults, Form, read_form
from bot.desk.pages import Pages, redirect
from bot.desk.wording import N_
from bot.desk.words import ANSWERED_IN
from store import teams, users
from store.desk_models import Role, Team
from store.teams import NameTaken, TeamBusy

TEAMS = "/desk/people/teams"
NO_NAME = N_("Écrivez un nom, de 80 caractères au plus.")
NAME_TAKEN = N_("Il y a déjà une équipe de ce nom.")
TEAM_BUSY = N_("Des conversations attendent cette équipe : transférez-les d’abord.")


def teams_router(desk: Desk, pages: Pages) -> APIRouter:
    """Adding, changing and removing teams."""
    router = APIRouter(prefix="/people/teams")
    administrator = Depends(allowed(desk, Permission.ADMINISTER))

    @router.get("")
    async def show_all(request: Request, actor: Actor = administrator) -> Response:
        async with desk.database.reading() as session:
            every_team, sizes = await teams.every_team(session), await teams.sizes(session)
        return pages.page(request, actor, "people/teams.html", teams=every_team, sizes=sizes, languages=ANSWERED_IN)

    @router.get("/new")
    async def show_new(request: Request, actor: Actor = administrator) -> Response:
        return await team_page(request, actor, None)

    @router.post("/new")
    async def add(request: Request, actor: Actor = administrator) -> Response:
        return await save(request, actor, None)

    @router.get("/{team_id:int}")
    async def show(request: Request, team_id: int, actor: Actor = administrator) -> Response:
        async with desk.database.reading() as session:
            team = await _found(session, team_id)
        return await team_page(request, actor, team)

    @router.post("/{team_id:int}")
    async def change(request: Request, team_id: int, actor: Actor = administrator) -> Response:
        return await save(request, actor, team_id)

    @router.post("/{team_id:int}/remove")
    async def remove(team_id: int, actor: Actor = administrator) -> Response:
        try:
            async with desk.database.writing() as session:
                team = await _found(session, team_id)
                await teams.remove(session, team, actor.actor, desk.clock())
        except TeamBusy:
            return redirect(f"{TEAMS}/{team_id}", TEAM_BUSY, "warn")
        return redirect(TEAMS, N_("L’équipe %(name)s est supprimée."), name=team.name)

    async def save(request: Request, actor: Actor, team_id: int | None) -> Response:
        form = await read_form(request)
        name, languages, now = form.text("name"), _languages(form), desk.clock()
        errors = Faults() if 0 < len(name) <= teams.LONGEST_NAME else Faults(name=NO_NAME)
        try:
            async with desk.database.writing() as session:
                team = await _found(session, team_id) if team_id is not None else None
                if not errors:
                    if team is None:
                        team = await teams.add(session, name, languages, actor.actor, now)
                    else:
                        await teams.change(session, team, name, languages, actor.actor, now)
                    await teams.set_members(session, team, form.row_ids("member"), actor.actor, now)
        except NameTaken:
            errors["name"] = NAME_TAKEN
        if errors:
            async with desk.database.reading() as session:
                standing = await _found(session, team_id) if team_id is not None else None
            return await team_page(request, actor, standing, form, errors)
        return redirect(TEAMS, N_("L’équipe %(name)s est à jour."), name=name)

    async def team_page(
        request: Request,
        actor: Actor,
        team: Team | None,
        form: Form | None = None,
        errors: Faults | None = None,
    ) -> Response:
        """The form of a new team, or of `team`; with `form`, as it was filled in."""
        async with desk.database.reading() as session:
            people = [each for each in await users.every_user(session) if each.role is not Role.ADMINISTRATOR]
        if form is not None:
            name, chosen, members = form.text("name"), form.several("language"), form.row_ids("member")
        elif team is not None:
            name, chosen = team.name, tuple(team.languages)
            members = tuple(each.id for each in people if any(mine.id == team.id for mine in each.teams))
        else:
            name, chosen, members = "", (), ()
        return pages.page(
            request,
            actor,
            "people/team.html",
            status=422 if errors else 200,
            team=team,
            name=name,
            chosen=chosen,
            members=members,
            people=[(each.id, each.name) for each in people if each.disabled_at is None or each.id in members],
            errors=errors or Faults(),
            languages=ANSWERED_IN,
        )

    return router


async def _found(session: AsyncSession, team_id: int) -> Team:
    team = await session.get(Team, team_id) if team_id < 2**63 else None
    if team is None:
        raise HTTPException(404)
    return team


def _languages(form: Form) -> list[str]:
    return [each for each in form.several("language") if each in ANSWERED_IN]
