"""What customers are told who have not just written: decisions, reminders. A row each, written with its reason.

A notice is only put down here; `bot.announcer` makes it a message when the hour, the customer's wishes and the
carrier allow, in the words of the customer's language.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from billing.quantity import Quantity
from store.models import Conversation, Notice, NoticeState, RegisteredPhone

AGENT_WAIT = timedelta(minutes=10)
"""A notice for a conversation that an agent holds is looked at again after this, or when the agent is done."""


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell: response `utter_…` with its parameters, once for each `key`.

    A parameter is what `actions.speech.say` takes: text, a whole number, a date, an aware moment, `Decimal`
    dirhams, a `Quantity`, words (`actions.speech.words`), or a list of them, one a line.
    """

    key: str
    response: str
    params: Mapping[str, Any]
    not_before: datetime
    language: str | None = None
    contract_id: int | None = None
    campaign_id: int | None = None


async def tell(session: AsyncSession, conversation_id: int, news: News, now: datetime) -> bool:
    """Put `news` down for a conversation. False, and nothing changed, when its key is known already."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = (
        insert(Notice)
        .values(
            key=news.key,
            conversation_id=conversation_id,
            campaign_id=news.campaign_id,
            contract_id=news.contract_id,
            response=news.response,
            params={name: stored(value) for name, value in news.params.items()},
            language=news.language,
            state=NoticeState.WAITING,
            not_before=news.not_before,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(Notice.id)
    )
    written = await (await session.connection()).execute(statement)
    return written.scalar_one_or_none() is not None


async def conversation_with(session: AsyncSession, contract_id: int, now: datetime) -> Conversation | None:
    """Where the people of a contract are best written to: where they wrote last, else their phone by SMS.

    None when the utility knows no phone for it and nobody identified in a conversation of ours.
    """
    phones = select(RegisteredPhone.number).where(RegisteredPhone.contract_id == contract_id)
    numbers = list(await session.scalars(phones))
    latest = await last_written_in(session, numbers)
    if latest is not None or not numbers:
        return latest
    query = select(Conversation).where(Conversation.channel == "sms", Conversation.address == numbers[0])
    known = await session.scalar(query)
    if known is None:
        known = Conversation(channel="sms", address=numbers[0], created_at=now)
        session.add(known)
        await session.flush()
    return known


async def last_written_in(session: AsyncSession, phones: Collection[str]) -> Conversation | None:
    """The conversation in which one of `phones` wrote last."""
    return await session.scalar(
        select(Conversation)
        .where(Conversation.address.in_(phones), Conversation.last_inbound_at.is_not(None))
        .order_by(Conversation.last_inbound_at.desc())
        .limit(1)
    )


async def write_what_waited(session: AsyncSession, conversation_id: int, now: datetime) -> None:
    """Let what was held back while an agent had the conversation be written now."""
    await session.execute(
        update(Notice)
        .where(
            Notice.conversation_id == conversation_id,
            Notice.state == NoticeState.WAITING,
            Notice.not_before <= now + AGENT_WAIT,
        )
        .values(not_before=now)
        .execution_options(synchronize_session=False)
    )


def stored(value: Any) -> Any:
    """A parameter as JSON keeps it; `restored` brings it back. Raises `TypeError` for what has no written form."""
    match value:
        case None | str() | int():
            return value
        case Quantity():
            return {"quantity": str(value)}
        case Decimal():
            return {"dirhams": str(value)}
        case datetime():
            return {"moment": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case dict():
            return {"words": {key: stored(each) for key, each in value.items()}}
        case list() | tuple():
            return [stored(each) for each in value]
    raise TypeError(f"a notice cannot keep a {type(value).__name__}")


def restored(value: Any) -> Any:
    """What `stored` was given."""
    match value:
        case {"quantity": str(number)}:
            return Quantity(number)
        case {"dirhams": str(amount)}:
            return Decimal(amount)
        case {"moment": str(moment)}:
            return datetime.fromisoformat(moment)
        case {"date": str(day)}:
            return date.fromisoformat(day)
        case {"words": dict(words)}:
            return {key: restored(each) for key, each in words.items()}
        case list():
            return [restored(each) for each in value]
    return value
