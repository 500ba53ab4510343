"""Exchange with the operator's systems: imports, streams to follow, webhooks; keys that expire and can be rotated.

What readings and requests there are stands at the beginning of their streams.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.String(24)
INSTANT = sa.DateTime(timezone=True)
TABLES = (
    "webhook_delivery",
    "webhook_endpoint",
    "export_consumer",
    "export_line",
    "export_stream",
    "import_error",
    "import_job",
)
KEY_COLUMNS = ("expires_at", "used_at", "previous_hash", "previous_until")


def upgrade() -> None:
    _imports()
    _exports()
    _webhooks()
    op.add_column("customer", sa.Column("number", sa.String(length=24)))
    op.add_column("api_key", sa.Column("expires_at", INSTANT))
    op.add_column("api_key", sa.Column("used_at", INSTANT))
    op.add_column("api_key", sa.Column("previous_hash", sa.String(length=64)))
    op.add_column("api_key", sa.Column("previous_until", INSTANT))
    op.create_index(op.f("ix_api_key_previous_hash"), "api_key", ["previous_hash"])
    op.execute("""
        INSERT INTO export_line (stream, reading_id, state)
        SELECT 'readings', id, state FROM reading WHERE source IN ('customer', 'agent') ORDER BY id
    """)
    op.execute("""
        INSERT INTO export_line (stream, request_id, state)
        SELECT 'requests', id, state FROM request ORDER BY id
    """)


def _imports() -> None:
    op.create_table(
        "import_job",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.String(length=500)),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("dry_run", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("whole", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_checking", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("line", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bytes_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("added", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("wrong", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.String(length=300)),
        sa.Column("runner", sa.String(length=64)),
        sa.Column("leased_until", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.CheckConstraint(
            "kind IN ('customers', 'contracts', 'meters', 'bills', 'schedules', 'readings')",
            name=op.f("ck_import_job_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed')", name=op.f("ck_import_job_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_job")),
    )
    op.create_index(op.f("ix_import_job_digest"), "import_job", ["digest"])
    _partial("ix_import_job_open", "import_job", ["id"], "state IN ('waiting', 'running')")
    op.create_table(
        "import_error",
        sa.Column("id", ID, nullable=False),
        sa.Column("import_id", ID, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=40)),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_job.id"], name=op.f("fk_import_error_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_error")),
    )
    op.create_index(op.f("ix_import_error_import_id_id"), "import_error", ["import_id", "id"])


def _exports() -> None:
    op.create_table(
        "export_stream",
        sa.Column("stream", WORD, nullable=False),
        sa.Column("placed", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("stream IN ('readings', 'requests')", name=op.f("ck_export_stream_stream_known")),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_export_stream")),
    )
    op.create_table(
        "export_line",
        sa.Column("id", ID, nullable=False),
        sa.Column("stream", WORD, nullable=False),
        sa.Column("reading_id", ID),
        sa.Column("request_id", ID),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("position", sa.BigInteger()),
        sa.CheckConstraint(
            "(stream = 'readings') = (reading_id IS NOT NULL) AND (stream = 'requests') = (request_id IS NOT NULL)",
            name=op.f("ck_export_line_of_its_stream"),
        ),
        sa.CheckConstraint("stream IN ('readings', 'requests')", name=op.f("ck_export_line_stream_known")),
        sa.ForeignKeyConstraint(
            ["reading_id"], ["reading.id"], name=op.f("fk_export_line_reading_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name=op.f("fk_export_line_request_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_line")),
    )
    op.create_index("uq_export_line_position", "export_line", ["stream", "position"], unique=True)
    _partial("ix_export_line_unplaced", "export_line", ["stream", "id"], "position IS NULL")
    op.create_index(op.f("ix_export_line_reading_id"), "export_line", ["reading_id"])
    op.create_index(op.f("ix_export_line_request_id"), "export_line", ["request_id"])
    op.create_table(
        "export_consumer",
        sa.Column("stream", WORD, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("acknowledged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("offered", sa.BigInteger()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.CheckConstraint("stream IN ('readings', 'requests')", name=op.f("ck_export_consumer_stream_known")),
        sa.CheckConstraint(
            "offered IS NULL OR offered > acknowledged", name=op.f("ck_export_consumer_offered_beyond_acknowledged")
        ),
        sa.PrimaryKeyConstraint("stream", "name", name=op.f("pk_export_consumer")),
    )


def _webhooks() -> None:
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=400), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", INSTANT),
        sa.Column("paused_until", INSTANT),
        sa.Column("disabled_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
        sa.UniqueConstraint("name", name=op.f("uq_webhook_endpoint_name")),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("endpoint_id", ID, nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("answer", sa.String(length=200)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'dead')", name=op.f("ck_webhook_delivery_state_known")),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoint.id"],
            name=op.f("fk_webhook_delivery_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
    )
    _partial("ix_webhook_delivery_waiting", "webhook_delivery", ["endpoint_id", "subject", "id"], "state = 'waiting'")
    op.create_index(
        op.f("ix_webhook_delivery_endpoint_id_state_id"), "webhook_delivery", ["endpoint_id", "state", "id"]
    )
    op.create_index(op.f("ix_webhook_delivery_settled_at"), "webhook_delivery", ["settled_at"])


def _partial(name: str, table: str, columns: list[str], rows: str) -> None:
    where = sa.text(rows)
    op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    op.drop_index(op.f("ix_api_key_previous_hash"), table_name="api_key")
    with op.batch_alter_table("api_key") as batch_op:
        for column in reversed(KEY_COLUMNS):
            batch_op.drop_column(column)
    op.drop_column("customer", "number")
    for table in TABLES:
        op.drop_table(table)
