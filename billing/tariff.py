"""Tariffs: the law as data, one file per tariff in a folder per operator.

Each number stands under the date from which it holds, with its unit, its source and how sure we are of it
(the shape of OpenFisca's parameters). Prices are stored with all taxes (TTC): they have not moved since 2017
while VAT rose, so that the price before tax follows from the VAT of the day. `shared.yml` holds what the
operator's tariffs have in common: VAT, the audiovisual levy, the stamp. Another tariff is another file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from billing.document import Node, TariffError
from billing.grid import Grid, Tranche
from billing.parameter import Confidence, NoTariff, Parameter

__all__ = [
    "TARIFFS",
    "Charge",
    "FixedCharge",
    "Label",
    "Levy",
    "NoTariff",
    "Stamp",
    "Tariff",
    "TariffError",
    "load",
]

TARIFFS = Path(__file__).parent / "tariffs"
"""One folder per operator."""
SHARED = "shared.yml"
PLAIN_LINES = ("advance", "arrears", "credit", "rounding")
"""Lines of a bill that no parameter prices."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Label:
    """What a line is called, by language. `{tranche}` and `{limits}` stand for the tranche's number and limits."""

    fr: str
    ar: str
    en: str

    def filled(self, **values: object) -> Label:
        return Label(self.fr.format(**values), self.ar.format(**values), self.en.format(**values))


@dataclass(frozen=True, slots=True)
class Charge:
    """What a register's use costs. Its lines are called `code`, or `code_N` by tranche when the grid has several."""

    code: str
    label: Label
    register: str
    price: Parameter[Grid]
    vat: Parameter[Decimal]


@dataclass(frozen=True, slots=True)
class FixedCharge:
    """What a month of connection costs, whatever the use."""

    code: str
    label: Label
    amount: Parameter[Decimal]
    vat: Parameter[Decimal]


@dataclass(frozen=True, slots=True)
class Levy:
    """A tax per unit used in all registers, outside VAT: the TPPAN.

    `rates`, `cap` (dirhams) and `exempt_upto` are per month. Up to `exempt_upto` nothing is due, above it the
    levy is due from the first unit; None where there is no exemption.
    """

    code: str
    label: Label
    rates: Parameter[Grid]
    cap: Parameter[Decimal]
    exempt_upto: Parameter[Decimal] | None

    @property
    def parameters(self) -> tuple[Parameter[Any], ...]:
        """Its dated values."""
        known = (self.rates, self.cap, self.exempt_upto)
        return tuple(parameter for parameter in known if parameter)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Stamp duty on what is paid in cash; `rate` is a share of it."""

    label: Label
    rate: Parameter[Decimal]


@dataclass(frozen=True, slots=True)
class Tariff:
    """All that a bill is computed from. `labels` names the lines that no parameter prices.

    A month is `month_days` days: limits, fixed charges and caps are scaled by days / month_days.
    """

    operator: str
    name: str
    label: Label
    unit: str
    month_days: int
    charges: tuple[Charge, ...]
    fixed: tuple[FixedCharge, ...]
    levy: Levy | None
    stamp: Stamp
    labels: Mapping[str, Label]

    @property
    def registers(self) -> tuple[str, ...]:
        """The registers that a meter on this tariff has."""
        return tuple(dict.fromkeys(charge.register for charge in self.charges))

    @property
    def first(self) -> date:
        """The first day that can be billed: everything is known from then on."""
        return max(parameter.first for parameter in self.parameters)

    @property
    def parameters(self) -> tuple[Parameter[Any], ...]:
        """Every dated value behind a bill, in the order of its lines."""
        charged = [each for charge in self.charges for each in (charge.price, charge.vat)]
        fixed = [each for fixed in self.fixed for each in (fixed.amount, fixed.vat)]
        return (*charged, *fixed, *(self.levy.parameters if self.levy else ()), self.stamp.rate)


@cache
def load(folder: Path) -> Mapping[str, Tariff]:
    """The tariffs of an operator's folder, by name; read once. Raises TariffError."""
    if not folder.is_dir():
        raise TariffError(f"{folder}: no such folder of tariffs")
    shared = _Shared.read(folder / SHARED)
    files = sorted(path for path in folder.glob("*.yml") if path.name != SHARED)
    if not files:
        raise TariffError(f"{folder}: no tariff in this folder")
    return MappingProxyType({path.stem: _tariff(Node.read(path), shared) for path in files})


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the operator's tariffs have in common. `exempt_upto` is for households only."""

    month_days: int
    labels: Mapping[str, Label]
    vat: Mapping[str, Parameter[Decimal]]
    levies: Mapping[str, Levy]
    stamp: Stamp

    @classmethod
    def read(cls, path: Path) -> _Shared:
        root = Node.read(path)
        fields = root.fields(("month_days", "labels", "vat", "stamp"), ("levies",))
        stamp = fields["stamp"].fields(("label", "rate"))
        return cls(
            month_days=_month_days(fields["month_days"]),
            labels={code: _label(node) for code, node in fields["labels"].fields(PLAIN_LINES).items()},
            vat={key.text(): _parameter(value, _share) for key, value in fields["vat"].items()},
            levies={key.text(): _levy(key.text(), value) for key, value in fields["levies"].items()}
            if "levies" in fields
            else {},
            stamp=Stamp(_label(stamp["label"]), _parameter(stamp["rate"], _share)),
        )


def _tariff(root: Node, shared: _Shared) -> Tariff:
    fields = root.fields(("label", "unit", "charges"), ("fixed", "levy", "household"))
    household = "household" in fields and fields["household"].flag()
    return Tariff(
        operator=root.path.parent.name,
        name=root.path.stem,
        label=_label(fields["label"]),
        unit=fields["unit"].choice(("kWh", "m3")),
        month_days=shared.month_days,
        charges=tuple(_charge(key.text(), value, shared) for key, value in fields["charges"].items()),
        fixed=tuple(_fixed(key.text(), value, shared) for key, value in fields["fixed"].items())
        if "fixed" in fields
        else (),
        levy=_levied(shared.levies[fields["levy"].choice(shared.levies)], household=household)
        if "levy" in fields
        else None,
        stamp=shared.stamp,
        labels=shared.labels,
    )


def _charge(code: str, node: Node, shared: _Shared) -> Charge:
    fields = node.fields(("label", "register", "vat", "price"))
    return Charge(
        code=code,
        label=_label(fields["label"]),
        register=fields["register"].text(),
        price=_parameter(fields["price"], _grid),
        vat=shared.vat[fields["vat"].choice(shared.vat)],
    )


def _fixed(code: str, node: Node, shared: _Shared) -> FixedCharge:
    fields = node.fields(("label", "vat", "amount"))
    return FixedCharge(
        code=code,
        label=_label(fields["label"]),
        amount=_parameter(fields["amount"], Node.decimal),
        vat=shared.vat[fields["vat"].choice(shared.vat)],
    )


def _levy(code: str, node: Node) -> Levy:
    fields = node.fields(("label", "rates", "cap", "household_exempt_upto"))
    return Levy(
        code=code,
        label=_label(fields["label"]),
        rates=_parameter(fields["rates"], _grid),
        cap=_parameter(fields["cap"], Node.decimal),
        exempt_upto=_parameter(fields["household_exempt_upto"], Node.decimal),
    )


def _levied(levy: Levy, *, household: bool) -> Levy:
    return levy if household else Levy(levy.code, levy.label, levy.rates, levy.cap, None)


def _parameter(node: Node, value: Callable[[Node], T]) -> Parameter[T]:
    """A parameter whose values are read by `value`, its dates ascending."""
    fields = node.fields(("unit", "source", "confidence", "values"), ("comment",))
    values: list[tuple[Node, T]] = []
    for day, dated in fields["values"].items():
        if values and day.day() <= values[-1][0].day():
            day.fail(f"dates must ascend: it comes after {values[-1][0].text()}")
        values.append((day, value(dated)))
    return Parameter(
        name=f"{node.path.stem} {node.name}",
        unit=fields["unit"].text(),
        source=fields["source"].text(),
        confidence=Confidence(fields["confidence"].choice(list(Confidence))),
        values=tuple((day.day(), dated) for day, dated in values),
        comment=fields["comment"].text() if "comment" in fields else "",
    )


def _grid(node: Node) -> Grid:
    """One price, or tranches with ascending limits of which the last has none."""
    if not node.is_list:
        return Grid((Tranche(1, None, node.decimal()),))
    tranches: list[Tranche] = []
    nodes = list(node.list())
    for number, each in enumerate(nodes, start=1):
        fields = each.fields(("price",), ("upto", "selective"))
        upto = fields["upto"].decimal() if "upto" in fields else None
        selective = "selective" in fields and fields["selective"].flag()
        if (upto is None) != (number == len(nodes)):
            each.fail("every tranche but the last has a limit upto, and the last has none")
        before = tranches[-1] if tranches else Tranche(0, Decimal(0), Decimal(0))
        if upto is not None and upto <= (before.upto or 0):
            each.fail(f"overlaps the tranche before it: upto {upto} is not above {before.upto}")
        if before.selective and not selective:
            each.fail("a progressive tranche cannot come after a selective one")
        tranches.append(Tranche(number, upto, fields["price"].decimal(), selective))
    return Grid(tuple(tranches))


def _share(node: Node) -> Decimal:
    share = node.decimal()
    if share >= 1:
        node.fail(f"must be a share such as 0.20, not {share}")
    return share


def _month_days(node: Node) -> int:
    days = node.decimal()
    if days != int(days) or not 28 <= days <= 31:
        node.fail(f"must be a number of days between 28 and 31, not {days}")
    return int(days)


def _label(node: Node) -> Label:
    fields = node.fields(("fr", "ar", "en"))
    label = Label(fields["fr"].text(), fields["ar"].text(), fields["en"].text())
    try:
        label.filled(tranche=1, limits="0-100")
    except (KeyError, IndexError, ValueError):
        node.fail("only {tranche} and {limits} may stand in braces")
    return label
