"""Who has a conversation: taken, given on, given back, ended, taken up again."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.conversations.show import Show
from bot.desk.conversations.view import NO_CONVERSATION, OUTCOMES
from bot.desk.forms import Form, read_form
from bot.desk.pages import Pages, redirect
from bot.desk.wording import N_
from bot.parting import Parting
from store import hand_overs
from store.desk_messages import latest_inbound
from store.desk_models import HandOver, Outcome
from store.hand_overs import NoSuchTarget, NotOpen, Taken

TAKEN = N_("%(by)s a déjà pris cette conversation.")
NOT_OPEN = N_("Cette conversation n’est plus chez les conseillers.")
NO_TARGET = N_("Choisissez à qui transférer la conversation.")
CLAIMED = N_("La conversation est à vous.")
TRANSFERRED = N_("La conversation est transférée.")
RELEASED = N_("L’assistant répond de nouveau au client.")
CLOSED = N_("La conversation est close.")
REOPENED = N_("La conversation est rouverte, et elle est à vous.")
LONGEST_NOTE = 2_000


def having_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter(prefix="/conversations/{conversation_id:int}")
    show = Show(desk, pages)
    parting = Parting(desk.texts, desk.operator)
    conversing = Depends(allowed(desk, Permission.CONVERSE))

    @router.post("/claim")
    async def claim(request: Request, conversation_id: int, actor: Actor = conversing) -> Response:
        """Take a conversation that waits."""
        try:
            async with desk.database.writing() as session:
                hand_over = await _held(session, conversation_id)
                await hand_overs.claim(session, hand_over, actor.user_id, desk.clock())
        except (Taken, NotOpen) as error:
            return _refused(request, conversation_id, error)
        return _led(request, conversation_id, CLAIMED)

    @router.post("/transfer")
    async def transfer(request: Request, conversation_id: int, actor: Actor = conversing) -> Response:
        """Give a conversation to a team or a person (`to` is `team:3` or `user:7`), with a note for them."""
        form = await read_form(request)
        kind, _, number = form.text("to").partition(":")
        ids = Form({"id": (number,)}).row_ids("id")
        try:
            if not ids or kind not in ("team", "user"):
                raise NoSuchTarget
            async with desk.database.writing() as session:
                hand_over = await _held(session, conversation_id)
                await hand_overs.transfer(
                    session,
                    hand_over,
                    actor.user_id,
                    desk.clock(),
                    to_team_id=ids[0] if kind == "team" else None,
                    to_user_id=ids[0] if kind == "user" else None,
                    note=form.secret("note").replace("\x00", "")[:LONGEST_NOTE],
                )
        except NoSuchTarget:
            return _led(request, conversation_id, NO_TARGET, "warn")
        except NotOpen as error:
            return _refused(request, conversation_id, error)
        return _led(request, conversation_id, TRANSFERRED)

    @router.post("/release")
    async def release(request: Request, conversation_id: int, actor: Actor = conversing) -> Response:
        """Give a conversation back to the assistant."""
        try:
            async with desk.database.writing() as session:
                hand_over = await _held(session, conversation_id)
                await parting.release(session, hand_over, actor.user_id, desk.clock())
        except (Taken, NotOpen) as error:
            return _refused(request, conversation_id, error)
        desk.send(conversation_id)
        return _led(request, conversation_id, RELEASED)

    @router.post("/close")
    async def close(request: Request, conversation_id: int, actor: Actor = conversing) -> Response:
        """End a hand-over, unless the customer wrote after the page was last brought up to date (`seen`)."""
        form = await read_form(request)
        outcome = form.text("outcome")
        if outcome not in OUTCOMES:
            raise HTTPException(422)
        seen = (*form.row_ids("seen"), 0)[0]
        try:
            async with desk.database.writing() as session:
                hand_over = await _held(session, conversation_id)
                is_news = not form.text("anyway") and await latest_inbound(session, conversation_id) > seen
                if not is_news:
                    await parting.close(
                        session,
                        hand_over,
                        actor.user_id,
                        desk.clock(),
                        Outcome(outcome),
                        form.text("summary"),
                        ask=bool(form.text("ask")),
                    )
        except (Taken, NotOpen) as error:
            return _refused(request, conversation_id, error)
        if is_news:
            given = {"outcome": outcome, "summary": form.text("summary"), "ask": bool(form.text("ask"))}
            return await show.whole(request, actor, conversation_id, status=409, closing={**given, "is_news": True})
        desk.send(conversation_id)
        return _led(request, conversation_id, CLOSED)

    @router.post("/reopen")
    async def reopen(request: Request, conversation_id: int, actor: Actor = conversing) -> Response:
        """Take up a conversation that the assistant has."""
        try:
            async with desk.database.writing() as session:
                conversation = await hand_overs.held_conversation(session, conversation_id)
                if conversation is None:
                    raise HTTPException(404, NO_CONVERSATION)
                await hand_overs.reopen(session, conversation, actor.user_id, desk.clock())
        except Taken as error:
            return _refused(request, conversation_id, error)
        return _led(request, conversation_id, REOPENED)

    return router


async def _held(session: AsyncSession, conversation_id: int) -> HandOver:
    """The open hand-over, which nobody else changes meanwhile. Raises `NotOpen`."""
    hand_over = await hand_overs.current(session, conversation_id, hold=True)
    if hand_over is None:
        raise NotOpen
    return hand_over


def _refused(request: Request, conversation_id: int, error: Taken | NotOpen) -> Response:
    if isinstance(error, Taken):
        return _led(request, conversation_id, TAKEN, "warn", by=error.by)
    return _led(request, conversation_id, NOT_OPEN, "warn")


def _led(request: Request, conversation_id: int, message: str, tone: str = "good", **values: str) -> Response:
    """To the conversation's page, which says `message`; htmx, which follows redirects itself, is led by a header."""
    response = redirect(f"/desk/conversations/{conversation_id}", message, tone, **values)
    if "hx-request" in request.headers:
        response.status_code = 200
        response.headers["HX-Redirect"] = response.headers["Location"]
        del response.headers["Location"]
    return response
