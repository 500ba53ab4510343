"""The A4 page of our documents: its letters and margins, its head and foot.

Sizes are millimetres, those of letters points. Where the language runs from right to left so does the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Literal, TypeVar

from fpdf import FPDF

from billing.calendar import CASABLANCA
from bot.cldr import CLDR_LOCALES
from bot.pictures import fonts, writing

INK = (27, 36, 51)
QUIET = (86, 97, 115)
FAINT = (201, 208, 218)
TINT = (233, 237, 243)

_MARGIN = 18
_FOOT = 14
_FAMILY = "plex"
_FALLBACK = "dejavu"

Side = Literal["L", "R"]
T = TypeVar("T")


class Page(FPDF):
    """Pages of one document. `name` and `phone` are those of who issues it, `mark` says what kind of paper it is."""

    def __init__(self, language: str, *, title: str, name: str, phone: str, mark: str, made_on: date) -> None:
        super().__init__(format="A4")
        self.language = language
        self.right_to_left = writing.is_right_to_left(language)
        self.start: Side = "R" if self.right_to_left else "L"
        self._name, self._phone, self._mark = (self.written(words) for words in (name, phone, mark))
        self.add_font(_FAMILY, "", fonts.REGULAR)
        self.add_font(_FAMILY, "B", fonts.BOLD)
        self.add_font(_FALLBACK, "", fonts.fallback())
        self.set_fallback_fonts([_FALLBACK], exact_match=False)
        self.set_text_shaping(True, direction="rtl" if self.right_to_left else "ltr")
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(True, _MARGIN + _FOOT)
        self.set_lang(CLDR_LOCALES[language].replace("_", "-"))
        self.set_title(title)
        self.set_author(name)
        self.set_creation_date(datetime.combine(made_on, time(), CASABLANCA))
        self.add_page()

    def letters(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = INK) -> None:
        self.set_font(_FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def written(self, text: str) -> str:
        return writing.ordered(text, self.language)

    def from_start(self, cells: Sequence[T]) -> list[T]:
        """Cells of a row in reading order, as they stand from left to right."""
        return list(reversed(cells)) if self.right_to_left else list(cells)

    def header(self) -> None:
        self.letters(10, bold=True)
        frame = self.get_string_width(self._mark) + 8
        top = self.get_y()
        self.letters(15, bold=True)
        name_width = self.epw - frame - 6
        self.set_x(self.l_margin + frame + 6 if self.right_to_left else self.l_margin)
        self.multi_cell(name_width, 7, self._name, align=self.start, new_x="LMARGIN", new_y="NEXT")
        self.letters(10, colour=QUIET)
        self.cell(0, 6, self._phone, align=self.start, new_x="LMARGIN", new_y="NEXT")
        below = self.get_y()
        self.set_draw_color(*INK)
        self.letters(10, bold=True)
        self.set_xy(self.l_margin if self.right_to_left else self.w - self.r_margin - frame, top)
        self.cell(frame, 8, self._mark, border=1, align="C")
        self.set_draw_color(*FAINT)
        self.line(self.l_margin, below + 3, self.w - self.r_margin, below + 3)
        self.set_xy(self.l_margin, below + 9)

    def footer(self) -> None:
        self.set_y(-_MARGIN - 4)
        self.letters(9, colour=QUIET)
        self.set_text_shaping(True, direction="ltr")  # else there is a hole before the number of pages
        self.cell(0, 6, f"{self.page_no()} / {{nb}}", align="C")
        self.set_text_shaping(True, direction="rtl" if self.right_to_left else "ltr")
