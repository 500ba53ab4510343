"""Requests as case files, prepaid, places, what is told to customers who have not just written, and the API's keys.

Column types are spelt out rather than taken from `store.types`: what a revision did must not change later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.String(24)
INSTANT = sa.DateTime(timezone=True)
KINDS_BEFORE = ("deferral", "instalments", "subscription", "complaint", "kwh_advance")
KINDS = (*KINDS_BEFORE, "recharge_visit", "outage", "rectification", "erasure")


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_key_key_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_api_key_name")),
    )
    op.create_table(
        "campaign",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.CheckConstraint(
            "kind IN ('reading_reminder', 'due_reminder', 'recharge_round')", name=op.f("ck_campaign_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'running', 'paused', 'done', 'cancelled')", name=op.f("ck_campaign_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("name", name=op.f("uq_campaign_name")),
    )
    op.create_table(
        "known_outage",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("commune", sa.String(length=100), nullable=False),
        sa.Column("area", sa.String(length=200)),
        sa.Column("utility", WORD, nullable=False),
        sa.Column("planned", sa.Boolean(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("expected_until", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint("utility IN ('electricity', 'water')", name=op.f("ck_known_outage_utility_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_outage")),
        sa.UniqueConstraint("number", name=op.f("uq_known_outage_number")),
    )
    with op.batch_alter_table("known_outage") as batch_op:
        batch_op.create_index(batch_op.f("ix_known_outage_commune"), ["commune"])

    op.create_table(
        "place",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("commune", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=24)),
        sa.Column("hours", sa.String(length=120)),
        sa.CheckConstraint("kind IN ('agency', 'recharge_point')", name=op.f("ck_place_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("kind", "commune", "name", name=op.f("uq_place_kind_commune_name")),
    )
    op.create_table(
        "round",
        sa.Column("id", ID, nullable=False),
        sa.Column("commune", sa.String(length=100), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_round_ends_after_start")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("commune", "place", "starts_at", name=op.f("uq_round_commune_place_starts_at")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", ID, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("kwh", sa.BigInteger(), nullable=False),
        sa.Column("bought", sa.BigInteger()),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "(kind <> 'advance' OR kwh > 0) AND (kind <> 'recovery' OR kwh <= 0)",
            name=op.f("ck_ledger_entry_sign"),
        ),
        sa.CheckConstraint("kind IN ('advance', 'recovery', 'correction')", name=op.f("ck_ledger_entry_kind_known")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_ledger_entry_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint(
            "contract_id", "kind", "reference", name=op.f("uq_ledger_entry_contract_id_kind_reference")
        ),
    )
    op.create_table(
        "notice",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("campaign_id", ID),
        sa.Column("contract_id", ID),
        sa.Column("response", sa.String(length=60), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=12)),
        sa.Column("state", WORD, nullable=False),
        sa.Column("skipped", sa.String(length=40)),
        sa.Column("not_before", INSTANT, nullable=False),
        sa.Column("message_id", ID),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.CheckConstraint("state IN ('waiting', 'written', 'skipped')", name=op.f("ck_notice_state_known")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_notice_campaign_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_notice_contract_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_notice_conversation_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_notice_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_key")),
    )
    with op.batch_alter_table("notice") as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_campaign_id_state"), ["campaign_id", "state"])
        batch_op.create_index(batch_op.f("ix_notice_conversation_id"), ["conversation_id"])
        batch_op.create_index(
            "ix_notice_waiting",
            ["not_before", "id"],
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "payment",
        sa.Column("id", ID, nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("unused", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_at", INSTANT, nullable=False),
        sa.Column("method", sa.String(length=40)),
        sa.Column("reported_at", INSTANT, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_amount_positive")),
        sa.CheckConstraint("unused BETWEEN 0 AND amount", name=op.f("ck_payment_unused")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_payment_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("reference", name=op.f("uq_payment_reference")),
    )
    with op.batch_alter_table("payment") as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_contract_id"), ["contract_id"])

    op.create_table(
        "instalment",
        sa.Column("request_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_instalment_amount_positive")),
        sa.CheckConstraint("paid BETWEEN 0 AND amount", name=op.f("ck_instalment_paid")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name=op.f("fk_instalment_request_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("request_id", "position", name=op.f("pk_instalment")),
    )
    with op.batch_alter_table("instalment") as batch_op:
        batch_op.create_index(batch_op.f("ix_instalment_due_on"), ["due_on"])

    op.create_table(
        "request_bill",
        sa.Column("request_id", ID, nullable=False),
        sa.Column("bill_id", ID, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_request_bill_bill_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name=op.f("fk_request_bill_request_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("request_id", "bill_id", name=op.f("pk_request_bill")),
    )
    with op.batch_alter_table("request_bill") as batch_op:
        batch_op.create_index(batch_op.f("ix_request_bill_bill_id"), ["bill_id"])

    with op.batch_alter_table("conversation") as batch_op:
        batch_op.add_column(sa.Column("informed_at", INSTANT))

    with op.batch_alter_table("message") as batch_op:
        batch_op.add_column(sa.Column("bulk", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_index(
            "ix_message_bulk",
            ["channel", "id"],
            postgresql_where=sa.text("bulk AND state IN ('queued', 'sending')"),
            sqlite_where=sa.text("bulk = 1 AND state IN ('queued', 'sending')"),
        )

    with op.batch_alter_table("request") as batch_op:
        batch_op.add_column(sa.Column("reason", sa.String(length=300)))
        batch_op.add_column(sa.Column("due_on", sa.Date()))
        batch_op.add_column(sa.Column("changed_at", INSTANT))
        batch_op.create_index(batch_op.f("ix_request_state_kind"), ["state", "kind"])
        _known_kinds(batch_op, KINDS)


def downgrade() -> None:
    with op.batch_alter_table("request") as batch_op:
        _known_kinds(batch_op, KINDS_BEFORE)
        batch_op.drop_index(batch_op.f("ix_request_state_kind"))
        batch_op.drop_column("changed_at")
        batch_op.drop_column("due_on")
        batch_op.drop_column("reason")

    with op.batch_alter_table("message") as batch_op:
        batch_op.drop_index("ix_message_bulk")
        batch_op.drop_column("bulk")

    with op.batch_alter_table("conversation") as batch_op:
        batch_op.drop_column("informed_at")

    with op.batch_alter_table("request_bill") as batch_op:
        batch_op.drop_index(batch_op.f("ix_request_bill_bill_id"))

    op.drop_table("request_bill")
    with op.batch_alter_table("instalment") as batch_op:
        batch_op.drop_index(batch_op.f("ix_instalment_due_on"))

    op.drop_table("instalment")
    with op.batch_alter_table("payment") as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_contract_id"))

    op.drop_table("payment")
    with op.batch_alter_table("notice") as batch_op:
        batch_op.drop_index(
            "ix_notice_waiting",
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )
        batch_op.drop_index(batch_op.f("ix_notice_conversation_id"))
        batch_op.drop_index(batch_op.f("ix_notice_campaign_id_state"))

    op.drop_table("notice")
    op.drop_table("ledger_entry")
    op.drop_table("round")
    op.drop_table("place")
    with op.batch_alter_table("known_outage") as batch_op:
        batch_op.drop_index(batch_op.f("ix_known_outage_commune"))

    op.drop_table("known_outage")
    op.drop_table("campaign")
    op.drop_table("api_key")


def _known_kinds(request: BatchOperations, kinds: tuple[str, ...]) -> None:
    request.drop_constraint(op.f("ck_request_kind_known"), type_="check")
    words = ", ".join(f"'{kind}'" for kind in kinds)
    request.create_check_constraint(op.f("ck_request_kind_known"), f"kind IN ({words})")
