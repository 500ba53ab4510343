"""A contract's file as the panel and the page of a contract show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from actions.bill_lines import label_in
from actions.operator import Operator
from actions.speech import UNITS
from actions.supply import Supply
from billing.calendar import local_day
from billing.kwh_advance import outstanding
from billing.tariff import TARIFFS, load
from bot.desk.reading_doubts import Doubt, doubts
from bot.desk.usage_chart import Chart, chart, periods
from store.contract_files import ContractFile
from store.models import Bill, Billing, Contract, LedgerEntry, LedgerKind, Meter, Reading
from store.prepaid import entries
from store.readings import STANDING

READINGS = 6
"""The last readings that are listed, of each register."""
RECHARGES = 5


@dataclass(frozen=True, slots=True)
class ReadingView:
    reading: Reading
    doubts: list[Doubt]


@dataclass(frozen=True, slots=True)
class RegisterView:
    """A register of the meter in place: its use as a chart, and its last readings, the latest first.

    `pattern` names its hatching, which must be unique on a page.
    """

    code: str
    unit: str
    pattern: str
    chart: Chart | None
    readings: list[ReadingView]


@dataclass(frozen=True, slots=True)
class ContractView:
    """`tariff` is in the reader's words, `late` what is open on bills past their day, `owed_kwh` of advances."""

    file: ContractFile
    tariff: str
    meter: Meter | None
    registers: list[RegisterView]
    late: Decimal
    owed_kwh: Decimal
    recharges: list[LedgerEntry]
    today: date

    @property
    def contract(self) -> Contract:
        return self.file.contract

    @property
    def is_prepaid(self) -> bool:
        return self.contract.billing is Billing.PREPAID

    def is_late(self, bill: Bill) -> bool:
        return bill.paid < bill.total and bill.due_on < self.today


def contract_view(
    file: ContractFile, operator: Operator, language: str, direction: str, now: datetime
) -> ContractView:
    """`file` for somebody who reads `language`; `direction` is the page's, `ltr` or `rtl`."""
    today = local_day(now)
    meter = next((meter for meter in file.contract.meters if meter.removed_on is None), None)
    late = [bill for bill in file.unpaid if bill.paid < bill.total and bill.due_on < today]
    return ContractView(
        file=file,
        tariff=_tariff(operator, file.contract.tariff, language),
        meter=meter,
        registers=[] if meter is None else _registers(file, meter, language, direction),
        late=sum((bill.total - bill.paid for bill in late), Decimal(0)),
        owed_kwh=outstanding(entries(file.ledger)),
        recharges=[line for line in reversed(file.ledger) if line.kind is not LedgerKind.ADVANCE][:RECHARGES],
        today=today,
    )


def _tariff(operator: Operator, name: str, language: str) -> str:
    """What the operator calls a tariff; its own name where it is not one that bills are computed from."""
    tariff = load(TARIFFS / operator.tariffs).get(name)
    return name if tariff is None else label_in(language, tariff.label)


def _registers(file: ContractFile, meter: Meter, language: str, direction: str) -> list[RegisterView]:
    known = {register.code.value: file.readings[register.id] for register in meter.registers}
    standing = {code: [each for each in readings if each.state in STANDING] for code, readings in known.items()}
    supply = Supply(file.contract, meter, tuple(meter.registers), standing)
    return [
        _register(supply, register.code.value, register.id, known[register.code.value], language, direction)
        for register in meter.registers
    ]


def _register(
    supply: Supply, code: str, register_id: int, readings: Sequence[Reading], language: str, direction: str
) -> RegisterView:
    facts = supply.facts(code)
    return RegisterView(
        code=code,
        unit=UNITS[facts.unit],
        pattern=f"hatched-{register_id}",
        chart=chart(periods(facts, readings), right_to_left=direction == "rtl"),
        readings=[
            ReadingView(reading, doubts(reading, facts, readings, language))
            for reading in readings[: -READINGS - 1 : -1]
        ],
    )
