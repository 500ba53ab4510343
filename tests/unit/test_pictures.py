"""The picture of a bill: what it shows, that nothing overlaps, in both directions, and what is refused."""

from __future__ import annotations

import io
import re
from copy import deepcopy
from decimal import Decimal
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox
from PIL import Image

from bot.engine import texts
from bot.pictures import fonts, writing
from bot.pictures.bill import draw, render
from bot.pictures.sheet import MARGIN, WIDTH, Sheet, Style
from bot.pictures.spec import Picture

MARKS = str.maketrans("", "", "\u200e\u200f")
# fmt: off
MONTHS_FR = ["mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.", "janv.", "févr.",
             "mars"]
MONTHS_AR = ["مارس", "أبريل", "ماي", "يونيو", "يوليوز", "غشت", "شتنبر", "أكتوبر", "نونبر", "دجنبر", "يناير",
             "فبراير", "مارس"]
# fmt: on
USED = [118, 112, 109, 131, 164, 172, 140, 118, 112, 125, 133, 148, 162]


def usage(months: list[str], used: list[int], **changes: Any) -> dict[str, Any]:
    return {
        "title": "Consommation par mois",
        "unit": "kWh",
        "months": [
            {"label": label, "value": value, "estimated": index % 3 == 2}
            for index, (label, value) in enumerate(zip(months, used, strict=True))
        ],
        "limits": [{"label": f"{limit} kWh", "value": limit} for limit in (100, 150, 210, 310, 510)],
        "estimated_label": "Mois estimé",
    } | changes


def waterfall(*effects: tuple[str, str], start: str = "310.47") -> dict[str, Any]:
    total = Decimal(start) + sum(Decimal(amount) for _, amount in effects)
    return {
        "title": "Pourquoi elle a changé",
        "bars": [
            {"label": "Facture de février", "amount": start, "kind": "start"},
            *({"label": label, "amount": amount, "kind": "effect"} for label, amount in effects),
            {"label": "Facture de mars", "amount": str(total), "kind": "total"},
        ],
    }


FRENCH = {
    "language": "fr",
    "title": "Votre facture de mars 2026",
    "subtitle": "378,22 DH, soit 67,75 DH de plus que février",
    "waterfall": waterfall(("3 jours de plus", "21.30"), ("Régularisation", "-7.12"), ("Prix du kWh", "0.00")),
    "usage": usage(MONTHS_FR, USED),
}
ARABIC = {
    "language": "ar",
    "title": "فاتورتكم لشهر مارس 2026",
    "subtitle": "TPPAN: 67,75 درهم، للاستفسار 080 200 77 77",
    "waterfall": waterfall(("3 أيام إضافية", "21.30"), ("تسوية التسبيق", "-7.12"), ("بلوغ شطر أعلى", "1053.57")),
    "usage": usage(MONTHS_AR, USED, estimated_label="شهر تقديري"),
}
LONG = "Tranche supérieure atteinte : toute la consommation est facturée au prix de cette tranche (incompressible)"
TWO_YEARS = [f"{name} {2024 + index // 12}" for index, name in enumerate((MONTHS_FR[1:] * 3)[:25])]
HARD = {
    "language": "fr",
    "title": LONG,
    "subtitle": LONG,
    "waterfall": waterfall(
        *((f"{index} {LONG}", amount) for index, amount in enumerate(
            ["4.10", "9350.75", "-210.00", "0.00", "-0.05", "100.00", "1870.15", "-12500.00", "12.34"]
        )),
        start="0.00",
    ),
    "usage": usage(
        TWO_YEARS,
        [118, 1040, 309] + [130 + index for index in range(22)],
        limits=[{"label": f"{limit} {LONG}", "value": limit} for limit in range(100, 900, 100)],
        estimated_label=LONG,
    ),
}  # fmt: skip
NOTHING_USED = {
    **FRENCH,
    "waterfall": {
        "title": "Rien",
        "bars": [{"label": kind, "amount": "0", "kind": kind} for kind in ("start", "total")],
    },
    "usage": usage(["mars"], [0]),
}
OFF_THE_SCALE = {**FRENCH, "waterfall": None, "usage": usage(["févr.", "mars"], [120, 100_000])}
NO_LIMITS = {**FRENCH, "waterfall": None, "usage": usage(MONTHS_FR, USED, limits=[])}
EVERY = {
    "french": FRENCH,
    "arabic": ARABIC,
    "hard": HARD,
    "hard, right to left": HARD | {"language": "ary"},
    "nothing used": NOTHING_USED,
    "off the scale": OFF_THE_SCALE,
    "no limits": NO_LIMITS,
    "no usage": FRENCH | {"usage": None},
}

every_picture = pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)


def sheet(spec: dict[str, Any]) -> Sheet:
    return draw(Picture.model_validate(spec))


def words(spec: dict[str, Any]) -> list[str]:
    return [text.get_text().translate(MARKS) for text in sheet(spec).figure.texts]


def left_edges(spec: dict[str, Any]) -> dict[str, float]:
    return {text.get_text().translate(MARKS): text.get_window_extent().x0 for text in sheet(spec).figure.texts}


@every_picture
def test_is_a_small_png_as_wide_as_a_phone(spec: dict[str, Any]) -> None:
    png = render(spec)
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    assert image.width == WIDTH
    assert len(png) < 150_000


def test_a_whole_picture_is_upright() -> None:
    image = Image.open(io.BytesIO(render(FRENCH)))
    assert image.height > image.width


def test_the_same_description_gives_the_same_bytes() -> None:
    assert render(FRENCH) == render(deepcopy(FRENCH))


def inked(drawn: Sheet) -> list[tuple[str, Bbox]]:
    """Each line of words with the box, in pixels, of what the renderer blackens for it."""
    canvas = FigureCanvasAgg(drawn.figure)
    renderer = canvas.get_renderer()
    boxes = []
    for text in drawn.figure.texts:
        renderer.clear()
        text.draw(renderer)
        ink = np.asarray(renderer.buffer_rgba())[:, :, 3] > 0
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        boxes.append((text.get_text(), Bbox.from_extents(columns[0], rows[0], columns[-1], rows[-1])))
    return boxes


@every_picture
def test_no_words_overlap_or_leave_the_page(spec: dict[str, Any]) -> None:
    drawn = sheet(spec)
    width, height = drawn.figure.bbox.width, drawn.figure.bbox.height
    boxes = inked(drawn)
    for words, box in boxes:
        assert box.x0 >= MARGIN / 4, words
        assert box.x1 <= width - MARGIN / 4, words
        assert box.y0 >= MARGIN / 4, words
        assert box.y1 <= height - MARGIN / 4, words
    for (words, box), (others, other) in combinations(boxes, 2):
        assert not box.overlaps(other), f"{words!r} over {others!r}"


def test_every_amount_is_written_with_its_sign() -> None:
    shown = words(FRENCH)
    assert {"310,47\u00a0DH", "+21,30\u00a0DH", "−7,12\u00a0DH", "0,00\u00a0DH", "324,65\u00a0DH"} <= set(shown)


def test_arabic_runs_from_right_to_left() -> None:
    arabic, french = left_edges(ARABIC), left_edges(FRENCH)
    assert arabic["فاتورتكم لشهر مارس 2026"] > WIDTH / 4
    assert french["Votre facture de mars 2026"] == pytest.approx(MARGIN, abs=4)
    assert arabic["Facture de février"] > arabic["310,47\u00a0درهم"]
    assert french["Facture de février"] < french["310,47\u00a0DH"]
    assert arabic["ماي"] > arabic["يناير"], "older months stand to the right"
    assert french["mai"] < french["janv."]
    assert arabic["kWh"] > arabic["شهر تقديري"]


def test_arabic_letters_are_joined() -> None:
    page, style = Sheet("ar"), Style(40)
    apart = sum(page.measure(letter, style) for letter in "فاتورة")
    assert page.measure("فاتورة", style) < 0.8 * apart


def test_the_same_figures_mirrored_are_another_picture() -> None:
    assert render(FRENCH) != render(FRENCH | {"language": "ar"})


@pytest.mark.parametrize(
    ("used", "shown"),
    [
        ([80, 90], ["100 kWh"]),  # the next limit, however low the usage
        ([80, 162], ["100 kWh", "150 kWh", "210 kWh"]),
        ([30, 20], []),  # it would flatten the bars
        ([0, 0], ["100 kWh"]),
        ([600, 20], ["100 kWh", "150 kWh", "210 kWh", "310 kWh", "510 kWh"]),
    ],
)
def test_limits_reached_and_the_next_one_are_drawn(used: list[int], shown: list[str]) -> None:
    spec = FRENCH | {"usage": usage(["févr.", "mars"], used)}
    assert [label for label in words(spec) if re.fullmatch(r"\d+\skWh", label)] == [
        label.replace(" ", "\u00a0") for label in shown
    ]


def test_the_estimated_legend_is_there_only_with_an_estimated_month() -> None:
    read = FRENCH | {"usage": usage(["févr.", "mars"], [120, 130])}
    assert "Mois estimé" in words(FRENCH)
    assert "Mois estimé" not in words(read)


def test_the_current_month_is_always_named_and_its_usage_written() -> None:
    shown = words(HARD)
    assert "151" in shown
    assert "2026" in shown


def changed(path: list[str | int], value: Any) -> dict[str, Any]:
    spec: Any = deepcopy(FRENCH)
    inner = spec
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return dict(spec)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        FRENCH | {"language": "zgh"},
        FRENCH | {"title": " "},
        FRENCH | {"title": "a" * 121},
        FRENCH | {"waterfall": None, "usage": None},
        FRENCH | {"colour": "red"},
        changed(["waterfall", "bars"], []),
        changed(["waterfall", "bars", 0, "kind"], "effect"),
        changed(["waterfall", "bars", -1, "kind"], "effect"),
        changed(["waterfall", "bars", 1, "kind"], "total"),
        changed(["waterfall", "bars", 1, "amount"], "21.31"),  # no longer adds up
        changed(["waterfall", "bars", 1, "amount"], 21.30),
        changed(["waterfall", "bars", 1, "amount"], "21.305"),
        changed(["waterfall", "bars", 1, "amount"], "NaN"),
        changed(["waterfall", "bars", 1, "amount"], "vingt"),
        FRENCH | {"waterfall": waterfall(*[("effet", "1.00")] * 10)},
        changed(["usage", "months"], []),
        changed(["usage", "months", 0, "value"], -1),
        changed(["usage", "months", 0, "value"], "118"),
        changed(["usage", "months", 0, "value"], True),
        FRENCH | {"usage": usage(["mois"] * 26, [1] * 26)},
        changed(["usage", "limits", 1, "value"], 100),
        changed(["usage", "limits", 1, "value"], 50),
    ],
)
def test_nonsense_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        render(spec)


@pytest.mark.parametrize(
    ("amount", "language", "signed", "written"),
    [
        ("1234.5", "fr", False, "1\u202f234,50\u00a0DH"),
        ("1234.5", "ary-Latn", True, "+1\u202f234,50\u00a0DH"),
        ("-1234.5", "en", True, "−1,234.50\u00a0DH"),
        ("-0.05", "fr", False, "−0,05\u00a0DH"),
        ("0", "fr", True, "0,00\u00a0DH"),
        ("1234.5", "ar", False, "1.234,50\u00a0درهم"),
        ("-7.12", "ary", True, "−7,12\u00a0درهم"),
    ],
)
def test_amounts_are_written_as_the_language_does(amount: str, language: str, signed: bool, written: str) -> None:
    assert writing.money(Decimal(amount), language, signed=signed).translate(MARKS) == written


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("الهاتف 080 200 77 77 مجانا", "الهاتف \u200e080 200 77 77\u200e مجانا"),
        ("+212 6 00 00 00 01", "\u200e+212 6 00 00 00 01\u200e"),
        ("أي -7,12 درهم", "أي \u200e-7,12 درهم"),
        ("(+7,12)", "(\u200e+7,12)"),
        ("سنة 2026 150 kWh", "سنة 2026 150 kWh"),
        ("01/03/2026 - 31/03/2026", "01/03/2026 - 31/03/2026"),
    ],
)
def test_phone_numbers_and_signs_keep_their_order_in_arabic(text: str, marked: str) -> None:
    assert writing.ordered(text, "ar") == marked
    assert writing.ordered(text, "fr") == text


def test_numbers_are_not_parted_from_their_units() -> None:
    assert (
        writing.unbroken("de 100 à 150 kWh au 080 200 77 77")
        == "de 100\u00a0à 150\u00a0kWh au 080\u00a0200\u00a077\u00a077"
    )


def test_pictures_write_as_the_conversation_does() -> None:
    assert writing.CLDR_LOCALES is texts.CLDR_LOCALES


def test_the_fonts_are_installed() -> None:
    assert all(font.is_file() for font in (fonts.REGULAR, fonts.BOLD, fonts.fallback()))
