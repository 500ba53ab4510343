"""Figures and lists as CSV files, that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence

from fastapi import Response

from bot.desk.supervision.figures import Breakdown, Chart
from bot.desk.supervision.plot import Unit, Value
from bot.desk.wording import N_

Translate = Callable[[str], str]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula (OWASP, CSV injection)."""
_BOM = "\ufeff"
"""Without it some spreadsheets take UTF-8 for something else."""
_UNITS = {Unit.DURATION: N_("secondes"), Unit.SHARE: N_("de 0 à 1")}


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download. Texts that could be formulas get an apostrophe in front, which spreadsheets hide."""
    out = io.StringIO()
    out.write(_BOM)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_cell(each) for each in header])
    writer.writerows([_cell(each) for each in row] for row in rows)
    return Response(
        out.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def chart_rows(chart: Chart, translate: Translate) -> tuple[list[str], list[list[object]]]:
    """Header and rows of a chart: a line for each day."""
    header = [translate(N_("Jour")), *(_named(each.name, chart.unit, translate) for each in chart.series)]
    rows: list[list[object]] = [
        [day.isoformat(), *(_plain(each.values[at]) for each in chart.series)] for at, day in enumerate(chart.days)
    ]
    return header, rows


def breakdown_rows(breakdown: Breakdown, translate: Translate) -> tuple[list[str], list[list[object]]]:
    """Header and rows of a breakdown."""
    header = [translate(breakdown.heading), *(_named(each.name, each.unit, translate) for each in breakdown.columns)]
    rows: list[list[object]] = [
        [translate(row.label), *(_plain(value) for value in row.values)] for row in breakdown.rows
    ]
    return header, rows


def _named(name: str, unit: Unit, translate: Translate) -> str:
    return f"{translate(name)} ({translate(_UNITS[unit])})" if unit in _UNITS else translate(name)


def _plain(value: Value) -> object:
    """Empty where nothing is known, and no more places than the figure is worth."""
    if value is None:
        return ""
    return int(value) if float(value).is_integer() else round(value, 4)


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
