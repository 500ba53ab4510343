"""Hand-overs as a bridge shows them in a helpdesk: which are to be looked at, and what is still to be told there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Exists, and_, func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from store.desk_models import HandOver
from store.helpdesk_models import HelpdeskStay, OutsideMessage
from store.models import Direction, Message, MessageState
from store.types import Instant

LOOK_EVERY = timedelta(seconds=60)
"""A helpdesk whose notices were lost is asked after this time at the latest."""
LEASE = timedelta(seconds=90)
"""How long a process may take over a stay; then another takes it."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
"""Between tries while the helpdesk cannot be reached."""
AT_ONCE = 8
HEARD_OUT = (MessageState.HANDLED, MessageState.SET_ASIDE)


async def begin(session: AsyncSession, now: datetime) -> None:
    """A stay for each open hand-over that has none and that nobody of our own desk has taken.

    It begins with the customer's last message before it: the one that somebody is to answer.
    """
    first = (
        select(func.coalesce(func.max(Message.id), 0))
        .where(
            Message.conversation_id == HandOver.conversation_id,
            Message.direction == Direction.IN,
            Message.created_at <= HandOver.opened_at,
        )
        .scalar_subquery()
    )
    known = select(HelpdeskStay.hand_over_id).where(HelpdeskStay.hand_over_id == HandOver.id).exists()
    wanting = select(HandOver.id, first, literal(now, Instant())).where(
        HandOver.ended_at.is_(None), HandOver.user_id.is_(None), ~known
    )
    new = list(await session.execute(wanting))
    if new:
        rows = [{"hand_over_id": row[0], "first_message_id": row[1], "due_at": now} for row in new]
        with suppress(IntegrityError):  # another process sees the same ones: what it leaves is seen at the next look
            async with session.begin_nested():
                await session.execute(insert(HelpdeskStay).values(rows))


async def take(session: AsyncSession, now: datetime) -> list[int]:
    """Hand-overs whose stays are to be looked at, at most `AT_ONCE`; no other process has them until `LEASE` ends."""
    is_news = and_(HelpdeskStay.failures == 0, or_(HandOver.ended_at.is_not(None), _untold_exists()))
    query = (
        select(HelpdeskStay)
        .join(HandOver, HandOver.id == HelpdeskStay.hand_over_id)
        .where(
            HelpdeskStay.ended_at.is_(None),
            or_(HelpdeskStay.leased_until.is_(None), HelpdeskStay.leased_until <= now),
            or_(HelpdeskStay.due_at <= now, is_news),
        )
        .order_by(HelpdeskStay.due_at)
        .limit(AT_ONCE)
        .with_for_update(of=HelpdeskStay, skip_locked=True)
    )
    taken = list(await session.scalars(query))
    for stay in taken:
        stay.leased_until, stay.due_at = now + LEASE, now + LOOK_EVERY
    await session.flush()
    return [stay.hand_over_id for stay in taken]


async def get(session: AsyncSession, hand_over_id: int) -> HelpdeskStay:
    """A stay with its hand-over and conversation."""
    query = (
        select(HelpdeskStay)
        .where(HelpdeskStay.hand_over_id == hand_over_id)
        .options(joinedload(HelpdeskStay.hand_over).joinedload(HandOver.conversation))
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).one()


async def untold(session: AsyncSession, stay: HelpdeskStay, limit: int = 50) -> Sequence[Message]:
    """Messages since the beginning of the stay that the helpdesk has not, or may have: the oldest first."""
    query = select(Message).where(
        Message.conversation_id == stay.hand_over.conversation_id,
        Message.id >= stay.first_message_id,
        _is_to_tell(),
    )
    if stay.hand_over.ended_at is not None:
        query = query.where(Message.created_at <= stay.hand_over.ended_at)
    return list(await session.scalars(query.order_by(Message.id).limit(limit)))


async def on_its_way(session: AsyncSession, message_id: int, source: str) -> bool:
    """Write down that a message is about to be told. False when it was already: nobody knows whether it arrived."""
    if await session.get(OutsideMessage, message_id) is not None:
        return False
    session.add(OutsideMessage(message_id=message_id, source=source))
    await session.flush()
    return True


async def told(session: AsyncSession, message_id: int, reference: str) -> None:
    """The helpdesk has a message, under its number `reference`."""
    await session.execute(
        update(OutsideMessage).where(OutsideMessage.message_id == message_id).values(reference=reference)
    )


async def has_unheard(session: AsyncSession, stay: HelpdeskStay) -> bool:
    """Whether the customer wrote something that the helpdesk does not have yet, also what waits for its turn."""
    has = select(OutsideMessage.message_id).where(
        OutsideMessage.message_id == Message.id, OutsideMessage.reference.is_not(None)
    )
    query = select(Message.id).where(
        Message.conversation_id == stay.hand_over.conversation_id,
        Message.id >= stay.first_message_id,
        Message.direction == Direction.IN,
        ~has.exists(),
    )
    return await session.scalar(query.limit(1)) is not None


async def references(session: AsyncSession, source: str, among: Sequence[str]) -> set[str]:
    """Those of the helpdesk's numbers that are known here."""
    query = select(OutsideMessage.reference).where(
        OutsideMessage.source == source, OutsideMessage.reference.in_(among)
    )
    return {each for each in await session.scalars(query) if each is not None}


async def done(session: AsyncSession, hand_over_id: int, *, ended_at: datetime | None = None) -> None:
    """A stay was looked at, and nothing is left for now; for good with `ended_at`."""
    await session.execute(
        update(HelpdeskStay)
        .where(HelpdeskStay.hand_over_id == hand_over_id)
        .values(leased_until=None, failures=0, ended_at=ended_at)
    )


async def put_off(session: AsyncSession, hand_over_id: int, now: datetime) -> int:
    """The helpdesk could not be reached: later again. How often that was so by now."""
    stay = await session.get_one(HelpdeskStay, hand_over_id, with_for_update=True)
    stay.failures += 1
    stay.due_at = now + min(FIRST_PAUSE * 2 ** min(stay.failures - 1, 10), LONGEST_PAUSE)
    stay.leased_until = None
    await session.flush()
    return stay.failures


async def poke(session: AsyncSession, ticket: int, now: datetime, *, ended: bool) -> None:
    """Have the stays of a helpdesk's conversation looked at now; with `ended` also one that is over."""
    query = update(HelpdeskStay).where(HelpdeskStay.ticket == ticket)
    if not ended:
        query = query.where(HelpdeskStay.ended_at.is_(None))
    await session.execute(query.values(due_at=now, ended_at=None))


def _untold_exists() -> Exists:
    return (
        select(Message.id)
        .where(
            Message.conversation_id == HandOver.conversation_id,
            Message.id >= HelpdeskStay.first_message_id,
            _is_to_tell(),
        )  # what comes after the hand-over's end is not told, but then it is looked at anyway
        .correlate(HandOver, HelpdeskStay)
        .exists()
    )


def _is_to_tell() -> ColumnElement[bool]:
    # A customer's message is told once its turn is over: it may have taken the conversation back to the assistant.
    has = select(OutsideMessage.message_id).where(
        OutsideMessage.message_id == Message.id, OutsideMessage.reference.is_not(None)
    )
    return and_(or_(Message.direction == Direction.OUT, Message.state.in_(HEARD_OUT)), ~has.exists())
