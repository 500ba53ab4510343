"""What a line of each kind of file says, checked by itself. Whom it refers to is for the store to find.

A line says all of a thing: what is left out is empty. In CSV, several values of a cell are separated by blanks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from bot.faults import Fault
from bot.phones import e164
from nlu import communes
from store.exchange_models import ImportKind
from store.models import BillBasis, Billing, ReadingSource, RegisterCode, Utility

COUNTRY = "MA"
"""Of phone numbers without a prefix."""
USUAL_PHONE = re.compile(r"\+212[5-8][0-9]{8}", re.ASCII)
"""As nearly all files have them: finding out of a million phones what else they may be takes a minute."""
MOST_DIGITS = 9
"""Of a meter."""


def _one_line(text: str) -> str:
    """With single spaces. PostgreSQL has no text with NUL in it, and nobody reads the other control characters."""
    plain = " ".join(text.split())
    if not plain.isprintable() and any(ord(each) < 32 or ord(each) == 127 for each in plain):
        raise ValueError("has a control character")
    return plain


@lru_cache(maxsize=10_000)
def _commune(name: str) -> str:
    """By the name under which customers' own words are understood, where it is known."""
    return communes.known().canonical(name) or name


def _phone(text: str) -> str:
    if USUAL_PHONE.fullmatch(text):
        return text
    try:
        return e164(text, COUNTRY)
    except Fault as error:
        raise ValueError("is not a phone number") from error


def _several(cell: object) -> object:
    return cell.split() if isinstance(cell, str) else cell


def _json_cell(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise ValueError("is not JSON") from error


def _payments(cell: object) -> object:
    """`2026-12-15:200.00 2027-01-15:126.26:50.00`: due on, dirhams, dirhams paid so far."""
    if not isinstance(cell, str):
        return cell
    return [dict(zip(("due_on", "amount", "paid"), part.split(":", 2), strict=False)) for part in cell.split()]


Number = Annotated[str, StringConstraints(min_length=1, max_length=24), AfterValidator(_one_line)]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]
Dirhams = Annotated[Decimal, Field(max_digits=12, decimal_places=2)]
Index = Annotated[int, Field(ge=0, lt=10**MOST_DIGITS)]


class Row(BaseModel):
    """A line. Numbers may stand where text does: not every system quotes them."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class CustomerRow(Row):
    """A holder of contracts. Without a `language` the one that the customer chose stays."""

    number: Number
    name: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_line)]
    language: Literal["fr", "ar", "ary", "ary-Latn", "en", "zgh"] | None = None


class ContractRow(Row):
    """A supply at one place. Writing from one of its `phones` identifies its holder."""

    number: Number
    customer: Number
    utility: Utility
    billing: Billing
    tariff: Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_one_line)]
    address: Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_one_line)]
    commune: Annotated[
        str, StringConstraints(min_length=1, max_length=100), AfterValidator(_one_line), AfterValidator(_commune)
    ]
    route: Number
    opened_on: Day
    closed_on: Day | None = None
    phones: Annotated[
        list[Annotated[str, AfterValidator(_phone)]], BeforeValidator(_several), Field(max_length=10)
    ] = []

    @model_validator(mode="after")
    def _closed_after_opened(self) -> ContractRow:
        if self.closed_on is not None and self.closed_on < self.opened_on:
            raise ValueError("closed_on is before opened_on")
        return self


class MeterRow(Row):
    """A meter at a contract, from `installed_on` until `removed_on`."""

    number: Number
    contract: Number
    digits: Annotated[int, Field(ge=3, le=MOST_DIGITS)]
    multiplier: Annotated[int, Field(ge=1, le=100_000)] = 1
    subscribed_watts: Annotated[int, Field(ge=1, le=10**9)] | None = None
    installed_on: Day
    removed_on: Day | None = None
    registers: Annotated[list[RegisterCode], BeforeValidator(_several), Field(min_length=1, max_length=3)] = [
        RegisterCode.TOTAL
    ]

    @model_validator(mode="after")
    def _removed_after_installed(self) -> MeterRow:
        if self.removed_on is not None and self.removed_on < self.installed_on:
            raise ValueError("removed_on is before installed_on")
        return self


class UseRow(BaseModel):
    """A register's part of a bill (`billing.bill.Use`)."""

    model_config = ConfigDict(extra="forbid")

    register_: Annotated[RegisterCode, Field(alias="register")]
    quantity: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=3)]
    previous: Index | None = None
    new: Index | None = None
    estimated: bool = False


class BillRow(Row):
    """A bill as issued, dirhams with tax; `uses`, JSON, is what it was computed from and lets it be explained."""

    number: Number
    contract: Number
    period_start: Day
    period_end: Day
    issued_on: Day
    due_on: Day
    basis: BillBasis
    usage: Annotated[int, Field(ge=-(10**9), le=10**9)]
    tariff: Annotated[str, StringConstraints(max_length=40), AfterValidator(_one_line)] | None = None
    billed_from: Day | None = None
    uses: Annotated[list[UseRow] | None, BeforeValidator(_json_cell), Field(max_length=12)] = None
    advances: Dirhams = Decimal(0)
    arrears: Dirhams = Decimal(0)
    credit: Dirhams = Decimal(0)
    total: Dirhams
    paid: Dirhams = Decimal(0)

    @model_validator(mode="after")
    def _adds_up(self) -> BillRow:
        if self.period_end < self.period_start:
            raise ValueError("period_end is before period_start")
        if not min(self.total, Decimal(0)) <= self.paid <= max(self.total, Decimal(0)):
            raise ValueError("paid is not between 0 and total")
        return self


class PaymentRow(BaseModel):
    """One payment of a schedule: the day, dirhams, and how many of them were paid."""

    model_config = ConfigDict(extra="forbid")

    due_on: Day
    amount: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2)]
    paid: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)] = Decimal(0)

    @model_validator(mode="after")
    def _not_more(self) -> PaymentRow:
        if self.paid > self.amount:
            raise ValueError("paid is more than amount")
        return self


class ScheduleRow(Row):
    """Time to pay that the operator granted elsewhere, under its own `reference`, on open `bills` of a contract."""

    reference: Annotated[str, StringConstraints(min_length=1, max_length=16), AfterValidator(_one_line)]
    contract: Number
    bills: Annotated[list[Number], BeforeValidator(_several), Field(min_length=1, max_length=24)]
    payments: Annotated[list[PaymentRow], BeforeValidator(_payments), Field(min_length=1, max_length=36)]

    @model_validator(mode="after")
    def _in_order(self) -> ScheduleRow:
        days = [each.due_on for each in self.payments]
        if any(later <= earlier for earlier, later in pairwise(days)):
            raise ValueError("the payments are not in the order of their days")
        return self


class ReadingRow(Row):
    """An index that the operator has: read by its staff, or estimated."""

    meter: Number
    register_: Annotated[RegisterCode, Field(alias="register")] = RegisterCode.TOTAL
    value: Index
    taken_on: Day
    source: Literal[ReadingSource.FIELD, ReadingSource.ESTIMATE] = ReadingSource.FIELD


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its lines, and the fields that tell one thing from another."""

    name: ImportKind
    row: type[Row]
    key: tuple[str, ...]

    @property
    def known(self) -> Sequence[str]:
        return tuple(field.alias or name for name, field in self.row.model_fields.items())

    @property
    def required(self) -> Sequence[str]:
        return tuple(name for name, field in self.row.model_fields.items() if field.is_required())


KINDS: Mapping[ImportKind, Kind] = {
    kind.name: kind
    for kind in (
        Kind(ImportKind.CUSTOMERS, CustomerRow, ("number",)),
        Kind(ImportKind.CONTRACTS, ContractRow, ("number",)),
        Kind(ImportKind.METERS, MeterRow, ("number",)),
        Kind(ImportKind.BILLS, BillRow, ("number",)),
        Kind(ImportKind.SCHEDULES, ScheduleRow, ("reference",)),
        Kind(ImportKind.READINGS, ReadingRow, ("meter", "register", "taken_on", "source")),
    )
}


def values_of(row: Row) -> dict[str, Any]:
    """The fields as the store takes them."""
    values = dict(row)
    if isinstance(row, BillRow) and row.uses is not None:
        values["uses"] = [use.model_dump(mode="json", by_alias=True) for use in row.uses]
    if isinstance(row, ReadingRow):
        values["register"] = values.pop("register_")
    if isinstance(row, ScheduleRow):
        values["payments"] = [(part.due_on, part.amount, part.paid) for part in row.payments]
    return values
