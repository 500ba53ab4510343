"""What an action may touch while a customer's message is handled: the turn's transaction and who is writing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

from actions.operator import Operator
from billing.calendar import local_day
from billing.photographed import SeenLine
from store.models import Contract, Conversation, Holder

if TYPE_CHECKING:
    from actions.supply import Supply


class TurnClosed(RuntimeError):
    """Something used a turn that is over: its transaction is committed or rolled back, nothing may write to it."""


@dataclass(slots=True)
class Turn:
    """One customer message being handled. `now` is aware; `language` is what the reply is written in, BCP 47."""

    session: AsyncSession
    conversation: Conversation
    message_id: int
    now: datetime
    operator: Operator
    language: str
    written_on: date | None = None
    """The day on which the message was written, where it took until another to come here."""
    shared_phone: str | None = None
    """The sender's own number, shared with this very message."""
    photo: Sequence[SeenLine] | None = None
    """What the picture that came with this very message shows; None without one that was looked at."""
    notices: list[Notice] = field(default_factory=list)
    contracts: list[Contract] | None = None
    """The sender's contracts, once looked up; None again when a contract has just been proved."""
    supplies: dict[int, Supply | None] = field(default_factory=dict)
    """The meters and readings of contracts, as they were when first looked up in this turn."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """What happened in the dialogue, as Rasa writes it; stored when the turn ends."""
    understood: dict[str, Any] | None = None
    """What the message was understood as, for people; stored when the turn ends."""
    is_open: bool = True

    @property
    def is_handed_over(self) -> bool:
        """Whether a person answers from now on."""
        return self.conversation.holder == Holder.AGENT

    @property
    def actor(self) -> str:
        """Who acts, as the audit names them."""
        return f"conversation:{self.conversation.id}"

    @property
    def today(self) -> date:
        return local_day(self.now)


@dataclass(frozen=True, slots=True)
class Notice:
    """A text for another conversation, sent with this turn or not at all (a one-time code by SMS)."""

    channel: str
    address: str
    response: str
    params: dict[str, object]


_current: ContextVar[Turn] = ContextVar("turn")


@contextmanager
def opened(turn: Turn) -> Iterator[Turn]:
    """Make `turn` the current one; closed at the end, also for tasks that were started inside it."""
    token = _current.set(turn)
    try:
        yield turn
    finally:
        turn.is_open = False
        _current.reset(token)


def current_turn() -> Turn:
    """The turn being handled.

    Raises `TurnClosed` outside any, and in a task that outlives the turn which started it.
    """
    try:
        turn = _current.get()
    except LookupError:
        raise TurnClosed("no turn is being handled here") from None
    if not turn.is_open:
        raise TurnClosed("the turn is over; a task started inside it must not use it")
    return turn
