"""When a contract's file may be opened: for a conversation or a request that is about it, or with a reason given.

Every file that is opened is in the audit (`store.access_log`), with what it was opened for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import HTTPException, Query
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import local_day
from bot.desk.access import Actor
from bot.desk.context import Desk
from store.access_log import has_viewed, note_view
from store.contract_files import contract_for_file
from store.models import Contract, Conversation, Request
from store.supplies import contracts_of

SHIFT = timedelta(hours=8)
"""How long a file that was opened needs no new reason."""
FEWEST_LETTERS, MOST_LETTERS = 4, 200
"""Of a reason."""


def subject_of(number: str) -> str:
    """A contract, as the audit names it."""
    return f"contract:{number}"


@dataclass(frozen=True, slots=True)
class Wish:
    """A file that somebody wants to open: for a conversation, for a request, or for a reason given before."""

    number: str
    conversation: int | None
    reference: str | None

    @property
    def query(self) -> str:
        """What of it goes on into the addresses of the file's pages: `?conversation=12`, or nothing."""
        given = {"conversation": self.conversation, "request": self.reference}
        kept = {name: value for name, value in given.items() if value is not None}
        return f"?{urlencode(kept)}" if kept else ""


def wished(
    number: str, conversation: int | None = None, reference: str | None = Query(None, alias="request")
) -> Wish:
    """The wish that an address stands for: a dependency of routes with `{number}`."""
    return Wish(number, conversation, reference)


async def opened(desk: Desk, actor: Actor, wish: Wish) -> Contract | None:
    """The contract with its customer, meters and registers, noted as looked at; None without anything to open it for.

    Raises `HTTPException` 404 for a contract that may be opened but is gone.
    """
    now = desk.clock()
    async with desk.database.reading() as session:
        why = await _why(session, actor.actor, wish, now)
        if why is None:
            return None
        contract = await contract_for_file(session, wish.number)
    if contract is None:
        raise HTTPException(404)
    await note_view(desk.database, actor.actor, subject_of(contract.number), now, **why)
    return contract


async def _why(session: AsyncSession, actor: str, wish: Wish, now: datetime) -> dict[str, Any] | None:
    """What `actor` may open a file for, as the audit's details.

    A conversation counts when its sender is known for the contract, a request when it is about it.
    """
    if wish.conversation is not None and await _is_senders(session, wish.conversation, wish.number, now):
        return {"conversation": wish.conversation}
    if wish.reference is not None and await _is_about(session, wish.reference, wish.number):
        return {"request": wish.reference}
    if await has_viewed(session, actor, subject_of(wish.number), now - SHIFT):
        return {}
    return None


async def _is_senders(session: AsyncSession, conversation_id: int, number: str, now: datetime) -> bool:
    conversation = await session.get(Conversation, conversation_id)
    if conversation is None:
        return False
    phone = conversation.address if conversation.address.startswith("+") else None
    known = await contracts_of(session, conversation_id, phone, local_day(now))
    return number in {contract.number for contract in known}


async def _is_about(session: AsyncSession, reference: str, number: str) -> bool:
    query = (
        select(Request.id)
        .join(Contract, Contract.id == Request.contract_id)
        .where(Request.reference == reference, Contract.number == number)
    )
    return await session.scalar(query) is not None
