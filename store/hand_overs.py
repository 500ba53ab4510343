"""Stays of conversations with people: opened, claimed, transferred, given back, closed, opened again.

Each function holds the conversation's row first, as turns do: an agent who takes a conversation in the middle of a
turn waits for its end, and a turn that begins later finds the agent. All of them write the audit. `claimed_at` and
`first_reply_at` are of the first person who had the conversation, also after it was transferred; nobody has it now
when `user_id` is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from store.changes import changed
from store.desk_models import HandOver, Note, Outcome, Priority, Role, Team, User
from store.hand_over_events import tell_ended, tell_opened
from store.models import Audit, Conversation, Holder
from store.notices import write_what_waited
from store.teams import team_for

PRIORITIES: Mapping[str, Priority] = {
    "danger": Priority.URGENT,
    "anger": Priority.HIGH,
    "poisoned": Priority.HIGH,
}
"""By the reason of the hand-over; any other is normal."""
ENDED_BY_US = (Outcome.CUSTOMER_LEFT, Outcome.EXPIRED)
"""Ends that no agent decides."""


class Taken(ValueError):
    """Somebody else has the conversation: `by` is their name."""

    def __init__(self, by: str) -> None:
        super().__init__(f"{by} has this conversation")
        self.by = by


class NotOpen(ValueError):
    """The conversation is not with people, or no longer."""


class NoSuchTarget(ValueError):
    """A transfer to nobody: no such team, or a person who does not converse (any more)."""


async def open_hand_over(
    session: AsyncSession,
    conversation: Conversation,
    reason: str,
    now: datetime,
    *,
    actor: str,
    language: str | None = None,
    team_id: int | None = None,
    user_id: int | None = None,
) -> HandOver:
    """Hand a conversation to people; the hand-over that is open already when there is one.

    `language` is the customer's (BCP 47), by default what the conversation is in; without `team_id` it chooses the
    team. With `user_id` that person has it at once.
    """
    await held_conversation(session, conversation.id)
    already = await current(session, conversation.id)
    if already is not None:
        return already
    language = language or conversation.language
    hand_over = HandOver(
        conversation_id=conversation.id,
        reason=reason,
        priority=PRIORITIES.get(reason, Priority.NORMAL),
        language=language,
        team_id=await team_for(session, language) if team_id is None else team_id,
        user_id=user_id,
        opened_at=now,
        claimed_at=None if user_id is None else now,
    )
    session.add(hand_over)
    conversation.holder = Holder.AGENT
    conversation.offered = None  # buttons of ours stand for nothing once a person answers
    _note(session, hand_over, "handed_over", actor, now, reason=reason)
    await session.flush()
    await _load(session, hand_over)
    await tell_opened(session, hand_over, now)
    await changed(session, conversation.id)
    return hand_over


async def current(session: AsyncSession, conversation_id: int, *, hold: bool = False) -> HandOver | None:
    """The open hand-over of a conversation, with its conversation, person and team; None when there is none.

    With `hold` nobody else can change either until the transaction ends.
    """
    if hold:
        await held_conversation(session, conversation_id)
    query = (
        select(HandOver)
        .where(HandOver.conversation_id == conversation_id, HandOver.ended_at.is_(None))
        .options(joinedload(HandOver.conversation), joinedload(HandOver.user), joinedload(HandOver.team))
        .execution_options(populate_existing=True)
    )
    await session.flush()  # what this transaction has changed is not read back over
    return await session.scalar(query)


async def claim(session: AsyncSession, hand_over: HandOver, user_id: int, now: datetime) -> None:
    """Take a waiting conversation. Nothing changes when it is theirs already. Raises `Taken` and `NotOpen`."""
    await _hold_open(session, hand_over)
    _refuse_another(hand_over, user_id)
    if hand_over.user_id == user_id:
        return
    _given_to(hand_over, user_id, now)
    await _changed(session, hand_over, "claimed", user_id, now)


async def transfer(
    session: AsyncSession,
    hand_over: HandOver,
    user_id: int,
    now: datetime,
    *,
    to_team_id: int | None = None,
    to_user_id: int | None = None,
    note: str | None = None,
) -> None:
    """Give a conversation to a person, or to a team, where it waits for one; `note` is for whoever takes it.

    Anybody may, whoever has it: it is how the conversations of somebody who went home go on.
    Raises `NotOpen` and `NoSuchTarget`.
    """
    await _hold_open(session, hand_over)
    if to_user_id is not None:
        user = await session.get(User, to_user_id)
        if user is None or user.disabled_at is not None or user.role is Role.ADMINISTRATOR:
            raise NoSuchTarget("nobody to transfer to")
    elif to_team_id is None:
        raise NoSuchTarget("neither a person nor a team to transfer to")
    if to_team_id is not None:
        if await session.get(Team, to_team_id) is None:
            raise NoSuchTarget("no such team")
        hand_over.team_id = to_team_id
    _given_to(hand_over, to_user_id, now)
    if note and note.strip():
        session.add(
            Note(conversation_id=hand_over.conversation_id, user_id=user_id, body=note.strip(), created_at=now)
        )
    await _changed(session, hand_over, "transferred", user_id, now, team=to_team_id, user=to_user_id)


async def free(session: AsyncSession, user_id: int, now: datetime, *, actor: str) -> None:
    """Let the open conversations of somebody who can no longer converse wait again, each for its team."""
    query = select(HandOver).where(HandOver.user_id == user_id, HandOver.ended_at.is_(None))
    for left in list(await session.scalars(query.order_by(HandOver.conversation_id))):
        hand_over = await current(session, left.conversation_id, hold=True)
        if hand_over is not None and hand_over.user_id == user_id:
            hand_over.user_id = None
            _note(session, hand_over, "freed", actor, now)
            await session.flush()
            await changed(session, hand_over.conversation_id)


async def release(session: AsyncSession, hand_over: HandOver, user_id: int, now: datetime) -> None:
    """Give a conversation back to the assistant, which answers from now on. Raises `Taken` and `NotOpen`.

    To tell the customer so: `bot.parting.release`.
    """
    await _hold_open(session, hand_over)
    _refuse_another(hand_over, user_id)
    await _end(session, hand_over, Outcome.RELEASED, now, user_id)
    await _changed(session, hand_over, "released", user_id, now)


async def close(
    session: AsyncSession,
    hand_over: HandOver,
    user_id: int,
    now: datetime,
    outcome: Outcome,
    summary: str | None,
    *,
    ask: bool = True,
) -> None:
    """End a hand-over; the assistant answers from now on. Raises `Taken`, `NotOpen`, and ValueError for an outcome
    that is not the agent's to choose.

    With `ask` it is noted that the customer is asked how it was; `bot.parting.close` asks.
    """
    if outcome in ENDED_BY_US:
        raise ValueError(f"no agent closes a conversation as {outcome.value}")
    await _hold_open(session, hand_over)
    _refuse_another(hand_over, user_id)
    hand_over.summary = (summary or "").strip()[:300] or None
    await _end(session, hand_over, outcome, now, user_id)
    hand_over.asked_at = now if ask else None
    await _changed(session, hand_over, "closed", user_id, now, outcome=outcome.value)


async def end_without_agent(
    session: AsyncSession, hand_over: HandOver, outcome: Outcome, now: datetime, actor: str
) -> None:
    """End a hand-over because the customer went back to the assistant, or nobody came. Raises `NotOpen`."""
    await _hold_open(session, hand_over)
    await _end(session, hand_over, outcome, now, None)
    _note(session, hand_over, outcome.value, actor, now)
    await session.flush()
    await changed(session, hand_over.conversation_id)


async def reopen(session: AsyncSession, conversation: Conversation, user_id: int, now: datetime) -> HandOver:
    """Take a conversation that was closed or released, or that waits. Raises `Taken`."""
    return await _theirs(session, conversation, "reopened", user_id, now)


async def take_by_reply(session: AsyncSession, conversation: Conversation, user_id: int, now: datetime) -> HandOver:
    """The hand-over in which an agent's message is written: whoever writes takes the conversation. Raises `Taken`."""
    hand_over = await _theirs(session, conversation, "agent", user_id, now)
    if hand_over.first_reply_at is None:
        hand_over.first_reply_at = now
        await session.flush()
    return hand_over


async def _theirs(
    session: AsyncSession, conversation: Conversation, reason: str, user_id: int, now: datetime
) -> HandOver:
    hand_over = await current(session, conversation.id, hold=True)
    if hand_over is None:
        return await open_hand_over(session, conversation, reason, now, actor=f"user:{user_id}", user_id=user_id)
    await claim(session, hand_over, user_id, now)
    return hand_over


async def held_conversation(session: AsyncSession, conversation_id: int) -> Conversation | None:
    """The conversation, kept from turns and other agents until the transaction ends; None when there is none.

    Held without touching keys: a customer's new message is accepted meanwhile. It is read again: one that was loaded
    before others were done with it would be written by what it was then.
    """
    await session.flush()
    return await session.scalar(
        select(Conversation)
        .where(Conversation.id == conversation_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def _hold_open(session: AsyncSession, hand_over: HandOver) -> None:
    """Hold the conversation and look at the hand-over again. Raises `NotOpen`."""
    found = await current(session, hand_over.conversation_id, hold=True)
    if found is None or found.id != hand_over.id:
        raise NotOpen("this conversation is no longer with the agents")


def _refuse_another(hand_over: HandOver, user_id: int) -> None:
    if hand_over.user is not None and hand_over.user_id != user_id:
        raise Taken(hand_over.user.name)


def _given_to(hand_over: HandOver, user_id: int | None, now: datetime) -> None:
    hand_over.user_id = user_id
    if user_id is not None and hand_over.claimed_at is None:
        hand_over.claimed_at = now


async def _end(
    session: AsyncSession, hand_over: HandOver, outcome: Outcome, now: datetime, user_id: int | None
) -> None:
    hand_over.ended_at, hand_over.outcome, hand_over.ended_by_id = now, outcome, user_id
    hand_over.conversation.holder = Holder.ASSISTANT
    await tell_ended(session, hand_over, now)
    await write_what_waited(session, hand_over.conversation_id, now)


async def _load(session: AsyncSession, hand_over: HandOver) -> None:
    await session.refresh(hand_over, ["conversation", "user", "team"])


def _note(session: AsyncSession, hand_over: HandOver, action: str, actor: str, now: datetime, **details: Any) -> None:
    told = {name: value for name, value in details.items() if value is not None}
    session.add(
        Audit(
            at=now,
            actor=actor,
            action=f"conversation.{action}",
            subject=f"conversation:{hand_over.conversation_id}",
            details=told,
        )
    )


async def _changed(
    session: AsyncSession, hand_over: HandOver, action: str, user_id: int, now: datetime, **details: Any
) -> None:
    """Write what an agent did, and tell the desks."""
    _note(session, hand_over, action, f"user:{user_id}", now, **details)
    await session.flush()
    await _load(session, hand_over)
    await changed(session, hand_over.conversation_id)
