"""What is known of whoever writes, beside their conversation.

Nothing of a contract is shown for a sender who is not identified: its file is opened by its number, with a reason
(`bot.desk.contracts`).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from billing.calendar import local_day
from bot.desk.access import Actor, Permission, allowed
from bot.desk.context import Desk
from bot.desk.contract_view import contract_view
from bot.desk.in_progress import in_progress
from bot.desk.opening_files import subject_of
from bot.desk.pages import Pages, language_of
from bot.desk.wording import DIRECTIONS
from bot.desk.words import WORDS
from store.access_log import note_view
from store.contract_files import OPEN_REQUESTS, files_of, requests_for_file
from store.requests import GRANTABLE
from store.senders import Sender, sender_of

VERSION_PLACE = "@version@"
"""Where the panel has its own version, which is known once it is written."""


def context_router(desk: Desk, pages: Pages) -> APIRouter:
    """`GET /conversations/{id}/context`: a part of the conversation's page, which asks again when it changes."""
    router = APIRouter()
    # The browser asks for it by itself: it keeps nobody signed in.
    converse = Depends(allowed(desk, Permission.CONVERSE, background=True))

    @router.get("/conversations/{conversation_id}/context")
    async def context(request: Request, conversation_id: int, seen: str = "", actor: Actor = converse) -> Response:
        """204 when the panel is still the one that was `seen`, so that what somebody unfolded stays so."""
        now = desk.clock()
        shown = await _context(request, desk, actor, conversation_id, now)
        await _note(desk, actor, shown["sender"], now)
        panel = pages.part(request, actor, "context/panel.html", version=VERSION_PLACE, **shown)
        version = hashlib.sha256(panel.encode()).hexdigest()[:16]
        if seen == version:
            return Response(status_code=204)
        return HTMLResponse(panel.replace(VERSION_PLACE, version))

    return router


async def _context(request: Request, desk: Desk, actor: Actor, conversation_id: int, now: datetime) -> dict[str, Any]:
    """What the template shows. 404 for a conversation that does not exist."""
    language = language_of(request, actor)
    async with desk.database.reading() as session:
        sender = await sender_of(session, conversation_id, now)
        if sender is None:
            raise HTTPException(404)
        files = await files_of(session, sender.contracts, now)
        contract_ids = [contract.id for contract in sender.contracts]
        requests = await requests_for_file(session, contract_ids, conversation_id)
    return {
        "sender": sender,
        "contracts": [contract_view(file, desk.operator, language, DIRECTIONS[language], now) for file in files],
        "requests": requests,
        "open_states": OPEN_REQUESTS,
        "grantable": GRANTABLE,
        "progress": in_progress(sender.conversation.dialogue, language),
        "words": WORDS,
        "today": local_day(now),
    }


async def _note(desk: Desk, actor: Actor, sender: Sender, now: datetime) -> None:
    """Put in the audit whose file was shown: the conversation, and each contract."""
    conversation = sender.conversation.id
    await note_view(desk.database, actor.actor, f"conversation:{conversation}", now)
    for contract in sender.contracts:
        await note_view(desk.database, actor.actor, subject_of(contract.number), now, conversation=conversation)
