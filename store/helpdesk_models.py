"""A helpdesk of the operator's as the desk: its agents, what passed between the two, and where a stay is shown there.

`source` is who speaks for the helpdesk: `key:NAME` for a system that calls the API, `chatwoot` for the bridge.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from store.desk_models import HandOver, User
from store.models import Base
from store.types import Instant


class OutsideAgent(Base):
    """Who a helpdesk says wrote something. `reference` is how it calls them; they never sign in at our desk."""

    __tablename__ = "outside_agent"
    __table_args__ = (UniqueConstraint("source", "reference"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    reference: Mapped[str] = mapped_column(String(120))

    user: Mapped[User] = relationship()


class OutsideMessage(Base):
    """A message that both sides have, once: `reference` is the helpdesk's number of it, or the key of its call.

    Without a `reference` a customer's message is on its way there, and in doubt when nobody has it in hand.
    """

    __tablename__ = "outside_message"
    __table_args__ = (UniqueConstraint("source", "reference"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    reference: Mapped[str | None] = mapped_column(String(160))


class HelpdeskStay(Base):
    """A hand-over as a bridge shows it in a helpdesk.

    `ticket` is the helpdesk's number of its conversation, None until it was made; `contact` that of the customer.
    `first_message_id` is the customer's message that it begins with, `heard` the helpdesk's last message that was
    looked at. `introduced_at` is when the summary was written there. It is looked at when `due_at` has come, or
    something new is to be told; by one process, until `leased_until`. `ended_at` is when both sides knew that it is
    over.
    """

    __tablename__ = "helpdesk_stay"
    __table_args__ = (
        Index(None, "ticket"),
        Index(
            "ix_helpdesk_stay_open",
            "due_at",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    hand_over_id: Mapped[int] = mapped_column(ForeignKey("hand_over.id", ondelete="CASCADE"), primary_key=True)
    first_message_id: Mapped[int] = mapped_column(BigInteger)
    contact: Mapped[int | None] = mapped_column(BigInteger)
    ticket: Mapped[int | None] = mapped_column(BigInteger)
    introduced_at: Mapped[datetime | None] = mapped_column(Instant)
    heard: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    due_at: Mapped[datetime] = mapped_column(Instant)
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    ended_at: Mapped[datetime | None] = mapped_column(Instant)

    hand_over: Mapped[HandOver] = relationship()
