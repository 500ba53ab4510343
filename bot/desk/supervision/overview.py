"""The page of figures, the part that says what happens now, and each figure as a file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import local_day
from bot.desk.access import Actor, Permission, allowed
from bot.desk.addresses import address, number_in
from bot.desk.context import Desk
from bot.desk.pages import Pages, language_of
from bot.desk.supervision.case_board import case_board
from bot.desk.supervision.desk_board import desk_board
from bot.desk.supervision.figures import Board, Breakdown, Chart
from bot.desk.supervision.spans import Span
from bot.desk.supervision.tables import breakdown_rows, chart_rows, csv_file
from bot.desk.supervision.talk_board import talk_board
from bot.desk.supervision.written import short_day, written
from bot.desk.wording import DIRECTIONS, N_, translate
from bot.desk.words import HAND_OVER_REASONS, LANGUAGES
from store import desk_figures, desk_now, message_figures
from store.apart import Apart
from store.desk_figures import Scope
from store.teams import every_team

PATH = "/desk/supervision"
DEFAULT_DAYS = 30


def figures_router(desk: Desk, pages: Pages) -> APIRouter:
    """`/supervision`, `/supervision/now`, `/supervision/NAME.csv`."""
    router = APIRouter()
    apart = Apart(desk.database)
    supervisor = Depends(allowed(desk, Permission.SUPERVISE))
    onlooker = Depends(allowed(desk, Permission.SUPERVISE, background=True))  # the browser asks again by itself

    @router.get("/supervision")
    async def show(request: Request, actor: Actor = supervisor) -> HTMLResponse:
        span = Span.asked(request.query_params, local_day(desk.clock()), DEFAULT_DAYS)
        scope = _scope(request, span)
        language = language_of(request, actor)
        boards, is_cut = await apart.look(partial(_boards, scope=scope))
        async with desk.database.reading() as session:
            teams = await every_team(session)
        asked = {**span.query, "team": scope.team_id, "language": scope.language}
        return pages.page(
            request,
            actor,
            "supervision/figures.html",
            title=N_("Supervision"),
            span=span,
            scope=scope,
            teams=teams,
            languages=LANGUAGES,
            boards=boards,
            is_cut=is_cut,
            mirrored=DIRECTIONS[language] == "rtl",
            written=partial(written, language=language),
            short_day=partial(short_day, language=language),
            file=lambda key: address(f"{PATH}/{key}.csv", asked),
        )

    @router.get("/supervision/now")
    async def now(request: Request, actor: Actor = onlooker) -> HTMLResponse:
        moment = desk.clock()
        async with desk.database.reading() as session:
            return HTMLResponse(
                pages.part(
                    request,
                    actor,
                    "supervision/now.html",
                    moment=moment,
                    teams=await desk_now.by_team(session),
                    waiting=await desk_now.longest_waiting(session),
                    colleagues=await desk_now.colleagues(session, moment),
                    reasons=HAND_OVER_REASONS,
                    languages=LANGUAGES,
                )
            )

    @router.get("/supervision/{key}.csv")
    async def file(key: str, request: Request, actor: Actor = supervisor) -> Response:
        span = Span.asked(request.query_params, local_day(desk.clock()), DEFAULT_DAYS)
        boards, _ = await apart.look(partial(_boards, scope=_scope(request, span)))
        words = partial(translate, language_of(request, actor))
        for each in _all(boards):
            if each.key == key:
                header, rows = chart_rows(each, words) if isinstance(each, Chart) else breakdown_rows(each, words)
                return csv_file(f"{key}-{span.period.first}-{span.period.last}", header, rows)
        raise HTTPException(404)

    return router


def _scope(request: Request, span: Span) -> Scope:
    """Filters that mean nothing are left out."""
    language = request.query_params.get("language")
    return Scope(
        span.period,
        team_id=number_in(request.query_params.get("team")),
        language=language if language in LANGUAGES else None,
    )


async def _boards(session: AsyncSession, scope: Scope) -> tuple[tuple[Board, ...], bool]:
    """All figures of one look at the database, and whether there were more hand-overs than are counted."""
    stays = await desk_figures.stays(session, scope)
    traffic = await message_figures.traffic(session, scope)
    was_refused = any(each.refused for each in traffic)
    talk = talk_board(
        await message_figures.contacts(session, scope),
        traffic,
        await message_figures.refusals(session, scope) if was_refused else [],
        await message_figures.understood(session, scope),
        scope.period,
    )
    cases = case_board(
        await desk_figures.readings(session, scope),
        await desk_figures.requested(session, scope),
        await desk_figures.decisions(session, scope),
        scope.period,
    )
    return (desk_board(stays, scope.period), talk, cases), len(stays) == desk_figures.MOST_STAYS


def _all(boards: tuple[Board, ...]) -> Iterator[Chart | Breakdown]:
    for board in boards:
        yield from board.charts
        yield from board.breakdowns
