"""The tables of the installation's own upkeep: what its schema allows, and how far the purge has got."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from store.models import Base
from store.types import Instant


class SchemaMark(Base):
    """The oldest revision whose code may run on this schema; one row. See `store.schema`."""

    __tablename__ = "schema_mark"

    compatible_since: Mapped[str] = mapped_column(String(32), primary_key=True)


class PurgeProgress(Base):
    """How far one category's purge has got (`store.purge`).

    Up to the number `reached` nothing is left to remove. `removed` counts since the last run was finished, at
    `finished_at`: a run that was interrupted goes on and is written to the audit as one. `runner` is the process
    that is at it, until `leased_until`.
    """

    __tablename__ = "purge_progress"
    __table_args__ = (CheckConstraint("removed >= 0", name="removed_not_negative"),)

    category: Mapped[str] = mapped_column(String(24), primary_key=True)
    reached: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    removed: Mapped[int] = mapped_column(default=0, server_default="0")
    runner: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
