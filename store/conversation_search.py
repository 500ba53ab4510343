"""Finding conversations: by phone, name, contract, reference or words, within a period.

Words are looked for in each message of the period, which reads much: run `search` through `store.apart`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from billing.reference import parse_reference
from store.desk_models import HandOver
from store.models import (
    Contract,
    Conversation,
    Customer,
    Direction,
    Holder,
    Identity,
    Message,
    Reading,
    RegisteredPhone,
    Request,
)
from store.periods import Period

PAGE = 25
MOST_WORDS = 6
FEWEST_DIGITS = 4
"""Of a piece of a phone number; less is in nearly all of them."""
LEAST_OF_A_WORD = 2
"""Characters: one alone is in nearly all messages."""
EXCERPTS = 3
"""Messages shown of each conversation, the latest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. Empty `text` finds all that the other fields let through.

    `user_id` is an agent who wrote there or took a hand-over of it. `seen_by` narrows to what an agent may search:
    conversations that are with people now, and those they had.
    """

    text: str
    period: Period
    channel: str | None = None
    language: str | None = None
    user_id: int | None = None
    seen_by: int | None = None

    @property
    def words(self) -> list[str]:
        """The words that a message or a name must contain, all of them."""
        return [word for word in self.text.split() if len(word) >= LEAST_OF_A_WORD][:MOST_WORDS]

    @property
    def digits(self) -> str:
        """A phone or a contract number as typed with blanks, dots or a plus; empty when it is neither."""
        bare = "".join(each for each in self.text if each not in " .-/()+\u200e\u202a\u202c")
        if not (bare.isdecimal() and len(bare) >= FEWEST_DIGITS):
            return ""
        return "".join(str(int(each)) for each in bare)  # Arabic digits too


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A message that contains the words."""

    message_id: int
    direction: Direction
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation that was found. `customers` are the holders of the contracts registered for its address."""

    conversation_id: int
    channel: str
    address: str
    language: str | None
    is_with_people: bool
    last_inbound_at: datetime | None
    customers: list[str] = field(default_factory=list)
    contracts: list[str] = field(default_factory=list)
    excerpts: list[Excerpt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was found, and how many there are in all."""

    total: int
    hits: list[Hit]


async def search(session: AsyncSession, wanted: Wanted, page: int) -> Found:
    """The conversations of the period that match, those written to last first, `PAGE` a page from 1."""
    query = _matching(wanted)
    total = await session.scalar(select(func.count()).select_from(query.subquery())) or 0
    latest = Conversation.last_inbound_at.desc().nulls_last(), Conversation.id.desc()
    rows = await session.scalars(
        select(Conversation).where(Conversation.id.in_(query)).order_by(*latest).limit(PAGE).offset((page - 1) * PAGE)
    )
    hits = {
        row.id: Hit(row.id, row.channel, row.address, row.language, row.holder is Holder.AGENT, row.last_inbound_at)
        for row in rows
    }
    await _add_customers(session, hits)
    await _add_excerpts(session, wanted, hits)
    return Found(total, list(hits.values()))


def _matching(wanted: Wanted) -> Select[int]:
    """The ids of the conversations."""
    message = Message.conversation_id == Conversation.id
    query = select(Conversation.id).where(exists().where(message, wanted.period.holds(Message.created_at)))
    if wanted.text.strip():
        query = query.where(Conversation.id.in_(_about(wanted)))
    if wanted.channel is not None:
        query = query.where(Conversation.channel == wanted.channel)
    if wanted.language is not None:
        query = query.where(Conversation.language == wanted.language)
    if wanted.user_id is not None:
        query = query.where(_had_by(wanted.user_id))
    if wanted.seen_by is not None:
        query = query.where(or_(Conversation.holder == Holder.AGENT, _had_by(wanted.seen_by)))
    return query


def _had_by(user_id: int) -> ColumnElement[bool]:
    """That somebody wrote in a conversation or took it."""
    return or_(
        exists().where(HandOver.conversation_id == Conversation.id, HandOver.user_id == user_id),
        exists().where(Message.conversation_id == Conversation.id, Message.user_id == user_id),
    )


def _about(wanted: Wanted) -> Select[int]:
    """The conversations that the text names in any way."""
    ways: list[Select[int]] = []
    if (reference := parse_reference(wanted.text)) is not None:
        ways += _by_reference(reference)
    if digits := wanted.digits:
        national = digits.lstrip("0")  # 0612345678 is +212612345678
        ways.append(select(Conversation.id).where(Conversation.address.contains(national, autoescape=True)))
        ways += _with_contracts(Contract.number == digits)
    if wanted.words:
        named = and_(*(Customer.name.icontains(word, autoescape=True) for word in wanted.words))
        ways += _with_contracts(Contract.customer_id.in_(select(Customer.id).where(named)))
        ways.append(select(Message.conversation_id).where(_says(wanted)))
    if not ways:
        return select(Conversation.id).where(Conversation.id.is_(None))
    return select(union(*ways).subquery().c[0])


def _by_reference(reference: str) -> list[Select[int]]:
    contracts = select(Request.contract_id).where(Request.reference == reference)
    return [
        select(Conversation.id)
        .join(Request, Request.conversation_id == Conversation.id)
        .where(Request.reference == reference),
        select(Message.conversation_id)
        .join(Reading, Reading.message_id == Message.id)
        .where(Reading.reference == reference),
        *_with_contracts(Contract.id.in_(contracts)),
    ]


def _with_contracts(those: ColumnElement[bool]) -> list[Select[int]]:
    """Conversations of the phones registered for some contracts, and of those who proved that one is theirs."""
    return [
        select(Conversation.id)
        .join(RegisteredPhone, RegisteredPhone.number == Conversation.address)
        .join(Contract, Contract.id == RegisteredPhone.contract_id)
        .where(those),
        select(Identity.conversation_id).join(Contract, Contract.id == Identity.contract_id).where(those),
    ]


def _says(wanted: Wanted) -> ColumnElement[bool]:
    """That a message of the period contains all the words."""
    return and_(
        wanted.period.holds(Message.created_at),
        *(Message.body.icontains(word, autoescape=True) for word in wanted.words),
    )


async def _add_customers(session: AsyncSession, hits: dict[int, Hit]) -> None:
    query = (
        select(RegisteredPhone.number, Customer.name, Contract.number)
        .join(Contract, Contract.id == RegisteredPhone.contract_id)
        .join(Customer, Customer.id == Contract.customer_id)
        .where(RegisteredPhone.number.in_({each.address for each in hits.values()}))
        .order_by(Contract.number)
    )
    for phone, customer, contract in await session.execute(query):
        for hit in hits.values():
            if hit.address == phone:
                hit.contracts.append(contract)
                if customer not in hit.customers:
                    hit.customers.append(customer)


async def _add_excerpts(session: AsyncSession, wanted: Wanted, hits: dict[int, Hit]) -> None:
    """The latest messages with the words."""
    if not wanted.words or not hits:
        return
    ranked = (
        select(
            Message.conversation_id,
            Message.id,
            Message.direction,
            Message.body,
            Message.created_at,
            func.row_number().over(partition_by=Message.conversation_id, order_by=Message.id.desc()).label("place"),
        )
        .where(Message.conversation_id.in_(hits), _says(wanted))
        .subquery()
    )
    query = select(ranked).where(ranked.c.place <= EXCERPTS).order_by(ranked.c.id.desc())
    for conversation_id, message_id, direction, body, at, _ in await session.execute(query):
        hits[conversation_id].excerpts.append(Excerpt(message_id, direction, body, at))


def pages(total: int) -> int:
    return max(-(-total // PAGE), 1)


__all__: Sequence[str] = ("EXCERPTS", "PAGE", "Excerpt", "Found", "Hit", "Wanted", "pages", "search")
