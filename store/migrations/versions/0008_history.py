"""History: what the schema allows, how far the purge has got, and the way from a message to what refers to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.migrations.online import create_index, drop_index

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WORD = sa.String(24)
INSTANT = sa.DateTime(timezone=True)
REFERRED_TO = (
    ("ix_message_answers_id", "message", ["answers_id"], "answers_id IS NOT NULL"),
    ("ix_request_message_id", "request", ["message_id"], "message_id IS NOT NULL"),
    ("ix_notice_message_id", "notice", ["message_id"], "message_id IS NOT NULL"),
)
"""Removing a message looks for what still refers to it: table, index, columns, which rows."""
UNSETTLED = "state IN ('received', 'queued', 'sending')"


def upgrade() -> None:
    op.create_table(
        "schema_mark",
        sa.Column("compatible_since", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("compatible_since", name=op.f("pk_schema_mark")),
    )
    op.create_table(
        "purge_progress",
        sa.Column("category", WORD, nullable=False),
        sa.Column("reached", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("removed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("runner", sa.String(length=64)),
        sa.Column("leased_until", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.CheckConstraint("removed >= 0", name=op.f("ck_purge_progress_removed_not_negative")),
        sa.PrimaryKeyConstraint("category", name=op.f("pk_purge_progress")),
    )
    op.add_column("notice", sa.Column("doubts", sa.Integer(), server_default="0", nullable=False))
    for name, table, columns, where in REFERRED_TO:
        create_index(name, table, columns, where)
    # Narrower than the index of all messages of a conversation, which SQLite would rather look through otherwise.
    create_index("ix_message_unsettled", "message", ["conversation_id"], UNSETTLED)
    drop_index("ix_message_open", "message")


def downgrade() -> None:
    create_index("ix_message_open", "message", ["state", "conversation_id", "id"], UNSETTLED)
    drop_index("ix_message_unsettled", "message")
    for name, table, _columns, _where in REFERRED_TO:
        drop_index(name, table)
    op.drop_column("notice", "doubts")
    op.drop_table("purge_progress")
    op.drop_table("schema_mark")
