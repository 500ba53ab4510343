"""What the copy of a bill is set from. All words arrive translated and all figures written."""

from __future__ import annotations

import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bot.pictures.writing import Language

Words = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Cell = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
Pair = tuple[Words, Cell]
"""A label and its value."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Operator(_Part):
    name: Words
    phone: Words


class BillCopy(_Part):
    language: Language
    operator: Operator
    title: Words
    copy_label: Annotated[Words, Field(max_length=40)]
    """Stands framed at the top of every page."""
    date: datetime.date
    """The day the copy was made, which the file gives as its own: the same copy has the same bytes."""
    fields: tuple[Pair, ...] = Field(max_length=40)
    columns: tuple[Words, ...] = Field(min_length=2, max_length=8)
    lines: tuple[tuple[Cell, ...], ...] = Field(max_length=500)
    """What each is for comes first, its amount last."""
    totals: tuple[Pair, ...] = Field(min_length=1, max_length=20)
    notes: tuple[Note, ...] = Field(default=(), max_length=20)

    @model_validator(mode="after")
    def _fills_columns(self) -> Self:
        if any(len(line) != len(self.columns) for line in self.lines):
            raise ValueError("a line has more or fewer cells than there are columns")
        return self
