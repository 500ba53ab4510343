"""What a browser sees when something cannot be shown or done: a page, or a line of text for a part of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from bot.desk.access import Actor
from bot.desk.headers import is_desk, secure
from bot.desk.pages import Pages, language_of
from bot.desk.wording import N_, translate

log = structlog.get_logger()

Handler = Callable[[Request, Any], Response | Awaitable[Response]]

FORBIDDEN = (
    N_("Accès refusé"),
    N_("Vous n’avez pas le droit de faire cela. Si la page est ouverte depuis longtemps, rechargez-la."),
)
NOT_FOUND = (N_("Page introuvable"), N_("Elle n’existe pas, ou n’existe plus."))
NOT_UNDERSTOOD = (N_("Demande incomprise"), N_("Revenez en arrière et vérifiez ce que vous avez saisi."))
FAILED = (
    N_("Quelque chose n’a pas fonctionné"),
    N_("Ce qui était enregistré n’est pas perdu. Réessayez dans un moment."),
)
TEXTS: Mapping[int, tuple[str, str]] = {
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: NOT_FOUND,
    409: (N_("Cela a changé entre-temps"), N_("Rechargez la page pour voir où en sont les choses.")),
    413: (N_("Fichier trop grand"), N_("Envoyez un fichier plus petit.")),
    429: (N_("Trop d’essais"), N_("Attendez un moment, puis réessayez.")),
    500: FAILED,
    503: FAILED,
}
"""Title and advice by status. An `HTTPException` with a detail of its own gives it as the advice (French, `N_`)."""


def answer_errors(app: FastAPI, pages: Pages) -> None:
    """Answer the errors of paths under `/desk` this way; those of other paths stay as they were."""
    for kind in (HTTPException, RequestValidationError, OverflowError, ValueError, DBAPIError, Exception):
        app.add_exception_handler(kind, _handler(pages, app.exception_handlers.get(kind)))


def _handler(pages: Pages, others: Handler | None) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        if is_desk(request.url.path):
            return _answer(pages, request, error)
        if others is None:
            raise error
        response = others(request, error)
        return response if isinstance(response, Response) else await response

    return answer


def _answer(pages: Pages, request: Request, error: Exception) -> Response:
    actor: Actor | None = getattr(request.state, "actor", None)
    headers = getattr(error, "headers", None) or {}
    if isinstance(error, HTTPException) and error.status_code < 400:
        response = Response(status_code=error.status_code)  # leads to another page
    else:
        status, title, advice = _told(request, error)
        if "hx-request" in request.headers:
            text = translate(language_of(request, actor), advice)
            response = PlainTextResponse(text, status_code=status)
        else:
            response = pages.page(request, actor, "errors.html", status=status, title=title, advice=advice)
    response.headers.update(headers)
    # Unexpected errors are answered outside of what adds them to every other answer.
    secure(response.headers)
    return response


def _is_out_of_range(error: Exception) -> bool:
    """Whether a row was asked for by a number that none can have, as an address typed by hand may."""
    told = ("out of int64 range", "for integer string conversion")
    return isinstance(error, OverflowError) or any(each in str(error) for each in told)


def _is_unstorable(error: Exception) -> bool:
    """Whether PostgreSQL was given a text with NUL in it, which no text of its own has."""
    return "invalid byte sequence for encoding" in str(error)


def _told(request: Request, error: Exception) -> tuple[int, str, str]:
    """Status, title and advice."""
    match error:
        case HTTPException(status_code=status, detail=detail):
            title, advice = TEXTS.get(status, FAILED if status >= 500 else NOT_UNDERSTOOD)
            own = isinstance(detail, str) and detail != HTTPStatus(status).phrase
            return status, title, detail if own else advice
        case RequestValidationError() as invalid:
            in_address = any(each["loc"][:1] == ("path",) for each in invalid.errors())
            return (404, *NOT_FOUND) if in_address else (422, *NOT_UNDERSTOOD)
        case DBAPIError() | OverflowError() | ValueError() if _is_out_of_range(error):
            return (404, *NOT_FOUND)
        case DBAPIError() if _is_unstorable(error):
            return (422, *NOT_UNDERSTOOD)
    log.error("desk.failed", path=request.url.path, error=type(error).__name__, exc_info=error)
    return (500, *FAILED)
