"""What every page has around it: where the desk begins, and the interface's language."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import update

from bot.desk.access import Actor, allowed
from bot.desk.context import Desk
from bot.desk.pages import PLACES, Pages, redirect
from bot.desk.wording import LANGUAGES
from store.desk_models import User


def shell_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter()
    signed_in, settling_in, wanted = Depends(allowed(desk)), Depends(allowed(desk, settling_in=True)), Form()

    @router.get("")
    @router.get("/")
    async def begin(actor: Actor = signed_in) -> Response:
        """To the first place that the person may go to."""
        return RedirectResponse(next(place.path for place in PLACES if actor.may(place.permission)), status_code=303)

    @router.post("/language")
    async def change_language(request: Request, language: str = wanted, actor: Actor = settling_in) -> Response:
        """Change the interface's language, and come back to the page."""
        if language not in LANGUAGES:
            raise HTTPException(422)
        async with desk.database.writing() as session:
            await session.execute(update(User).where(User.id == actor.user_id).values(language=language))
        return redirect(_page_before(request))

    return router


def _page_before(request: Request) -> str:
    """The address of ours that the browser comes from: never another server's, never one that changes something."""
    before = urlsplit(request.headers.get("referer", ""))
    if before.netloc != request.url.netloc or not before.path.startswith("/desk/"):
        return "/desk/"
    return f"{before.path}?{before.query}" if before.query else before.path
