"""The desk: people, teams, hand-overs, and what agents write.

Column types are spelt out rather than taken from `store.types`: what a revision did must not change later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
compatible_since = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.String(24)
INSTANT = sa.DateTime(timezone=True)
LISTS = (
    ("reading", "ix_reading_to_review", ["id"], "state = 'to_review'"),
    ("request", "ix_request_undecided", ["due_on", "id"], "state IN ('received', 'under_review')"),
)
"""What waits for a person among the many that do not: table, index, columns, which rows."""

OVER_TIME = (("message", "created_at"), ("reading", "received_at"), ("request", "created_at"), ("audit", "at"))
"""What supervision counts over a period."""


def upgrade() -> None:
    op.create_table(
        "team",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("name", name=op.f("uq_team_name")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("language", sa.String(length=12), server_default="fr", nullable=False),
        sa.Column("speaks", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.String(length=200)),
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("totp_secret", sa.String(length=300)),
        sa.Column("totp_step", sa.Integer()),
        sa.Column("oidc_subject", sa.String(length=255)),
        sa.Column("failed_logins", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", INSTANT),
        sa.Column("disabled_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("language IN ('fr', 'ar')", name=op.f("ck_user_account_language_known")),
        sa.CheckConstraint(
            "role IN ('agent', 'supervisor', 'administrator')", name=op.f("ck_user_account_role_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_user_account_oidc_subject")),
    )
    op.create_table(
        "canned_answer",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("changed_by_id", ID),
        sa.ForeignKeyConstraint(["changed_by_id"], ["user_account.id"], name=op.f("fk_canned_answer_changed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_answer")),
        sa.UniqueConstraint("name", "language", name=op.f("uq_canned_answer_name_language")),
    )
    op.create_table(
        "draft",
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_draft_conversation_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_draft_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", name=op.f("pk_draft")),
    )
    op.create_table(
        "hand_over",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("priority", WORD, nullable=False),
        sa.Column("language", sa.String(length=12)),
        sa.Column("team_id", ID),
        sa.Column("user_id", ID),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("claimed_at", INSTANT),
        sa.Column("first_reply_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_by_id", ID),
        sa.Column("outcome", WORD),
        sa.Column("summary", sa.String(length=300)),
        sa.Column("asked_at", INSTANT),
        sa.Column("score", sa.Integer()),
        sa.CheckConstraint("priority IN ('urgent', 'high', 'normal')", name=op.f("ck_hand_over_priority_known")),
        sa.CheckConstraint(
            "outcome IN ('solved', 'not_solved', 'request_made', 'no_answer', 'released', "
            "'customer_left', 'expired')",
            name=op.f("ck_hand_over_outcome_known"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name=op.f("ck_hand_over_ended_with_outcome")),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_hand_over_score")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_hand_over_conversation_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["ended_by_id"], ["user_account.id"], name=op.f("fk_hand_over_ended_by_id")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_hand_over_team_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_hand_over_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_over")),
    )
    with op.batch_alter_table("hand_over") as batch_op:
        batch_op.create_index(batch_op.f("ix_hand_over_conversation_id_id"), ["conversation_id", "id"])
        batch_op.create_index(batch_op.f("ix_hand_over_opened_at"), ["opened_at"])
        batch_op.create_index(batch_op.f("ix_hand_over_ended_at"), ["ended_at"])
        batch_op.create_index(batch_op.f("ix_hand_over_user_id"), ["user_id"])
        batch_op.create_index(
            "uq_hand_over_open",
            ["conversation_id"],
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
            sqlite_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "note",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_note_conversation_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_note_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
    )
    with op.batch_alter_table("note") as batch_op:
        batch_op.create_index(batch_op.f("ix_note_conversation_id_id"), ["conversation_id", "id"])

    op.create_table(
        "team_member",
        sa.Column("team_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_team_member_team_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_team_member_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_team_member")),
    )
    op.create_table(
        "user_session",
        sa.Column("id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_session_token_hash")),
    )
    with op.batch_alter_table("user_session") as batch_op:
        batch_op.create_index(batch_op.f("ix_user_session_user_id"), ["user_id"])

    op.create_table(
        "labelled_example",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("intent", sa.String(length=40), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("labelled_at", INSTANT, nullable=False),
        sa.Column("exported_at", INSTANT),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_labelled_example_message_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_labelled_example_user_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_labelled_example")),
    )
    op.create_table(
        "upload",
        sa.Column("id", ID, nullable=False),
        sa.Column("message_id", ID),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("content_type", sa.String(length=80), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_upload_message_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_upload_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    with op.batch_alter_table("upload") as batch_op:
        batch_op.create_index(batch_op.f("ix_upload_message_id"), ["message_id"])

    op.execute("""
        INSERT INTO hand_over (conversation_id, reason, priority, language, opened_at)
        SELECT id, coalesce(handover_reason, 'asked'), 'normal', language, handed_over_at
        FROM conversation WHERE holder = 'agent' AND handed_over_at IS NOT NULL
    """)
    with op.batch_alter_table("conversation") as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_conversation_handed_over_at"),
            postgresql_where=sa.text("holder = 'agent'"),
            sqlite_where=sa.text("holder = 'agent'"),
        )
        batch_op.drop_column("handover_reason")
        batch_op.drop_column("handed_over_at")

    with op.batch_alter_table("message") as batch_op:
        batch_op.add_column(sa.Column("user_id", ID))
        batch_op.create_foreign_key(batch_op.f("fk_message_user_id"), "user_account", ["user_id"], ["id"])
    for table, name, columns, state in LISTS:
        where = sa.text(state)
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)
    for table, moment in OVER_TIME:
        op.create_index(op.f(f"ix_{table}_{moment}"), table, [moment])


def downgrade() -> None:
    for table, moment in OVER_TIME:
        op.drop_index(op.f(f"ix_{table}_{moment}"), table_name=table)
    for table, name, _columns, _state in LISTS:
        op.drop_index(name, table_name=table)

    with op.batch_alter_table("message") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_message_user_id"), type_="foreignkey")
        batch_op.drop_column("user_id")

    with op.batch_alter_table("conversation") as batch_op:
        batch_op.add_column(sa.Column("handed_over_at", INSTANT))
        batch_op.add_column(sa.Column("handover_reason", sa.String(length=40)))
        batch_op.create_index(
            batch_op.f("ix_conversation_handed_over_at"),
            ["handed_over_at"],
            postgresql_where=sa.text("holder = 'agent'"),
            sqlite_where=sa.text("holder = 'agent'"),
        )

    op.execute("""
        UPDATE conversation SET
            handed_over_at = (SELECT opened_at FROM hand_over
                              WHERE conversation_id = conversation.id AND ended_at IS NULL),
            handover_reason = (SELECT reason FROM hand_over
                               WHERE conversation_id = conversation.id AND ended_at IS NULL)
    """)
    with op.batch_alter_table("upload") as batch_op:
        batch_op.drop_index(batch_op.f("ix_upload_message_id"))

    op.drop_table("upload")
    op.drop_table("labelled_example")
    with op.batch_alter_table("user_session") as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_session_user_id"))

    op.drop_table("user_session")
    op.drop_table("team_member")
    with op.batch_alter_table("note") as batch_op:
        batch_op.drop_index(batch_op.f("ix_note_conversation_id_id"))

    op.drop_table("note")
    with op.batch_alter_table("hand_over") as batch_op:
        batch_op.drop_index(
            "uq_hand_over_open",
            postgresql_where=sa.text("ended_at IS NULL"),
            sqlite_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_hand_over_user_id"))
        batch_op.drop_index(batch_op.f("ix_hand_over_ended_at"))
        batch_op.drop_index(batch_op.f("ix_hand_over_opened_at"))
        batch_op.drop_index(batch_op.f("ix_hand_over_conversation_id_id"))

    op.drop_table("hand_over")
    op.drop_table("draft")
    op.drop_table("canned_answer")
    op.drop_table("user_account")
    op.drop_table("team")
