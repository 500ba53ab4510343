"""A white page as wide as a phone's screen, on which panels draw from top to bottom.

Positions and sizes are pixels, y grows downwards and x from the side where reading starts: left, or right in Arabic.
So a panel is laid out once for both directions. Fonts are shaped by Matplotlib itself (libraqm).
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, cast

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.transforms import Affine2D
from PIL import Image

from bot.pictures import fonts, writing

WIDTH = 1080
MARGIN = 48
INK = "#1b2433"
QUIET = "#566173"
FAINT = "#c9d0da"
PAPER = "#ffffff"

_COLOURS = 32  # in the palette: a dozen flat colours and the edges of letters; a third of the full file
_REFERENCE = 200.0  # the size at which words are measured, once
_HINTING = 1.02  # drawn letters sit on whole pixels: up to a fiftieth wider than measured
_LINE_HEIGHT = 1.42  # of the size of the letters: Arabic reaches further down than Latin
_BASELINE = 1.06
_ELLIPSIS = "…"

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Style:
    size: float
    bold: bool = False
    colour: str = INK
    smallest: float = 24
    """Letters shrink to this size, and not below, before words are cut."""

    @property
    def line_height(self) -> float:
        return self.size * _LINE_HEIGHT


@dataclass(frozen=True, slots=True)
class Block:
    """Words set in lines, ready to be placed."""

    lines: tuple[str, ...]
    style: Style
    width: float
    complete: bool
    """Not a word was cut."""

    @property
    def height(self) -> float:
        return len(self.lines) * self.style.line_height


class Sheet:
    def __init__(self, language: str) -> None:
        self.language = language
        self._right_to_left = writing.is_right_to_left(language)
        # At 72 dots an inch a point is a pixel, for letters and lines alike.
        self.figure = Figure(figsize=(WIDTH / 72, WIDTH / 72), dpi=72, facecolor=PAPER)
        self._canvas = cast("Any", FigureCanvasAgg(self.figure))  # its methods have no types
        self._renderer = self._canvas.get_renderer()
        self._widths: dict[tuple[str, bool], float] = {}
        self._pixels = Affine2D()  # its y is known when the page has its height, in `close`

    def close(self, height: float) -> None:
        """Ends the page at `height`."""
        self.figure.set_size_inches(WIDTH / 72, round(height) / 72)
        direction, origin = (-1, WIDTH) if self._right_to_left else (1, 0)
        self._pixels.clear().scale(direction, -1).translate(origin, round(height))

    def png(self) -> bytes:
        self._canvas.draw()
        image = Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB")
        file = io.BytesIO()
        image.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(file, "PNG")
        return file.getvalue()

    def polygon(
        self,
        points: Sequence[Point],
        colour: str,
        *,
        hatch: str | None = None,
        edge: str | None = None,
        layer: int = 1,
    ) -> None:
        patch = Polygon(
            list(points),
            facecolor=colour,
            edgecolor=edge or "none",
            hatch=hatch,
            linewidth=2 if edge else 0,
            transform=self._pixels,
            zorder=layer,
        )
        if hatch:
            patch.set_hatch_linewidth(3)
        self.figure.add_artist(patch)

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: str,
        *,
        hatch: str | None = None,
        edge: str | None = None,
        layer: int = 1,
    ) -> None:
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        self.polygon(corners, colour, hatch=hatch, edge=edge, layer=layer)

    def line(
        self, *points: Point, colour: str = FAINT, width: float = 2, dashed: bool = False, layer: int = 2
    ) -> None:
        xs, ys = zip(*points, strict=True)
        self.figure.add_artist(
            Line2D(
                xs,
                ys,
                color=colour,
                linewidth=width,
                linestyle=(0, (5, 3)) if dashed else "solid",
                transform=self._pixels,
                zorder=layer,
            )
        )

    def place(self, block: Block, x: float, y: float, anchor: Anchor = "start") -> float:
        """Draws `block` with its top at `y`; gives its bottom."""
        alignment = {"start": "left", "middle": "center", "end": "right"}[anchor]
        if self._right_to_left:
            alignment = {"left": "right", "right": "left"}.get(alignment, alignment)
        for index, words in enumerate(block.lines):
            self.figure.text(
                x,
                y + index * block.style.line_height + _BASELINE * block.style.size,
                writing.line(words, self.language),
                color=block.style.colour,
                fontproperties=_letters(block.style.size, block.style.bold),
                horizontalalignment=alignment,
                verticalalignment="baseline",
                parse_math=False,
                transform=self._pixels,
                zorder=3,
            )
        return y + block.height

    def measure(self, words: str, style: Style) -> float:
        """Width of `words` on one line."""
        width = self._widths.get((words, style.bold))
        if width is None:
            width, _, _ = self._renderer.get_text_width_height_descent(
                writing.line(words, self.language), _letters(_REFERENCE, style.bold), False
            )
            self._widths[words, style.bold] = width
        return width * style.size / _REFERENCE * _HINTING

    def fit(self, words: str, style: Style, width: float, lines: int = 1) -> Block:
        """`words` within `width` on at most `lines` lines: wrapped, then smaller, at the very last cut."""
        words = writing.unbroken(words)
        for size in _shrinking(style):
            attempt = replace(style, size=size)
            wrapped = self._wrap(words, attempt, width)
            widest = max(self.measure(each, attempt) for each in wrapped)
            if len(wrapped) <= lines and widest <= width:
                return Block(tuple(wrapped), attempt, widest, complete=True)
        kept = [*wrapped[: lines - 1], " ".join(wrapped[lines - 1 :])] if len(wrapped) > lines else wrapped
        cut = tuple(self._cut(each, attempt, width) for each in kept)
        return Block(cut, attempt, max(self.measure(each, attempt) for each in cut), complete=False)

    def fit_alike(self, texts: Sequence[tuple[str, Style, float]], lines: int = 1) -> list[Block]:
        """`fit` of several texts, each in its style and width, all with letters of the same size."""
        smallest = min(self.fit(words, style, width, lines).style.size for words, style, width in texts)
        return [
            self.fit(words, replace(style, size=min(style.size, smallest)), width, lines)
            for words, style, width in texts
        ]

    def _wrap(self, words: str, style: Style, width: float) -> list[str]:
        lines: list[str] = []
        for word in words.split(" "):
            if lines and self.measure(f"{lines[-1]} {word}", style) <= width:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines

    def _cut(self, words: str, style: Style, width: float) -> str:
        if self.measure(words, style) <= width:
            return words
        room = bisect_right(range(len(words)), width, key=lambda end: self.measure(words[:end] + _ELLIPSIS, style))
        return words[: max(room - 1, 0)].rstrip() + _ELLIPSIS


def _shrinking(style: Style) -> Iterator[float]:
    size = style.size
    while size > style.smallest:
        yield size
        size -= 2
    yield min(style.size, style.smallest)


@cache
def _letters(size: float, bold: bool) -> FontProperties:
    _add_fonts()
    return FontProperties(
        family=[fonts.FAMILY, fonts.FALLBACK_FAMILY], weight="bold" if bold else "normal", size=size
    )


@cache
def _add_fonts() -> None:
    for font in (fonts.REGULAR, fonts.BOLD):
        fontManager.addfont(str(font))
