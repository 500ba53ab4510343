"""What a picture of a bill is drawn from. All words arrive translated; nothing is computed here but checked."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from bot.pictures.writing import Language


def _exact(value: Any) -> Any:
    """Amounts come as text (JSON) or as `Decimal`: a float has lost centimes already."""
    if not isinstance(value, str | Decimal):
        raise ValueError("must be an amount written as text")
    return value


def _one_line(text: str) -> str:
    return " ".join(text.split())


Amount = Annotated[Decimal, BeforeValidator(_exact), Field(decimal_places=2, gt=-(10**9), lt=10**9)]
"""Dirhams."""
_LINE = AfterValidator(_one_line)
Words = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True), _LINE]
Quantity = Annotated[int, Field(strict=True, ge=0, lt=10**9)]
"""kWh or m3."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Bar(_Part):
    label: Words
    amount: Amount
    kind: Literal["start", "effect", "total"]


class Waterfall(_Part):
    """From the earlier bill (`start`) through what changed it (`effect`, at most nine) to the new one (`total`)."""

    title: Words
    bars: tuple[Bar, ...] = Field(min_length=2, max_length=11)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        first, *effects, last = self.bars
        if first.kind != "start" or last.kind != "total" or any(bar.kind != "effect" for bar in effects):
            raise ValueError("bars must be one start, then effects, then one total")
        if first.amount + sum(bar.amount for bar in effects) != last.amount:
            raise ValueError("the effects do not lead from the start to the total")
        return self


class Month(_Part):
    label: Words
    value: Quantity
    estimated: bool = False


class Limit(_Part):
    """The upper end of a tranche."""

    label: Words
    value: Quantity


class Usage(_Part):
    """Usage by month, oldest first; the last month is the current one."""

    title: Words
    unit: Words
    months: tuple[Month, ...] = Field(min_length=1, max_length=25)
    limits: tuple[Limit, ...] = Field(default=(), max_length=8)
    estimated_label: Words

    @model_validator(mode="after")
    def _limits_rise(self) -> Self:
        values = [limit.value for limit in self.limits]
        if values != sorted(set(values)):
            raise ValueError("limits must rise")
        return self


class Picture(_Part):
    language: Language
    title: Words
    subtitle: Words
    waterfall: Waterfall | None = None
    usage: Usage | None = None

    @model_validator(mode="after")
    def _shows_something(self) -> Self:
        if self.waterfall is None and self.usage is None:
            raise ValueError("nothing to draw: neither waterfall nor usage")
        return self
