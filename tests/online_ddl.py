"""Which statements of a migration may run while customers are served and the release before is still at work."""

from __future__ import annotations

import re
from collections.abc import Collection

_TABLE = r'(?:ONLY )?"?(?P<table>\w+)"?'
TAKES_AWAY = (
    (rf"DROP TABLE (?:IF EXISTS )?{_TABLE}", "code of the release before still uses the table"),
    (rf"ALTER TABLE {_TABLE} DROP COLUMN", "code of the release before still reads the column"),
    (rf"ALTER TABLE {_TABLE} RENAME", "code of the release before knows the old name"),
)
"""What only a revision with `compatible_since` of its own may do, a release later."""
SMALL = frozenset({"api_key", "campaign", "canned_answer", "place", "team", "team_member", "user_account"})
"""Tables of which one reads all rows in no time."""
BREAKS = (
    (
        rf"ALTER TABLE {_TABLE} ADD COLUMN (?!.*DEFAULT).*NOT NULL",
        "code of the release before writes rows without the column: give it a server default",
    ),
)
HOLDS_UP = (
    (rf"ALTER TABLE {_TABLE} ALTER COLUMN \w+ TYPE", "rewrites the table: add a column and fill it in batches"),
    (rf"ALTER TABLE {_TABLE} ALTER COLUMN \w+ SET NOT NULL", "reads the whole table under a lock"),
    (
        rf"ALTER TABLE {_TABLE} ADD CONSTRAINT (?!.*NOT VALID)",
        "reads the whole table under a lock: add it NOT VALID, then VALIDATE CONSTRAINT",
    ),
    (
        rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).* ON {_TABLE}",
        "nobody can write meanwhile: use store.migrations.online.create_index",
    ),
    (rf"UPDATE {_TABLE} SET", "touches every row in one transaction: fill the column in batches, by a routine"),
    (rf"DELETE FROM {_TABLE}", "touches rows that are in use: leave it to the purge"),
    (rf'CREATE TABLE "?_alembic_tmp_{_TABLE}', "SQLite copies the whole table: add what can be added in place"),
)


def objections(statement: str, existing: Collection[str], *, may_take_away: bool = False) -> list[str]:
    """What is wrong with a statement; `existing` are the tables that were there before the revision."""
    one_line = " ".join(statement.split())
    large = {table for table in existing if table not in SMALL}
    rules = [(*rule, existing) for rule in (BREAKS if may_take_away else (*TAKES_AWAY, *BREAKS))]
    rules += [(*rule, large) for rule in HOLDS_UP]
    found = []
    for pattern, why, tables in rules:
        match = re.match(pattern, one_line, re.IGNORECASE)
        if match is not None and match["table"] in tables:
            found.append(f"{one_line[:100]}: {why}")
    return found
