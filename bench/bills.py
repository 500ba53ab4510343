"""What bills cost: one computed, one explained, one drawn, and fifty drawn at once. `uv run python bench/bills.py`.

The figures side by side say what may run inside a turn (computing, explaining) and what may not (drawing).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from billing.bill import Bill, Period, Use, compute
from billing.explanation import BilledPeriod, explain
from billing.tariff import TARIFFS, load
from bot.sending.attachments import Attachments

TIMES = 200
PICTURES = 50
DAY = date(2026, 3, 31)


def bill(use: int, end: date) -> Bill:
    tariff = load(TARIFFS / "onee")["residential"]
    return compute(tariff, Period(end - timedelta(days=30), end), [Use("total", Decimal(use))])


def explained(number: int) -> dict[str, Any]:
    """The order for a picture of a bill that rose by `number` kWh."""
    tariff = load(TARIFFS / "onee")["residential"]
    before, now = bill(295, DAY - timedelta(days=30)), bill(295 + number, DAY)
    found = explain(BilledPeriod(tariff, before), BilledPeriod(tariff, now))
    bars = [{"label": "Facture précédente", "amount": str(found.previous_total), "kind": "start"}]
    bars += [{"label": effect.code.value, "amount": str(effect.amount), "kind": "effect"} for effect in found.effects]
    bars += [{"label": "Cette facture", "amount": str(found.total), "kind": "total"}]
    months = [
        {"label": f"{month:02}/25", "value": 250 + 5 * month, "estimated": month % 2 == 0} for month in range(1, 13)
    ]
    limits = [{"label": f"{limit} kWh", "value": limit} for limit in (150, 210, 310, 510)]
    usage = {"title": "Consommation", "unit": "kWh", "months": months, "limits": limits, "estimated_label": "Estimé"}
    spec = {
        "language": "fr",
        "title": f"Votre facture : {found.total} DH",
        "subtitle": "mars 2026",
        "waterfall": {"title": "Ce qui a changé", "bars": bars},
        "usage": usage,
    }
    return {"make": "bill_picture", "name": "facture.png", "spec": spec}


def milliseconds(what: Callable[[], object]) -> float:
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        what()
        times.append(time.perf_counter() - began)
    return 1000 * median(times)


async def drawn() -> tuple[float, float, float]:
    """Milliseconds of the first picture, of the next, and of fifty different ones asked for at once."""
    attachments = Attachments()
    try:
        times = []
        for numbers in ([1], [2], range(3, 3 + PICTURES)):
            orders = [explained(number) for number in numbers]
            began = time.perf_counter()
            await asyncio.gather(*(attachments.content(order) for order in orders))
            times.append(1000 * (time.perf_counter() - began))
        return times[0], times[1], times[2]
    finally:
        await attachments.close()


def main() -> None:
    tariff = load(TARIFFS / "onee")["residential"]
    before, now = bill(305, DAY - timedelta(days=30)), bill(320, DAY)
    rows = [("a bill computed", milliseconds(lambda: bill(320, DAY)))]
    rows += [
        ("a bill explained", milliseconds(lambda: explain(BilledPeriod(tariff, before), BilledPeriod(tariff, now))))
    ]
    first, one, fifty = asyncio.run(drawn())
    rows += [
        ("the first picture, a worker starting", first),
        ("a picture", one),
        (f"{PICTURES} pictures at once", fifty),
    ]
    table = Table(title="Bills")
    for column in ("", "ms", "times a bill computed"):
        table.add_column(column, justify="right" if column else "left")
    for what, took in rows:
        table.add_row(what, f"{took:.2f}", f"{took / rows[0][1]:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
