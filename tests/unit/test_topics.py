"""What about a bill a question is about, and percentages, in all varieties."""

from __future__ import annotations

import pytest

from nlu.entities import spelled_out
from nlu.topics import find_in


def found(text: str, entity: str) -> str | None:
    return next((each["value"] for each in find_in(spelled_out(text)) if each["entity"] == entity), None)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("c'est quoi la TPPAN", "tppan"),
        ("une copie de ma facture svp", "copy"),
        ("duplicata", "copy"),
        ("je veux le détail de ma facture", "detail"),
        ("facture estimée ou réelle ?", "estimated"),
        ("je ne suis pas d'accord avec cette facture", "disagree"),
        ("je conteste", "disagree"),
        ("redevance de location c quoi", "fixed_charge"),
        ("que veut dire acompte", "advance"),
        ("régularisation de quoi ?", "regularisation"),
        ("combien avant la tranche suivante", "tranche"),
        ("le timbre de 0,80", "stamp"),
        ("prix du kwh", "price"),
        ("la TVA est à combien", "vat"),
        ("أريد نسخة من الفاتورة", "copy"),
        ("لست موافقا على هذا المبلغ", "disagree"),
        ("ما معنى السمعي البصري", "tppan"),
        ("هل الفاتورة تقديرية", "estimated"),
        ("شنو هو التسبيق", "advance"),
        ("شحال بقا ليا للشطر الجاي", "tranche"),
        ("bghit nos5a dyal lfactora", "copy"),
        ("wach hadi t9diriya", "estimated"),
        ("ma mttaf9ch m3a had lfatoura", "disagree"),
        ("can i have a copy of my bill", "copy"),
        ("i disagree with this bill", "disagree"),
        ("what is VAT", "vat"),
        ("pourquoi ma facture est si chère", None),
        ("combien je dois", None),
    ],
)
def test_the_topic_is_heard_in_any_variety(text: str, topic: str | None) -> None:
    assert found(text, "topic") == topic


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("si je baisse de 10 %", "-10"),
        ("si je consomme 15% de moins", "-15"),
        ("dix pour cent de moins", "-10"),
        ("si j'augmente de 20 pour cent", "20"),
        ("if I use 25 percent more", "25"),
        ("إذا خفضت 10٪", "-10"),
        ("ila n9est 10 f lmya", "-10"),
        ("نقصت 20 فالمية", "-20"),
        ("mon index est 48213", None),
    ],
)
def test_a_percentage_is_less_unless_more_is_said(text: str, percent: str | None) -> None:
    assert found(text, "percent") == percent
