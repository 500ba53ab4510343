"""The accounts of those who work at the desk, for administrators: who they are, what they may, how they come in."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.forms import Faults, Form, read_form
from bot.desk.pages import Pages, redirect
from bot.desk.wording import N_
from bot.desk.words import ANSWERED_IN
from store import passwords, teams, user_sessions, users
from store.desk_models import Role, User
from store.users import AddressTaken, BadAddress, LastAdministrator

PEOPLE = "/desk/people"
ROLES: Mapping[Role, tuple[str, str]] = {
    Role.AGENT: (N_("Agent"), N_("Répond aux clients, décide des demandes.")),
    Role.SUPERVISOR: (N_("Superviseur"), N_("Comme un agent, et voit les chiffres, la recherche et le journal.")),
    Role.ADMINISTRATOR: (N_("Administrateur"), N_("Gère les comptes et les équipes, ne voit aucune conversation.")),
}
"""What each is called, and may do."""
NO_NAME = N_("Écrivez un nom, de 120 caractères au plus.")
BAD_ADDRESS = N_("Ce n’est pas une adresse électronique.")
ADDRESS_TAKEN = N_("Il y a déjà un compte à cette adresse.")
NO_ROLE = N_("Choisissez ce que la personne peut faire.")
LAST_ADMINISTRATOR = N_("C’est le dernier administrateur : personne ne pourrait plus gérer les comptes.")
NOT_YOURSELF = N_("Vous ne pouvez pas faire cela sur votre propre compte : demandez à un autre administrateur.")


def people_router(desk: Desk, pages: Pages) -> APIRouter:
    """Adding, changing, closing accounts. Nobody closes their own, and one administrator always stays."""
    router = APIRouter(prefix="/people")
    administrator = Depends(allowed(desk, Permission.ADMINISTER))

    @router.get("")
    async def show_all(request: Request, actor: Actor = administrator) -> Response:
        async with desk.database.reading() as session:
            people = await users.every_user(session)
        return pages.page(
            request,
            actor,
            "people/index.html",
            people=people,
            roles={role: name for role, (name, _meaning) in ROLES.items()},
            languages=ANSWERED_IN,
            now=desk.clock(),
        )

    @router.get("/new")
    async def show_new(request: Request, actor: Actor = administrator) -> Response:
        return await person_page(request, actor, None)

    @router.post("/new")
    async def add(request: Request, actor: Actor = administrator) -> Response:
        form = await read_form(request)
        role, errors = _role(form), _faults(form)
        try:
            users.normal_email(form.text("email"))
        except BadAddress:
            errors["email"] = BAD_ADDRESS
        if errors or role is None:
            return await person_page(request, actor, None, form, errors)
        password = passwords.starting_password()
        password_hash = await passwords.hashed(password)
        try:
            async with desk.database.writing() as session:
                user = await users.create(
                    session,
                    email=form.text("email"),
                    name=form.text("name"),
                    role=role,
                    password_hash=password_hash,
                    speaks=_spoken(form),
                    team_ids=form.row_ids("team"),
                    actor=actor.actor,
                    now=desk.clock(),
                )
        except AddressTaken:
            return await person_page(request, actor, None, form, Faults(email=ADDRESS_TAKEN))
        return starting_password_page(request, actor, user, password)

    @router.get("/{user_id:int}")
    async def show(request: Request, user_id: int, actor: Actor = administrator) -> Response:
        async with desk.database.reading() as session:
            user = await _found(session, user_id)
        return await person_page(request, actor, user)

    @router.post("/{user_id:int}")
    async def change(request: Request, user_id: int, actor: Actor = administrator) -> Response:
        form = await read_form(request)
        role, errors = _role(form), _faults(form)
        if user_id == actor.user_id and role is not actor.role:
            errors["role"] = NOT_YOURSELF
        try:
            async with desk.database.writing() as session:
                user = await _found(session, user_id, hold=True)
                if not errors and role is not None:
                    await users.change(
                        session,
                        user,
                        name=form.text("name"),
                        role=role,
                        speaks=_spoken(form),
                        team_ids=form.row_ids("team"),
                        actor=actor.actor,
                        now=desk.clock(),
                    )
        except LastAdministrator:
            errors["role"] = LAST_ADMINISTRATOR
        if errors:
            async with desk.database.reading() as session:
                standing = await _found(session, user_id)
            return await person_page(request, actor, standing, form, errors)
        return redirect(PEOPLE, N_("Le compte de %(name)s est à jour."), name=form.text("name"))

    @router.post("/{user_id:int}/disable")
    async def disable(user_id: int, actor: Actor = administrator) -> Response:
        if user_id == actor.user_id:
            return redirect(f"{PEOPLE}/{user_id}", NOT_YOURSELF, "warn")
        try:
            async with desk.database.writing() as session:
                user = await _found(session, user_id, hold=True)
                await users.disable(session, user, actor.actor, desk.clock())
        except LastAdministrator:
            return redirect(f"{PEOPLE}/{user_id}", LAST_ADMINISTRATOR, "warn")
        return redirect(PEOPLE, N_("Le compte de %(name)s est fermé."), name=user.name)

    @router.post("/{user_id:int}/enable")
    async def enable(user_id: int, actor: Actor = administrator) -> Response:
        async with desk.database.writing() as session:
            user = await _found(session, user_id, hold=True)
            await users.enable(session, user, actor.actor, desk.clock())
        return redirect(PEOPLE, N_("Le compte de %(name)s est ouvert."), name=user.name)

    @router.post("/{user_id:int}/password")
    async def give_password(request: Request, user_id: int, actor: Actor = administrator) -> Response:
        password = passwords.starting_password()
        password_hash = await passwords.hashed(password)
        if user_id == actor.user_id:
            return redirect("/desk/account/password")
        async with desk.database.writing() as session:
            user = await _found(session, user_id, hold=True)
            await users.set_password(
                session, user, password_hash, must_change=True, actor=actor.actor, now=desk.clock()
            )
        return starting_password_page(request, actor, user, password)

    @router.post("/{user_id:int}/second-factor")
    async def reset_second_factor(user_id: int, actor: Actor = administrator) -> Response:
        if user_id == actor.user_id:
            return redirect("/desk/account/second-factor")
        async with desk.database.writing() as session:
            user = await _found(session, user_id, hold=True)
            await users.set_second_factor(session, user, None, actor=actor.actor, now=desk.clock())
            await user_sessions.end_all(session, user.id)
        return redirect(PEOPLE, N_("Le second facteur de %(name)s est retiré."), name=user.name)

    async def person_page(
        request: Request,
        actor: Actor,
        user: User | None,
        form: Form | None = None,
        errors: Faults | None = None,
    ) -> Response:
        """The form of a new account, or of `user`'s; with `form`, as it was filled in."""
        async with desk.database.reading() as session:
            every_team = await teams.every_team(session)
        if form is not None:
            shown = {"email": form.text("email"), "name": form.text("name"), "role": form.text("role")}
            ticked = {"speaks": form.several("speaks"), "teams": form.row_ids("team")}
        elif user is not None:
            shown = {"email": user.email, "name": user.name, "role": str(user.role)}
            ticked = {"speaks": tuple(user.speaks), "teams": tuple(team.id for team in user.teams)}
        else:
            shown, ticked = {"email": "", "name": "", "role": str(Role.AGENT)}, {"speaks": (), "teams": ()}
        return pages.page(
            request,
            actor,
            "people/person.html",
            status=422 if errors else 200,
            person=user,
            shown=shown,
            ticked=ticked,
            errors=errors or Faults(),
            roles=ROLES,
            teams=[(team.id, team.name) for team in every_team],
            languages=ANSWERED_IN,
            now=desk.clock(),
        )

    def starting_password_page(request: Request, actor: Actor, user: User, password: str) -> Response:
        """Shown once, with the answer to the form itself: it is kept nowhere but hashed."""
        return pages.page(request, actor, "people/starting_password.html", person=user, password=password)

    return router


async def _found(session: AsyncSession, user_id: int, *, hold: bool = False) -> User:
    user = await users.get(session, user_id, hold=hold) if user_id < 2**63 else None
    if user is None:
        raise HTTPException(404)
    return user


def _role(form: Form) -> Role | None:
    return next((role for role in Role if role == form.text("role")), None)


def _spoken(form: Form) -> list[str]:
    return [each for each in form.several("speaks") if each in ANSWERED_IN]


def _faults(form: Form) -> Faults:
    """What is wrong with what an administrator says about a person, by field."""
    errors = Faults()
    if not 0 < len(form.text("name")) <= users.LONGEST_NAME:
        errors["name"] = NO_NAME
    if _role(form) is None:
        errors["role"] = NO_ROLE
    return errors
