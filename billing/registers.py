"""What the rules need to know about one register of a meter: its dial, its history, its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Literal


class Source(StrEnum):
    """Who an index comes from."""

    CUSTOMER = "customer"
    AGENT = "agent"
    FIELD = "field"
    ESTIMATE = "estimate"

    @property
    def real(self) -> bool:
        """Whether somebody looked at the meter."""
        return self is not Source.ESTIMATE


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """An index in the history of a register; `real` is False for an estimate."""

    value: int
    taken_on: date
    real: bool


@dataclass(frozen=True)
class RegisterFacts:
    """One register as the reading rules see it.

    `history` is chronological and holds the readings that stand (replaced and rejected ones left out).
    `multiplier` turns index units into `unit` (current transformers); `subscribed_kw` is None for water and
    where it is not known. `siblings` are the last indexes of the meter's other registers, by register code.
    """

    code: str
    digits: int
    multiplier: int
    subscribed_kw: Decimal | None
    unit: Literal["kWh", "m3"]
    history: tuple[IndexPoint, ...]
    contract_number: str
    meter_number: str
    siblings: Mapping[str, int] = field(default_factory=dict)
    installed_on: date | None = None

    @cached_property
    def size(self) -> int:
        """How many indexes the dial can show: 100,000 for five digits."""
        return int(10**self.digits)

    def advance(self, old: int, new: int) -> int:
        """Index units from `old` to `new`, the shorter way round the dial; negative when it goes back.

        Half a dial is years of consumption, so a real drop is a correction and a huge one is a rollover.
        """
        forward = (new - old) % self.size
        return forward if forward <= self.size // 2 else forward - self.size

    def last_real(self, until: date = date.max) -> IndexPoint | None:
        """The last real index taken on `until` or before."""
        return next((p for p in reversed(self.history) if p.real and p.taken_on <= until), None)
