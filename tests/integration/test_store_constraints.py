"""What must never be stored is refused by the database itself, on both engines, whatever the code does."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, UniqueConstraint, delete, func, null, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from store_rows import DAY, NOW, ROWS, another, insert_all, statement

from store.models import Base, RegisteredPhone

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECKS: list[tuple[str, str, dict[str, Any]]] = [
    ("ck_contract_utility_known", "contract", {"utility": "gas"}),
    ("ck_contract_billing_known", "contract", {"billing": "free"}),
    ("ck_registered_phone_e164", "registered_phone", {"number": "0600000001"}),
    ("ck_meter_digits", "meter", {"digits": 2}),
    ("ck_meter_digits", "meter", {"digits": 10}),
    ("ck_meter_multiplier", "meter", {"multiplier": 0}),
    ("ck_meter_removed_after_installed", "meter", {"removed_on": DAY - timedelta(days=1)}),
    ("ck_register_code_known", "register", {"code": "night"}),
    ("ck_register_unit_known", "register", {"unit": "litre"}),
    ("ck_reading_source_known", "reading", {"source": "dream"}),
    ("ck_reading_state_known", "reading", {"state": "lost"}),
    ("ck_reading_value_not_negative", "reading", {"value": -1}),
    ("ck_reading_replaced_names_its_successor", "reading", {"state": "replaced"}),
    ("ck_reading_replaced_names_its_successor", "reading", {"state": "accepted", "replaced_by_id": 1}),
    ("ck_bill_basis_known", "bill", {"basis": "guessed"}),
    ("ck_bill_period", "bill", {"period_end": DAY - timedelta(days=1)}),
    ("ck_bill_paid", "bill", {"paid": Decimal("123.72")}),
    ("ck_bill_paid", "bill", {"paid": Decimal("-0.01")}),
    ("ck_bill_paid", "bill", {"total": Decimal("-10.00"), "paid": Decimal("-10.01")}),
    ("ck_bill_paid", "bill", {"total": Decimal("-10.00"), "paid": Decimal("0.01")}),
    ("ck_request_kind_known", "request", {"kind": "wish"}),
    ("ck_request_state_known", "request", {"state": "forgotten"}),
    ("ck_instalment_amount_positive", "instalment", {"amount": Decimal(0), "paid": Decimal(0)}),
    ("ck_instalment_paid", "instalment", {"paid": Decimal("123.72")}),
    ("ck_payment_amount_positive", "payment", {"amount": Decimal("-1.00"), "unused": Decimal("-1.00")}),
    ("ck_payment_unused", "payment", {"unused": Decimal("100.01")}),
    ("ck_ledger_entry_kind_known", "ledger_entry", {"kind": "gift"}),
    ("ck_ledger_entry_sign", "ledger_entry", {"kwh": Decimal("-20.00")}),
    ("ck_ledger_entry_sign", "ledger_entry", {"kind": "recovery"}),
    ("ck_place_kind_known", "place", {"kind": "café"}),
    ("ck_round_ends_after_start", "round", {"ends_at": NOW}),
    ("ck_known_outage_utility_known", "known_outage", {"utility": "gas"}),
    ("ck_campaign_kind_known", "campaign", {"kind": "advertising"}),
    ("ck_campaign_state_known", "campaign", {"state": "lost"}),
    ("ck_notice_state_known", "notice", {"state": "lost"}),
    ("ck_conversation_holder_known", "conversation", {"holder": "nobody"}),
    ("ck_identity_verification_known", "identity", {"verification": "national_id"}),
    ("ck_message_direction_known", "message", {"direction": "sideways", "state": "queued"}),
    ("ck_message_state_known", "message", {"direction": "out", "state": "thinking"}),
    ("ck_message_state_of_direction", "message", {"direction": "in", "state": "queued"}),
    ("ck_message_state_of_direction", "message", {"direction": "out", "state": "received"}),
    ("ck_user_account_role_known", "user_account", {"role": "owner"}),
    ("ck_user_account_language_known", "user_account", {"language": "en"}),
    ("ck_hand_over_priority_known", "hand_over", {"priority": "low"}),
    ("ck_hand_over_outcome_known", "hand_over", {"outcome": "lost"}),
    ("ck_hand_over_ended_with_outcome", "hand_over", {"outcome": None}),
    ("ck_hand_over_ended_with_outcome", "hand_over", {"ended_at": None}),
    ("ck_hand_over_score", "hand_over", {"score": 6}),
    ("ck_hand_over_score", "hand_over", {"score": 0}),
    ("ck_purge_progress_removed_not_negative", "purge_progress", {"removed": -1}),
    ("ck_photo_state_known", "photo", {"state": "blurred", "lines": None}),
    ("ck_photo_seen_has_lines", "photo", {"lines": None}),
    ("ck_photo_seen_has_lines", "photo", {"state": "failed"}),
    ("ck_message_inbound_has_carrier_id", "message", {"direction": "in", "carrier_id": None}),
    ("ck_import_job_kind_known", "import_job", {"kind": "friends"}),
    ("ck_import_job_state_known", "import_job", {"state": "lost"}),
    ("ck_export_stream_stream_known", "export_stream", {"stream": "messages"}),
    ("ck_export_line_stream_known", "export_line", {"stream": "messages", "reading_id": None}),
    ("ck_export_line_of_its_stream", "export_line", {"stream": "requests"}),
    ("ck_export_line_of_its_stream", "export_line", {"request_id": 1}),
    ("ck_export_consumer_stream_known", "export_consumer", {"stream": "messages"}),
    ("ck_export_consumer_offered_beyond_acknowledged", "export_consumer", {"acknowledged": 1}),
    ("ck_webhook_delivery_state_known", "webhook_delivery", {"state": "lost"}),
]

ALLOWED: list[tuple[str, str, dict[str, Any]]] = [
    ("a credit settled in part", "bill", {"total": Decimal("-10.00"), "paid": Decimal("-4.00")}),
    ("a bill of nothing", "bill", {"total": Decimal("0.00"), "paid": Decimal("0.00")}),
    ("a reply not yet known to the carrier", "message", {"direction": "out", "state": "queued", "carrier_id": None}),
    ("the carrier's id of a message on another channel", "message", {"channel": "whatsapp", "carrier_id": "SM1"}),
    ("a reading that came in by no message", "reading", {"message_id": None}),
    ("a meter removed the day it came", "meter", {"removed_on": DAY}),
]

# Sorted: both are sets, and the processes that share out the tests must see them in one order.
FOREIGN_KEYS = sorted(
    (table.name, foreign_key.parent.name)
    for table in Base.metadata.sorted_tables
    for foreign_key in table.foreign_keys
)
BESIDES: dict[tuple[str, str], dict[str, Any]] = {
    ("reading", "replaced_by_id"): {"state": "replaced"},
    ("export_line", "request_id"): {"stream": "requests", "reading_id": None},
}
"""What else a row must say that refers to something by this column."""
UNIQUE = sorted(
    (table.name, [column.name for column in constraint.columns])
    for table in Base.metadata.sorted_tables
    for constraint in table.constraints
    if isinstance(constraint, UniqueConstraint)
)


@pytest.mark.parametrize(("constraint", "table", "changes"), CHECKS, ids=lambda value: str(value))
async def test_check_is_refused(session: AsyncSession, constraint: str, table: str, changes: dict[str, Any]) -> None:
    await insert_all(session)
    with pytest.raises(IntegrityError, match=constraint):
        await session.execute(statement(table, another(table, **changes)))


async def test_every_check_of_the_models_has_a_row_above() -> None:
    declared = {
        str(constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    assert {constraint for constraint, _, _ in CHECKS} == declared


async def test_an_error_says_what_failed_and_not_what_was_written(session: AsyncSession) -> None:
    """It ends in the log, where nobody's words or number belong."""
    with pytest.raises(DBAPIError) as failed:
        await session.execute(text("SELECT no_such_function(:told)"), {"told": "mon code est 4711"})
    assert "no_such_function" in str(failed.value)
    assert "4711" not in str(failed.value)


@pytest.mark.parametrize(("label", "table", "changes"), ALLOWED, ids=lambda value: str(value))
async def test_what_looks_odd_and_is_right_is_stored(
    session: AsyncSession, label: str, table: str, changes: dict[str, Any]
) -> None:
    await insert_all(session)
    row = another(table, **changes)
    if row.get("message_id") == 2:
        row["message_id"] = None
    await session.execute(statement(table, row))


async def test_a_second_row_of_each_table_is_stored(session: AsyncSession) -> None:
    """So that the refusals of this module are for the reason they name."""
    await insert_all(session)
    for table in ROWS:
        await session.execute(statement(table, another(table)))


@pytest.mark.parametrize(("table", "column"), FOREIGN_KEYS)
async def test_what_refers_to_nothing_is_refused(session: AsyncSession, table: str, column: str) -> None:
    await insert_all(session)
    changes = BESIDES.get((table, column), {})
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await session.execute(statement(table, another(table, **changes, **{column: 999})))


@pytest.mark.parametrize(("table", "columns"), UNIQUE, ids=lambda value: str(value))
async def test_what_is_unique_is_stored_once(session: AsyncSession, table: str, columns: list[str]) -> None:
    await insert_all(session)
    same = {column: ROWS[table][column] for column in columns}
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        await session.execute(statement(table, another(table, **same)))


async def test_a_conversation_is_handed_over_once_at_a_time(session: AsyncSession) -> None:
    await insert_all(session)
    open_one = {"ended_at": None, "outcome": None}
    await session.execute(statement("hand_over", another("hand_over", **open_one)))
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        await session.execute(statement("hand_over", another("hand_over", id=3, **open_one)))


async def test_what_must_be_there_cannot_be_left_out(session: AsyncSession) -> None:
    await insert_all(session)
    required = [
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        # SQLite numbers a lone integer key that is left out; the foreign key, where it is one, refuses that.
        if not column.nullable and [*table.primary_key] != [column]
    ]
    for table, column in required:
        with pytest.raises(DBAPIError, match=r"(?i)not.null"):
            async with session.begin_nested():
                await session.execute(statement(table, another(table, **{column: null()})))


async def test_a_contract_that_is_still_referred_to_stays(session: AsyncSession) -> None:
    await insert_all(session)
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await session.execute(delete(Base.metadata.tables["contract"]))


async def test_a_phone_goes_with_its_contract(session: AsyncSession) -> None:
    for table in ("customer", "contract", "registered_phone"):
        await session.execute(statement(table, ROWS[table]))
    await session.execute(delete(Base.metadata.tables["contract"]))
    assert await session.scalar(select(func.count()).select_from(RegisteredPhone)) == 0
