"""Customers, meters, conversations, readings, bills and requests.

Column types are spelt out rather than taken from `store.types`: what a revision did must not change later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.String(24)
INSTANT = sa.DateTime(timezone=True)

TABLES = (
    "customer",
    "contract",
    "registered_phone",
    "meter",
    "register",
    "conversation",
    "identity",
    "identity_attempt",
    "one_time_code",
    "message",
    "dialogue_turn",
    "reading",
    "bill",
    "request",
    "audit",
)


def upgrade() -> None:
    create_customers()
    create_meters()
    create_conversations()
    create_readings()
    create_bills_and_requests()
    create_audit()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_customers() -> None:
    op.create_table(
        "customer",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("language", sa.String(12)),
        sa.Column("modest_income", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_table(
        "contract",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.String(24), nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("utility", WORD, nullable=False),
        sa.Column("billing", WORD, nullable=False),
        sa.Column("tariff", sa.String(40), nullable=False),
        sa.Column("address", sa.String(300), nullable=False),
        sa.Column("commune", sa.String(100), nullable=False),
        sa.Column("route", sa.String(24), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date()),
        sa.CheckConstraint("billing IN ('postpaid', 'prepaid')", name=op.f("ck_contract_billing_known")),
        sa.CheckConstraint("utility IN ('electricity', 'water')", name=op.f("ck_contract_utility_known")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_contract_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("number", name=op.f("uq_contract_number")),
    )
    op.create_index(op.f("ix_contract_customer_id"), "contract", ["customer_id"])
    op.create_table(
        "registered_phone",
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("number", sa.String(16), nullable=False),
        sa.CheckConstraint("number LIKE '+%'", name=op.f("ck_registered_phone_e164")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_registered_phone_contract_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("contract_id", "number", name=op.f("pk_registered_phone")),
    )
    op.create_index(op.f("ix_registered_phone_number"), "registered_phone", ["number"])


def create_meters() -> None:
    op.create_table(
        "meter",
        sa.Column("id", ID, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("number", sa.String(24), nullable=False),
        sa.Column("digits", sa.Integer(), nullable=False),
        sa.Column("multiplier", sa.Integer(), nullable=False),
        sa.Column("subscribed_watts", sa.Integer()),
        sa.Column("installed_on", sa.Date(), nullable=False),
        sa.Column("removed_on", sa.Date()),
        sa.CheckConstraint("digits BETWEEN 3 AND 9", name=op.f("ck_meter_digits")),
        sa.CheckConstraint("multiplier >= 1", name=op.f("ck_meter_multiplier")),
        sa.CheckConstraint(
            "removed_on IS NULL OR removed_on >= installed_on", name=op.f("ck_meter_removed_after_installed")
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_meter_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter")),
        sa.UniqueConstraint("number", name=op.f("uq_meter_number")),
    )
    op.create_index(op.f("ix_meter_contract_id"), "meter", ["contract_id"])
    op.create_table(
        "register",
        sa.Column("id", ID, nullable=False),
        sa.Column("meter_id", ID, nullable=False),
        sa.Column("code", WORD, nullable=False),
        sa.Column("unit", WORD, nullable=False),
        sa.CheckConstraint("code IN ('total', 'peak', 'off_peak')", name=op.f("ck_register_code_known")),
        sa.CheckConstraint("unit IN ('kWh', 'm3')", name=op.f("ck_register_unit_known")),
        sa.ForeignKeyConstraint(["meter_id"], ["meter.id"], name=op.f("fk_register_meter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register")),
        sa.UniqueConstraint("meter_id", "code", name=op.f("uq_register_meter_id_code")),
    )


def create_conversations() -> None:
    op.create_table(
        "conversation",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel", sa.String(12), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("language", sa.String(12)),
        sa.Column("holder", WORD, server_default="assistant", nullable=False),
        sa.Column("handed_over_at", INSTANT),
        sa.Column("handover_reason", sa.String(40)),
        sa.Column("last_inbound_at", INSTANT),
        sa.Column("opted_out_at", INSTANT),
        sa.Column("dialogue", sa.Text()),
        sa.Column("offered", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("holder IN ('assistant', 'agent')", name=op.f("ck_conversation_holder_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("channel", "address", name=op.f("uq_conversation_channel_address")),
    )
    op.create_index(
        op.f("ix_conversation_handed_over_at"),
        "conversation",
        ["handed_over_at"],
        postgresql_where=sa.text("holder = 'agent'"),
        sqlite_where=sa.text("holder = 'agent'"),
    )
    op.create_table(
        "identity",
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("verification", WORD, nullable=False),
        sa.Column("verified_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "verification IN ('shared_phone', 'bill_amount', 'code')",
            name=op.f("ck_identity_verification_known"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_identity_contract_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_identity_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conversation_id", "contract_id", name=op.f("pk_identity")),
    )
    op.create_table(
        "identity_attempt",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("contract_number", sa.String(24), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_identity_attempt_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_attempt")),
    )
    op.create_index(op.f("ix_identity_attempt_contract_number_at"), "identity_attempt", ["contract_number", "at"])
    op.create_index(op.f("ix_identity_attempt_conversation_id_at"), "identity_attempt", ["conversation_id", "at"])
    op.create_table(
        "one_time_code",
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("contract_number", sa.String(24), nullable=False),
        sa.Column("code_hash", sa.String(200), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_one_time_code_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_one_time_code")),
    )
    op.create_table(
        "message",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("channel", sa.String(12), nullable=False),
        sa.Column("direction", WORD, nullable=False),
        sa.Column("carrier_id", sa.String(128)),
        sa.Column("state", WORD, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text()),
        sa.Column("language", sa.String(12)),
        sa.Column("understood", sa.Text()),
        sa.Column("answers_id", ID),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("doubts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivery", sa.String(12)),
        sa.Column("error", sa.String(300)),
        sa.Column("parts", sa.Integer()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.CheckConstraint(
            "(direction = 'in') = (state IN ('received', 'handled', 'set_aside'))",
            name=op.f("ck_message_state_of_direction"),
        ),
        sa.CheckConstraint(
            "direction = 'out' OR carrier_id IS NOT NULL", name=op.f("ck_message_inbound_has_carrier_id")
        ),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_message_direction_known")),
        sa.CheckConstraint(
            "state IN ('received', 'handled', 'set_aside', 'queued', 'sending', 'sent', 'refused', 'dead')",
            name=op.f("ck_message_state_known"),
        ),
        sa.ForeignKeyConstraint(["answers_id"], ["message.id"], name=op.f("fk_message_answers_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_message_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint(
            "channel", "direction", "carrier_id", name=op.f("uq_message_channel_direction_carrier_id")
        ),
    )
    op.create_index("ix_message_conversation", "message", ["conversation_id", "id"])
    op.create_index(
        "ix_message_open",
        "message",
        ["state", "conversation_id", "id"],
        postgresql_where=sa.text("state IN ('received', 'queued', 'sending')"),
        sqlite_where=sa.text("state IN ('received', 'queued', 'sending')"),
    )
    op.create_table(
        "dialogue_turn",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_dialogue_turn_conversation_id")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_dialogue_turn_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_dialogue_turn")),
    )
    op.create_index(op.f("ix_dialogue_turn_conversation_id"), "dialogue_turn", ["conversation_id"])


def create_readings() -> None:
    op.create_table(
        "reading",
        sa.Column("id", ID, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("register_id", ID, nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("source", WORD, nullable=False),
        sa.Column("channel", sa.String(12)),
        sa.Column("state", WORD, nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("message_id", ID),
        sa.Column("replaced_by_id", ID),
        sa.CheckConstraint(
            "(state = 'replaced') = (replaced_by_id IS NOT NULL)",
            name=op.f("ck_reading_replaced_names_its_successor"),
        ),
        sa.CheckConstraint(
            "source IN ('customer', 'agent', 'field', 'estimate')", name=op.f("ck_reading_source_known")
        ),
        sa.CheckConstraint(
            "state IN ('accepted', 'to_review', 'replaced', 'rejected')", name=op.f("ck_reading_state_known")
        ),
        sa.CheckConstraint("value >= 0", name=op.f("ck_reading_value_not_negative")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_reading_message_id")),
        sa.ForeignKeyConstraint(["register_id"], ["register.id"], name=op.f("fk_reading_register_id")),
        sa.ForeignKeyConstraint(["replaced_by_id"], ["reading.id"], name=op.f("fk_reading_replaced_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading")),
        sa.UniqueConstraint("message_id", "register_id", name=op.f("uq_reading_message_id_register_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_reading_reference")),
    )
    op.create_index(op.f("ix_reading_register_id_taken_on"), "reading", ["register_id", "taken_on"])
    op.create_index(op.f("ix_reading_replaced_by_id"), "reading", ["replaced_by_id"])


def create_bills_and_requests() -> None:
    op.create_table(
        "bill",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.String(24), nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("basis", WORD, nullable=False),
        sa.Column("usage", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("basis IN ('read', 'estimated')", name=op.f("ck_bill_basis_known")),
        sa.CheckConstraint("paid BETWEEN 0 AND total OR paid BETWEEN total AND 0", name=op.f("ck_bill_paid")),
        sa.CheckConstraint("period_end >= period_start", name=op.f("ck_bill_period")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_bill_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill")),
        sa.UniqueConstraint("number", name=op.f("uq_bill_number")),
    )
    op.create_index(op.f("ix_bill_contract_id_period_end"), "bill", ["contract_id", "period_end"])
    op.create_table(
        "request",
        sa.Column("id", ID, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("contract_id", ID),
        sa.Column("conversation_id", ID),
        sa.Column("message_id", ID),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('deferral', 'instalments', 'subscription', 'complaint', 'kwh_advance')",
            name=op.f("ck_request_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('received', 'under_review', 'granted', 'refused', 'being_paid', 'kept', 'broken', "
            "'withdrawn')",
            name=op.f("ck_request_state_known"),
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_request_contract_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_request_conversation_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_request_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("reference", name=op.f("uq_request_reference")),
    )
    op.create_index(op.f("ix_request_contract_id"), "request", ["contract_id"])
    op.create_index(op.f("ix_request_conversation_id"), "request", ["conversation_id"])


def create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_subject_at"), "audit", ["subject", "at"])
