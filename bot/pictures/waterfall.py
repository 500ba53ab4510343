"""The panel that leads from the earlier bill to the new one, a row for each thing that changed it.

Behind each of them, pale, what the bill came to before it.

Increase and decrease are told three times: by the sign, by the way the bar points, and by colours that the
colour-blind tell apart (Okabe and Ito's vermilion and blue).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

from bot.pictures import writing
from bot.pictures.sheet import INK, MARGIN, QUIET, WIDTH, Point, Sheet, Style
from bot.pictures.spec import Bar, Waterfall

INCREASE = "#d55e00"
DECREASE = "#0072b2"

_TITLE = Style(44, bold=True)
_LABEL = Style(38, smallest=30)
_BAR_HEIGHT = 40
_BAR_GAP = 6  # between words and bar
_ROW_GAP = 24
_COLUMN_GAP = 32
_ZERO_REACH = 4
_TIP = 18  # how far an arrow's point reaches
_THINNEST = 4
_SHORTEST_ARROW = 12  # a few centimes must still be seen, and which way they go
_SO_FAR = "#e9edf3"


def draw(sheet: Sheet, waterfall: Waterfall, top: float) -> float:
    """Draws the panel from `top` down and gives its bottom."""
    y = sheet.place(sheet.fit(waterfall.title, _TITLE, WIDTH - 2 * MARGIN, 2), MARGIN, top) + _ROW_GAP
    levels = _levels(waterfall.bars)
    scale = _Scale(levels)
    zero = scale(Decimal(0))
    for bar, (begin, end) in zip(waterfall.bars, levels, strict=True):
        y = _words(sheet, bar, y) + _BAR_GAP
        if bar.kind == "effect":
            _span(sheet, zero, scale(begin), y, _SO_FAR)
            _effect(sheet, bar, scale(begin), scale(end), y)
        else:
            _span(sheet, zero, scale(end), y, INK)
        sheet.line((zero, y - _ZERO_REACH), (zero, y + _BAR_HEIGHT + _ZERO_REACH), colour=QUIET, layer=0)
        y += _BAR_HEIGHT + _ROW_GAP
    return y - _ROW_GAP


class _Scale:
    """Dirhams to pixels. Zero is always on it: cut short, the bars would exaggerate the difference."""

    def __init__(self, levels: Sequence[tuple[Decimal, Decimal]]) -> None:
        values = [Decimal(0), *(value for pair in levels for value in pair)]
        self._low = min(values)
        self._per_dirham = (WIDTH - 2 * MARGIN) / float(max(values) - self._low or 1)

    def __call__(self, amount: Decimal) -> float:
        return MARGIN + float(amount - self._low) * self._per_dirham


def _levels(bars: Sequence[Bar]) -> list[tuple[Decimal, Decimal]]:
    """Where each bar begins and ends: an effect where the one before it ended, the two bills at zero."""
    *steps, total = bars
    ends = list(accumulate(bar.amount for bar in steps))
    return [*zip([Decimal(0), *ends[:-1]], ends, strict=True), (Decimal(0), total.amount)]


def _words(sheet: Sheet, bar: Bar, y: float) -> float:
    """The row's label and amount; gives their bottom."""
    bold = bar.kind != "effect"
    amount = sheet.fit(
        writing.money(bar.amount, sheet.language, signed=bar.kind == "effect"),
        Style(_LABEL.size, bold=True, colour=_colour(bar)),
        WIDTH / 2,
    )
    room = WIDTH - 2 * MARGIN - amount.width - _COLUMN_GAP
    label = sheet.fit(bar.label, Style(_LABEL.size, bold=bold, smallest=_LABEL.smallest), room, 2)
    sheet.place(amount, WIDTH - MARGIN, y, "end")
    return max(sheet.place(label, MARGIN, y), y + amount.height)


def _span(sheet: Sheet, begin: float, end: float, y: float, colour: str) -> None:
    begin, end = sorted((begin, end))
    sheet.rectangle(begin, y, end - begin, _BAR_HEIGHT, colour)


def _effect(sheet: Sheet, bar: Bar, begin: float, end: float, y: float) -> None:
    if not bar.amount:
        sheet.line((begin, y), (begin, y + _BAR_HEIGHT), colour=QUIET, width=_THINNEST)
    else:
        sheet.polygon(_arrow(begin, end, y), _colour(bar))


def _arrow(begin: float, end: float, y: float) -> list[Point]:
    forward = 1 if end > begin else -1
    length = max(abs(end - begin), _SHORTEST_ARROW)
    tip = begin + forward * length
    neck = tip - forward * min(_TIP, length)
    return [(begin, y), (neck, y), (tip, y + _BAR_HEIGHT / 2), (neck, y + _BAR_HEIGHT), (begin, y + _BAR_HEIGHT)]


def _colour(bar: Bar) -> str:
    if bar.kind != "effect":
        return INK
    if not bar.amount:
        return QUIET
    return INCREASE if bar.amount > 0 else DECREASE
