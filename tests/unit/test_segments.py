"""Cutting a message into its requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.segments import MOST_SEGMENTS, segments


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (
            "salam, ha lcompteur 48213 w bghit n3ref ch7al khasni nkhles",
            ["salam, ha lcompteur 48213", "bghit n3ref ch7al khasni nkhles"],
        ),
        ("mon index est 48.213 et je veux payer", ["mon index est 48.213", "je veux payer"]),
        ("index 48213\ncombien je dois?", ["index 48213", "combien je dois?"]),
        ("Je paie le 15. Combien je dois ?", ["Je paie le 15", "Combien je dois ?"]),
        ("my meter reads 4821 and how much do i owe", ["my meter reads 4821", "how much do i owe"]),
        ("قراءة العداد 48213 وأريد معرفة المبلغ", ["قراءة العداد 48213", "أريد معرفة المبلغ"]),
        ("ها لكونتور 48213 و بغيت نعرف شحال عليا", ["ها لكونتور 48213", "بغيت نعرف شحال عليا"]),
        ("slm khoya ha lcompteur 48213, ch7al nkhles", ["slm khoya ha lcompteur 48213", "ch7al nkhles"]),
    ],
)
def test_two_requests_are_cut(text: str, pieces: list[str]) -> None:
    assert segments(text) == pieces


@pytest.mark.parametrize(
    "text",
    [
        "48213",
        "48.213",
        "48,5 et 12",
        "48. 5",
        "HP 4821 et HC 9310",
        "eau 642 et électricité 48213",
        "le contrat et le compteur",
        "bonjour",
        "Bonjour. Je voudrais un délai. Merci",
        "bonjour, je voudrais un délai svp",
        "salam 3likom, bghit mohla 3afak",
        "السلام عليكم، أريد مهلة من فضلكم",
        "l'eau et l'électricité sont coupées",
        "j'ai payé et la facture revient",
        "lma w do mqtou3in",
        "الماء والكهرباء",
        "...",
        "???",
        "",
    ],
)
def test_one_request_stays_whole(text: str) -> None:
    assert segments(text) == [text]


def test_a_story_is_not_cut_into_countless_pieces() -> None:
    assert len(segments("je veux payer maintenant. " * 40)) == MOST_SEGMENTS


@given(st.text())
def test_pieces_come_from_the_text(text: str) -> None:
    at = 0
    for piece in segments(text):
        at = text.index(piece, at) + len(piece)
