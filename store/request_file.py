"""One request with all that a person needs to decide it: who asks, what is owed, what was kept before, the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from store.actors import names_of
from store.models import Audit, Contract, Conversation, Payment, Request, RequestBill
from store.notices import last_written_in
from store.requests import SCHEDULED
from store.supplies import phones_registered_for, registered_language

EARLIER = 10
PAYMENTS = 10


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told what becomes of a request, and where. `language` is None while nobody knows it."""

    address: str
    channel: str
    language: str | None
    has_opted_out: bool = False


@dataclass(frozen=True, slots=True)
class RequestFile:
    """`earlier` are the other requests for time on the contract, the latest first; `history` is the request's audit,
    and `names` those of the people in it."""

    request: Request
    conversation: Conversation | None
    reader: Reader | None
    earlier: list[Request]
    payments: list[Payment]
    history: list[Audit]
    names: Mapping[str, str]

    @property
    def open_then(self) -> Decimal:
        """Dirhams open on its bills when the request was made."""
        return sum((each.amount for each in self.request.bills), Decimal(0))

    @property
    def open_now(self) -> Decimal:
        return sum((each.bill.total - each.bill.paid for each in self.request.bills), Decimal(0))


async def request_file(session: AsyncSession, reference: str) -> RequestFile | None:
    """The file of the request of a reference in its stored form; None when there is none."""
    query = (
        select(Request)
        .where(Request.reference == reference)
        .options(
            selectinload(Request.contract).selectinload(Contract.customer),
            selectinload(Request.bills).selectinload(RequestBill.bill),
            selectinload(Request.schedule),
        )
    )
    request = await session.scalar(query)
    if request is None:
        return None
    history = await history_of(session, f"request:{reference}")
    return RequestFile(
        request=request,
        conversation=await _conversation(session, request.conversation_id),
        reader=await reader_of(session, request.conversation_id, request.contract_id),
        earlier=await _earlier(session, request),
        payments=await _payments(session, request.contract_id),
        history=history,
        names=await names_of(session, {each.actor for each in history}),
    )


async def reader_of(session: AsyncSession, conversation_id: int | None, contract_id: int | None) -> Reader | None:
    """Who is told: whoever asked in the conversation, else the people of the contract; None when nobody can be."""
    conversation = await _conversation(session, conversation_id)
    address, channel = None, "sms"
    if conversation is None and contract_id is not None:
        phones = await phones_registered_for(session, contract_id)
        conversation = await last_written_in(session, phones)
        address = next(iter(phones), None)
    if conversation is not None:
        address, channel = conversation.address, conversation.channel
    if address is None:
        return None
    opted_out = select(Conversation.id).where(Conversation.address == address, Conversation.opted_out_at.is_not(None))
    said = None if conversation is None else conversation.language
    return Reader(
        address=address,
        channel=channel,
        language=said or await registered_language(session, address),
        has_opted_out=await session.scalar(opted_out.limit(1)) is not None,
    )


async def history_of(session: AsyncSession, subject: str) -> list[Audit]:
    """What was done about `subject`, in its order."""
    return list(await session.scalars(select(Audit).where(Audit.subject == subject).order_by(Audit.id)))


async def _conversation(session: AsyncSession, conversation_id: int | None) -> Conversation | None:
    return None if conversation_id is None else await session.get(Conversation, conversation_id)


async def _earlier(session: AsyncSession, request: Request) -> list[Request]:
    if request.contract_id is None or request.kind not in SCHEDULED:
        return []
    query = (
        select(Request)
        .where(Request.contract_id == request.contract_id, Request.kind.in_(SCHEDULED), Request.id != request.id)
        .options(selectinload(Request.schedule))
        .order_by(Request.id.desc())
        .limit(EARLIER)
    )
    return list(await session.scalars(query))


async def _payments(session: AsyncSession, contract_id: int | None) -> list[Payment]:
    query = select(Payment).where(Payment.contract_id == contract_id)
    return list(await session.scalars(query.order_by(Payment.paid_at.desc(), Payment.id.desc()).limit(PAYMENTS)))
