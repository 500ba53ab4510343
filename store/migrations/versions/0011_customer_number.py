"""The operator's number of a customer is one customer's: apart, so that it can be done again when interrupted."""

from __future__ import annotations

from store.migrations.online import create_index, drop_index

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("ix_customer_number", "customer", ["number"], unique=True)


def downgrade() -> None:
    drop_index("ix_customer_number", "customer")
