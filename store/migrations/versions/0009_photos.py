"""Pictures of meters, and which readings came with one.

Column types are spelt out rather than taken from `store.types`: what a revision did must not change later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.String(24)
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "photo",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("lines", sa.Text()),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("error", sa.String(length=60)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('looking', 'seen', 'failed')", name=op.f("ck_photo_state_known")),
        sa.CheckConstraint("(state = 'seen') = (lines IS NOT NULL)", name=op.f("ck_photo_seen_has_lines")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_photo_message_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_photo")),
    )
    # Not in a batch: SQLite adds a column that may be empty without copying the table.
    op.add_column("reading", sa.Column("photo_id", ID, nullable=True))


def downgrade() -> None:
    op.drop_column("reading", "photo_id")
    op.drop_table("photo")
