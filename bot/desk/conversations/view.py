"""What the page of a conversation shows, looked up once for each request."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import local_day
from bot.desk.access import Actor
from bot.desk.context import Desk
from bot.desk.conversations.approved import Approved, approved_templates
from bot.desk.conversations.fields import FIELDS, customer_names
from bot.desk.conversations.sendable import Measure, Window, measure, window_of
from bot.desk.wording import N_
from bot.desk.words import WORDS
from nlu.language import DEFAULT
from store.desk_models import HandOver, Outcome, Role, Team, User
from store.drafts import draft_of, typing
from store.hand_overs import current
from store.models import Conversation
from store.supplies import contracts_of
from store.users import IS_OURS

NO_CONVERSATION = N_("Cette conversation n’existe pas, ou plus.")
OUTCOMES = (Outcome.SOLVED, Outcome.REQUEST_MADE, Outcome.NOT_SOLVED, Outcome.NO_ANSWER)
"""How an agent may say that it ended, the usual first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who has a conversation, and what may be sent in it now.

    `key` changes whenever the agents' possibilities do, so that the page knows when to show others.
    """

    conversation: Conversation
    hand_over: HandOver | None
    window: Window | None
    can_send: bool
    is_mine: bool

    @property
    def language(self) -> str:
        """The customer's, BCP 47."""
        spoken = self.hand_over.language if self.hand_over else None
        return self.conversation.language or spoken or DEFAULT

    @property
    def holder(self) -> str | None:
        """The name of the person who has it."""
        return self.hand_over.user.name if self.hand_over and self.hand_over.user else None

    @property
    def key(self) -> str:
        stay = f"{self.hand_over.id}.{self.hand_over.user_id or 0}" if self.hand_over else "none"
        return f"{stay}.{'free' if self.window is None or self.window.is_open else 'closed'}"


@dataclass(slots=True)
class Composing:
    """The form that an agent writes in, as it is shown: `form` is its token, `problem` what kept it from being sent.

    `upload` is a file (id and name) that waits to go with it.
    """

    body: str
    measure: Measure
    form: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    note: str = ""
    note_problem: str | None = None
    problem: tuple[str, dict[str, str]] | None = None
    upload: tuple[int, str] | None = None
    templates: list[Approved] = field(default_factory=list)
    chosen: str | None = None
    filled: dict[str, str] = field(default_factory=dict)


async def standing_of(session: AsyncSession, desk: Desk, conversation_id: int, actor: Actor) -> Standing:
    """Raises 404 when there is no such conversation."""
    conversation = await session.get(Conversation, conversation_id)
    if conversation is None:
        raise HTTPException(404, NO_CONVERSATION)
    hand_over = await current(session, conversation_id)
    return Standing(
        conversation=conversation,
        hand_over=hand_over,
        window=window_of(conversation, desk.clock()),
        can_send=conversation.channel in desk.carriers,
        is_mine=hand_over is not None and hand_over.user_id == actor.user_id,
    )


async def composing_of(
    session: AsyncSession, desk: Desk, standing: Standing, actor: Actor, *, body: str | None = None, **shown: Any
) -> Composing:
    """The form with the person's draft, or with `body` as they have just sent it; `shown` are its other fields."""
    conversation = standing.conversation
    text = await draft_of(session, conversation.id, actor.user_id) if body is None else body
    composing = Composing(text, measure(text, conversation.channel), **shown)
    if standing.window is not None and not standing.window.is_open:
        composing.templates = approved_templates(desk.operator, desk.texts, standing.language, actor.language)
    return composing


async def names_of(session: AsyncSession, conversation: Conversation, now: datetime) -> list[str]:
    """The names of the customers whose contracts the sender may act on."""
    phone = conversation.address if conversation.address.startswith("+") else None
    contracts = await contracts_of(session, conversation.id, phone, local_day(now))
    return await customer_names(session, [contract.customer_id for contract in contracts])


async def targets(session: AsyncSession, actor: Actor) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Teams and people that a conversation can be transferred to, as a form's values and names."""
    teams = await session.execute(select(Team.id, Team.name).order_by(Team.name))
    people = await session.execute(
        select(User.id, User.name)
        .where(User.disabled_at.is_(None), User.role != Role.ADMINISTRATOR, User.id != actor.user_id, IS_OURS)
        .order_by(User.name)
    )
    return [(f"team:{row.id}", row.name) for row in teams], [(f"user:{row.id}", row.name) for row in people]


async def others_typing(session: AsyncSession, conversation_id: int, actor: Actor, now: datetime) -> list[str]:
    return await typing(session, conversation_id, actor.user_id, now)


def shared_context(standing: Standing) -> dict[str, Any]:
    """What all of the page's templates need."""
    return {
        "standing": standing,
        "conversation": standing.conversation,
        "hand_over": standing.hand_over,
        "window": standing.window,
        "words": WORDS,
        "fields": FIELDS,
        "outcomes": OUTCOMES,
    }
