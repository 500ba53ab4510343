"""The pages to sign in: password, second factor, the organisation's own accounts; and signing out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from bot.desk import credentials, oidc
from bot.desk.access import COOKIE, FROM_ELSEWHERE, Actor, allowed, is_token_of
from bot.desk.context import Desk
from bot.desk.forms import read_form
from bot.desk.oidc import Provider, ProviderFault
from bot.desk.origin import ENTRANCE, inside, is_from_elsewhere, leading_to, network_address
from bot.desk.pages import Pages
from bot.desk.second_factor import SecondFactors, step_of
from bot.desk.wording import N_
from bot.edge.tries import TooMany, Try
from store import sign_ins, user_sessions, users
from store.desk_models import User, UserSession
from store.models import Audit
from store.sealing import Unreadable

log = structlog.get_logger()

LARGEST_FORM = 20_000
"""Bytes: anybody may send one."""
SECOND_STEP = f"{ENTRANCE}/second-factor"
WRONG = N_("Adresse ou mot de passe incorrect. Après 5 essais manqués, l’accès est fermé 15 minutes ou plus.")
WRONG_CODE = N_("Code incorrect ou déjà utilisé. Après 5 essais manqués, l’accès est fermé 15 minutes ou plus.")
NOT_KNOWN_HERE = N_("Ce compte n’a pas accès à Relève. Demandez à votre administrateur.")
PROVIDER_FAILED = N_("La connexion avec le compte de l’organisation n’a pas abouti. Réessayez.")


def login_router(desk: Desk, pages: Pages) -> APIRouter:
    """Signing in and out. Only signing out needs a session; forms must come from this site."""
    router = APIRouter(max_body_size=LARGEST_FORM)
    signed_in = Depends(allowed(desk, settling_in=True))
    second_factors = SecondFactors(desk.settings)
    provider = Provider(desk.settings) if desk.settings.oidc_configured else None

    def sign_in_page(request: Request, *, fault: str | None = None, email: str = "", to: str = "") -> Response:
        return pages.page(
            request,
            None,
            "login/index.html",
            status=422 if fault else 200,
            fault=fault,
            email=email,
            to=inside(to) or "",
            with_provider=provider is not None,
        )

    def entered(token: str, user: User, to: str) -> Response:
        """Lead a browser that has just signed in to the page it asked for."""
        response = RedirectResponse(inside(to) or "/desk/", 303)
        credentials.give(desk, response, token)
        log.info("desk.signed_in", user=user.id)
        return response

    async def unfinished(request: Request) -> UserSession | None:
        async with desk.database.reading() as session:
            return await user_sessions.unfinished(session, request.cookies.get(COOKIE, ""), desk.clock())

    @router.get("/login")
    async def show(request: Request, next: str = "") -> Response:
        async with desk.database.reading() as session:
            found = await user_sessions.signed_in(session, request.cookies.get(COOKIE, ""), desk.clock())
        if found is not None:
            return RedirectResponse(inside(next) or "/desk/", 303)
        return sign_in_page(request, to=next)

    @router.post("/login")
    async def enter(request: Request) -> Response:
        _require_this_site(request, desk)
        form = await read_form(request)
        email, to = form.text("email"), form.text("next")
        with _one_try(request, desk) as attempt:
            entry = await credentials.enter(desk, request, email, form.secret("password"))
            attempt.failed = entry is None
        if entry is None:
            return sign_in_page(request, fault=WRONG, email=email, to=to)
        if entry.is_complete:
            return entered(entry.token, entry.user, to)
        response = RedirectResponse(leading_to(to, SECOND_STEP), 303)
        credentials.give(desk, response, entry.token)
        return response

    @router.get("/login/second-factor")
    async def show_second_step(request: Request, next: str = "") -> Response:
        found = await unfinished(request)
        if found is None:
            return RedirectResponse(ENTRANCE, 303)
        return pages.page(
            request, None, "login/second_factor.html", fault=None, csrf=found.csrf, to=inside(next) or ""
        )

    @router.post("/login/second-factor")
    async def enter_second_step(request: Request) -> Response:
        _require_this_site(request, desk)
        form = await read_form(request)
        found, now, to = await unfinished(request), desk.clock(), form.text("next")
        if found is None or not is_token_of(found.csrf, form.secret("csrf")):
            return RedirectResponse(leading_to(to), 303)
        with _one_try(request, desk) as attempt:
            async with desk.database.writing() as session:
                user = await users.get(session, found.user_id, hold=True)
                if user is None or user.totp_secret is None:
                    return RedirectResponse(ENTRANCE, 303)
                secret = None
                try:
                    secret = second_factors.secret(user.totp_secret, user.id)
                except Unreadable as error:
                    log.error("desk.second_factor_unreadable", user=user.id, reason=str(error))
                step = step_of(secret, form.text("code"), now) if secret else None
                if sign_ins.second_step(session, user, step, network_address(request), now):
                    await user_sessions.end(session, found.id)
                    token = await user_sessions.open_session(session, user.id, now, is_complete=True)
                    return entered(token, user, to)
            attempt.failed = True
        return pages.page(
            request,
            None,
            "login/second_factor.html",
            status=422,
            fault=WRONG_CODE,
            csrf=found.csrf,
            to=inside(to) or "",
        )

    @router.get("/login/oidc")
    async def leave_for_provider(request: Request, next: str = "") -> Response:
        if provider is None:
            raise HTTPException(404)
        try:
            journey = await provider.departure(inside(next), desk.clock())
        except ProviderFault as fault:
            log.error("desk.provider_failed", reason=str(fault))
            return sign_in_page(request, fault=PROVIDER_FAILED, to=next)
        response = RedirectResponse(journey.url, 303)
        oidc.give(response, journey.sealed, is_secure=desk.settings.public_url.startswith("https://"))
        return response

    @router.get("/login/oidc/callback")
    async def back_from_provider(request: Request) -> Response:
        if provider is None:
            raise HTTPException(404)
        now = desk.clock()
        try:
            identity = await provider.arrival(request.query_params, request.cookies.get(oidc.COOKIE, ""), now)
        except ProviderFault as fault:
            log.warning("desk.provider_failed", reason=str(fault))
            response = sign_in_page(request, fault=PROVIDER_FAILED)
        else:
            async with desk.database.writing() as session:
                origin = network_address(request)
                user = await sign_ins.by_provider(session, identity.subject, identity.email, origin, now)
                token = await user_sessions.open_session(session, user.id, now, is_complete=True) if user else ""
            if user is None:
                response = sign_in_page(request, fault=NOT_KNOWN_HERE)
            else:
                response = entered(token, user, identity.to)
        oidc.take(response)
        return response

    @router.post("/logout")
    async def leave(actor: Actor = signed_in) -> Response:
        async with desk.database.writing() as session:
            await user_sessions.end(session, actor.session_id)
            session.add(Audit(at=desk.clock(), actor=actor.actor, action="sign_out", subject=actor.actor, details={}))
        response = RedirectResponse(ENTRANCE, 303)
        credentials.take(response)
        return response

    return router


@contextmanager
def _one_try(request: Request, desk: Desk) -> Iterator[Try]:
    """A try to sign in. 429 where too many of this network address have failed, whosever account they were for."""
    address = network_address(request)
    try:
        with desk.tries.one(address) as attempt:
            yield attempt
    except TooMany as error:
        log.warning("desk.too_many_tries", retry_after=error.retry_after)
        raise HTTPException(429, headers={"Retry-After": str(error.retry_after)}) from error


def _require_this_site(request: Request, desk: Desk) -> None:
    """Without a session there is no token yet: nobody may be signed in to somebody else's account by another site."""
    if is_from_elsewhere(request, desk.settings):
        raise HTTPException(403, FROM_ELSEWHERE)
