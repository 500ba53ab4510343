"""A helpdesk as the desk: agents from outside, messages that both sides have, and stays that a bridge shows there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "outside_agent",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_outside_agent_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_outside_agent")),
        sa.UniqueConstraint("source", "reference", name=op.f("uq_outside_agent_source_reference")),
    )
    op.create_table(
        "outside_message",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=160)),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_outside_message_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_outside_message")),
        sa.UniqueConstraint("source", "reference", name=op.f("uq_outside_message_source_reference")),
    )
    op.create_table(
        "helpdesk_stay",
        sa.Column("hand_over_id", ID, nullable=False),
        sa.Column("first_message_id", sa.BigInteger(), nullable=False),
        sa.Column("contact", sa.BigInteger()),
        sa.Column("ticket", sa.BigInteger()),
        sa.Column("introduced_at", INSTANT),
        sa.Column("heard", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("leased_until", INSTANT),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.ForeignKeyConstraint(
            ["hand_over_id"], ["hand_over.id"], name=op.f("fk_helpdesk_stay_hand_over_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hand_over_id", name=op.f("pk_helpdesk_stay")),
    )
    op.create_index(op.f("ix_helpdesk_stay_ticket"), "helpdesk_stay", ["ticket"])
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_helpdesk_stay_open", "helpdesk_stay", ["due_at"], postgresql_where=is_open, sqlite_where=is_open
    )


def downgrade() -> None:
    for table in ("helpdesk_stay", "outside_message", "outside_agent"):
        op.drop_table(table)
