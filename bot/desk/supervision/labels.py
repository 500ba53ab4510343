"""Messages that the assistant was unsure of: one click makes an example of one, for the designers' review file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import local_day
from bot.desk.access import Actor, Permission, allowed
from bot.desk.addresses import address, page_number, pages_of
from bot.desk.context import Desk
from bot.desk.intent_words import INTENTS, intent_name
from bot.desk.pages import Pages, redirect
from bot.desk.supervision.masking import masked_numbers, names_in
from bot.desk.supervision.spans import Span
from bot.desk.wording import N_
from bot.desk.words import LANGUAGES
from nlu.language import DEFAULT
from nlu.normalise import clean
from store.apart import Apart
from store.labels import (
    NO_EXAMPLE,
    PAGE,
    AlreadyLabelled,
    UnknownMessage,
    Unsure,
    count_unsure,
    label,
    one_unsure,
    unsure,
)

PATH = "/desk/labels"
LABELS: tuple[str, ...] = tuple(sorted(INTENTS, key=lambda intent: INTENTS[intent].casefold()))
"""What a message may be labelled with, in the order of the names."""
CERTAINTIES: Mapping[str, str] = {"unsure": N_("Pas sûr"), "lost": N_("Pas compris")}
DEFAULT_DAYS = 30
LONGEST = 300
"""Characters of an example: longer ones teach a model nothing more."""
OTHER = "other"
"""The button that takes the intent from the list beside it."""


@dataclass(frozen=True, slots=True)
class Card:
    """A message as it is shown: with numbers masked, or as somebody changed it and why that could not be kept."""

    message: Unsure
    text: str
    language: str
    error: str | None = None

    @property
    def names(self) -> list[str]:
        return names_in(self.text, self.message.names)

    @classmethod
    def of(cls, message: Unsure) -> Card:
        text = " ".join(masked_numbers(message.text).split())
        return cls(message, text[:LONGEST], DEFAULT if message.language not in LANGUAGES else str(message.language))


def labels_router(desk: Desk, pages: Pages) -> APIRouter:
    """`/labels` and `/labels/MESSAGE`."""
    router = APIRouter()
    apart = Apart(desk.database)
    supervisor = Depends(allowed(desk, Permission.SUPERVISE))
    shown: dict[str, Any] = {
        "intents": LABELS,
        "intent_name": intent_name,
        "languages": LANGUAGES,
        "certainties": CERTAINTIES,
    }

    @router.get("/labels")
    async def show(request: Request, actor: Actor = supervisor) -> HTMLResponse:
        span = Span.asked(request.query_params, local_day(desk.clock()), DEFAULT_DAYS)
        language = request.query_params.get("language", "")
        language = language if language in LANGUAGES else ""
        page = page_number(request.query_params.get("page"))

        async def waiting(session: AsyncSession) -> tuple[int, list[Unsure]]:
            total = await count_unsure(session, span.period, language or None)
            return total, await unsure(session, span.period, language or None, page)

        total, messages = await apart.look(waiting)
        return pages.page(
            request,
            actor,
            "supervision/labels.html",
            title=N_("Messages à étiqueter"),
            span=span,
            chosen=language,
            total=total,
            cards=[Card.of(each) for each in messages],
            page=page,
            pages=pages_of(total, PAGE),
            url=address(PATH, span.query, {"language": language}),
            **shown,
        )

    @router.post("/labels/{message_id}")
    async def keep(message_id: int, request: Request, actor: Actor = supervisor) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        part = partial(pages.part, request, actor, **shown)
        is_htmx = "hx-request" in request.headers
        try:
            async with desk.database.reading() as session:
                message = await one_unsure(session, message_id)
            intent = form.get("other", "") if form.get("intent") == OTHER else form.get("intent", "")
            card = _typed(message, form)
            error = card.error or (None if intent in {*LABELS, NO_EXAMPLE} else N_("Choisissez une intention."))
            if error and intent != NO_EXAMPLE:
                card = Card(message, card.text, card.language, error)
                template = "supervision/card.html" if is_htmx else "supervision/one_label.html"
                render = part if is_htmx else partial(part, title=N_("Messages à étiqueter"))
                return HTMLResponse(render(template, card=card), status_code=422)
            async with desk.database.writing() as session:
                await label(session, message_id, card.text, card.language, intent, actor.user_id, desk.clock())
        except UnknownMessage:
            raise HTTPException(404) from None
        except (AlreadyLabelled, IntegrityError):
            said, tone = N_("Quelqu’un a déjà étiqueté ce message."), "warn"
        else:
            said, tone = (
                (N_("Écarté : ce n’est pas un exemple."), "good")
                if intent == NO_EXAMPLE
                else (N_("Ajouté aux exemples à relire."), "good")
            )
        if is_htmx:
            return HTMLResponse(part("supervision/labelled.html", said=said, tone=tone))
        return redirect(PATH, said, tone)

    return router


def _typed(message: Unsure, form: dict[str, str]) -> Card:
    """What came back of a card, checked as `bot.datacheck` checks the designers' files."""
    text = " ".join(form.get("text", "").replace("\x00", "").split())
    language = form.get("language", "")
    if language not in LANGUAGES:
        return Card(message, text, DEFAULT, N_("Choisissez une langue."))
    if clean(text) == "":
        return Card(message, text, language, N_("L’exemple est vide."))
    if "](" in text:
        return Card(message, text, language, N_("Écrivez un texte simple, sans [x](y)."))
    if len(text) > LONGEST:
        return Card(message, text, language, N_("L’exemple est trop long : 300 caractères au plus."))
    return Card(message, text, language)
