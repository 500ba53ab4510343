"""A busy desk in the database: agents who are signed in, open conversations, and a month of ended ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from bench.customers import Customer
from store import user_sessions
from store.database import Database
from store.desk_models import HandOver, Outcome, Priority, Role, Team, TeamMember, User
from store.models import Base, Conversation, Direction, Holder, Message, MessageState

MESSAGES = 20
"""In each open conversation."""
ENDED_MESSAGES = 3
BATCH = 5000


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody at the desk: the cookie of their browser, and the conversation that they look at."""

    token: str
    conversation_id: int
    phone: str


async def furnish(database: Database, customers: Sequence[Customer], agents: int, ended: int) -> list[Agent]:
    """Give every customer an open conversation and the `agents` what they hold: each the same share, the last fifth
    waits. Besides, `ended` conversations of the past month. Returns the agents, signed in.
    """
    now = datetime.now(UTC)
    held = len(customers) * 4 // 5
    async with database.writing() as session:
        await session.execute(insert(Team), [{"id": 1, "name": "Tous", "languages": []}])
        await session.execute(insert(User), [_user(number, now) for number in range(1, agents + 1)])
        await session.execute(insert(TeamMember), [{"team_id": 1, "user_id": n} for n in range(1, agents + 1)])
        talks = [
            _Talk(number, customer.phone, now, user_id=1 + number % agents if number < held else None)
            for number, customer in enumerate(customers)
        ]
        past = [
            _Talk(len(talks) + number, f"+2127{number:08}", now, user_id=1 + number % agents, is_ended=True)
            for number in range(ended)
        ]
        await _insert(session, Conversation, (talk.conversation() for talk in [*talks, *past]))
        await _insert(session, Message, (row for talk in [*talks, *past] for row in talk.messages()))
        await _insert(session, HandOver, (talk.hand_over() for talk in [*talks, *past]))
        tokens = [
            await user_sessions.open_session(session, number, now, is_complete=True)
            for number in range(1, agents + 1)
        ]
        await _move_sequences(session)
    return [Agent(token, talks[n].id, talks[n].phone) for n, token in enumerate(tokens)]


async def _insert(session: AsyncSession, model: type[Base], rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            await session.execute(insert(model), batch)
            batch = []
    if batch:
        await session.execute(insert(model), batch)


async def _move_sequences(session: AsyncSession) -> None:
    """PostgreSQL counts ids in sequences, which know nothing of ids that were given."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for table in ("conversation", "team", "user_account"):
        await session.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        )


def _user(number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "email": f"agent{number}@bench.example",
        "name": f"Agent {number}",
        "role": Role.AGENT,
        "language": "fr",
        "speaks": ["fr"],
        "must_change_password": False,
        "failed_logins": 0,
        "created_at": now,
    }


class _Talk:
    """One conversation of the bench and its rows."""

    def __init__(
        self, number: int, phone: str, now: datetime, *, user_id: int | None, is_ended: bool = False
    ) -> None:
        self.id = number + 1
        self.phone = phone
        self._user_id = user_id
        self._is_ended = is_ended
        self._opened = now - (
            timedelta(minutes=10 * (number % 4000) + 60) if is_ended else timedelta(seconds=7 * number)
        )

    def conversation(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "channel": "sms",
            "address": self.phone,
            "language": "fr",
            "holder": Holder.ASSISTANT if self._is_ended else Holder.AGENT,
            "last_inbound_at": self._opened,
            "informed_at": self._opened,
            "created_at": self._opened,
        }

    def messages(self) -> Iterator[dict[str, Any]]:
        for number in range(ENDED_MESSAGES if self._is_ended else MESSAGES):
            out = number % 2 == 1
            at = self._opened - timedelta(minutes=MESSAGES - number)
            yield {
                "conversation_id": self.id,
                "channel": "sms",
                "direction": Direction.OUT if out else Direction.IN,
                "carrier_id": f"BENCH-{self.id}-{number}",
                "state": MessageState.SENT if out else MessageState.HANDLED,
                "body": f"Message {number} de la conversation {self.id}, d'une longueur ordinaire pour un SMS.",
                "language": "fr",
                "attempts": 0,
                "doubts": 0,
                "due_at": at,
                "bulk": False,
                "user_id": self._user_id if out and number > 1 else None,
                "created_at": at,
                "settled_at": at,
            }

    def hand_over(self) -> dict[str, Any]:
        claimed = self._opened + timedelta(minutes=3) if self._user_id else None
        return {
            "conversation_id": self.id,
            "reason": ("asked", "lost", "anger")[self.id % 3],
            "priority": Priority.HIGH if self.id % 3 == 2 else Priority.NORMAL,
            "language": "fr",
            "team_id": 1,
            "user_id": self._user_id,
            "opened_at": self._opened,
            "claimed_at": claimed,
            "first_reply_at": claimed,
            "ended_at": self._opened + timedelta(minutes=15) if self._is_ended else None,
            "outcome": Outcome.SOLVED if self._is_ended else None,
            "score": 1 + self.id % 5 if self._is_ended and self.id % 2 else None,
        }
