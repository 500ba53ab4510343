"""Whose contracts they are, and what hangs on them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, String, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from store.models import (
    Bill,
    Contract,
    Customer,
    Identity,
    IdentityAttempt,
    Meter,
    OneTimeCode,
    RegisteredPhone,
    Verification,
)

# Built once: building a statement costs SQLAlchemy more than the database takes to run it.
_CONTRACTS_OF = (
    select(Contract)
    .where(
        or_(
            Contract.id.in_(
                select(Identity.contract_id).where(Identity.conversation_id == bindparam("conversation_id"))
            ),
            Contract.id.in_(
                select(RegisteredPhone.contract_id).where(RegisteredPhone.number == bindparam("phone", type_=String))
            ),
        ),
        or_(Contract.closed_on.is_(None), Contract.closed_on >= bindparam("on", type_=Date)),
    )
    .options(joinedload(Contract.meters).joinedload(Meter.registers))
    .order_by(Contract.number)
)


async def contracts_of(session: AsyncSession, conversation_id: int, phone: str | None, on: date) -> list[Contract]:
    """The open contracts that a sender may act on: registered for `phone`, or proved in this conversation."""
    found = await session.scalars(_CONTRACTS_OF, {"conversation_id": conversation_id, "phone": phone, "on": on})
    return list(found.unique())


_REGISTERED_LANGUAGE = (
    select(Customer.language)
    .join(Contract, Contract.customer_id == Customer.id)
    .join(RegisteredPhone, RegisteredPhone.contract_id == Contract.id)
    .where(RegisteredPhone.number == bindparam("phone"), Customer.language.is_not(None))
    .limit(1)
)


async def registered_language(session: AsyncSession, phone: str) -> str | None:
    """The language that a registered phone's holder asked to be written in."""
    return await session.scalar(_REGISTERED_LANGUAGE, {"phone": phone})


async def hold(session: AsyncSession, contract_id: int) -> None:
    """Keep others from changing what hangs on a contract, its requests or its ledger, until the transaction ends."""
    await session.execute(select(Contract.id).where(Contract.id == contract_id).with_for_update())


async def contract_by_number(session: AsyncSession, number: str) -> Contract | None:
    return await session.scalar(select(Contract).where(Contract.number == number))


async def contracts_registered_for(session: AsyncSession, phone: str) -> list[Contract]:
    query = (
        select(Contract)
        .join(RegisteredPhone, RegisteredPhone.contract_id == Contract.id)
        .where(RegisteredPhone.number == phone, Contract.closed_on.is_(None))
    )
    return list(await session.scalars(query))


async def phones_registered_for(session: AsyncSession, contract_id: int) -> list[str]:
    query = select(RegisteredPhone.number).where(RegisteredPhone.contract_id == contract_id)
    return list(await session.scalars(query))


async def prove(
    session: AsyncSession, conversation_id: int, contract_id: int, how: Verification, at: datetime
) -> None:
    """Let a conversation act on a contract. Proving it again changes nothing."""
    if await session.get(Identity, (conversation_id, contract_id)) is None:
        session.add(
            Identity(conversation_id=conversation_id, contract_id=contract_id, verification=how, verified_at=at)
        )
        await session.flush()


async def failed_attempts(
    session: AsyncSession, conversation_id: int, contract_number: str | None, since: datetime
) -> tuple[int, int]:
    """Failed tries since `since`: of this conversation, and on this contract number by anybody."""
    by_sender = await session.scalar(
        select(func.count()).where(IdentityAttempt.conversation_id == conversation_id, IdentityAttempt.at >= since)
    )
    on_contract: int | None = 0
    if contract_number is not None:
        on_contract = await session.scalar(
            select(func.count()).where(
                IdentityAttempt.contract_number == contract_number, IdentityAttempt.at >= since
            )
        )
    return by_sender or 0, on_contract or 0


async def note_failed_attempt(
    session: AsyncSession, conversation_id: int, contract_number: str, at: datetime
) -> None:
    session.add(IdentityAttempt(conversation_id=conversation_id, contract_number=contract_number, at=at))
    await session.flush()


async def last_bill_total(session: AsyncSession, contract_id: int) -> Decimal | None:
    return await session.scalar(
        select(Bill.total).where(Bill.contract_id == contract_id).order_by(Bill.issued_on.desc()).limit(1)
    )


async def keep_code(
    session: AsyncSession, conversation_id: int, contract_number: str, code_hash: str, expires_at: datetime
) -> None:
    """Remember the one code that is valid for a conversation; an earlier one stops being so."""
    await session.merge(
        OneTimeCode(
            conversation_id=conversation_id,
            contract_number=contract_number,
            code_hash=code_hash,
            expires_at=expires_at,
        )
    )
    await session.flush()


async def kept_code(session: AsyncSession, conversation_id: int) -> OneTimeCode | None:
    return await session.get(OneTimeCode, conversation_id)
