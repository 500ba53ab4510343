"""Who did what: the audit as a list and as a file. Taking it out is itself in the audit."""

from __future__ import annotations

import json
from functools import partial

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import CASABLANCA, local_day
from bot.desk.access import Actor, Permission, allowed
from bot.desk.addresses import address, page_number, pages_of
from bot.desk.context import Desk
from bot.desk.pages import Pages, language_of
from bot.desk.supervision import audit_words
from bot.desk.supervision.spans import Span
from bot.desk.supervision.tables import csv_file
from bot.desk.wording import N_, translate
from store.actors import names_of
from store.apart import Apart
from store.audit_log import PAGE, Lines, Sought, actions, exported, page_of
from store.models import Audit
from store.users import every_user

PATH = "/desk/audit"
DEFAULT_DAYS = 7
LONGEST_WORD = 64


def audit_router(desk: Desk, pages: Pages) -> APIRouter:
    """`/audit` and `/audit.csv`."""
    router = APIRouter()
    apart = Apart(desk.database)
    supervisor = Depends(allowed(desk, Permission.SUPERVISE))

    @router.get("/audit")
    async def show(request: Request, actor: Actor = supervisor) -> HTMLResponse:
        span = Span.asked(request.query_params, local_day(desk.clock()), DEFAULT_DAYS)
        sought = _sought(request, span)
        page = page_number(request.query_params.get("page"))
        lines, names, known = await apart.look(partial(_listed, sought=sought, page=page))
        async with desk.database.reading() as session:
            people = await every_user(session)
        asked = {**span.query, "actor": sought.actor, "action": sought.action, "subject": sought.subject}
        return pages.page(
            request,
            actor,
            "supervision/audit.html",
            title=N_("Journal"),
            span=span,
            sought=sought,
            lines=lines,
            names=names,
            actions=known,
            people=people,
            words=audit_words,
            page=page,
            pages=pages_of(lines.total, PAGE),
            url=address(PATH, asked),
            file=address(f"{PATH}.csv", asked),
            as_text=partial(json.dumps, ensure_ascii=False, indent=2),
        )

    @router.get("/audit.csv")
    async def file(request: Request, actor: Actor = supervisor) -> Response:
        span = Span.asked(request.query_params, local_day(desk.clock()), DEFAULT_DAYS)
        sought = _sought(request, span)
        words = partial(translate, language_of(request, actor))
        rows = await apart.look(partial(_rows, sought=sought))
        now = desk.clock()
        async with desk.database.writing() as session:
            details = {
                "asked": address("", {**span.query, "actor": sought.actor, "action": sought.action}),
                "lines": len(rows),
            }
            session.add(Audit(at=now, actor=actor.actor, action="audit.exported", subject="audit", details=details))
        header = [words(each) for each in _HEADER]
        return csv_file(f"journal-{span.period.first}-{span.period.last}", header, rows)

    return router


_HEADER = (N_("Moment"), N_("Qui"), N_("Nom"), N_("Action"), N_("Sur quoi"), N_("Détails"))


def _sought(request: Request, span: Span) -> Sought:
    query = request.query_params
    actor, action, subject = (
        query.get(name, "").replace("\x00", "").strip()[:LONGEST_WORD] for name in ("actor", "action", "subject")
    )
    return Sought(span.period, actor, action, subject)


async def _listed(session: AsyncSession, sought: Sought, page: int) -> tuple[Lines, dict[str, str], list[str]]:
    """One page of lines, the names of who acted and whom it was done to, and the actions of the period."""
    lines = await page_of(session, sought, page)
    named = {word for line in lines.lines for word in (line.actor, line.subject)}
    return lines, await names_of(session, named), await actions(session, sought.period)


async def _rows(session: AsyncSession, sought: Sought) -> list[list[object]]:
    lines = [line async for line in exported(session, sought)]
    names = await names_of(session, {line.actor for line in lines})
    return [
        [
            line.at.astimezone(CASABLANCA).isoformat(timespec="seconds"),
            line.actor,
            names.get(line.actor, ""),
            line.action,
            line.subject,
            json.dumps(line.details, ensure_ascii=False) if line.details else "",
        ]
        for line in lines
    ]
