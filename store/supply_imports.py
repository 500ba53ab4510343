"""Customers, contracts, meters and the operator's own readings, as many at once as an import brings.

Each function takes checked rows, writes them unless told not to, and says what became of each, or what it lacks.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Sequence
from datetime import datetime, time
from hashlib import blake2b
from typing import Any

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import CASABLANCA
from store.bulk import Lacks, Outcome, Row, add, ids_by, settled, upsert
from store.listing import Change
from store.models import Contract, Customer, Meter, Reading, ReadingState, Register, RegisteredPhone, Unit, Utility

UNITS = {Utility.ELECTRICITY: Unit.KWH, Utility.WATER: Unit.CUBIC_METRE}


async def bring_customers(
    session: AsyncSession, rows: Sequence[Row], _now: datetime, *, write: bool
) -> list[Outcome]:
    """Rows: number, name, language; a language that is not given stays what it was."""
    query = select(Customer.number, Customer.language).where(Customer.number.in_([row["number"] for row in rows]))
    languages = dict((await session.execute(query)).all())
    complete = [
        {
            "number": row["number"],
            "name": row["name"],
            "language": row["language"] or languages.get(row["number"]),
        }
        for row in rows
    ]
    return list(await upsert(session, Customer, "number", complete, write=write))


async def bring_contracts(
    session: AsyncSession, rows: Sequence[Row], _now: datetime, *, write: bool
) -> list[Outcome]:
    """Rows: the columns of a contract, with its customer's number and the phones registered for it, all of them."""
    customers = await ids_by(session, Customer, "number", [row["customer"] for row in rows])
    lacking = {at: Lacks("customer") for at, row in enumerate(rows) if row["customer"] not in customers}
    right = [row for at, row in enumerate(rows) if at not in lacking]
    contracts = [
        {name: value for name, value in row.items() if name not in ("customer", "phones")}
        | {"customer_id": customers[row["customer"]]}
        for row in right
    ]
    changes = await upsert(session, Contract, "number", contracts, write=write)
    wanted = {row["number"]: set(row["phones"]) for row in right}
    others = await _bring_phones(session, wanted, write=write)
    for at, row in enumerate(right):
        if changes[at] is Change.UNCHANGED and row["number"] in others:
            changes[at] = Change.CHANGED
    return settled(len(rows), lacking, changes)


async def _bring_phones(session: AsyncSession, wanted: dict[str, set[str]], *, write: bool) -> set[str]:
    """Make `wanted` the phones of each contract; the numbers of the contracts whose phones were others."""
    ids = await ids_by(session, Contract, "number", list(wanted))
    numbers = {contract_id: number for number, contract_id in ids.items()}
    query = select(RegisteredPhone.contract_id, RegisteredPhone.number).where(
        RegisteredPhone.contract_id.in_(numbers)
    )
    standing = {(contract_id, phone) for contract_id, phone in await session.execute(query)}
    right = {(contract_id, phone) for number, contract_id in ids.items() for phone in wanted[number]}
    gone, new = standing - right, right - standing
    if write and gone:
        pair = tuple_(RegisteredPhone.contract_id, RegisteredPhone.number)
        await session.execute(
            delete(RegisteredPhone).where(pair.in_(gone)), execution_options={"synchronize_session": False}
        )
    if write:
        await add(session, RegisteredPhone, [{"contract_id": each, "number": phone} for each, phone in sorted(new)])
    return {numbers[contract_id] for contract_id, _ in gone | new}


async def bring_meters(session: AsyncSession, rows: Sequence[Row], _now: datetime, *, write: bool) -> list[Outcome]:
    """Rows: the columns of a meter, with its contract's number and the codes of its registers.

    Registers are added and never taken away: readings hang on them.
    """
    query = select(Contract.number, Contract.id, Contract.utility).where(
        Contract.number.in_({row["contract"] for row in rows})
    )
    contracts = {number: (contract_id, utility) for number, contract_id, utility in await session.execute(query)}
    lacking = {at: Lacks("contract") for at, row in enumerate(rows) if row["contract"] not in contracts}
    right = [row for at, row in enumerate(rows) if at not in lacking]
    meters = [
        {name: value for name, value in row.items() if name not in ("contract", "registers")}
        | {"contract_id": contracts[row["contract"]][0]}
        for row in right
    ]
    changes = await upsert(session, Meter, "number", meters, write=write)
    ids = await ids_by(session, Meter, "number", [row["number"] for row in right])
    found = await session.execute(select(Register.meter_id, Register.code).where(Register.meter_id.in_(ids.values())))
    standing = {(meter_id, code) for meter_id, code in found}
    missing: list[dict[str, Any]] = []
    for at, row in enumerate(right):
        meter_id = ids.get(row["number"])
        if meter_id is None:  # a dry run has not written it
            continue
        unit = UNITS[contracts[row["contract"]][1]]
        new = [code for code in dict.fromkeys(row["registers"]) if (meter_id, code) not in standing]
        missing += [{"meter_id": meter_id, "code": code, "unit": unit} for code in new]
        if new and changes[at] is Change.UNCHANGED:
            changes[at] = Change.CHANGED
    if write:
        await add(session, Register, missing)
    return settled(len(rows), lacking, changes)


async def bring_readings(session: AsyncSession, rows: Sequence[Row], _now: datetime, *, write: bool) -> list[Outcome]:
    """Rows: meter and code of the register, value, the day it was taken, source. They stand as accepted.

    The reference is made of what tells one from another, so that the same line finds its reading again.
    """
    query = (
        select(Meter.number, Register.code, Register.id)
        .join(Register, Register.meter_id == Meter.id)
        .where(Meter.number.in_({row["meter"] for row in rows}))
    )
    registers = {(number, code): register_id for number, code, register_id in await session.execute(query)}
    lacking = {at: Lacks("meter") for at, row in enumerate(rows) if (row["meter"], row["register"]) not in registers}
    readings = [
        {
            "reference": _reference(row),
            "register_id": registers[row["meter"], row["register"]],
            "value": row["value"],
            "taken_on": row["taken_on"],
            "received_at": datetime.combine(row["taken_on"], time(12), CASABLANCA),
            "source": row["source"],
            "state": ReadingState.ACCEPTED,
            "findings": [],
        }
        for at, row in enumerate(rows)
        if at not in lacking
    ]
    return settled(len(rows), lacking, await upsert(session, Reading, "reference", readings, write=write))


def _reference(row: Row) -> str:
    """70 bits of what tells a reading of the operator's from others, under a letter that ours do not begin with."""
    parts = "\n".join((row["meter"], row["register"], row["taken_on"].isoformat(), row["source"]))
    return "F-" + b32encode(blake2b(parts.encode(), digest_size=10).digest()).decode()[:14]
