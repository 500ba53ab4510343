"""How fast a sender writes: the moment at which what they wrote will have run off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("conversation", sa.Column("unhurried_at", INSTANT, nullable=True))


def downgrade() -> None:
    op.drop_column("conversation", "unhurried_at")
