"""Messages that the assistant was unsure of, and what people say that they meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import LabelledExample
from store.json_fields import json_field
from store.models import Audit, Contract, Conversation, Customer, Direction, Message, RegisteredPhone
from store.periods import Period

PAGE = 20
UNSURE = ("unsure", "lost")
"""The certainties of messages worth a look (`nlu.calibration.Certainty`)."""
NO_EXAMPLE = "none"
"""The intent of a message that teaches nothing. It keeps no text, and only says not to ask again."""


class AlreadyLabelled(ValueError):
    """Somebody has said what this message meant."""


class UnknownMessage(LookupError):
    """There is no such message of a customer's."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """A message to label. `ranking` are intents and confidences, the likeliest first; `names` the sender's."""

    message_id: int
    conversation_id: int
    text: str
    language: str | None
    certainty: str
    at: datetime
    ranking: Sequence[tuple[str, float]]
    names: list[str] = field(default_factory=list)


async def count_unsure(session: AsyncSession, period: Period, language: str | None = None) -> int:
    """How many there are to label. Reads much: run it through `store.apart`."""
    return await session.scalar(_unsure(select(func.count(Message.id)), period, language)) or 0


async def unsure(session: AsyncSession, period: Period, language: str | None = None, page: int = 1) -> list[Unsure]:
    """`PAGE` messages to label, the latest first, from page 1. Reads much: run it through `store.apart`."""
    query = (
        _unsure(select(Message), period, language).order_by(Message.id.desc()).limit(PAGE).offset((page - 1) * PAGE)
    )
    found = [_told(message) for message in await session.scalars(query)]
    await _add_names(session, found)
    return found


async def one_unsure(session: AsyncSession, message_id: int) -> Unsure:
    """A customer's message, to label. Raises `UnknownMessage`, `AlreadyLabelled`."""
    message = await session.get(Message, message_id)
    if message is None or message.direction is not Direction.IN or not message.understood:
        raise UnknownMessage(message_id)
    if await session.get(LabelledExample, message_id) is not None:
        raise AlreadyLabelled(message_id)
    told = _told(message)
    await _add_names(session, [told])
    return told


def _unsure(query: Select[Any], period: Period, language: str | None) -> Select[Any]:
    query = query.where(
        period.holds(Message.created_at),
        Message.direction == Direction.IN,
        json_field(Message.understood, "certainty").in_(UNSURE),
        Message.body != "",
        ~exists().where(LabelledExample.message_id == Message.id),
    )
    return query if language is None else query.where(Message.language == language)


def _told(message: Message) -> Unsure:
    understood: Mapping[str, Any] = message.understood or {}
    return Unsure(
        message_id=message.id,
        conversation_id=message.conversation_id,
        text=message.body,
        language=understood.get("language") or message.language,
        certainty=str(understood.get("certainty")),
        at=message.created_at,
        ranking=[(str(name), float(confidence)) for name, confidence in understood.get("ranking") or ()],
    )


async def _add_names(session: AsyncSession, messages: Sequence[Unsure]) -> None:
    query = (
        select(Conversation.id, Customer.name)
        .join(RegisteredPhone, RegisteredPhone.number == Conversation.address)
        .join(Contract, Contract.id == RegisteredPhone.contract_id)
        .join(Customer, Customer.id == Contract.customer_id)
        .where(Conversation.id.in_({each.conversation_id for each in messages}))
        .distinct()
    )
    for conversation_id, name in await session.execute(query):
        for each in messages:
            if each.conversation_id == conversation_id:
                each.names.append(name)


async def label(
    session: AsyncSession, message_id: int, text: str, language: str, intent: str, user_id: int, now: datetime
) -> None:
    """Keep what a message meant, or `NO_EXAMPLE`. Raises `UnknownMessage`, `AlreadyLabelled`."""
    await session.execute(select(Message.id).where(Message.id == message_id).with_for_update())
    await one_unsure(session, message_id)
    is_example = intent != NO_EXAMPLE
    session.add(
        LabelledExample(
            message_id=message_id,
            text=text if is_example else "",
            language=language,
            intent=intent,
            user_id=user_id,
            labelled_at=now,
        )
    )
    session.add(
        Audit(
            at=now,
            actor=f"user:{user_id}",
            action="example.labelled" if is_example else "example.dropped",
            subject=f"message:{message_id}",
            details={"intent": intent} if is_example else {},
        )
    )
    await session.flush()


async def examples(session: AsyncSession, *, again: bool = False) -> list[LabelledExample]:
    """What designers have not had yet, or all of it `again`; by language, the oldest first."""
    query = (
        select(LabelledExample)
        .where(LabelledExample.intent != NO_EXAMPLE)
        .order_by(LabelledExample.language, LabelledExample.message_id)
    )
    if not again:
        query = query.where(LabelledExample.exported_at.is_(None))
    return list(await session.scalars(query))


async def mark_exported(session: AsyncSession, taken: Sequence[LabelledExample], now: datetime) -> None:
    """Note that designers have these."""
    for each in taken:
        each.exported_at = now
    session.add(
        Audit(at=now, actor="command", action="example.exported", subject="examples", details={"count": len(taken)})
    )
    await session.flush()
