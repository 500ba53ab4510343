"""What is kept about whoever writes in a conversation: counted, given out, and erased (law 09-08).

What the law makes a utility keep (contracts, bills, payments, readings, case files) is shown and given out, and
stays when the rest is erased. What was said is what goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from billing.calendar import CASABLANCA, local_day
from store.desk_models import Draft, HandOver, LabelledExample, Note, Upload
from store.hand_over_events import erase_events
from store.models import (
    Audit,
    Base,
    Bill,
    Contract,
    Conversation,
    Customer,
    Direction,
    Identity,
    IdentityAttempt,
    LedgerEntry,
    Message,
    Meter,
    Notice,
    NoticeState,
    OneTimeCode,
    Payment,
    Reading,
    Register,
    Request,
)
from store.photos import forget
from store.supplies import contracts_of
from store.words import SETTLED, erase_words


@dataclass(frozen=True, slots=True)
class Held:
    """How much is kept: of the conversation, and of the contracts that its sender may act on."""

    since: datetime
    messages: int
    readings: int
    requests: int
    contracts: int
    opted_out: bool


async def held(session: AsyncSession, conversation: Conversation, now: datetime) -> Held:
    contracts = [contract.id for contract in await _contracts(session, conversation, now)]

    async def count(model: type[Base], *where: Any) -> int:
        return await session.scalar(select(func.count()).select_from(model).where(*where)) or 0

    return Held(
        since=conversation.created_at,
        messages=await count(
            Message, Message.conversation_id == conversation.id, or_(Message.body != "", Message.payload.is_not(None))
        ),
        readings=await count(Reading, Reading.register_id.in_(_registers(contracts))),
        requests=await count(Request, _asked_by(conversation.id, contracts)),
        contracts=len(contracts),
        opted_out=conversation.opted_out_at is not None,
    )


async def export(session: AsyncSession, conversation_id: int, now: datetime) -> dict[str, Any]:
    """All of it as JSON values; moments in Casablanca time, money and kWh as text with their decimals."""
    conversation = await session.get_one(Conversation, conversation_id)
    contracts = await _contracts(session, conversation, now)
    ids = [contract.id for contract in contracts]
    of_conversation = Message.conversation_id == conversation_id
    messages = await session.scalars(select(Message).where(of_conversation).order_by(Message.id))
    requests = await session.scalars(
        select(Request)
        .where(_asked_by(conversation_id, ids))
        .options(selectinload(Request.schedule), selectinload(Request.contract))
        .order_by(Request.id)
    )
    proofs = await session.execute(
        select(Contract.number, Identity)
        .join(Identity, Identity.contract_id == Contract.id)
        .where(Identity.conversation_id == conversation_id)
    )
    notices = await session.scalars(
        select(Notice).where(Notice.conversation_id == conversation_id).order_by(Notice.id)
    )
    hand_overs = await session.scalars(
        select(HandOver).where(HandOver.conversation_id == conversation_id).order_by(HandOver.id)
    )
    notes = await session.scalars(select(Note).where(Note.conversation_id == conversation_id).order_by(Note.id))
    return {
        "made_at": _plain(now),
        "conversation": _row(
            conversation, "channel", "address", "language", "created_at", "informed_at", "opted_out_at"
        ),
        "messages": [
            {"from": "you" if message.direction is Direction.IN else "us"}
            | _row(message, "created_at", "body", "language", "payload", "understood")
            for message in messages
        ],
        "identity_proofs": [
            {"contract": number} | _row(proof, "verification", "verified_at") for number, proof in proofs
        ],
        "with_advisors": [
            _row(stay, "opened_at", "reason", "ended_at", "outcome", "summary", "score") for stay in hand_overs
        ],
        "advisors_notes": [_row(note, "created_at", "body") for note in notes],
        "notices": [_row(notice, "created_at", "response", "params", "state") for notice in notices],
        "requests": [_request(request) for request in requests],
        "contracts": [await _contract(session, contract) for contract in contracts],
    }


async def erase(session: AsyncSession, conversation_id: int, actor: str, now: datetime) -> None:
    """Erase what was said in a conversation, for good: texts, what was understood, the dialogue, identity proofs,
    what agents noted and sent.

    Rows and their ids stay, so that a reading keeps the message it came in, and so does the wish to get no messages.
    What is still to be handled or sent is left: it is about to be read.
    """
    await session.flush()
    await erase_words(session, Message.conversation_id == conversation_id)
    await session.execute(
        update(Notice)
        .where(Notice.conversation_id == conversation_id, Notice.state != NoticeState.WAITING)
        .values(params={})
    )
    await _erase_what_agents_wrote(session, conversation_id)
    await erase_events(session, conversation_id)
    for proof in (Identity, IdentityAttempt, OneTimeCode):
        await session.execute(delete(proof).where(proof.conversation_id == conversation_id))
    # Informed anew when they write again: to us they are someone who never did.
    await session.execute(
        update(Conversation)
        .where(Conversation.id == conversation_id)
        .values(dialogue=None, offered=None, informed_at=None)
    )
    session.add(Audit(at=now, actor=actor, action="conversation.erased", subject=f"conversation:{conversation_id}"))
    await session.flush()


async def _erase_what_agents_wrote(session: AsyncSession, conversation_id: int) -> None:
    """Notes and stays keep their moments, scores and authors, which say nothing of the customer."""
    await session.execute(update(HandOver).where(HandOver.conversation_id == conversation_id).values(summary=None))
    await session.execute(update(Note).where(Note.conversation_id == conversation_id).values(body=""))
    await session.execute(delete(Draft).where(Draft.conversation_id == conversation_id))
    settled = select(Message.id).where(Message.conversation_id == conversation_id, Message.state.in_(SETTLED))
    await session.execute(delete(LabelledExample).where(LabelledExample.message_id.in_(settled)))
    await session.execute(delete(Upload).where(Upload.message_id.in_(settled)))
    await forget(session, settled)


async def _contracts(session: AsyncSession, conversation: Conversation, now: datetime) -> list[Contract]:
    phone = conversation.address if conversation.address.startswith("+") else None
    return await contracts_of(session, conversation.id, phone, local_day(now))


def _registers(contract_ids: Sequence[int]) -> Any:
    return select(Register.id).join(Meter, Meter.id == Register.meter_id).where(Meter.contract_id.in_(contract_ids))


def _asked_by(conversation_id: int, contract_ids: Sequence[int]) -> Any:
    return or_(Request.conversation_id == conversation_id, Request.contract_id.in_(contract_ids))


def _request(request: Request) -> dict[str, Any]:
    return {
        **_row(request, "reference", "kind", "state", "created_at", "changed_at", "due_on", "reason", "details"),
        "contract": request.contract.number if request.contract else None,
        "schedule": [_row(each, "due_on", "amount", "paid") for each in request.schedule],
    }


async def _contract(session: AsyncSession, contract: Contract) -> dict[str, Any]:
    customer = await session.get_one(Customer, contract.customer_id)
    readings = await session.execute(
        select(Reading, Register.code, Register.unit, Meter.number)
        .join(Register, Register.id == Reading.register_id)
        .join(Meter, Meter.id == Register.meter_id)
        .where(Meter.contract_id == contract.id)
        .order_by(Reading.taken_on, Reading.id)
    )
    bills = await session.scalars(select(Bill).where(Bill.contract_id == contract.id).order_by(Bill.period_end))
    payments = await session.scalars(
        select(Payment).where(Payment.contract_id == contract.id).order_by(Payment.paid_at)
    )
    ledger = await session.scalars(
        select(LedgerEntry).where(LedgerEntry.contract_id == contract.id).order_by(LedgerEntry.id)
    )
    return {
        **_row(contract, "number", "utility", "billing", "tariff", "address", "commune", "opened_on"),
        "customer": _row(customer, "name", "language", "modest_income"),
        "meters": [_row(meter, "number", "installed_on", "removed_on") for meter in contract.meters],
        "readings": [
            {"meter": meter, "register": code.value, "unit": unit.value}
            | _row(reading, "reference", "value", "taken_on", "received_at", "source", "channel", "state")
            for reading, code, unit, meter in readings
        ],
        "bills": [
            _row(
                bill, "number", "period_start", "period_end", "issued_on", "due_on", "basis", "usage", "total", "paid"
            )
            for bill in bills
        ],
        "payments": [_row(payment, "reference", "amount", "paid_at", "method") for payment in payments],
        "advanced_kwh": [_row(line, "at", "kind", "kwh", "bought", "reference") for line in ledger],
    }


def _row(row: Base, *names: str) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(CASABLANCA).isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case Enum():
            return value.value
    return value
