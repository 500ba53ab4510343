"""What is exchanged with the operator's systems: imports, what they take out, and webhooks to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from store.models import Base
from store.types import Id, Instant, Json, Word, one_of

# --- what comes in ------------------------------------------------------------------------------------------


class ImportKind(StrEnum):
    """What a file of the operator's lists."""

    CUSTOMERS = "customers"
    CONTRACTS = "contracts"
    METERS = "meters"
    BILLS = "bills"
    SCHEDULES = "schedules"  # of payments, granted by the operator
    READINGS = "readings"  # the operator's own: what its field staff read, what it estimated


class ImportState(StrEnum):
    WAITING = "waiting"  # the file is here, no process has begun
    RUNNING = "running"  # a process has it until `leased_until`; past that another may go on
    DONE = "done"
    FAILED = "failed"  # `reason` says why; what was written stays


class Import(Base):
    """A file on its way in. `line` is how far it has come, committed with what the lines up to it said.

    `digest` is the file's SHA-256: an interrupted import goes on with the same file only. `path` is where the file of
    one that came over HTTP lies, on the machine of the process that took it. With `whole` all lines are checked
    first (`is_checking`) and one that is wrong keeps everything out.
    """

    __tablename__ = "import_job"
    __table_args__ = (
        one_of("kind", ImportKind),
        one_of("state", ImportState),
        Index(None, "digest"),
        Index(
            "ix_import_job_open",
            "id",
            postgresql_where=text("state IN ('waiting', 'running')"),
            sqlite_where=text("state IN ('waiting', 'running')"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[ImportKind] = mapped_column(Word(ImportKind))
    name: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    path: Mapped[str | None] = mapped_column(String(500))
    actor: Mapped[str] = mapped_column(String(64))
    dry_run: Mapped[bool] = mapped_column(default=False, server_default=false())
    whole: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_checking: Mapped[bool] = mapped_column(default=False, server_default=false())
    state: Mapped[ImportState] = mapped_column(Word(ImportState))
    line: Mapped[int] = mapped_column(default=0, server_default="0")
    bytes_read: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    added: Mapped[int] = mapped_column(default=0, server_default="0")
    changed: Mapped[int] = mapped_column(default=0, server_default="0")
    unchanged: Mapped[int] = mapped_column(default=0, server_default="0")
    wrong: Mapped[int] = mapped_column(default=0, server_default="0")
    reason: Mapped[str | None] = mapped_column(String(300))
    runner: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class WrongLine(Base):
    """What is wrong with a line of an import. The line itself is not kept: it holds personal data."""

    __tablename__ = "import_error"
    __table_args__ = (Index(None, "import_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("import_job.id", ondelete="CASCADE"))
    line: Mapped[int]
    field: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(300))


# --- what goes out ------------------------------------------------------------------------------------------


class Stream(StrEnum):
    """What the operator's systems follow."""

    READINGS = "readings"
    REQUESTS = "requests"


class ExportStream(Base):
    """How many places of a stream are given. Whoever gives more holds this row."""

    __tablename__ = "export_stream"
    __table_args__ = (one_of("stream", Stream),)

    stream: Mapped[Stream] = mapped_column(Word(Stream), primary_key=True)
    placed: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class ExportLine(Base):
    """A reading or a request as it came to be in a `state`, written with it.

    `position` is its place in the stream, given when somebody asks (`store.exports`): in the order of commits, so
    that nothing ever appears before what was taken out already.
    """

    __tablename__ = "export_line"
    __table_args__ = (
        one_of("stream", Stream),
        CheckConstraint(
            "(stream = 'readings') = (reading_id IS NOT NULL) AND (stream = 'requests') = (request_id IS NOT NULL)",
            name="of_its_stream",
        ),
        Index("uq_export_line_position", "stream", "position", unique=True),
        Index(
            "ix_export_line_unplaced",
            "stream",
            "id",
            postgresql_where=text("position IS NULL"),
            sqlite_where=text("position IS NULL"),
        ),
        Index(None, "reading_id"),
        Index(None, "request_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    stream: Mapped[Stream] = mapped_column(Word(Stream))
    reading_id: Mapped[int | None] = mapped_column(ForeignKey("reading.id", ondelete="CASCADE"))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("request.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(24))
    position: Mapped[int | None] = mapped_column(BigInteger)


class ExportConsumer(Base):
    """A system that follows a stream: it has taken in all up to `acknowledged`, and was offered all up to `offered`.

    What was offered and not acknowledged is offered again, the same lines.
    """

    __tablename__ = "export_consumer"
    __table_args__ = (
        one_of("stream", Stream),
        CheckConstraint("offered IS NULL OR offered > acknowledged", name="offered_beyond_acknowledged"),
    )

    stream: Mapped[Stream] = mapped_column(Word(Stream), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    acknowledged: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    offered: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class WebhookEndpoint(Base):
    """An address of the operator's that is told of `events`. `secret` signs what is sent, sealed.

    `failures` in a row since `failing_since` keep it alone until `paused_until`; failing for days disables it.
    """

    __tablename__ = "webhook_endpoint"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[list[str]] = mapped_column(Json)
    secret: Mapped[str] = mapped_column(String(400))
    created_at: Mapped[datetime] = mapped_column(Instant)
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    failing_since: Mapped[datetime | None] = mapped_column(Instant)
    paused_until: Mapped[datetime | None] = mapped_column(Instant)
    disabled_at: Mapped[datetime | None] = mapped_column(Instant)


class DeliveryState(StrEnum):
    WAITING = "waiting"  # a process that sends it has it in hand until `due_at`
    DELIVERED = "delivered"
    DEAD = "dead"  # given up; a person may have it sent again


class WebhookDelivery(Base):
    """An event on its way to an endpoint, written with what it tells of. Those of one `subject` go in order."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        one_of("state", DeliveryState),
        Index(
            "ix_webhook_delivery_waiting",
            "endpoint_id",
            "subject",
            "id",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
        Index(None, "endpoint_id", "state", "id"),
        Index(None, "settled_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoint.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[DeliveryState] = mapped_column(Word(DeliveryState))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime] = mapped_column(Instant)
    answer: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)

    endpoint: Mapped[WebhookEndpoint] = relationship()
