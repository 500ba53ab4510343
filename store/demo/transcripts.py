"""Writes the demo's talks down as conversations, messages and hand-overs, all handled and sent long ago."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from store.demo.staff import team_for
from store.demo.talks import Line, Stay, Talk
from store.desk_models import HandOver, Team, User
from store.models import Conversation, Direction, Holder, Message, MessageState

ASKED_AFTER = timedelta(seconds=1)
"""From the end of a hand-over to the question how it was."""


async def write(
    session: AsyncSession, talks: Sequence[Talk], teams: Mapping[str, Team], people: Mapping[str, User]
) -> None:
    """Store `talks`; one household on one channel is one conversation. `teams` by name, `people` by address.

    A talk never overlaps an earlier one that is still open: those that wait are the last of all.
    """
    talks = _one_open_stay_each(sorted(talks, key=lambda talk: talk.lines[0].at))
    conversations: dict[tuple[str, str], Conversation] = {}
    for talk in talks:
        found = conversations.get(talk.address)
        if found is None:
            found = conversations[talk.address] = _conversation(talk)
            session.add(found)
        _say(found, talk)
    await session.flush()
    lines = sorted(
        ((line, talk) for talk in talks for line in talk.lines),
        key=lambda said: said[0].at,
    )
    messages = [
        _message(number, line, talk, conversations[talk.address], people)
        for number, (line, talk) in enumerate(lines, start=1)
    ]
    session.add_all(messages)
    await session.flush()
    _note_what_is_answered(messages)
    session.add_all(
        _hand_over(talk, talk.stay, conversations[talk.address], teams, people) for talk in talks if talk.stay
    )
    await session.flush()


def _one_open_stay_each(talks: Sequence[Talk]) -> list[Talk]:
    """Without the talks that begin while the household is with an agent on that channel."""
    kept: list[Talk] = []
    busy_until: dict[tuple[str, str], datetime] = {}
    for talk in talks:
        begins, ends = talk.lines[0].at, talk.lines[-1].at
        if talk.address in busy_until and begins <= busy_until[talk.address]:
            continue
        busy_until[talk.address] = max(ends, (talk.stay and talk.stay.ended_at) or ends)
        kept.append(talk)
    return kept


def _conversation(talk: Talk) -> Conversation:
    began = talk.lines[0].at
    return Conversation(
        channel=talk.channel,
        address=talk.household.phone,
        language=talk.household.language,
        holder=Holder.ASSISTANT,
        informed_at=began,
        created_at=began,
    )


def _say(conversation: Conversation, talk: Talk) -> None:
    conversation.last_inbound_at = max(line.at for line in talk.lines if line.direction is Direction.IN)
    if talk.stay is not None and talk.stay.ended_at is None:
        conversation.holder = Holder.AGENT


def _message(number: int, line: Line, talk: Talk, conversation: Conversation, people: Mapping[str, User]) -> Message:
    out = line.direction is Direction.OUT
    return Message(
        conversation_id=conversation.id,
        channel=talk.channel,
        direction=line.direction,
        carrier_id=f"DEMO-{number}",
        state=MessageState.SENT if out else MessageState.HANDLED,
        body=line.text,
        language=talk.household.language,
        understood=line.understood,
        attempts=1 if out else 0,
        due_at=line.at,
        delivery=("read" if talk.channel == "whatsapp" else "delivered") if out else None,
        parts=1 if out and talk.channel == "sms" else None,
        user_id=people[line.by].id if line.by else None,
        created_at=line.at,
        settled_at=line.at,
    )


def _note_what_is_answered(messages: Sequence[Message]) -> None:
    """The assistant answers what was written last in the conversation."""
    latest: dict[int, int] = {}
    for message in messages:
        if message.direction is Direction.IN:
            latest[message.conversation_id] = message.id
        elif message.user_id is None:
            message.answers_id = latest.get(message.conversation_id)


def _hand_over(
    talk: Talk, stay: Stay, conversation: Conversation, teams: Mapping[str, Team], people: Mapping[str, User]
) -> HandOver:
    agent = people[stay.agent].id if stay.agent else None
    return HandOver(
        conversation_id=conversation.id,
        reason=stay.reason,
        priority=stay.priority,
        language=talk.household.language,
        team_id=teams[team_for(talk.household.language)].id,
        user_id=agent,
        opened_at=stay.opened_at,
        claimed_at=stay.claimed_at,
        first_reply_at=stay.first_reply_at,
        ended_at=stay.ended_at,
        ended_by_id=agent if stay.ended_at else None,
        outcome=stay.outcome,
        asked_at=stay.ended_at and stay.ended_at + ASKED_AFTER,
        score=stay.score,
    )
