"""Who may do what at the desk: the signed-in person of a request, their permissions, and the token of each form."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fastapi import HTTPException, Request

from bot.desk.context import Desk
from bot.desk.origin import entrance, is_from_elsewhere
from bot.desk.wording import N_
from store import user_sessions
from store.desk_models import Role, User, UserSession


class Permission(StrEnum):
    CONVERSE = "converse"  # read and answer conversations, see their customers' files
    DECIDE = "decide"  # grant and refuse requests, accept readings
    SUPERVISE = "supervise"  # numbers, search over all conversations, the audit, labels, canned answers
    ADMINISTER = "administer"  # people and teams


PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.AGENT: frozenset({Permission.CONVERSE, Permission.DECIDE}),
    Role.SUPERVISOR: frozenset({Permission.CONVERSE, Permission.DECIDE, Permission.SUPERVISE}),
    Role.ADMINISTRATOR: frozenset({Permission.ADMINISTER}),
}
COOKIE = "releve_desk"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OLD_FORM = N_("Cette page est trop ancienne : rechargez-la et recommencez.")
FROM_ELSEWHERE = N_("Cette demande vient d’un autre site : elle n’a pas été prise en compte.")
NOT_ALLOWED = N_("Votre compte ne permet pas d’ouvrir cette page ni de faire ceci.")


@dataclass(frozen=True, slots=True)
class Actor:
    """The signed-in person. `csrf` comes back with every change; `language` is the interface's."""

    user_id: int
    session_id: int
    name: str
    email: str
    role: Role
    language: str
    speaks: tuple[str, ...]
    team_ids: frozenset[int]
    csrf: str

    @property
    def actor(self) -> str:
        """Who acts, as the audit names them."""
        return f"user:{self.user_id}"

    def may(self, permission: Permission) -> bool:
        return permission in PERMISSIONS[self.role]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who a dependency lets through: with `permission`, or everybody who is signed in."""

    permission: Permission | None

    @property
    def roles(self) -> tuple[Role, ...]:
        return tuple(role for role in Role if self.permission is None or self.permission in PERMISSIONS[role])


def allowed(
    desk: Desk,
    permission: Permission | None = None,
    *,
    background: bool = False,
    live_parts: bool = False,
    settling_in: bool = False,
) -> Callable[[Request], Awaitable[Actor]]:
    """A dependency that gives the signed-in person, for `Depends`; its `rule` says who that may be.

    Without a session it leads to the page to sign in. 403 without `permission`, for a change without its token
    (header `X-CSRF-Token`, or form field `csrf`), and for one that another site sent. Who must choose a password or
    enrol a second factor is led there first, except on the pages for it (`settling_in`). What the browser asks for
    by itself keeps nobody signed in: all of a route (`background`), or what htmx asks of it (`live_parts`).
    """

    async def actor_of(request: Request) -> Actor:
        now = desk.clock()
        async with desk.database.reading() as session:
            found = await user_sessions.signed_in(session, request.cookies.get(COOKIE, ""), now)
        if found is None:
            raise elsewhere(request, entrance(request))
        actor = actor_in(found)
        request.state.actor = actor
        if request.method not in SAFE:
            await _check_form(request, desk, actor)
        if permission is not None and not actor.may(permission):
            raise HTTPException(403, NOT_ALLOWED)
        missing = None if settling_in else first_page(desk, found.user)
        if missing is not None:
            raise elsewhere(request, missing)
        by_itself = background or (live_parts and "hx-request" in request.headers)
        if not by_itself and user_sessions.is_worth_noting(found, now):
            async with desk.database.writing() as session:
                await user_sessions.note_use(session, found.id, now)
        return actor

    actor_of.rule = Rule(permission)  # type: ignore[attr-defined]
    return actor_of


def rule_of(dependency: Callable[..., object] | None) -> Rule | None:
    """The rule of a dependency made by `allowed`; None for any other."""
    return getattr(dependency, "rule", None)


def actor_in(found: UserSession) -> Actor:
    """Who is signed in with a session."""
    user = found.user
    return Actor(
        user_id=user.id,
        session_id=found.id,
        name=user.name,
        email=user.email,
        role=user.role,
        language=user.language,
        speaks=tuple(user.speaks),
        team_ids=frozenset(team.id for team in user.teams),
        csrf=found.csrf,
    )


def elsewhere(request: Request, page: str) -> HTTPException:
    """What leads a browser to another page: htmx leads the whole page there, and a stream just ends."""
    if request.headers.get("hx-request"):
        return HTTPException(401, headers={"HX-Redirect": page})
    if "text/event-stream" in request.headers.get("accept", ""):
        return HTTPException(401)
    return HTTPException(303, headers={"Location": page})


def first_page(desk: Desk, user: User) -> str | None:
    """Where somebody must go before anything else. Who only comes by OpenID Connect has neither to choose."""
    if user.password_hash is None:
        return None
    if user.must_change_password:
        return "/desk/account/password"
    if desk.settings.desk_second_factor == "required" and user.totp_secret is None:
        return "/desk/account/second-factor"
    return None


async def _check_form(request: Request, desk: Desk, actor: Actor) -> None:
    if is_from_elsewhere(request, desk.settings):
        raise HTTPException(403, FROM_ELSEWHERE)
    token = request.headers.get("x-csrf-token")
    if token is None:
        token = str((await request.form()).get("csrf", ""))
    if not is_token_of(actor.csrf, token):
        raise HTTPException(403, OLD_FORM)


def is_token_of(csrf: str, token: str) -> bool:
    """Whether `token` is the one of a session; its time does not tell how much of it is right."""
    return hmac.compare_digest(token.encode(errors="replace"), csrf.encode())
