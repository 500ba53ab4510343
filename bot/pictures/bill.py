"""The picture that goes with a bill's explanation: why it changed, and the usage by month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.pictures import usage, waterfall
from bot.pictures.sheet import FAINT, MARGIN, QUIET, WIDTH, Sheet, Style
from bot.pictures.spec import Picture

_TITLE = Style(56, bold=True, smallest=40)
_SUBTITLE = Style(38, colour=QUIET, smallest=30)
_PANEL_GAP = 60


def render(spec: Mapping[str, Any]) -> bytes:
    """The picture as PNG, 1080 pixels wide. Raises `ValueError` where `spec` is not a `Picture`."""
    return draw(Picture.model_validate(spec)).png()


def draw(picture: Picture) -> Sheet:
    sheet = Sheet(picture.language)
    room = WIDTH - 2 * MARGIN
    y = sheet.place(sheet.fit(picture.title, _TITLE, room, 2), MARGIN, MARGIN * 0.75)
    y = sheet.place(sheet.fit(picture.subtitle, _SUBTITLE, room, 2), MARGIN, y)
    if picture.waterfall:
        y = waterfall.draw(sheet, picture.waterfall, _rule(sheet, y))
    if picture.usage:
        y = usage.draw(sheet, picture.usage, _rule(sheet, y))
    sheet.close(y + MARGIN)
    return sheet


def _rule(sheet: Sheet, y: float) -> float:
    """A thin line between panels; gives where the next one begins."""
    sheet.line((MARGIN, y + _PANEL_GAP / 2), (WIDTH - MARGIN, y + _PANEL_GAP / 2), colour=FAINT)
    return y + _PANEL_GAP
