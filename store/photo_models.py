"""Pictures of meters that customers sent, and what was seen in them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, deferred, mapped_column

from store.models import Base
from store.types import Instant, Json, Word, one_of


class PhotoState(StrEnum):
    LOOKING = "looking"  # a process has it in hand until `until`; past that it died over it
    SEEN = "seen"  # `lines` are what it shows
    FAILED = "failed"  # it could not be had, was no picture, or took too long: `error` is the reason's name


class Photo(Base):
    """The picture of a message. `content` is the picture as JPEG, sealed where there is a key (`store.photos`).

    `lines` are the characters that it shows, in the form of `billing.photographed.SeenLine`. `attempts` counts how
    often a process took it in hand.
    """

    __tablename__ = "photo"
    __table_args__ = (
        one_of("state", PhotoState),
        CheckConstraint("(state = 'seen') = (lines IS NOT NULL)", name="seen_has_lines"),
    )

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[PhotoState] = mapped_column(Word(PhotoState))
    attempts: Mapped[int] = mapped_column(default=1, server_default="1")
    until: Mapped[datetime] = mapped_column(Instant)
    lines: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)
    content: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    error: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(Instant)
