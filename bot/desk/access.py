"""Who may do what at the desk: the signed-in person of a request, their permissions, and the token of each form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fastapi import HTTPException, Request

from bot.desk.context import Desk
from store.desk_models import Role
from store.user_sessions import signed_in


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


def allowed(desk: Desk, permission: Permission | None = None) -> Callable[[Request], Awaitable[Actor]]:
    """A dependency that gives the signed-in person, for `Depends`.

    Without a session it leads to the page to sign in; 403 without `permission`, or for a change without its token
    (header `X-CSRF-Token`, or form field `csrf`).
    """

    async def actor_of(request: Request) -> Actor:
        token = request.cookies.get(COOKIE, "")
        async with desk.database.reading() as session:
            found = await signed_in(session, token, desk.clock())
        if found is None:
            raise HTTPException(303, headers={"Location": "/desk/login"})
        user = found.user
        actor = Actor(
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
        if request.method not in SAFE and await _token(request) != actor.csrf:
            raise HTTPException(403, "the form is too old: reload the page")
        if permission is not None and not actor.may(permission):
            raise HTTPException(403, "you are not allowed to do this")
        return actor

    return actor_of


async def _token(request: Request) -> str:
    header = request.headers.get("x-csrf-token")
    if header is not None:
        return header
    return str((await request.form()).get("csrf", ""))
