"""The customers that both sides know: the same phones, contracts and readings, made without chance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from billing.findings import Code
from billing.readings import check
from billing.registers import IndexPoint, RegisterFacts

DIGITS = 5
SUBSCRIBED_WATTS = 6600
MONTHS = 13
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Customer:
    """One contract with one electricity meter; `history` is one real reading every 30 days, oldest first."""

    phone: str
    contract: str
    meter: str
    history: tuple[tuple[date, int], ...]

    @property
    def usual(self) -> int:
        """The next index after a month like the others."""
        return self.history[-1][1] + self.monthly

    @property
    def monthly(self) -> int:
        """kWh in 30 days."""
        return (self.history[-1][1] - self.history[0][1]) // (MONTHS - 1)

    def surprising(self, today: date) -> int:
        """A real index so high that both sides ask again, and that looks like no slip of the finger."""
        facts = RegisterFacts(
            code="total",
            digits=DIGITS,
            multiplier=1,
            subscribed_kw=Decimal(SUBSCRIBED_WATTS) / 1000,
            unit="kWh",
            history=tuple(IndexPoint(value, taken_on, real=True) for taken_on, value in self.history),
            contract_number=self.contract,
            meter_number=self.meter,
        )
        for months in range(6, 30):
            value = self.history[-1][1] + months * self.monthly + months
            verdict = check(value, today, today, facts)
            if Code.HIGH in verdict and verdict.repair is None:
                return value
        raise LookupError(f"no surprising index for contract {self.contract}")


def customers(count: int, today: date) -> list[Customer]:
    """The first `count` customers. Their last reading is 30 days before `today`; they use 90 to 130 kWh a month."""
    return [_customer(number, today) for number in range(count)]


def _customer(number: int, today: date) -> Customer:
    monthly = 90 + number % 41
    last = 30_000 + number * 17 % 50_000
    wobble = (0, 4, -3, 2, -4, 3, -2)
    history = tuple(
        (
            today - MONTH * (MONTHS - month),
            last - monthly * (MONTHS - 1 - month) + (wobble[month % 7] if 0 < month < MONTHS - 1 else 0),
        )
        for month in range(MONTHS)
    )
    return Customer(f"+2126100{number:05d}", f"1{5_000_000 + number:07d}", f"B{number:07d}", history)
