"""`/desk/decisions`: what customers asked for and the readings in doubt, in lists and one by one, to be decided."""

from __future__ import annotations

from fastapi import APIRouter

from bot.desk.context import Desk
from bot.desk.decisions.deciding import deciding_router
from bot.desk.decisions.lists import lists_router
from bot.desk.decisions.readings import readings_router
from bot.desk.decisions.several_readings import several_readings_router
from bot.desk.pages import Pages


def decisions_router(desk: Desk, pages: Pages) -> APIRouter:
    """Requests and readings; those of readings first, for a reference could be anything."""
    router = APIRouter()
    for part in (lists_router, several_readings_router, readings_router, deciding_router):
        router.include_router(part(desk, pages))
    return router
