"""Puts the desk's routes together, and puts them on an application."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, FastAPI

from bot.desk.account import account_router
from bot.desk.context import Desk
from bot.desk.context_panel import context_router
from bot.desk.contract_bills import contract_bills_router
from bot.desk.contracts import contracts_router
from bot.desk.conversations.canned import canned_router
from bot.desk.conversations.having import having_router
from bot.desk.conversations.media import media_router
from bot.desk.conversations.page import conversation_router
from bot.desk.conversations.writing import writing_router
from bot.desk.decisions import decisions_router
from bot.desk.errors import answer_errors
from bot.desk.events import events_router
from bot.desk.headers import DeskHeaders
from bot.desk.login import login_router
from bot.desk.pages import Pages
from bot.desk.people import people_router
from bot.desk.queue import queue_router
from bot.desk.shell import shell_router
from bot.desk.static_files import PATH, DeskFiles
from bot.desk.supervision.areas import supervision_router
from bot.desk.team_pages import teams_router

LARGEST_FORM = 512 * 1024
"""Bytes of a request, unless its route takes files: the longest draft, in any script, twice over."""

Area = Callable[[Desk, Pages], APIRouter]


def desk_router(desk: Desk, pages: Pages) -> APIRouter:
    """Everything under `/desk`. A module of pages gives a router made from the desk and its pages."""
    router = APIRouter(include_in_schema=False, max_body_size=LARGEST_FORM)
    for area in AREAS:
        router.include_router(area(desk, pages), prefix="/desk")
    return router


def mount_desk(app: FastAPI, desk: Desk) -> None:
    """Add the desk to `app`: pages, static files, the headers of each answer, and errors as pages."""
    pages = Pages(desk.clock)
    app.mount(PATH, DeskFiles(), name="desk static files")
    app.include_router(desk_router(desk, pages))
    app.add_middleware(DeskHeaders)
    answer_errors(app, pages)


AREAS: tuple[Area, ...] = (
    shell_router,
    queue_router,
    events_router,
    context_router,
    contracts_router,
    contract_bills_router,
    account_router,
    login_router,
    people_router,
    teams_router,
    decisions_router,
    supervision_router,
    conversation_router,
    having_router,
    writing_router,
    media_router,
    canned_router,
)
