"""Many rows at once: those that are new are inserted, those that differ are changed, found by their natural key.

Statements of the Core: an import is a million rows, and the ORM would make an object of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from store.listing import Change
from store.models import Base

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lacks:
    """A row that cannot be taken: its `field` names something that is not there, unless `why` says otherwise."""

    field: str
    why: str = "is not known: import it first"


Outcome = Change | Lacks


def settled(count: int, lacking: Mapping[int, Lacks], changes: Iterable[Change]) -> list[Outcome]:
    """What became of `count` rows: of those that lack something, by their place, and in order of all others."""
    others = iter(changes)
    return [lacking[at] if at in lacking else next(others) for at in range(count)]


async def upsert(
    session: AsyncSession, model: type[Base], key: str, rows: Sequence[Row], *, write: bool = True
) -> list[Change]:
    """Insert or change a row of `model` for each of `rows`, told apart by column `key`; what became of each.

    All rows have the same columns, and no two of them the same key. Without `write` nothing is changed.
    """
    if not rows:
        return []
    table = table_of(model)
    columns = list(rows[0])
    query = select(*(table.c[name] for name in columns)).where(table.c[key].in_([row[key] for row in rows]))
    known = {getattr(each, key): each._mapping for each in await session.execute(query)}
    changes: list[Change] = []
    for row in rows:
        standing = known.get(row[key])
        if standing is None:
            changes.append(Change.ADDED)
        elif all(standing[name] == row[name] for name in columns):
            changes.append(Change.UNCHANGED)
        else:
            changes.append(Change.CHANGED)
    if write:
        by_change = list(zip(rows, changes, strict=True))
        await add(session, model, [row for row, change in by_change if change is Change.ADDED])
        different = [
            {f"new_{name}": row[name] for name in columns} for row, change in by_change if change is Change.CHANGED
        ]
        if different:
            changing = update(table).where(table.c[key] == bindparam(f"new_{key}"))
            changing = changing.values({name: bindparam(f"new_{name}") for name in columns if name != key})
            await (await session.connection()).execute(changing, different)
    return changes


async def add(session: AsyncSession, model: type[Base], rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns."""
    if rows:
        await (await session.connection()).execute(insert(table_of(model)), [dict(row) for row in rows])


async def ids_by(session: AsyncSession, model: type[Base], key: str, values: Sequence[Any]) -> dict[Any, int]:
    """The ids of the rows that have one of `values` in column `key`, by it."""
    table = table_of(model)
    found = await session.execute(select(table.c[key], table.c.id).where(table.c[key].in_(set(values))))
    return dict(found.all())


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table
