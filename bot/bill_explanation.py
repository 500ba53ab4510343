"""Why a bill is what it is, for operators: as JSON and as a table in French.

The words that customers read about it are not here: they are texts, and translated.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from billing.cliff import Cliff
from billing.explanation import Cause, Explanation, NothingToCompare

if TYPE_CHECKING:
    from store.models import Bill as StoredBill

EFFECT_LABELS = {
    Cause.DAYS: "Nombre de jours",
    Cause.DAILY_USE: "Consommation par jour",
    Cause.TRANCHE: "Tranche atteinte",
    Cause.PRICES: "Prix",
    Cause.FIXED_CHARGES: "Redevances fixes",
    Cause.TAXES: "Taxes",
    Cause.REGULARISATION: "Régularisation des estimations",
    Cause.ARREARS: "Impayés et avoirs",
    Cause.ROUNDING: "Arrondi",
}


class Against(StrEnum):
    """What a bill is explained against."""

    PREVIOUS = "previous"
    YEAR = "year"


def explanation(bills: list[StoredBill], tariffs: str, against: Against) -> Explanation:
    """`bills` are oldest first, the last of them is explained. Raises NotRecomputable and NothingToCompare."""
    from actions.bill_comparison import compared, compared_with_last_year

    if against is Against.PREVIOUS:
        return compared(bills, tariffs)
    found = compared_with_last_year(bills, tariffs)
    if found is None:
        raise NothingToCompare(f"no bill of a year before {bills[-1].period_end} that can be recomputed")
    return found


def plain(contract: str, current: StoredBill, found: Explanation) -> dict[str, Any]:
    """For JSON; `period` goes from one index to the next, and the day of the first is not billed."""
    return {
        "contract": contract,
        "period": {"start": current.period_start.isoformat(), "end": current.period_end.isoformat()},
        "basis": current.basis.value,
        "previous_total": str(found.previous_total),
        "total": str(found.total),
        "difference": str(found.difference),
        "effects": [
            {"code": effect.code.value, "label": EFFECT_LABELS[effect.code], "amount": str(effect.amount)}
            for effect in found.effects
        ],
        "cliff": None if found.cliff is None else _plain_cliff(found.cliff),
    }


def _plain_cliff(cliff: Cliff) -> dict[str, Any]:
    """How much less use would have saved how much; `limit` is the threshold a month."""
    return {
        "code": cliff.threshold.code,
        "register": cliff.threshold.register,
        "limit": str(cliff.threshold.monthly),
        "less": cliff.less,
        "saved": str(cliff.saved),
    }


def show(contract: str, current: StoredBill, found: Explanation) -> None:
    """A table in French: the effects between the two totals."""
    basis = "estimée" if current.basis == "estimated" else "sur index relevé"
    earlier = found.previous.bill.period.end
    table = Table(title=f"Contrat {contract}, facture {basis} au {current.period_end:%d/%m/%Y}", box=SIMPLE_HEAD)
    table.add_column("")
    table.add_column("DH", justify="right", no_wrap=True)
    table.add_row(f"Facture au {earlier:%d/%m/%Y}", _comma(found.previous_total), style="bold")
    for effect in found.effects:
        table.add_row(EFFECT_LABELS[effect.code], _comma(effect.amount, sign="+"))
    table.add_row(f"Facture au {current.period_end:%d/%m/%Y}", _comma(found.total), style="bold")
    Console().print(table)
    if found.cliff is not None:
        unit = found.current.tariff.unit
        typer.echo(f"Avec {found.cliff.less} {unit} de moins, {_comma(found.cliff.saved)} DH de moins.")


def _comma(amount: Decimal, sign: str = "") -> str:
    return f"{amount:{sign}}".replace(".", ",")
