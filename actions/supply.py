"""A contract's meter as the rules of `billing` see it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from actions.turn import Turn
from billing.registers import IndexPoint, RegisterFacts
from store.models import Contract, Meter, Reading, ReadingSource, Register
from store.readings import standing_readings
from store.supplies import contracts_of


async def senders_contracts(turn: Turn) -> list[Contract]:
    """The contracts that whoever is writing may act on, with their meters; none for a stranger."""
    if turn.contracts is None:
        address = turn.conversation.address
        phone = address if address.startswith("+") else None
        turn.contracts = await contracts_of(turn.session, turn.conversation.id, phone, turn.today)
    return turn.contracts


@dataclass(frozen=True, slots=True)
class Supply:
    """The meter in place on a contract, with its registers and what was read on them."""

    contract: Contract
    meter: Meter
    registers: tuple[Register, ...]
    readings: dict[str, list[Reading]]

    def facts(self, code: str, replaced: frozenset[str] = frozenset()) -> RegisterFacts:
        """Register `code` for the checks, without the readings (by reference) that are being corrected."""
        register = self.register(code)
        watts = self.meter.subscribed_watts
        return RegisterFacts(
            code=code,
            digits=self.meter.digits,
            multiplier=self.meter.multiplier,
            subscribed_kw=None if watts is None else Decimal(watts) / 1000,
            unit=register.unit.value,
            history=tuple(
                IndexPoint(reading.value, reading.taken_on, reading.source != ReadingSource.ESTIMATE)
                for reading in self.readings[code]
                if reading.reference not in replaced
            ),
            contract_number=self.contract.number,
            meter_number=self.meter.number,
            siblings={
                other: readings[-1].value for other, readings in self.readings.items() if other != code and readings
            },
            installed_on=self.meter.installed_on,
        )

    def register(self, code: str) -> Register:
        return next(register for register in self.registers if register.code == code)

    @property
    def codes(self) -> list[str]:
        return [register.code.value for register in self.registers]


async def supply_of(turn: Turn, contract: Contract) -> Supply | None:
    """The supply of one of the sender's contracts, looked up once a turn; None when no meter is in place."""
    if contract.id not in turn.supplies:
        turn.supplies[contract.id] = await supply_in_place(turn.session, contract)
    return turn.supplies[contract.id]


async def supply_in_place(session: AsyncSession, contract: Contract) -> Supply | None:
    """The meter in place on a contract, its meters loaded; None when there is none."""
    meter = next((meter for meter in contract.meters if meter.removed_on is None), None)
    if meter is None or not meter.registers:
        return None
    found = await standing_readings(session, [register.id for register in meter.registers])
    return Supply(
        contract,
        meter,
        tuple(meter.registers),
        {register.code.value: found[register.id] for register in meter.registers},
    )
