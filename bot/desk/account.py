"""A person's own account: name and languages, password, second factor, other browsers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from bot.desk import credentials, second_factor
from bot.desk.access import Actor, allowed
from bot.desk.context import Desk
from bot.desk.forms import Faults, Form, read_form
from bot.desk.pages import Pages, redirect
from bot.desk.password_faults import PASSWORD_FAULTS
from bot.desk.people import NO_NAME
from bot.desk.second_factor import SecondFactors
from bot.desk.wording import LANGUAGES, N_
from bot.desk.words import ANSWERED_IN
from store import passwords, user_sessions, users
from store.desk_models import User
from store.models import Audit
from store.passwords import WeakPassword

ACCOUNT = "/desk/account"
WRONG_PASSWORD = N_("Ce n’est pas votre mot de passe actuel.")
NOT_THE_SAME = N_("Les deux saisies diffèrent.")
SAME_AS_BEFORE = N_("C’est le mot de passe actuel : choisissez-en un autre.")
WRONG_CODE = N_("Ce n’est pas le code que l’application affiche. Vérifiez aussi l’heure du téléphone.")
TOO_LATE = N_("La page était ouverte depuis trop longtemps. Voici un nouveau code à scanner.")


def account_router(desk: Desk, pages: Pages) -> APIRouter:
    """What everybody may change about themselves."""
    router = APIRouter(prefix="/account")
    second_factors = SecondFactors(desk.settings)
    signed_in = Depends(allowed(desk))
    settling_in = Depends(allowed(desk, settling_in=True))

    async def user_of(actor: Actor) -> User:
        async with desk.database.reading() as session:
            user = await users.get(session, actor.user_id)
        if user is None:
            raise HTTPException(404)
        return user

    @router.get("")
    async def show(request: Request, actor: Actor = signed_in) -> Response:
        return await account_page(request, actor)

    @router.post("")
    async def describe(request: Request, actor: Actor = signed_in) -> Response:
        form = await read_form(request)
        name, language = form.text("name"), form.text("language")
        if not 0 < len(name) <= users.LONGEST_NAME:
            return await account_page(request, actor, form=form, errors=Faults(name=NO_NAME))
        async with desk.database.writing() as session:
            user = await users.get(session, actor.user_id, hold=True)
            if user is not None:
                speaks = [each for each in form.several("speaks") if each in ANSWERED_IN]
                language = language if language in LANGUAGES else user.language
                await users.describe(session, user, name=name, language=language, speaks=speaks, now=desk.clock())
        return redirect(ACCOUNT, N_("Votre compte est à jour."))

    async def account_page(
        request: Request, actor: Actor, *, form: Form | None = None, errors: Faults | None = None
    ) -> Response:
        async with desk.database.reading() as session:
            user = await users.get(session, actor.user_id)
            others = await user_sessions.others(session, actor.user_id, actor.session_id, desk.clock())
        return pages.page(
            request,
            actor,
            "account/index.html",
            status=422 if errors else 200,
            user=user,
            name=form.text("name") if form else actor.name,
            speaks=form.several("speaks") if form else actor.speaks,
            languages=ANSWERED_IN,
            others=others,
            errors=errors or Faults(),
        )

    @router.post("/sign-out-others")
    async def sign_out_others(actor: Actor = signed_in) -> Response:
        async with desk.database.writing() as session:
            ended = await user_sessions.end_all(session, actor.user_id, but=actor.session_id)
            details = {"browsers": ended}
            session.add(
                Audit(
                    at=desk.clock(), actor=actor.actor, action="sign_out.others", subject=actor.actor, details=details
                )
            )
        return redirect(ACCOUNT, N_("Vos autres navigateurs sont déconnectés."))

    @router.get("/password")
    async def show_password(request: Request, actor: Actor = settling_in) -> Response:
        return password_page(request, actor, await user_of(actor))

    @router.post("/password")
    async def change_password(request: Request, actor: Actor = settling_in) -> Response:
        form, user = await read_form(request), await user_of(actor)
        password = form.secret("password")
        errors = _password_faults(user, form)
        if not errors and not await credentials.confirmed(desk, request, user.email, form.secret("current")):
            errors["current"] = WRONG_PASSWORD
        if errors:
            return password_page(request, actor, user, errors)
        password_hash, now = await passwords.hashed(password), desk.clock()
        async with desk.database.writing() as session:
            held = await users.get(session, actor.user_id, hold=True)
            if held is None or held.password_hash is None:
                raise HTTPException(404)
            await users.set_password(session, held, password_hash, must_change=False, actor=actor.actor, now=now)
            token = await user_sessions.open_session(session, held.id, now, is_complete=True)
        response = redirect("/desk/" if user.must_change_password else ACCOUNT, N_("Votre mot de passe est changé."))
        credentials.give(desk, response, token)
        return response

    def password_page(request: Request, actor: Actor, user: User, errors: Faults | None = None) -> Response:
        status = 422 if errors else 200
        return pages.page(
            request, actor, "account/password.html", status=status, user=user, errors=errors or Faults()
        )

    @router.get("/second-factor")
    async def show_second_factor(request: Request, actor: Actor = settling_in) -> Response:
        return second_factor_page(request, actor, await user_of(actor))

    @router.post("/second-factor")
    async def enrol(request: Request, actor: Actor = settling_in) -> Response:
        form, user, now = await read_form(request), await user_of(actor), desk.clock()
        if not second_factors.are_possible or user.password_hash is None:
            raise HTTPException(404)
        sealed = form.secret("sealed")
        secret = second_factors.shown(sealed, user.id, now)
        if secret is None:
            return second_factor_page(request, actor, user, errors=Faults(code=TOO_LATE))
        step = second_factor.step_of(secret, form.text("code"), now)
        errors = Faults(code=WRONG_CODE) if step is None else Faults()
        if not errors and not await credentials.confirmed(desk, request, user.email, form.secret("current")):
            errors["current"] = WRONG_PASSWORD
        if errors:
            return second_factor_page(request, actor, user, errors=errors, sealed=sealed)
        async with desk.database.writing() as session:
            held = await users.get(session, actor.user_id, hold=True)
            if held is None:
                raise HTTPException(404)
            kept = second_factors.kept(secret, held.id)
            await users.set_second_factor(session, held, kept, actor=actor.actor, now=now, step=step)
            await user_sessions.end_all(session, held.id, but=actor.session_id)
        return redirect(ACCOUNT, N_("Le second facteur est en place : un code sera demandé à chaque connexion."))

    @router.post("/second-factor/remove")
    async def remove_second_factor(request: Request, actor: Actor = signed_in) -> Response:
        form, user = await read_form(request), await user_of(actor)
        if second_factors.are_required:
            raise HTTPException(403)
        if not await credentials.confirmed(desk, request, user.email, form.secret("current")):
            return second_factor_page(request, actor, user, errors=Faults(remove=WRONG_PASSWORD))
        async with desk.database.writing() as session:
            held = await users.get(session, actor.user_id, hold=True)
            if held is not None:
                await users.set_second_factor(session, held, None, actor=actor.actor, now=desk.clock())
        return redirect(ACCOUNT, N_("Le second facteur est retiré."))

    def second_factor_page(
        request: Request, actor: Actor, user: User, *, errors: Faults | None = None, sealed: str | None = None
    ) -> Response:
        """`sealed` is the secret that was shown before: a wrong code does not make anybody scan again."""
        context: dict[str, Any] = {"secret": None}
        if second_factors.are_possible and user.password_hash is not None:
            sealed = sealed or second_factors.new(user.id, desk.clock())
            secret = second_factors.shown(sealed, user.id, desk.clock()) or ""
            picture, spelt = second_factor.picture(secret, user.email), second_factor.spelt(secret)
            context = {"secret": spelt, "picture": picture, "sealed": sealed}
        return pages.page(
            request,
            actor,
            "account/second_factor.html",
            status=422 if errors else 200,
            user=user,
            is_required=second_factors.are_required,
            errors=errors or Faults(),
            **context,
        )

    return router


def _password_faults(user: User, form: Form) -> Faults:
    """What is wrong with a new password, by field."""
    password = form.secret("password")
    try:
        passwords.check(password, users.own_words(user.email, user.name))
    except WeakPassword as weak:
        return Faults(password=PASSWORD_FAULTS[weak.fault])
    if password == form.secret("current"):
        return Faults(password=SAME_AS_BEFORE)
    return Faults() if password == form.secret("again") else Faults(again=NOT_THE_SAME)
