"""Canned answers: picked beside a conversation, looked up by agents, changed by supervisors."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.conversations.fields import FIELDS, unfilled
from bot.desk.conversations.sendable import cleaned
from bot.desk.conversations.show import Show
from bot.desk.conversations.view import standing_of
from bot.desk.forms import read_form
from bot.desk.pages import Pages, redirect
from bot.desk.wording import N_
from bot.desk.words import LANGUAGES
from bot.engine.texts import FALLBACKS
from store import canned_answers
from store.canned_answers import PICKED, NameTaken
from store.desk_models import CannedAnswer

LIST = "/desk/canned"
LONGEST_NAME, LONGEST_BODY, LONGEST_SEARCH = 80, 1_600, 100

NO_ANSWER = N_("Cette réponse prête n’existe plus.")
NO_NAME = N_("Donnez un nom, de 80 caractères au plus.")
NO_BODY = N_("Écrivez la réponse, de 1 600 caractères au plus.")
NO_LANGUAGE = N_("Choisissez une langue.")
SAME_NAME = N_("Il y a déjà une réponse de ce nom dans cette langue.")
UNKNOWN_FIELDS = N_("Ces champs n’existent pas : %(places)s")
ADDED = N_("La réponse prête est ajoutée.")
CHANGED = N_("La réponse prête est à jour.")
REMOVED = N_("La réponse prête est supprimée.")

Errors = dict[str, tuple[str, dict[str, str]]]


def canned_router(desk: Desk, pages: Pages) -> APIRouter:
    router = APIRouter()
    show = Show(desk, pages)
    conversing = Depends(allowed(desk, Permission.CONVERSE))
    supervising = Depends(allowed(desk, Permission.SUPERVISE))

    @router.get("/conversations/{conversation_id:int}/canned")
    async def pick(request: Request, conversation_id: int, q: str = "", actor: Actor = conversing) -> Response:
        """Answers in the customer's language, then in those that they are likely to read."""
        async with desk.database.reading() as session:
            standing = await standing_of(session, desk, conversation_id, actor)
            languages = FALLBACKS.get(standing.language, (standing.language,))
            found = await canned_answers.find(session, languages, q[:LONGEST_SEARCH], PICKED)
        found.sort(key=lambda answer: (languages.index(answer.language), answer.name))
        return show.part(request, actor, "canned_list.html", conversation=standing.conversation, answers=found)

    @router.get("/canned")
    async def index(request: Request, q: str = "", language: str = "", actor: Actor = conversing) -> Response:
        async with desk.database.reading() as session:
            wanted = [language] if language in LANGUAGES else []
            answers = await canned_answers.find(session, wanted, q[:LONGEST_SEARCH])
        return pages.page(
            request, actor, "canned/index.html", answers=answers, q=q, wanted=language, languages=LANGUAGES
        )

    @router.get("/canned/new")
    async def new(request: Request, actor: Actor = supervising) -> Response:
        return _form_page(request, actor, None, {"name": "", "language": "fr", "body": ""})

    @router.post("/canned/new")
    async def add(request: Request, actor: Actor = supervising) -> Response:
        return await _save(request, actor, CannedAnswer())

    @router.get("/canned/{answer_id:int}")
    async def edit(request: Request, answer_id: int, actor: Actor = supervising) -> Response:
        answer = await _answer(answer_id)
        given = {"name": answer.name, "language": answer.language, "body": answer.body}
        return _form_page(request, actor, answer_id, given)

    @router.post("/canned/{answer_id:int}")
    async def change(request: Request, answer_id: int, actor: Actor = supervising) -> Response:
        return await _save(request, actor, await _answer(answer_id))

    @router.post("/canned/{answer_id:int}/remove")
    async def remove(answer_id: int, actor: Actor = supervising) -> Response:
        async with desk.database.writing() as session:
            answer = await canned_answers.get(session, answer_id)
            if answer is not None:
                await canned_answers.remove(session, answer, actor.user_id, desk.clock())
        return redirect(LIST, REMOVED)

    async def _answer(answer_id: int) -> CannedAnswer:
        async with desk.database.reading() as session:
            answer = await canned_answers.get(session, answer_id)
        if answer is None:
            raise HTTPException(404, NO_ANSWER)
        return answer

    async def _save(request: Request, actor: Actor, answer: CannedAnswer) -> Response:
        """Write what the form says; the form again, with what it held, when something is wrong with it."""
        form = await read_form(request)
        is_new = answer.id is None
        given = {"name": form.text("name"), "language": form.text("language"), "body": cleaned(form.secret("body"))}
        errors = _errors(given)
        if not errors:
            try:
                async with desk.database.writing() as session:
                    kept = answer if is_new else await session.merge(answer)
                    await canned_answers.save(session, kept, **given, user_id=actor.user_id, now=desk.clock())
            except NameTaken:
                errors["name"] = (SAME_NAME, {})
        if errors:
            return _form_page(request, actor, None if is_new else answer.id, given, errors)
        return redirect(LIST, ADDED if is_new else CHANGED)

    def _form_page(
        request: Request, actor: Actor, answer_id: int | None, given: dict[str, Any], errors: Errors | None = None
    ) -> Response:
        return pages.page(
            request,
            actor,
            "canned/form.html",
            status=422 if errors else 200,
            answer_id=answer_id,
            given=given,
            errors=errors or {},
            fields=FIELDS,
            languages=LANGUAGES,
        )

    return router


def _errors(given: dict[str, str]) -> Errors:
    errors: Errors = {}
    if not 0 < len(given["name"]) <= LONGEST_NAME:
        errors["name"] = (NO_NAME, {})
    if given["language"] not in LANGUAGES:
        errors["language"] = (NO_LANGUAGE, {})
    unknown = [place for place in unfilled(given["body"]) if place.strip("{}") not in FIELDS]
    if not 0 < len(given["body"]) <= LONGEST_BODY:
        errors["body"] = (NO_BODY, {})
    elif unknown:
        errors["body"] = (UNKNOWN_FIELDS, {"places": " ".join(unknown)})
    return errors
