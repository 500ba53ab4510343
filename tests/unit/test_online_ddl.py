"""The rules for migrations know what holds up a table or breaks the release before."""

from __future__ import annotations

import pytest
from online_ddl import objections

REFUSED = [
    ("DROP TABLE message", "still uses"),
    ("ALTER TABLE message DROP COLUMN parts", "still reads"),
    ("ALTER TABLE message RENAME body TO words", "old name"),
    ("ALTER TABLE message ALTER COLUMN parts TYPE BIGINT", "rewrites"),
    ("ALTER TABLE message ALTER COLUMN parts SET NOT NULL", "under a lock"),
    ("ALTER TABLE message ADD COLUMN urgent BOOLEAN NOT NULL", "server default"),
    (
        "ALTER TABLE message ADD CONSTRAINT fk_message_user_id FOREIGN KEY(user_id) REFERENCES user_account (id)",
        "NOT VALID",
    ),
    ("CREATE INDEX ix_message_parts ON message (parts)", "create_index"),
    ("CREATE UNIQUE INDEX uq_message_parts ON message (parts) WHERE parts > 1", "create_index"),
    ("UPDATE message SET parts = 1", "in batches"),
    ("DELETE FROM message WHERE parts = 1", "the purge"),
    ("\nCREATE TABLE _alembic_tmp_message (\n\tid INTEGER NOT NULL\n)", "copies the whole table"),
]
ALLOWED = [
    "CREATE TABLE photo (id BIGINT NOT NULL)",
    "CREATE INDEX ix_photo_taken_at ON photo (taken_at)",
    "CREATE INDEX CONCURRENTLY ix_message_parts ON message (parts)",
    "ALTER TABLE message ADD COLUMN urgent BOOLEAN DEFAULT false NOT NULL",
    "ALTER TABLE message ADD COLUMN urgent BOOLEAN",
    "ALTER TABLE message ADD CONSTRAINT ck_message_parts CHECK (parts > 0) NOT VALID",
    "ALTER TABLE message VALIDATE CONSTRAINT ck_message_parts",
    "UPDATE alembic_version SET version_num='0009' WHERE alembic_version.version_num = '0008'",
    "DROP INDEX CONCURRENTLY IF EXISTS ix_message_parts",
]


@pytest.mark.parametrize(("statement", "why"), REFUSED, ids=lambda value: value[:40])
def test_what_holds_up_customers_or_breaks_older_code_is_named_with_a_way_out(statement: str, why: str) -> None:
    (objection,) = objections(statement, {"message"})
    assert why in objection


@pytest.mark.parametrize("statement", ALLOWED, ids=lambda value: value[:40])
def test_what_only_adds_is_allowed(statement: str) -> None:
    assert objections(statement, {"message"}) == []


def test_a_revision_that_says_so_may_take_away_what_nothing_uses_any_more() -> None:
    assert objections("ALTER TABLE message DROP COLUMN parts", {"message"}, may_take_away=True) == []
