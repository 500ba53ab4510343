"""The panel of the usage by month against the limits of the tranches.

Estimated months are hatched, the current one is dark. Of the limits those are drawn that the customer has reached,
and the next one.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.pictures import writing
from bot.pictures.sheet import INK, MARGIN, PAPER, QUIET, WIDTH, Block, Sheet, Style
from bot.pictures.spec import Limit, Month, Usage

_TITLE = Style(44, bold=True)
_SMALL = Style(34, colour=QUIET)
_LIMIT = Style(32, smallest=26)
_MONTH = Style(32, colour=QUIET, smallest=26)
_CURRENT_MONTH = Style(32, bold=True, smallest=26)
_VALUE = Style(32, smallest=26)
_CURRENT_VALUE = Style(32, bold=True, smallest=26)

_PLOT_HEIGHT = 430
_WIDEST_LIMIT = 280
_LEADER = 28  # from the end of a limit's line to its label, which may stand higher or lower
_GAP = 16
_BAR_SHARE = 0.72  # of the room of a month
_WIDEST_BAR = 150
_BETWEEN_LABELS = 6
_NEXT_LIMIT_WITHIN = 2.5  # times the highest usage; further up it would flatten the bars

_PAST = "#8fa5c4"
_ESTIMATED = "#e6ecf5"
_CURRENT = "#1f4e8c"
_CURRENT_ESTIMATED = "#b9cbe6"
_HATCH = "/"


def draw(sheet: Sheet, usage: Usage, top: float) -> float:
    """Draws the panel from `top` down and gives its bottom."""
    y = _heading(sheet, usage, top)
    limits, labels = _limits(sheet, usage)
    gutter = max((label.width for label in labels), default=0) + (_LEADER + _GAP / 2 if labels else 0)
    plot = _Plot(usage, limits, top=y + _CURRENT_VALUE.line_height, end=WIDTH - MARGIN - gutter)
    for index, month in enumerate(usage.months):
        _bar(sheet, plot, index, month, current=index == len(usage.months) - 1)
    for limit, label, middle in zip(limits, labels, _spread(plot, limits, labels), strict=True):
        height = plot.height_of(limit.value)
        sheet.line((MARGIN, height), (plot.end, height), colour=INK, dashed=True)
        sheet.line((plot.end, height), (plot.end + _LEADER, middle), colour=QUIET)
        sheet.place(label, plot.end + _LEADER + _GAP / 2, middle - label.height / 2)
    _values(sheet, plot, usage.months)
    sheet.line((MARGIN, plot.bottom), (plot.end, plot.bottom), colour=QUIET, width=3)
    return _names(sheet, plot, usage.months)


class _Plot:
    """Where the bars stand. Heights are measured from the page's top."""

    def __init__(self, usage: Usage, limits: Sequence[Limit], top: float, end: float) -> None:
        highest = max(*(month.value for month in usage.months), *(limit.value for limit in limits), 1)
        self.end = end
        self.top = top
        self.bottom = top + _PLOT_HEIGHT
        self.pitch = (end - MARGIN) / len(usage.months)
        self.bar_width = min(self.pitch * _BAR_SHARE, _WIDEST_BAR)
        self._per_unit = _PLOT_HEIGHT / highest

    def middle(self, index: int) -> float:
        return MARGIN + (index + 0.5) * self.pitch

    def height_of(self, value: int) -> float:
        return self.bottom - value * self._per_unit


def _limits(sheet: Sheet, usage: Usage) -> tuple[list[Limit], list[Block]]:
    """The limits to draw and their labels. Where there is no room for all, the lowest go."""
    highest = max(month.value for month in usage.months)
    reached = [limit for limit in usage.limits if limit.value <= highest]
    above = [limit for limit in usage.limits if limit.value > highest][:1]
    shown = reached + [limit for limit in above if limit.value <= _NEXT_LIMIT_WITHIN * highest or not highest]
    if not shown:
        return [], []
    texts = [(limit.label, _LIMIT, _WIDEST_LIMIT) for limit in shown]
    labels = sheet.fit_alike(texts)
    if not all(label.complete for label in labels):
        labels = sheet.fit_alike(texts, 2)
    while sum(label.height for label in labels) > _PLOT_HEIGHT:
        shown, labels = shown[1:], labels[1:]
    return shown, labels


def _heading(sheet: Sheet, usage: Usage, top: float) -> float:
    y = sheet.place(sheet.fit(usage.title, _TITLE, WIDTH - 2 * MARGIN, 2), MARGIN, top)
    unit = sheet.fit(usage.unit, _SMALL, WIDTH / 4)
    sheet.place(unit, MARGIN, y)
    if any(month.estimated for month in usage.months):
        room = WIDTH - 2 * MARGIN - unit.width - 4 * _GAP
        side = 34
        label = sheet.fit(usage.estimated_label, _SMALL, room - side - _GAP)
        sheet.place(label, WIDTH - MARGIN, y, "end")
        x = WIDTH - MARGIN - label.width - _GAP - side
        sheet.rectangle(x, y + (unit.height - side) / 2, side, side, _ESTIMATED, hatch=_HATCH, edge=_PAST)
    return y + unit.height + _GAP


def _bar(sheet: Sheet, plot: _Plot, index: int, month: Month, *, current: bool) -> None:
    x, y = plot.middle(index) - plot.bar_width / 2, plot.height_of(month.value)
    height = plot.bottom - y
    if month.estimated:
        colour, edge = (_CURRENT_ESTIMATED, _CURRENT) if current else (_ESTIMATED, _PAST)
        sheet.rectangle(x, y, plot.bar_width, height, colour, hatch=_HATCH, edge=edge)
    else:
        sheet.rectangle(x, y, plot.bar_width, height, _CURRENT if current else _PAST)


def _spread(plot: _Plot, limits: Sequence[Limit], labels: Sequence[Block]) -> list[float]:
    """The middles of the limits' labels: beside their lines, moved up or down where they would touch."""
    middles: list[float] = []
    floor = plot.bottom
    for limit, label in zip(limits, labels, strict=True):
        middles.append(min(plot.height_of(limit.value), floor - label.height / 2))
        floor = middles[-1] - label.height / 2
    ceiling = plot.top - labels[-1].height / 2 if labels else plot.top
    for index in reversed(range(len(labels))):
        middles[index] = max(middles[index], ceiling + labels[index].height / 2)
        ceiling = middles[index] + labels[index].height / 2
    return middles


def _values(sheet: Sheet, plot: _Plot, months: Sequence[Month]) -> None:
    """The figures above the bars: all of them where they fit, else the current one and the highest."""
    last = len(months) - 1
    styles = [*(_VALUE for _ in months[1:]), _CURRENT_VALUE]
    figures = [writing.number(month.value, sheet.language) for month in months]
    room = plot.pitch - _BETWEEN_LABELS
    blocks = sheet.fit_alike([(figure, style, room) for figure, style in zip(figures, styles, strict=True)])
    shown = range(len(months))
    if not all(block.complete for block in blocks):
        blocks = [sheet.fit(figure, style, WIDTH / 3) for figure, style in zip(figures, styles, strict=True)]
        highest = max(shown, key=lambda index: months[index].value)
        apart = (last - highest) * plot.pitch - (blocks[last].width + blocks[highest].width)
        shown = range(highest, last + 1, last - highest) if apart >= _BETWEEN_LABELS else range(last, last + 1)
    for index in shown:
        half = blocks[index].width / 2
        x = min(max(plot.middle(index), MARGIN + half), plot.end - half)
        # Wider than its bar, it stands above the neighbours' too.
        below = [month for at, month in enumerate(months) if abs(plot.middle(at) - x) < half + plot.bar_width / 2]
        y = plot.height_of(max(month.value for month in below)) - blocks[index].height
        sheet.rectangle(x - half, y, 2 * half, blocks[index].height, PAPER, layer=2)  # limits pass behind it
        sheet.place(blocks[index], x, y, "middle")


def _names(sheet: Sheet, plot: _Plot, months: Sequence[Month]) -> float:
    """The months' names under the bars, every second or third where all have no room; gives their bottom."""
    last = len(months) - 1
    for step in range(1, len(months) + 1):
        room = step * plot.pitch - _BETWEEN_LABELS
        shown = range(last, -1, -step)
        blocks = sheet.fit_alike(
            [
                (
                    months[index].label,
                    _CURRENT_MONTH if index == last else _MONTH,
                    min(room, 2 * plot.middle(index) - _GAP),  # the first may not leave the page
                )
                for index in shown
            ],
            2,
        )
        if all(block.complete for block in blocks):
            break
    y = plot.bottom + _GAP / 2
    return max(
        sheet.place(block, plot.middle(index), y, "middle") for index, block in zip(shown, blocks, strict=True)
    )
