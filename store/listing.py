"""The operator's lists kept up to date: what a line says is added, or changed where it is known under its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from store.models import Base, Contract


class Change(StrEnum):
    """What became of one line."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"  # it is about something that is not there


async def bring(
    session: AsyncSession, model: type[Base], key: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> list[Change]:
    """Add or change a row of `model` for each of `rows`, whose columns `key` tell them apart; what became of each."""
    wanted = [tuple(row[name] for name in key) for row in rows]
    query = select(model).where(tuple_(*(getattr(model, name) for name in key)).in_(wanted))
    known = {tuple(getattr(each, name) for name in key): each for each in await session.scalars(query)}
    changes = []
    for row, natural in zip(rows, wanted, strict=True):
        standing = known.get(natural)
        if standing is None:
            session.add(model(**row))
            changes.append(Change.ADDED)
        else:
            changes.append(_changed(standing, row))
    await _written(session)
    return changes


async def mark_modest_income(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Put the holders of contracts on the list of modest incomes, or take them off it.

    Each row has the `contract`'s number and whether its holder is `eligible`.
    """
    numbers = [row["contract"] for row in rows]
    query = select(Contract).where(Contract.number.in_(numbers)).options(joinedload(Contract.customer))
    holders = {contract.number: contract.customer for contract in await session.scalars(query)}
    changes = [
        _changed(holders[row["contract"]], {"modest_income": row["eligible"]})
        if row["contract"] in holders
        else Change.UNKNOWN
        for row in rows
    ]
    await _written(session)
    return changes


def _changed(standing: Base, values: Mapping[str, Any]) -> Change:
    different = {name: value for name, value in values.items() if getattr(standing, name) != value}
    for name, value in different.items():
        setattr(standing, name, value)
    return Change.CHANGED if different else Change.UNCHANGED


async def _written(session: AsyncSession) -> None:
    """Send the rows off and forget them: a list may be long."""
    await session.flush()
    session.expunge_all()
