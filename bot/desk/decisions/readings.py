"""One reading in doubt: its page, accepted, or rejected with a reason that the customer reads."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from billing.reference import parse_reference
from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.decisions import reasons, told
from bot.desk.decisions.history import history
from bot.desk.decisions.reading_view import view
from bot.desk.decisions.request_page import Typed, typed_in
from bot.desk.decisions.tabs import READINGS
from bot.desk.pages import Pages, redirect
from bot.desk.wording import N_
from bot.desk.words import WORDS
from store.access_log import note_view
from store.actors import names_of
from store.decisions import MOST_REASON
from store.models import ReadingState
from store.reading_reviews import (
    NoSuchReading,
    Reviewed,
    accept,
    conversation_of,
    readings_by_reference,
    reject,
)
from store.request_file import Reader, history_of, reader_of

UNKNOWN = N_("Ce relevé n’existe pas.")
ACCEPTED = N_("Relevé %(reference)s accepté : le client est prévenu.")
REJECTED = N_("Relevé %(reference)s rejeté : le client est prévenu et invité à relire son compteur.")
OVERTAKEN = {
    ReadingState.ACCEPTED: N_("Relevé %(reference)s : %(by)s l’a déjà accepté."),
    ReadingState.REJECTED: N_("Relevé %(reference)s : %(by)s l’a déjà rejeté."),
    ReadingState.REPLACED: N_("Relevé %(reference)s : le client en a envoyé un autre entre-temps."),
}


def overtaken(reviewed: Reviewed) -> dict[str, object]:
    """Who saw to a reading before, as a message."""
    values = {"reference": reviewed.reference, "by": reviewed.by or "?"}
    return {"tone": "warn", "text": OVERTAKEN[reviewed.state], "values": values}


def readings_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter(prefix="/decisions/readings")
    may_decide = Depends(allowed(desk, Permission.DECIDE))

    @router.get("/{reference}")
    async def show(request: Request, reference: str, actor: Actor = may_decide) -> Response:
        return await _page(request, actor, reference, Typed())

    @router.post("/{reference}/draft")
    async def draft(request: Request, reference: str, actor: Actor = may_decide) -> Response:
        """The page with the reason as typed, in the customer's words. Changes nothing."""
        return await _page(request, actor, reference, typed_in(await request.form()))

    @router.post("/{reference}/accept")
    async def accept_one(request: Request, reference: str, actor: Actor = may_decide) -> Response:
        known = parse_reference(reference) or ""
        try:
            async with desk.database.writing() as session:
                await accept(session, known, actor.actor, desk.clock())
        except NoSuchReading as error:
            raise HTTPException(404, UNKNOWN) from error
        except Reviewed as reviewed:
            return await _page(request, actor, reference, Typed(), status=409, reviewed=reviewed)
        return redirect(READINGS, ACCEPTED, reference=known)

    @router.post("/{reference}/reject")
    async def reject_one(request: Request, reference: str, actor: Actor = may_decide) -> Response:
        known, typed = parse_reference(reference) or "", typed_in(await request.form())
        reader = await _reader(known)
        reason = reasons.reason_of(typed.ready, typed.own, reasons.READINGS, desk.texts, told.language_of(reader))
        if (wrong := reasons.wrong_with(reason)) is not None:
            typed = Typed(ready=typed.ready, own=typed.own, errors={"own": wrong})
            return await _page(request, actor, reference, typed, status=422)
        try:
            async with desk.database.writing() as session:
                await reject(session, known, actor.actor, desk.clock(), reason)
        except NoSuchReading as error:
            raise HTTPException(404, UNKNOWN) from error
        except Reviewed as reviewed:
            return await _page(request, actor, reference, typed, status=409, reviewed=reviewed)
        return redirect(READINGS, REJECTED, reference=known)

    async def _reader(reference: str) -> Reader | None:
        """Who is told what becomes of a reading; None when nobody can be, or there is no such reading."""
        async with desk.database.reading() as session:
            for found in await readings_by_reference(session, [reference]):
                conversation = await conversation_of(session, found.reading)
                return await reader_of(session, conversation.id if conversation else None, found.contract.id)
        return None

    async def _page(
        request: Request,
        actor: Actor,
        reference: str,
        typed: Typed,
        *,
        status: int = 200,
        reviewed: Reviewed | None = None,
    ) -> Response:
        known = parse_reference(reference) or ""
        async with desk.database.reading() as session:
            found = await readings_by_reference(session, [known])
            if not found:
                raise HTTPException(404, UNKNOWN)
            [it] = found
            audit = await history_of(session, f"reading:{known}")
            names = await names_of(session, {each.actor for each in audit})
            conversation = await conversation_of(session, it.reading)
            reader = await reader_of(session, conversation.id if conversation else None, it.contract.id)
        subject = f"contract:{it.contract.number}"
        await note_view(desk.database, actor.actor, subject, desk.clock(), reading=known)
        number = it.contract.number
        reason = reasons.reason_of(typed.ready, typed.own, reasons.READINGS, desk.texts, told.language_of(reader))
        return pages.page(
            request,
            actor,
            "decisions/reading.html",
            status=status,
            title=known,
            home=READINGS,
            messages=[overtaken(reviewed)] if reviewed else [],
            it=view(it, actor.language),
            is_open=it.reading.state is ReadingState.TO_REVIEW,
            conversation=conversation,
            history=list(history(audit, names)),
            typed=typed,
            most_reason=MOST_REASON,
            ready=reasons.choices(reasons.READINGS, desk.texts, actor.language),
            accept_told=told.of_reading(desk, reader, it.reading, number, None),
            reject_told=told.of_reading(desk, reader, it.reading, number, reason or "…"),
            words=WORDS,
        )

    return router
