"""Bills: what is still to pay."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Bill

_OPEN = (
    select(Bill)
    .where(Bill.contract_id.in_(bindparam("contract_ids", expanding=True)), Bill.paid != Bill.total)
    .order_by(Bill.due_on, Bill.id)
)


async def open_bills(session: AsyncSession, contract_ids: Sequence[int]) -> list[Bill]:
    """Bills not settled, the first due first. A total below what is paid is a credit not used up yet."""
    return list(await session.scalars(_OPEN, {"contract_ids": list(contract_ids)}))
