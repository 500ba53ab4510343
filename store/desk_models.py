"""The tables of the desk: who works there, the hand-overs they take, and what they write beside the transcript.

Moments are aware. A hand-over is one stay of a conversation with people; the conversation's `holder` says whether
one is open.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, true
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from store.models import Base, Conversation
from store.types import Id, Instant, Json, Word, one_of

# --- people -------------------------------------------------------------------------------------------------


class Role(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"  # what agents may, and numbers, search, the audit, canned answers
    ADMINISTRATOR = "administrator"  # people and teams; no conversation and no customer's file


class User(Base):
    """Someone who works at the desk. `email` in small letters; `language` is the interface's, `fr` or `ar`.

    `password_hash` is argon2's, None for those who only come by OpenID Connect (`oidc_subject`). `totp_secret` is
    sealed with the installation's SECRET_KEY; `totp_step` is the last time step that was used, so that no code
    works twice. `speaks` are the customers' languages (BCP 47) that they answer in.
    """

    __tablename__ = "user_account"
    __table_args__ = (
        one_of("role", Role),
        CheckConstraint("language IN ('fr', 'ar')", name="language_known"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[Role] = mapped_column(Word(Role))
    language: Mapped[str] = mapped_column(String(12), default="fr", server_default="fr")
    speaks: Mapped[list[str]] = mapped_column(Json, default=list)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    must_change_password: Mapped[bool] = mapped_column(default=True, server_default=true())
    totp_secret: Mapped[str | None] = mapped_column(String(300))
    totp_step: Mapped[int | None]
    oidc_subject: Mapped[str | None] = mapped_column(String(255), unique=True)
    failed_logins: Mapped[int] = mapped_column(default=0, server_default="0")
    locked_until: Mapped[datetime | None] = mapped_column(Instant)
    disabled_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)

    teams: Mapped[list[Team]] = relationship(secondary="team_member", order_by="Team.name")

    @property
    def actor(self) -> str:
        """Who acts, as the audit names them."""
        return f"user:{self.id}"


class UserSession(Base):
    """A signed-in browser. Only the hash of its cookie is kept; `csrf` must come back with every change.

    `is_complete` is False between the password and the second factor.
    """

    __tablename__ = "user_session"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    csrf: Mapped[str] = mapped_column(String(64))
    is_complete: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)

    user: Mapped[User] = relationship()


class Team(Base):
    """People who share a queue. `languages` are the customers' languages it is for; empty means all."""

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    languages: Mapped[list[str]] = mapped_column(Json, default=list)


class TeamMember(Base):
    __tablename__ = "team_member"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)


# --- hand-overs ---------------------------------------------------------------------------------------------


class Priority(StrEnum):
    URGENT = "urgent"  # danger
    HIGH = "high"  # anger, a message that we failed to handle
    NORMAL = "normal"


class Outcome(StrEnum):
    """How a hand-over ended."""

    SOLVED = "solved"
    NOT_SOLVED = "not_solved"
    REQUEST_MADE = "request_made"
    NO_ANSWER = "no_answer"  # from the customer
    RELEASED = "released"  # an agent gave it back to the assistant
    CUSTOMER_LEFT = "customer_left"  # the customer went back to the assistant
    EXPIRED = "expired"  # nobody came in time


class HandOver(Base):
    """One stay of a conversation with people: from what made it until it is closed or released.

    `reason` is a word (`asked`, `lost`, `danger`, `anger`, `poisoned`, `identification`, `policy`, `agent`,
    `reopened`). `language` is the customer's then. `score` is the customer's answer to the question after closing,
    1 to 5, asked at `asked_at`.
    """

    __tablename__ = "hand_over"
    __table_args__ = (
        one_of("priority", Priority),
        one_of("outcome", Outcome),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended_with_outcome"),
        CheckConstraint("score BETWEEN 1 AND 5", name="score"),
        # One open stay at a time: two that hand over at the same moment make one.
        Index(
            "uq_hand_over_open",
            "conversation_id",
            unique=True,
            postgresql_where=sql("ended_at IS NULL"),
            sqlite_where=sql("ended_at IS NULL"),
        ),
        Index(None, "conversation_id", "id"),
        Index(None, "opened_at"),
        Index(None, "ended_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(String(40))
    priority: Mapped[Priority] = mapped_column(Word(Priority))
    language: Mapped[str | None] = mapped_column(String(12))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    claimed_at: Mapped[datetime | None] = mapped_column(Instant)
    first_reply_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    outcome: Mapped[Outcome | None] = mapped_column(Word(Outcome))
    summary: Mapped[str | None] = mapped_column(String(300))
    asked_at: Mapped[datetime | None] = mapped_column(Instant)
    score: Mapped[int | None]

    conversation: Mapped[Conversation] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys="HandOver.user_id")
    team: Mapped[Team | None] = relationship()


# --- what agents write --------------------------------------------------------------------------------------


class Note(Base):
    """What agents tell each other about a conversation; no customer ever sees it."""

    __tablename__ = "note"
    __table_args__ = (Index(None, "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)

    user: Mapped[User] = relationship()


class Draft(Base):
    """A reply that an agent has begun. Changed a moment ago, it means that they are typing."""

    __tablename__ = "draft"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class CannedAnswer(Base):
    """An answer kept ready in one language, with fields such as `{customer}` (`bot.desk.canned`)."""

    __tablename__ = "canned_answer"
    __table_args__ = (UniqueConstraint("name", "language"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    language: Mapped[str] = mapped_column(String(12))
    body: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class Upload(Base):
    """A file that an agent sends. Kept here so that every process can give it to the carriers."""

    __tablename__ = "upload"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    name: Mapped[str] = mapped_column(String(120))
    content_type: Mapped[str] = mapped_column(String(80))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)


class LabelledExample(Base):
    """What a customer's unsure message meant, as a supervisor says, for the designers' review file."""

    __tablename__ = "labelled_example"

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(12))
    intent: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    labelled_at: Mapped[datetime] = mapped_column(Instant)
    exported_at: Mapped[datetime | None] = mapped_column(Instant)
