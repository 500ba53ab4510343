"""What a revision does to a large table while customers are served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op


def create_index(
    name: str, table: str, columns: Sequence[str], where: str | None = None, *, unique: bool = False
) -> None:
    """An index that is built without holding up writers on PostgreSQL, which commits the revision so far.

    So it comes last in its revision, and can be done again after it was interrupted. On SQLite, where every
    change of the schema waits for the one writer, it is an ordinary index.
    """
    condition = None if where is None else sa.text(where)
    options: dict[str, Any] = {"unique": unique, "postgresql_where": condition, "sqlite_where": condition}
    if op.get_bind().dialect.name != "postgresql":
        op.create_index(name, table, list(columns), **options)
        return
    with op.get_context().autocommit_block():
        # It waits for every transaction that began before, and keeps nobody waiting meanwhile.
        op.execute("SET lock_timeout = 0")
        # An interrupted build leaves an index that is not valid, and that nothing uses.
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, list(columns), postgresql_concurrently=True, **options)
        op.execute("RESET lock_timeout")


def drop_index(name: str, table: str) -> None:
    """Take an index away; as `create_index`."""
    if op.get_bind().dialect.name != "postgresql":
        op.drop_index(name, table_name=table)
        return
    with op.get_context().autocommit_block():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
