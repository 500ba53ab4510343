"""Who writes in a conversation, as far as it is known, for whoever answers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from billing.calendar import local_day
from store.desk_models import HandOver
from store.models import Contract, Conversation, Customer, Identity, IdentityAttempt, RegisteredPhone
from store.supplies import contracts_of

STAYS = 10
ELSEWHERE = 10
ATTEMPTS_SINCE = timedelta(days=1)
REGISTERED_PHONE = "registered_phone"
"""How somebody is known who proved nothing and writes from a contract's phone."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a sender is known for some contracts: `proof` is a `Verification`, or `registered_phone` without a day."""

    proof: str
    proved_at: datetime | None
    contracts: list[str]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes in `conversation`, as far as it is known; `proofs` are by contract id.

    A contract without a proof is known by its registered phone. `stays` are earlier hand-overs, the latest first;
    `elsewhere` other conversations of the same phone or contracts; `failed_attempts` of the last day.
    """

    conversation: Conversation
    contracts: list[Contract]
    proofs: dict[int, Identity]
    stays: list[HandOver]
    elsewhere: list[Conversation]
    failed_attempts: int

    @property
    def is_identified(self) -> bool:
        return bool(self.contracts)

    @property
    def ways(self) -> list[Way]:
        """How they are known, each way once, with the numbers of the contracts."""
        found: dict[tuple[str, date | None], Way] = {}
        for contract in self.contracts:
            proof = self.proofs.get(contract.id)
            word = REGISTERED_PHONE if proof is None else proof.verification.value
            proved_at = None if proof is None else proof.verified_at
            day = None if proved_at is None else local_day(proved_at)
            found.setdefault((word, day), Way(word, proved_at, [])).contracts.append(contract.number)
        return list(found.values())


async def sender_of(session: AsyncSession, conversation_id: int, now: datetime) -> Sender | None:
    """Who writes in a conversation; None when there is no such conversation."""
    conversation = await session.get(Conversation, conversation_id)
    if conversation is None:
        return None
    phone = conversation.address if conversation.address.startswith("+") else None
    contracts = await contracts_of(session, conversation_id, phone, local_day(now))
    await _load_customers(session, contracts)
    proofs = await session.scalars(select(Identity).where(Identity.conversation_id == conversation_id))
    stays = await session.scalars(
        select(HandOver)
        .where(HandOver.conversation_id == conversation_id, HandOver.ended_at.is_not(None))
        .options(selectinload(HandOver.user))
        .order_by(HandOver.id.desc())
        .limit(STAYS)
    )
    attempts = select(func.count()).where(
        IdentityAttempt.conversation_id == conversation_id, IdentityAttempt.at >= now - ATTEMPTS_SINCE
    )
    return Sender(
        conversation,
        contracts,
        {proof.contract_id: proof for proof in proofs},
        list(stays),
        await _elsewhere(session, conversation, phone, [contract.id for contract in contracts]),
        await session.scalar(attempts) or 0,
    )


async def _load_customers(session: AsyncSession, contracts: Sequence[Contract]) -> None:
    ids = {contract.customer_id for contract in contracts}
    if not ids:
        return
    customers = {each.id: each for each in await session.scalars(select(Customer).where(Customer.id.in_(ids)))}
    for contract in contracts:
        set_committed_value(contract, "customer", customers[contract.customer_id])


async def _elsewhere(
    session: AsyncSession, conversation: Conversation, phone: str | None, contract_ids: Sequence[int]
) -> list[Conversation]:
    same: list[Any] = [
        Conversation.id.in_(select(Identity.conversation_id).where(Identity.contract_id.in_(contract_ids))),
        Conversation.address.in_(select(RegisteredPhone.number).where(RegisteredPhone.contract_id.in_(contract_ids))),
    ]
    if phone is not None:
        same.append(Conversation.address == phone)
    query = (
        select(Conversation)
        .where(Conversation.id != conversation.id, or_(*same))
        .order_by(Conversation.last_inbound_at.desc(), Conversation.id.desc())
        .limit(ELSEWHERE)
    )
    return list(await session.scalars(query))
