"""Puts the desk's routes together."""

from __future__ import annotations

from fastapi import APIRouter

from bot.desk.context import Desk
from bot.desk.pages import Pages


def desk_router(desk: Desk) -> APIRouter:
    """Everything under `/desk`. A module of pages gives a router made from the desk and its pages."""
    router = APIRouter(prefix="/desk", include_in_schema=False)
    pages = Pages()
    for area in AREAS:
        router.include_router(area(desk, pages))
    return router


AREAS = ()
