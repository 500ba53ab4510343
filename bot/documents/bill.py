"""The copy of a bill, on A4: the customer's details, the lines, the totals, the notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from bot.documents.page import FAINT, QUIET, TINT, Page
from bot.documents.spec import BillCopy, Pair

_ROW_HEIGHT = 6.5
_PADDING = 1.5
_LABEL_WIDTH = 62
_NARROWEST_FIRST_COLUMN = 50
_TOTALS_WIDTH = 110
_TWO_LINES = 0.6  # of the width of one
_SLACK = 2.5  # the width that a cell keeps from its words


def render(spec: Mapping[str, Any]) -> bytes:
    """The copy as PDF. Raises `ValueError` where `spec` is not a `BillCopy`."""
    copy = BillCopy.model_validate(spec)
    page = Page(
        copy.language,
        title=copy.title,
        name=copy.operator.name,
        phone=copy.operator.phone,
        mark=copy.copy_label,
        made_on=copy.date,
    )
    page.letters(18, bold=True)
    page.multi_cell(0, 9, page.written(copy.title), align=page.start, new_x="LMARGIN", new_y="NEXT")
    page.ln(3)
    _fields(page, copy.fields)
    _lines(page, copy.columns, copy.lines)
    _totals(page, copy.totals)
    _notes(page, copy.notes)
    return bytes(page.output())


def _fields(page: Page, fields: Sequence[Pair]) -> None:
    page.letters(10.5)
    with page.table(
        borders_layout=TableBordersLayout.NONE,
        col_widths=page.from_start([_LABEL_WIDTH, page.epw - _LABEL_WIDTH]),
        first_row_as_headings=False,
        line_height=_ROW_HEIGHT,
        text_align=page.start,
        v_align="TOP",
    ) as table:
        for label, value in fields:
            row = table.row()
            for words, style in page.from_start([(label, FontFace(color=QUIET)), (value, None)]):
                row.cell(page.written(words), style=style)
    page.ln(5)


def _lines(page: Page, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """The table of lines; its heading comes again on every page.

    Figures stand to the right in Arabic too: their digits run from left to right, and so line up.
    """
    page.letters(10)
    page.set_draw_color(*FAINT)
    with page.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        col_widths=page.from_start(_column_widths(page, columns, lines)),
        headings_style=FontFace(emphasis="BOLD", fill_color=TINT),
        line_height=_ROW_HEIGHT,
        padding=_PADDING,
        text_align=page.from_start([page.start, *("R" for _ in columns[1:])]),
    ) as table:
        for line in (columns, *lines):
            row = table.row()
            for cell in page.from_start(line):
                row.cell(page.written(cell))
    page.ln(5)


def _column_widths(page: Page, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> list[float]:
    """Figures as wide as they are, headings on about two lines; what the lines are for has the rest."""
    page.letters(10, bold=True)

    def width(words: str) -> float:
        return page.get_string_width(page.written(words))

    widths = [
        max(_TWO_LINES * width(column), *map(width, column.split()), *(width(line[at]) for line in lines))
        + 2 * _PADDING
        + _SLACK
        for at, column in enumerate(columns[1:], start=1)
    ]
    page.letters(10)
    room = page.epw - _NARROWEST_FIRST_COLUMN
    if sum(widths) > room:
        widths = [width * room / sum(widths) for width in widths]
    return [page.epw - sum(widths), *widths]


def _totals(page: Page, totals: Sequence[Pair]) -> None:
    """Kept on one page; the last one is what is to be paid."""
    if page.will_page_break(len(totals) * (_ROW_HEIGHT + 2 * _PADDING)):
        page.add_page()
    page.letters(11, bold=True)
    figures = max(page.get_string_width(page.written(figure)) for _, figure in totals) + 2 * _PADDING + _SLACK
    page.letters(11)
    *parts, due = totals
    with page.table(
        align="LEFT" if page.right_to_left else "RIGHT",
        borders_layout=TableBordersLayout.NONE,
        col_widths=page.from_start([_TOTALS_WIDTH - figures, figures]),
        first_row_as_headings=False,
        line_height=_ROW_HEIGHT,
        padding=_PADDING,
        text_align=page.from_start([page.start, "R"]),
        width=_TOTALS_WIDTH,
    ) as table:
        for pair, style in (*((part, None) for part in parts), (due, FontFace(emphasis="BOLD", fill_color=TINT))):
            row = table.row(style=style)
            for words in page.from_start(pair):
                row.cell(page.written(words))
    page.ln(6)


def _notes(page: Page, notes: Sequence[str]) -> None:
    page.letters(9.5, colour=QUIET)
    for note in notes:
        page.multi_cell(0, 5.5, page.written(note), align=page.start, new_x="LMARGIN", new_y="NEXT")
        page.ln(1.5)
