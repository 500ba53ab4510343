"""When a customer was told that an answer takes long, so that it is said once per delay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("conversation", sa.Column("delay_told_at", INSTANT, nullable=True))


def downgrade() -> None:
    op.drop_column("conversation", "delay_told_at")
