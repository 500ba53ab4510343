"""The bills of a contract whose file is open: explained in words, drawn, and as copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from actions.account import LANGUAGES
from actions.billed import NotRecomputable
from bot.cldr import RIGHT_TO_LEFT
from bot.desk.access import Actor, Permission, allowed
from bot.desk.bill_words import BillWords, NoSuchBill
from bot.desk.context import Desk
from bot.desk.opening_files import Wish, opened, wished
from bot.desk.pages import Pages, language_of
from bot.desk.wording import N_
from bot.desk.words import WORDS
from bot.sending.attachments import NotMade, content_type
from store.models import Contract

NOT_OPEN = N_("Ouvrez d’abord le dossier de ce contrat.")
NO_COPY = N_("Cette facture est venue sans son détail : il n’y a pas de quoi en faire une copie.")
NO_PICTURE = N_("Cette facture ne peut pas être comparée à une autre : il n’y a pas d’image à en faire.")


def contract_bills_router(desk: Desk, pages: Pages) -> APIRouter:
    """Below `/contracts/{number}/bills/{bill}`: `/explanation`, `/copy` and `/picture`."""
    router = APIRouter(prefix="/contracts/{number}/bills/{bill}")
    converse, wanted = Depends(allowed(desk, Permission.CONVERSE)), Depends(wished)
    bills = BillWords(desk.texts, desk.operator)

    @router.get("/explanation")
    async def explanation(
        request: Request, bill: str, language: str = "", wish: Wish = wanted, actor: Actor = converse
    ) -> HTMLResponse:
        """Why a bill is what it is: a part for htmx, a page for a browser that came by the link."""
        contract = await _open_contract(desk, actor, wish)
        spoken = language if language in LANGUAGES else language_of(request, actor)
        async with desk.database.reading() as session:
            try:
                found = await bills.explanation(session, contract, bill, spoken, desk.clock())
            except NoSuchBill as error:
                raise HTTPException(404) from error
        shown: Mapping[str, Any] = {
            "found": found,
            "bill": bill,
            "contract": contract,
            "spoken": spoken,
            "spoken_direction": "rtl" if spoken in RIGHT_TO_LEFT else "ltr",
            "languages": _languages(contract, language_of(request, actor)),
            "words": WORDS,
            "query": wish.query,
            "back": wish.conversation,
        }
        if request.headers.get("hx-request"):
            return HTMLResponse(pages.part(request, actor, "context/explanation.html", **shown))
        return pages.page(request, actor, "context/bill.html", **shown)

    @router.get("/copy")
    async def copy(bill: str, wish: Wish = wanted, actor: Actor = converse) -> Response:
        """The copy that the customer would be sent, in their language: PDF."""
        contract = await _open_contract(desk, actor, wish)
        async with desk.database.reading() as session:
            try:
                order = await bills.copy(session, contract, bill, _language_of(contract), desk.clock())
            except NoSuchBill as error:
                raise HTTPException(404) from error
            except NotRecomputable as error:
                raise HTTPException(404, NO_COPY) from error
        return await _made(desk, order, "attachment")

    @router.get("/picture")
    async def picture(bill: str, language: str = "", wish: Wish = wanted, actor: Actor = converse) -> Response:
        """The picture that goes with the explanation: PNG."""
        contract = await _open_contract(desk, actor, wish)
        spoken = language if language in LANGUAGES else _language_of(contract)
        async with desk.database.reading() as session:
            try:
                found = await bills.explanation(session, contract, bill, spoken, desk.clock())
            except NoSuchBill as error:
                raise HTTPException(404) from error
        if found.picture is None:
            raise HTTPException(404, NO_PICTURE)
        return await _made(desk, found.picture, "inline")

    return router


async def _open_contract(desk: Desk, actor: Actor, wish: Wish) -> Contract:
    """Raises `HTTPException` 403 when there is nothing to open the contract's file for."""
    contract = await opened(desk, actor, wish)
    if contract is None:
        raise HTTPException(403, NOT_OPEN)
    return contract


def _language_of(contract: Contract) -> str:
    return contract.customer.language or "fr"


def _languages(contract: Contract, interface: str) -> list[str]:
    """What the words can be read in: the desk's language, the customer's, French and Arabic."""
    wanted = (interface, _language_of(contract), "fr", "ar")
    return [language for language in dict.fromkeys(wanted) if language in LANGUAGES]


async def _made(desk: Desk, order: Mapping[str, Any], disposition: str) -> Response:
    """The picture or document of an order. Raises `HTTPException` 503 when it cannot be made now."""
    try:
        content = await desk.attachments.content(order)
    except NotMade as error:
        raise HTTPException(503, headers={"Retry-After": "60"}) from error
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'{disposition}; filename="{order["name"]}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=content_type(order), headers=headers)
