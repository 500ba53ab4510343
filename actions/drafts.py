"""A reading in the making: what the customer has said so far and what is still in doubt."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any


@dataclass(slots=True)
class Doubt:
    """The question a reading raised: the finding's code, the value, and the numbers that the question needs."""

    register: str
    code: str
    value: int
    repair: int | None = None
    usage: int | None = None
    days: int | None = None
    usual: int | None = None
    bound: int | None = None
    other_register: str | None = None
    standing: str | None = None
    """Reference of the reading that stands for the same day, to be replaced if the customer says so."""
    refused: bool = False
    """The value cannot stand even if insisted on: only the repair, or another number."""


@dataclass(slots=True)
class Draft:
    """Kept in the `draft` slot while the reading form is open.

    `loose` are numbers given before it was known which register they belong to. `insisted` are registers whose
    suspicious value the customer confirmed. `replaces` maps a register to the reference of the reading corrected.
    `photo` is the message whose picture came along, `looked` whether it was held against the registers, `read` are
    registers whose value was read in it and not put to the customer yet.
    """

    contract: str | None = None
    utility: str | None = None
    taken_on: str | None = None
    values: dict[str, int] = field(default_factory=dict)
    loose: list[dict[str, Any]] = field(default_factory=list)
    insisted: list[str] = field(default_factory=list)
    replaces: dict[str, str] = field(default_factory=dict)
    asking: str | None = None
    doubt: Doubt | None = None
    refusals: int = 0
    photo: int | None = None
    looked: bool = False
    read: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, slot: dict[str, Any] | None) -> Draft:
        if not slot:
            return cls()
        doubt = slot.get("doubt")
        return cls(**{**slot, "doubt": Doubt(**doubt) if doubt else None})

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def date(self) -> date | None:
        return date.fromisoformat(self.taken_on) if self.taken_on else None

    def forget(self, register: str) -> None:
        """Drop what was given for a register: it will be asked again."""
        self.values.pop(register, None)
        for marked in (self.insisted, self.read):
            if register in marked:
                marked.remove(register)
        self.doubt = None
