"""What an agent writes: replies with their files, approved templates, notes, and the draft on the way there."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData

from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.conversations.approved import compose
from bot.desk.conversations.fields import field_values, fill
from bot.desk.conversations.files import LARGEST_BODY, bounded, file_of, text_of
from bot.desk.conversations.having import TAKEN
from bot.desk.conversations.sendable import CANNOT_SEND, EMPTY, NotSendable, check, cleaned, measure
from bot.desk.conversations.show import Show
from bot.desk.conversations.view import NO_CONVERSATION, Composing, standing_of
from bot.desk.forms import Form
from bot.desk.pages import Pages, redirect
from bot.desk.wording import N_
from bot.wake import announce
from store import canned_answers
from store.access_log import viewed
from store.desk_messages import add_note, is_written, write_reply
from store.desk_models import Upload
from store.drafts import keep_draft, keep_typing
from store.hand_overs import Taken, held_conversation
from store.models import Conversation

LONGEST_DRAFT = 20_000
LONGEST_NOTE = 5_000

NOTE_TOO_LONG = N_("La note est trop longue : 5 000 caractères au plus.")
Write = Callable[[AsyncSession, Conversation], Awaitable[None]]


def writing_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter(prefix="/conversations/{conversation_id:int}")
    show = Show(desk, pages)
    conversing = Depends(allowed(desk, Permission.CONVERSE))

    @router.post("/reply", dependencies=[Depends(bounded)], max_body_size=LARGEST_BODY)
    async def reply(request: Request, conversation_id: int, actor: Actor = conversing) -> Response:
        """Send `body`, once for each token `form`, with the file of this request or of an earlier try (`upload`)."""
        async with request.form() as form:
            # What is too long for a draft is too long to be measured, too: that takes seconds.
            text, token = cleaned(text_of(form, "body")[:LONGEST_DRAFT]), _token(form)
            waiting: Upload | None = None
            try:
                waiting = await file_of(desk, form, actor)

                async def write(session: AsyncSession, conversation: Conversation) -> None:
                    check(text, conversation, desk.clock())
                    await write_reply(session, conversation, actor.user_id, text, token, desk.clock(), upload=waiting)

                await _write(conversation_id, actor, token, write)
            except (NotSendable, Taken) as error:
                await _keep(conversation_id, actor, text)
                upload = (waiting.id, waiting.name) if waiting else None
                return await _not_sent(request, actor, conversation_id, error, body=text, form=token, upload=upload)
        return await _sent(request, actor, conversation_id)

    @router.post("/template")
    async def template(request: Request, conversation_id: int, actor: Actor = conversing) -> Response:
        """Send an approved text filled with `value-NAME` fields; it takes the conversation like any reply."""
        form = await request.form()
        token, response = _token(form), text_of(form, "response")
        prefix = "value-"
        values = {name.removeprefix(prefix): text_of(form, name) for name in form if name.startswith(prefix)}
        try:

            async def write(session: AsyncSession, conversation: Conversation) -> None:
                standing = await standing_of(session, desk, conversation_id, actor)
                composed = compose(desk.operator, desk.texts, response, standing.language, values)
                await write_reply(
                    session,
                    conversation,
                    actor.user_id,
                    composed.text,
                    token,
                    desk.clock(),
                    template=composed.template,
                )

            await _write(conversation_id, actor, token, write)
        except (NotSendable, Taken) as error:
            return await _not_sent(request, actor, conversation_id, error, form=token, chosen=response, filled=values)
        return await _sent(request, actor, conversation_id)

    @router.post("/note")
    async def note(request: Request, conversation_id: int, actor: Actor = conversing) -> Response:
        """Write a note that only agents see."""
        text = cleaned(text_of(await request.form(), "note"))
        problem = EMPTY if not text else NOTE_TOO_LONG if len(text) > LONGEST_NOTE else None
        if problem is None:
            async with desk.database.writing() as session:
                if await held_conversation(session, conversation_id) is None:
                    raise HTTPException(404, NO_CONVERSATION)
                await add_note(session, conversation_id, actor.user_id, text, desk.clock())
        if not _is_part(request):
            if problem is None:
                return redirect(_page(conversation_id))
            refused: dict[str, Any] = {"note": text, "note_problem": problem}
            return await show.whole(request, actor, conversation_id, status=422, composing=refused)
        response = show.part(
            request,
            actor,
            "note_form.html",
            status=422 if problem else 200,
            conversation_id=conversation_id,
            note=text if problem else "",
            note_problem=problem,
        )
        return _telling(response, conversation_id)

    @router.post("/draft")
    async def draft(request: Request, conversation_id: int, actor: Actor = conversing) -> Response:
        """Keep what was typed so far; with `canned` that answer is added to it, its fields filled."""
        form = await request.form()
        text, token = text_of(form, "body")[:LONGEST_DRAFT], text_of(form, "form")
        picked = Form({"id": (text_of(form, "canned"),)}).row_ids("id")
        async with desk.database.writing() as session:
            standing = await standing_of(session, desk, conversation_id, actor)
            conversation = standing.conversation
            answer = await canned_answers.get(session, picked[0]) if picked else None
            if answer is not None:
                values = await field_values(session, conversation, actor.name, desk.clock())
                await viewed(session, actor.actor, f"conversation:{conversation_id}", desk.clock())
                text = "\n".join(filter(None, (text.rstrip(), fill(answer.body, values))))
            # A draft that comes late must not bring back what was sent.
            if not await is_written(session, conversation_id, actor.user_id, token):
                await keep_draft(session, conversation_id, actor.user_id, cleaned(text), desk.clock())
        if not _is_part(request):
            return redirect(_page(conversation_id))
        if picked:
            composing = Composing(text, measure(cleaned(text), conversation.channel))
            return show.part(request, actor, "writing.html", conversation=conversation, composing=composing)
        measured = measure(cleaned(text), conversation.channel)
        return show.part(request, actor, "counter.html", measure=measured)

    @router.post("/typing")
    async def typing(conversation_id: int, actor: Actor = conversing) -> Response:
        """The person is pressing keys."""
        async with desk.database.writing() as session:
            await standing_of(session, desk, conversation_id, actor)
            await keep_typing(session, conversation_id, actor.user_id, desk.clock())
        return Response(status_code=204)

    async def _write(conversation_id: int, actor: Actor, token: str, write: Write) -> None:
        """Run `write` under the conversation's lock unless its form was obeyed already. Raises what it raises."""
        async with desk.database.writing() as session:
            conversation = await held_conversation(session, conversation_id)
            if conversation is None:
                raise HTTPException(404, NO_CONVERSATION)
            if await is_written(session, conversation_id, actor.user_id, token):
                return
            if conversation.channel not in desk.carriers:
                raise NotSendable(CANNOT_SEND)
            await write(session, conversation)
            await announce(session, conversation_id)
        desk.send(conversation_id)

    async def _keep(conversation_id: int, actor: Actor, text: str) -> None:
        async with desk.database.writing() as session:
            if await held_conversation(session, conversation_id) is not None:
                await keep_draft(session, conversation_id, actor.user_id, text, desk.clock())

    async def _not_sent(
        request: Request, actor: Actor, conversation_id: int, error: NotSendable | Taken, **given: Any
    ) -> Response:
        """The form again with what it held, and why it was not obeyed."""
        if isinstance(error, Taken):
            status, given["problem"] = 409, (TAKEN, {"by": error.by})
        else:
            status, given["problem"] = 422, (error.text, error.values)
        if _is_part(request):
            return await show.composer(request, actor, conversation_id, status=status, **given)
        return await show.whole(request, actor, conversation_id, status=status, composing=given)

    async def _sent(request: Request, actor: Actor, conversation_id: int) -> Response:
        if not _is_part(request):
            return redirect(_page(conversation_id))
        return _telling(await show.composer(request, actor, conversation_id, body=""), conversation_id)

    return router


def _telling(response: Response, conversation_id: int) -> Response:
    """Have the page look at its transcript at once, whether its stream of events is open or not."""
    response.headers["HX-Trigger"] = f"desk:conversation-{conversation_id}"
    return response


def _page(conversation_id: int) -> str:
    return f"/desk/conversations/{conversation_id}"


def _is_part(request: Request) -> bool:
    return "hx-request" in request.headers


def _token(form: FormData) -> str:
    """The form's token. One that does not come with any is its own: it cannot be told from another."""
    return text_of(form, "form")[:64] or secrets.token_urlsafe(16)
