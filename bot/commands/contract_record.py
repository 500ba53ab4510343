"""What the store has of one contract, for the operator's commands: its meter in place and its bills."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from actions.supply import Supply, supply_in_place
from bot.commands.connection import with_database
from bot.faults import Fault
from bot.settings import Settings
from store import schema
from store.bills import bills_of
from store.database import Database
from store.models import Bill, Billing, Contract, Meter


@dataclass(frozen=True, slots=True)
class Record:
    """A contract that is billed, with `bills` oldest first; `supply` is None where no meter is in place."""

    contract: Contract
    supply: Supply | None
    bills: list[Bill]

    def until(self, month: str | None) -> list[Bill]:
        """The bills up to the one that ends in `month` (2026-03), the latest if None. Raises Fault."""
        if not self.bills:
            raise Fault(f"contract {self.contract.number} has no bill yet")
        ends = [f"{bill.period_end:%Y-%m}" for bill in self.bills]
        if month is None or month == ends[-1]:
            return self.bills
        if month not in ends:
            raise Fault(f"no bill of contract {self.contract.number} ends in {month}: there are {', '.join(ends)}")
        return self.bills[: len(ends) - ends[::-1].index(month)]


def record(settings: Settings, number: str) -> Record:
    """Look a contract up. Raises Fault when there is none to bill, or the database cannot be used."""

    async def look_up(database: Database) -> Record:
        await _require_tables(database)
        async with database.reading() as session:
            return await _record(session, number, database.address)

    return with_database(settings, look_up)


async def _require_tables(database: Database) -> None:
    if await schema.current_revision(database) is None:
        raise Fault(
            f"the database {database.address} has no tables: run `releve db upgrade`, then `releve db demo` to try"
        )
    if not await schema.is_current(database):
        raise Fault(
            f"the database {database.address} is not at the revision of this version: run `releve db upgrade`"
        )


async def _record(session: AsyncSession, number: str, where: str) -> Record:
    query = (
        select(Contract)
        .where(Contract.number == number)
        .options(joinedload(Contract.meters).joinedload(Meter.registers))
    )
    contract = (await session.scalars(query)).unique().one_or_none()
    if contract is None:
        if not await session.scalar(select(func.count()).select_from(Contract)):
            raise Fault(f"the database {where} has no contracts: `releve db demo` loads made-up customers")
        raise Fault(f"no contract {number!r}")
    if contract.billing is Billing.PREPAID:
        raise Fault(f"contract {number} is prepaid: it has no bills")
    return Record(contract, await supply_in_place(session, contract), await bills_of(session, contract.id))
