"""Who calls: a key in the `Authorization: Bearer …` header, and whether its scopes allow it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bot.clock import Clock, system_clock
from store.api_keys import Scope, is_use_to_note, known, note_use
from store.database import Database

_bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="A key made by `releve key add`, with the scope of the route."
)


def allowed(database: Database, scope: Scope, *others: Scope, clock: Clock = system_clock) -> Any:
    """A parameter of a route: the actor (`key:NAME`), whose key must have `scope` or one of `others`.

    401 without a key in use, 403 beyond it. The description of the API names `scope`.
    """
    return Security(caller(database, scope, *others, clock=clock), scopes=[scope.value])


def caller(database: Database, *scopes: Scope, clock: Clock = system_clock) -> Callable[..., Awaitable[str]]:
    """What `allowed` depends on."""

    async def actor(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
        if credentials is None:
            raise HTTPException(401, "a key is needed: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})
        now = clock()
        async with database.reading() as session:
            key = await known(session, credentials.credentials, now)
        if key is None:
            raise HTTPException(
                401, "this key is not known, has expired or was revoked", {"WWW-Authenticate": "Bearer"}
            )
        if not key.scopes or not {scope.value for scope in scopes}.intersection(key.scopes):
            raise HTTPException(403, f"this key has no scope '{scopes[0]}'")
        if is_use_to_note(key, now):
            await database.grouped(lambda connection: note_use(connection, key.id, now))
        return f"key:{key.name}"

    return actor
