"""The routes of supervision put together."""

from __future__ import annotations

from fastapi import APIRouter

from bot.desk.context import Desk
from bot.desk.pages import Pages
from bot.desk.supervision.audit import audit_router
from bot.desk.supervision.labels import labels_router
from bot.desk.supervision.overview import figures_router
from bot.desk.supervision.search import search_router


def supervision_router(desk: Desk, pages: Pages) -> APIRouter:
    """`/supervision`, `/search`, `/audit` and `/labels`."""
    router = APIRouter()
    for area in (figures_router, search_router, audit_router, labels_router):
        router.include_router(area(desk, pages))
    return router
