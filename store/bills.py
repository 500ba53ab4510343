"""Bills: what is still to pay, and what each was computed from."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bill import Use
from store.models import Bill

_OPEN = (
    select(Bill)
    .where(Bill.contract_id.in_(bindparam("contract_ids", expanding=True)), Bill.paid != Bill.total)
    .order_by(Bill.due_on, Bill.id)
)


async def open_bills(session: AsyncSession, contract_ids: Sequence[int]) -> list[Bill]:
    """Bills not settled, the first due first. A total below what is paid is a credit not used up yet."""
    return list(await session.scalars(_OPEN, {"contract_ids": list(contract_ids)}))


def use_as_json(use: Use) -> dict[str, Any]:
    """A use as `Bill.uses` keeps it; the quantity is text, for JSON has no decimals."""
    return {
        "register": use.register,
        "quantity": str(use.quantity),
        "previous": use.previous,
        "new": use.new,
        "estimated": use.estimated,
    }


class BadUse(ValueError):
    """What is stored is not a use; the message is one line."""


def use_from_json(stored: dict[str, Any]) -> Use:
    """Raises `BadUse`."""
    try:
        return Use(**{**stored, "quantity": Decimal(stored["quantity"])})
    except (TypeError, KeyError, ArithmeticError) as error:
        raise BadUse(f"not a use: {stored}") from error


KEPT = 26
"""Bills of a contract that are looked at: two years of months, and what they are compared with."""

_LATEST = (
    select(Bill).where(Bill.contract_id == bindparam("contract_id")).order_by(Bill.period_end.desc(), Bill.id.desc())
).limit(bindparam("most"))


async def bills_of(session: AsyncSession, contract_id: int, most: int = KEPT) -> list[Bill]:
    """The latest bills of a contract, oldest first."""
    newest = await session.scalars(_LATEST, {"contract_id": contract_id, "most": most})
    return list(newest)[::-1]
