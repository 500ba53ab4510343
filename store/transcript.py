"""A conversation's transcript in stretches: messages, the agents' notes, and who had it when.

Messages are found by their number, so that a stretch costs the same in a conversation of five thousand messages as
in one of five. Notes and hand-overs come along by their moments.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import Note, Team, User
from store.models import Audit, Message

PAGE = 100
TAIL = 20
"""Messages before the last one seen whose states may have changed since."""
HAND_OVER_ACTIONS = (
    "conversation.handed_over",
    "conversation.claimed",
    "conversation.transferred",
    "conversation.freed",
    "conversation.released",
    "conversation.closed",
    "conversation.customer_left",
    "conversation.expired",
)


@dataclass(slots=True)
class Stretch:
    """Part of a transcript, each list in order of time.

    `has_earlier` says whether messages come before it, `has_later` whether more wait after it. `people` and `teams`
    are the names of those who wrote or are mentioned, by id.
    """

    messages: list[Message]
    has_earlier: bool = False
    has_later: bool = False
    notes: list[Note] = field(default_factory=list)
    events: list[Audit] = field(default_factory=list)
    people: dict[int, str] = field(default_factory=dict)
    teams: dict[int, str] = field(default_factory=dict)


async def newest(session: AsyncSession, conversation_id: int, before: int | None = None) -> Stretch:
    """The latest `PAGE` messages, or the latest of those before message `before`, and what happened meanwhile."""
    query = _messages(conversation_id).order_by(Message.id.desc()).limit(PAGE + 1)
    until = None
    if before is not None:
        query = query.where(Message.id < before)
        until = await session.scalar(select(Message.created_at).where(Message.id == before))
    found = list(await session.scalars(query))
    stretch = Stretch(found[:PAGE][::-1], has_earlier=len(found) > PAGE)
    since = stretch.messages[0].created_at if stretch.has_earlier else None
    return await _completed(session, conversation_id, stretch, since, until)


async def after(session: AsyncSession, conversation_id: int, seen: int) -> Stretch:
    """What came after message `seen`, with the last `TAIL` messages up to it, whose states may have changed."""
    messages = _messages(conversation_id)
    seen_last = messages.where(Message.id <= seen).order_by(Message.id.desc()).limit(TAIL)
    unseen = messages.where(Message.id > seen).order_by(Message.id).limit(PAGE + 1)
    last, new = list(await session.scalars(seen_last)), list(await session.scalars(unseen))
    stretch = Stretch([*reversed(last), *new[:PAGE]], has_later=len(new) > PAGE)
    since = stretch.messages[0].created_at if len(last) == TAIL else None
    return await _completed(session, conversation_id, stretch, since, None)


def _messages(conversation_id: int) -> Select[Message]:
    return select(Message).where(Message.conversation_id == conversation_id)


async def _completed(
    session: AsyncSession, conversation_id: int, stretch: Stretch, since: datetime | None, until: datetime | None
) -> Stretch:
    """Notes and hand-overs from `since` on and before `until`, and everybody's names."""
    notes = select(Note).where(Note.conversation_id == conversation_id).order_by(Note.id)
    events = (
        select(Audit)
        .where(Audit.subject == f"conversation:{conversation_id}", Audit.action.in_(HAND_OVER_ACTIONS))
        .order_by(Audit.id)
    )
    if since is not None:
        notes, events = notes.where(Note.created_at >= since), events.where(Audit.at >= since)
    if until is not None:
        notes, events = notes.where(Note.created_at < until), events.where(Audit.at < until)
    stretch.notes = list(await session.scalars(notes))
    stretch.events = list(await session.scalars(events))
    mentioned = [each.details for each in stretch.events]
    stretch.people = await _names(
        session,
        User,
        [each.user_id for each in stretch.messages]
        + [each.user_id for each in stretch.notes]
        + [user_id_of(each.actor) for each in stretch.events]
        + [each.get("user") for each in mentioned],
    )
    stretch.teams = await _names(session, Team, [each.get("team") for each in mentioned])
    return stretch


async def _names(session: AsyncSession, model: type[User] | type[Team], ids: Iterable[Any]) -> dict[int, str]:
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    rows = await session.execute(select(model.id, model.name).where(model.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def user_id_of(actor: str) -> int | None:
    """The person behind an actor of the audit; None for the assistant, the customer, or a program."""
    kind, _, number = actor.partition(":")
    return int(number) if kind == "user" and number.isdigit() else None
