"""Bills, and schedules of payments that the operator granted elsewhere, as many at once as an import brings.

As `store.supply_imports`. What is paid on a bill or a schedule is what the file says: it comes from the operator's
books, which know of payments that were undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.bulk import Lacks, Outcome, Row, add, ids_by, settled, upsert
from store.listing import Change
from store.models import Bill, Contract, Instalment, Request, RequestBill, RequestKind, RequestState
from store.requests import PAYING

IMPORTED = {"imported": True}
"""Details of a request that no customer made here."""


async def bring_bills(session: AsyncSession, rows: Sequence[Row], _now: datetime, *, write: bool) -> list[Outcome]:
    """Rows: the columns of a bill, with its contract's number."""
    contracts = await _held_contracts(session, {row["contract"] for row in rows}, hold=write)
    lacking = {at: Lacks("contract") for at, row in enumerate(rows) if row["contract"] not in contracts}
    bills = [
        {name: value for name, value in row.items() if name != "contract"}
        | {"contract_id": contracts[row["contract"]]}
        for at, row in enumerate(rows)
        if at not in lacking
    ]
    return settled(len(rows), lacking, await upsert(session, Bill, "number", bills, write=write))


async def bring_schedules(session: AsyncSession, rows: Sequence[Row], now: datetime, *, write: bool) -> list[Outcome]:
    """Rows: reference, contract, numbers of its bills, payments (due on, dirhams, dirhams paid).

    A request that a customer made here is decided here, not overwritten.
    """
    contracts = await _held_contracts(session, {row["contract"] for row in rows}, hold=write)
    bills = await _bills(session, {number for row in rows for number in row["bills"]})
    standing = await _standing(session, [row["reference"] for row in rows])
    lacking: dict[int, Lacks] = {}
    for at, row in enumerate(rows):
        contract_id = contracts.get(row["contract"])
        request = standing.get(row["reference"])
        if contract_id is None:
            lacking[at] = Lacks("contract")
        elif any(bills.get(number, (0, 0, 0))[1] != contract_id for number in row["bills"]):
            lacking[at] = Lacks("bills", "are not all bills of the contract: import them first")
        elif request is not None and request.details != IMPORTED:
            lacking[at] = Lacks("reference", "is a request that a customer made: decide it instead")
    right = [row for at, row in enumerate(rows) if at not in lacking]
    requests = [_request(row, contracts[row["contract"]], standing.get(row["reference"]), now) for row in right]
    changes = await upsert(session, Request, "reference", requests, write=write)
    ids = await ids_by(session, Request, "reference", [row["reference"] for row in right])
    parts = await _parts(session, ids.values())
    renewed: list[Row] = []
    for at, row in enumerate(right):
        if parts.get(ids.get(row["reference"], 0)) == row["payments"]:
            continue
        renewed.append(row)
        if changes[at] is Change.UNCHANGED:
            changes[at] = Change.CHANGED
    if write:
        await _renew(session, renewed, ids, bills)
    return settled(len(rows), lacking, changes)


def _request(row: Row, contract_id: int, standing: Request | None, now: datetime) -> dict[str, Any]:
    """The row of a granted request. One that was broken stays so until something more is paid."""
    payments = row["payments"]
    if all(paid == amount for _, amount, paid in payments):
        state = RequestState.KEPT
    elif standing is not None and standing.state in PAYING:
        state = standing.state
    else:
        state = RequestState.BEING_PAID if any(paid for *_, paid in payments) else RequestState.GRANTED
    return {
        "reference": row["reference"],
        "kind": RequestKind.DEFERRAL if len(payments) == 1 else RequestKind.INSTALMENTS,
        "state": state,
        "contract_id": contract_id,
        "details": IMPORTED,
        "created_at": now if standing is None else standing.created_at,
        "changed_at": now if standing is None else standing.changed_at,
    }


async def _renew(
    session: AsyncSession,
    rows: Sequence[Row],
    ids: dict[str, int],
    bills: dict[str, tuple[int, int, Decimal]],
) -> None:
    """Put the payments and bills of these schedules in the place of what stands."""
    changed = [ids[row["reference"]] for row in rows]
    for table in (Instalment, RequestBill):
        await session.execute(
            delete(table).where(table.request_id.in_(changed)), execution_options={"synchronize_session": False}
        )
    instalments = [
        {
            "request_id": ids[row["reference"]],
            "position": position,
            "due_on": due_on,
            "amount": amount,
            "paid": paid,
        }
        for row in rows
        for position, (due_on, amount, paid) in enumerate(row["payments"], start=1)
    ]
    about = [
        {"request_id": ids[row["reference"]], "bill_id": bills[number][0], "amount": bills[number][2]}
        for row in rows
        for number in dict.fromkeys(row["bills"])
    ]
    await add(session, Instalment, instalments)
    await add(session, RequestBill, about)


async def _held_contracts(session: AsyncSession, numbers: Iterable[str], *, hold: bool) -> dict[str, int]:
    """Ids by number; held, so that no payment is counted meanwhile for what is being written."""
    query = select(Contract.number, Contract.id).where(Contract.number.in_(numbers)).order_by(Contract.id)
    if hold:
        query = query.with_for_update(key_share=True)
    return dict((await session.execute(query)).all())


async def _bills(session: AsyncSession, numbers: Iterable[str]) -> dict[str, tuple[int, int, Decimal]]:
    """Id, contract and what is open, by number."""
    query = select(Bill.number, Bill.id, Bill.contract_id, Bill.total, Bill.paid).where(Bill.number.in_(numbers))
    found = await session.execute(query)
    return {number: (bill_id, contract_id, total - paid) for number, bill_id, contract_id, total, paid in found}


async def _standing(session: AsyncSession, references: Sequence[str]) -> dict[str, Request]:
    found = await session.scalars(select(Request).where(Request.reference.in_(references)))
    standing = {each.reference: each for each in found}
    session.expunge_all()  # looked at, and changed only by statements
    return standing


async def _parts(session: AsyncSession, request_ids: Iterable[int]) -> dict[int, list[tuple[Any, Decimal, Decimal]]]:
    parts: dict[int, list[tuple[Any, Decimal, Decimal]]] = {}
    query = select(Instalment.request_id, Instalment.due_on, Instalment.amount, Instalment.paid)
    query = query.where(Instalment.request_id.in_(request_ids)).order_by(Instalment.request_id, Instalment.position)
    for request_id, due_on, amount, paid in await session.execute(query):
        parts.setdefault(request_id, []).append((due_on, amount, paid))
    return parts
