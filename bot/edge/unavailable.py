"""503 while the database is away, full or too busy: carriers and callers try again, which they do not after a 4xx."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.inbox import NotStored
from store.database import is_of_the_database

log = structlog.get_logger()

RETRY_AFTER_SECONDS = 5


def answer_unavailable(app: FastAPI) -> None:
    """Have `app` answer 503 for what the database cannot do now, and leave what it should never do to others."""

    async def unavailable(request: Request, error: Exception) -> Response:
        if not isinstance(error, NotStored) and not is_of_the_database(error):
            raise error
        log.error("http.unavailable", path=request.url.path, error=type(error).__name__)
        return JSONResponse(
            {"detail": "not possible for the moment; try again"},
            status_code=503,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )

    for kind in (NotStored, DBAPIError, InterfaceError, PoolTimeout, OSError):
        app.add_exception_handler(kind, unavailable)
