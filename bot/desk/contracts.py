"""The page of one contract's file, and the form that opens it by its number for a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from bot.channels.text import storable
from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.contract_view import contract_view
from bot.desk.opening_files import FEWEST_LETTERS, MOST_LETTERS, Wish, opened, subject_of, wished
from bot.desk.pages import Pages, language_of
from bot.desk.wording import DIRECTIONS, N_
from bot.desk.words import WORDS
from store.access_log import viewed
from store.contract_files import OPEN_REQUESTS, files_of, requests_for_file
from store.requests import GRANTABLE
from store.supplies import contract_by_number

NO_NUMBER = N_("Donnez le numéro du contrat.")
NO_REASON = N_("Dites en quelques mots pourquoi vous ouvrez ce dossier.")
LONG_REASON = N_("Dites-le plus court : %(most)s caractères au plus.")
UNKNOWN = N_("Aucun contrat ne porte ce numéro.")


def contracts_router(desk: Desk, pages: Pages) -> APIRouter:
    """`/contracts`: the form; `/contracts/{number}`: the file."""
    router = APIRouter()
    converse, wanted = Depends(allowed(desk, Permission.CONVERSE)), Depends(wished)

    @router.get("/contracts")
    async def look_up(request: Request, conversation: int | None = None, actor: Actor = converse) -> HTMLResponse:
        return _form(pages, request, actor, {"number": "", "why": "", "conversation": conversation or ""})

    @router.post("/contracts")
    async def open_file(request: Request, actor: Actor = converse) -> Response:
        """Open the file of a contract for a reason, which goes into the audit."""
        form = await request.form()
        given = {name: storable(str(form.get(name, ""))).strip() for name in ("number", "why", "conversation")}
        number = "".join(given["number"].split())
        errors = _errors(number, given["why"])
        if not errors and not await _open_for_reason(desk, actor, number, given["why"]):
            errors = {"number": UNKNOWN}
        if errors:
            return _form(pages, request, actor, given, errors)
        back = given["conversation"]
        query = f"?conversation={back}" if back.isascii() and back.isdigit() else ""
        return RedirectResponse(f"/desk/contracts/{number}{query}", status_code=303)

    @router.get("/contracts/{number}")
    async def file(request: Request, wish: Wish = wanted, actor: Actor = converse) -> HTMLResponse:
        """The file; the form that asks for a reason where there is none to open it.

        The form says nothing of whether there is such a contract.
        """
        contract = await opened(desk, actor, wish)
        if contract is None:
            given = {"number": wish.number, "why": "", "conversation": wish.conversation or ""}
            return _form(pages, request, actor, given, asks_why=True)
        now, language = desk.clock(), language_of(request, actor)
        async with desk.database.reading() as session:
            [found] = await files_of(session, [contract], now)
            requests = await requests_for_file(session, [contract.id])
        return pages.page(
            request,
            actor,
            "context/contract.html",
            each=contract_view(found, desk.operator, language, DIRECTIONS[language], now),
            requests=requests,
            open_states=OPEN_REQUESTS,
            grantable=GRANTABLE,
            words=WORDS,
            back=wish.conversation,
            query=wish.query,
        )

    return router


async def _open_for_reason(desk: Desk, actor: Actor, number: str, why: str) -> bool:
    """Put the reason in the audit. False when there is no such contract."""
    async with desk.database.writing() as session:
        if await contract_by_number(session, number) is None:
            return False
        await viewed(session, actor.actor, subject_of(number), desk.clock(), why)
    return True


def _errors(number: str, why: str) -> dict[str, str]:
    """What is wrong with the form, by field."""
    errors = {} if number else {"number": NO_NUMBER}
    if sum(map(str.isalpha, why)) < FEWEST_LETTERS:
        errors["why"] = NO_REASON
    elif len(why) > MOST_LETTERS:
        errors["why"] = LONG_REASON
    return errors


def _form(
    pages: Pages,
    request: Request,
    actor: Actor,
    given: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
    *,
    asks_why: bool = False,
) -> HTMLResponse:
    return pages.page(
        request,
        actor,
        "context/lookup.html",
        status=422 if errors else 200,
        given=given,
        errors=errors or {},
        asks_why=asks_why,
        most=MOST_LETTERS,
    )
