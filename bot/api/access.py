"""Who calls: a key in the `Authorization: Bearer …` header, and whether its scopes allow it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from store.api_keys import Scope, known
from store.database import Database

_bearer = HTTPBearer(auto_error=False, description="A key made by `releve key add`.")


def caller(database: Database, scope: Scope) -> Callable[..., Awaitable[str]]:
    """A dependency: the actor (`key:NAME`) of a call that needs `scope`. 401 without a key in use, 403 beyond it."""

    async def actor(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
        if credentials is None:
            raise HTTPException(401, "a key is needed: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})
        async with database.reading() as session:
            key = await known(session, credentials.credentials)
        if key is None:
            raise HTTPException(401, "this key is not known, or was revoked", {"WWW-Authenticate": "Bearer"})
        if scope.value not in key.scopes:
            raise HTTPException(403, f"this key has no scope '{scope}'")
        return f"key:{key.name}"

    return actor
