"""What a bill was computed from, so that it can be explained to the centime.

Column types are spelt out rather than taken from `store.types`: what a revision did must not change later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("bill") as bill:
        bill.add_column(sa.Column("tariff", sa.String(40)))
        bill.add_column(sa.Column("billed_from", sa.Date()))
        bill.add_column(sa.Column("uses", sa.Text()))
        for amount in ("advances", "arrears", "credit"):
            bill.add_column(sa.Column(amount, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("bill") as bill:
        for column in ("credit", "arrears", "advances", "uses", "billed_from", "tariff"):
            bill.drop_column(column)
