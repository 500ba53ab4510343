"""The PDF copy of a bill: its pages, its text, its direction, and what is refused."""

from __future__ import annotations

import io
import re
from copy import deepcopy
from typing import Any

import pytest
from pypdf import PageObject, PdfReader

from bot.documents.bill import render

FRENCH: dict[str, Any] = {
    "language": "fr",
    "date": "2026-04-02",
    "operator": {"name": "Régie fictive", "phone": "080 200 77 77"},
    "title": "Facture d’électricité de mars 2026",
    "copy_label": "Duplicata",
    "fields": [["Client", "Mḥamed El Fictif"], ["N° de contrat", "10000001"]],
    "columns": ["Désignation", "Quantité", "Prix unitaire HT", "Montant"],
    "lines": [
        ["Redevance de location et d’entretien", "1", "16,38", "19,66"],
        ["Consommation, tranche 3 : toute la consommation est facturée à ce prix", "162 kWh", "0,8943", "173,86"],
        ["Régularisation de l’acompte", "1", "−5,93", "−7,12"],
    ],
    "totals": [["Arriérés", "0,00 DH"], ["Net à payer", "1 186,40 DH"]],
    "notes": ["À payer avant le 30/04/2026."],
}
ARABIC = FRENCH | {
    "language": "ar",
    "title": "فاتورة مارس",
    "copy_label": "نسخة",
    "fields": [["الزبون", "محمد التجريبي"], ["الهاتف", "+212 6 00 00 00 01"]],
    "columns": ["البيان", "الكمية", "السعر", "المبلغ"],
    "lines": [["واجب كراء العداد", "1", "16,38", "19,66"], ["تسوية", "1", "-5,93", "-7,12"]],
    "totals": [["المجموع", "1.186,40 درهم"]],
    "notes": [],
}


def pages(spec: dict[str, Any]) -> list[PageObject]:
    return list(PdfReader(io.BytesIO(render(spec))).pages)


def text(spec: dict[str, Any]) -> str:
    joined = "\n".join(page.extract_text() for page in pages(spec))
    return re.sub(r"[ \u00a0\u202f]+", " ", joined).translate(str.maketrans("", "", "\u200e\u200f"))


def places(page: PageObject) -> dict[str, float]:
    """Where each piece of text begins, from the left, in points."""
    found: dict[str, float] = {}

    def note(piece: str, _: Any, matrix: list[float], *__: Any) -> None:
        found.setdefault(piece.strip(), matrix[4])

    page.extract_text(visitor_text=note)
    return found


def test_everything_of_the_bill_is_text() -> None:
    read = text(FRENCH)
    for words in (
        "Régie fictive", "080 200 77 77", "Duplicata", "Facture d’électricité de mars 2026", "Mḥamed El Fictif",
        "10000001", "Désignation", "162 kWh", "0,8943", "173,86", "−7,12", "1 186,40 DH", "30/04/2026",
    ):  # fmt: skip
        assert words in read


def test_amounts_are_text_in_arabic_too() -> None:
    read = text(ARABIC)
    for words in ("19,66", "-7,12", "1.186,40", "+212 6 00 00 00 01", "المبلغ", "الكمية"):
        assert words in read


def test_is_an_a4_page_that_says_its_title_language_and_date() -> None:
    reader = PdfReader(io.BytesIO(render(FRENCH)))
    (page,) = reader.pages
    assert (round(float(page.mediabox.width)), round(float(page.mediabox.height))) == (595, 842)
    assert reader.metadata is not None
    assert reader.metadata.title == "Facture d’électricité de mars 2026"
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.date().isoformat() == "2026-04-02"
    assert reader.trailer["/Root"]["/Lang"] == "fr-MA"


def test_the_same_copy_has_the_same_bytes() -> None:
    assert render(FRENCH) == render(deepcopy(FRENCH))
    assert render(FRENCH) != render(FRENCH | {"date": "2026-04-03"})


def test_a_long_table_has_its_heading_and_the_operator_on_every_page() -> None:
    long = FRENCH | {"lines": FRENCH["lines"] * 20}
    sheets = pages(long)
    assert len(sheets) > 2
    for number, sheet in enumerate(sheets, start=1):
        read = sheet.extract_text()
        assert "Désignation" in read
        assert "Régie fictive" in read
        assert "Duplicata" in read
        assert f"{number} / {len(sheets)}" in read
    assert text(long).count("173,86") == 20


@pytest.mark.parametrize("count", range(11, 17))
def test_totals_stay_on_one_page(count: int) -> None:
    """Whatever the number of lines above them."""
    spec = FRENCH | {
        "lines": [FRENCH["lines"][0]] * count,
        "totals": [[f"Sous-total {index}", f"{index},00 DH"] for index in range(6)],
    }
    holding = [index for index, page in enumerate(pages(spec)) if "Sous-total" in page.extract_text()]
    assert len(holding) == 1


def test_columns_run_from_the_side_where_reading_starts() -> None:
    french, arabic = places(pages(FRENCH)[0]), places(pages(ARABIC)[0])
    assert french["Désignation"] < french["Quantité"] < french["Montant"]
    assert arabic["البيان"] > arabic["الكمية"] > arabic["المبلغ"]


@pytest.mark.parametrize("lines", [[], [["", "", "", ""]]])
def test_a_bill_may_have_no_lines(lines: list[list[str]]) -> None:
    assert "Net à payer" in text(FRENCH | {"lines": lines, "fields": [], "notes": []})


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "zgh"},
        {"date": "hier"},
        {"title": ""},
        {"copy_label": "Duplicata " * 5},
        {"operator": {"name": "Régie fictive"}},
        {"columns": ["Désignation"]},
        {"lines": [["une", "cellule", "manque"]]},
        {"lines": [["a", "b", "c", "d", "e"]]},
        {"lines": [["a", "b", "c", 4]]},
        {"totals": []},
        {"fields": [["seul"]]},
        {"notes": [""]},
        {"colour": "red"},
    ],
)
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        render(FRENCH | wrong)
