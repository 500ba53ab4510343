"""One request: its page, and what a person decides on it. Whoever decides second is told who was first, and what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from billing.reference import parse_reference
from bot.commands.request_record import terms_of
from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.decisions import reasons, told
from bot.desk.decisions.history import DECIDED
from bot.desk.decisions.request_page import (
    Errors,
    Typed,
    is_proposed,
    page_of,
    schedule_of,
    seen_as,
    typed_in,
)
from bot.desk.decisions.tabs import HOME
from bot.desk.pages import Pages, redirect
from bot.desk.shown import moment
from bot.desk.wording import N_
from store import decisions
from store.access_log import note_view
from store.changes import changed
from store.models import Request as Asked
from store.prepaid import NotAnAdvance
from store.request_file import RequestFile, reader_of, request_file
from store.requests import GRANTABLE, OPEN, NotAllowed, request_by_reference

UNKNOWN = N_("Cette demande n’existe pas.")
NOT_TAKEN = N_("Votre décision n’a pas été enregistrée.")
CHECK_PAYMENTS = N_("Les paiements ne peuvent pas être accordés ainsi : corrigez ce qui est signalé.")
ONLY_SUPERVISORS = N_("Seul un superviseur peut aller au-delà de la règle.")
WHY_BEYOND = N_("Dites pourquoi la règle est dépassée : c’est gardé dans le journal.")
NO_ADVANCE = N_("Cette demande ne dit pas combien de kWh avancer : elle ne peut pas être accordée.")
LOOKED_AT = N_("Vous étudiez cette demande : les autres le voient, et le client est prévenu.")
GRANTED = N_("Demande %(reference)s accordée : le client est prévenu.")
DEALT_WITH = N_("Demande %(reference)s traitée : le client est prévenu.")
REFUSED = N_("Demande %(reference)s refusée : le client est prévenu du motif.")

Decision = Callable[[AsyncSession, Asked], Awaitable[None]]


class Wrong(ValueError):
    """A decision that has to be put right first; what is wrong, by field."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


class Overtaken(ValueError):
    """Somebody changed the request between the look and the decision."""


def deciding_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter(prefix="/decisions")
    may_decide = Depends(allowed(desk, Permission.DECIDE))

    @router.get("/{reference}")
    async def show(request: Request, reference: str, actor: Actor = may_decide) -> Response:
        return await _page(request, actor, reference, Typed())

    @router.post("/{reference}/draft")
    async def draft(request: Request, reference: str, actor: Actor = may_decide) -> Response:
        """The page with the forms as typed: checked, summed, in the customer's words. Changes nothing."""
        return await _page(request, actor, reference, typed_in(await request.form()))

    @router.post("/{reference}/review")
    async def review(request: Request, reference: str, actor: Actor = may_decide) -> Response:
        async def decision(session: AsyncSession, asked: Asked) -> None:
            await decisions.review(session, asked, actor.actor, desk.clock())

        return await _decide(request, actor, reference, decision, {True: LOOKED_AT, False: LOOKED_AT})

    @router.post("/{reference}/grant")
    async def grant(request: Request, reference: str, actor: Actor = may_decide) -> Response:
        typed = typed_in(await request.form())

        async def decision(session: AsyncSession, asked: Asked) -> None:
            await _grant(session, asked, actor, typed)

        return await _decide(request, actor, reference, decision, {True: GRANTED, False: DEALT_WITH})

    @router.post("/{reference}/refuse")
    async def refuse(request: Request, reference: str, actor: Actor = may_decide) -> Response:
        typed = typed_in(await request.form())

        async def decision(session: AsyncSession, asked: Asked) -> None:
            language = told.language_of(await reader_of(session, asked.conversation_id, asked.contract_id))
            ready = reasons.REQUESTS[asked.kind]
            reason = reasons.reason_of(typed.ready, typed.own, ready, desk.texts, language)
            if (wrong := reasons.wrong_with(reason)) is not None:
                raise Wrong({"own": wrong})
            await decisions.refuse(session, asked, actor.actor, desk.clock(), reason)

        return await _decide(request, actor, reference, decision, {True: REFUSED, False: REFUSED})

    async def _grant(session: AsyncSession, asked: Asked, actor: Actor, typed: Typed) -> None:
        if len(typed.grant_reason) > decisions.MOST_REASON:
            length = str(len(typed.grant_reason))
            raise Wrong({"grant_reason": (reasons.TOO_LONG, {"most": str(decisions.MOST_REASON), "length": length})})
        schedule = await schedule_of(session, desk, asked, typed, actor.language)
        wanted = None
        if schedule is not None and not is_proposed(asked, list(schedule.rows)):
            wanted = schedule.payments
        if schedule is not None and schedule.all_problems:
            if not typed.beyond or not schedule.is_beyond_policy:
                raise Wrong({"schedule": (CHECK_PAYMENTS, {})})
            if not actor.may(Permission.SUPERVISE):
                raise Wrong({"beyond": (ONLY_SUPERVISORS, {})})
            if not typed.why:
                raise Wrong({"why": (WHY_BEYOND, {})})
        try:
            await decisions.grant(
                session,
                asked,
                actor.actor,
                desk.clock(),
                terms=terms_of(desk.operator),
                reason=typed.grant_reason or None,
                schedule=wanted,
                beyond_policy=typed.beyond and actor.may(Permission.SUPERVISE),
                why_beyond=typed.why[: decisions.MOST_REASON],
            )
        except NotAnAdvance as error:
            raise Wrong({"grant_reason": (NO_ADVANCE, {})}) from error

    async def _decide(
        request: Request, actor: Actor, reference: str, decision: Decision, done: dict[bool, str]
    ) -> Response:
        """Take a decision in one transaction; `done` is what to say after, by whether it was a favour."""
        typed = typed_in(await request.form())
        try:
            async with desk.database.writing() as session:
                asked = await request_by_reference(session, parse_reference(reference) or "", hold=True)
                if asked is None:
                    raise HTTPException(404, UNKNOWN)
                if asked.state not in OPEN or typed.seen not in ("", seen_as(asked)):
                    raise Overtaken(asked.reference)
                await decision(session, asked)
                if asked.conversation_id is not None:
                    await changed(session, asked.conversation_id)
        except (Overtaken, NotAllowed):
            return await _page(request, actor, reference, typed, status=409, overtaken=True)
        except Wrong as wrong:
            return await _page(request, actor, reference, replace(typed, errors=wrong.errors), status=422)
        return redirect(f"{HOME}/{asked.reference}", done[asked.kind in GRANTABLE], reference=asked.reference)

    async def _page(
        request: Request, actor: Actor, reference: str, typed: Typed, *, status: int = 200, overtaken: bool = False
    ) -> Response:
        async with desk.database.reading() as session:
            file = await request_file(session, parse_reference(reference) or "")
            if file is None:
                raise HTTPException(404, UNKNOWN)
            context = await page_of(session, desk, actor, file, typed)
        await note_view(desk.database, actor.actor, _subject(file), desk.clock(), request=file.request.reference)
        messages = [_overtaken(file, actor)] if overtaken else []
        return pages.page(
            request,
            actor,
            "decisions/request.html",
            status=status,
            title=file.request.reference,
            home=HOME,
            messages=messages,
            overtaken=overtaken,
            **context,
        )

    return router


def _subject(file: RequestFile) -> str:
    """Whose file is opened with a request, as the audit names it."""
    if file.request.contract is not None:
        return f"contract:{file.request.contract.number}"
    if file.conversation is not None:
        return f"conversation:{file.conversation.id}"
    return f"request:{file.request.reference}"


def _overtaken(file: RequestFile, actor: Actor) -> dict[str, object]:
    """Who was first, and what they did; then that this decision was not taken."""
    last = next((line for line in reversed(file.history) if line.action in DECIDED), None)
    if last is None:
        return {"tone": "warn", "text": NOT_TAKEN, "values": {}}
    who = file.names.get(last.actor, last.actor)
    values = {"who": who, "at": moment(last.at, actor.language)}
    return {"tone": "warn", "text": DECIDED[last.action], "values": values}
