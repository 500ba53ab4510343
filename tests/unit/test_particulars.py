"""What customers say of a cut, a complaint or a new supply, in all varieties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.entities import spelled_out
from nlu.particulars import NAMES, PARTICULARS, find_in


def found(text: str) -> dict[str, str]:
    return {each["entity"]: each["value"] for each in find_in(spelled_out(text), text)}


@pytest.mark.parametrize(
    ("text", "scope", "since"),
    [
        ("pas de courant depuis 2 heures à Salé, toute la rue", "street", "depuis 2 heures"),
        ("plus de lumière seulement chez moi depuis ce matin", "home", "depuis ce matin"),
        ("le quartier entier est dans le noir", "street", None),
        ("les voisins ont du courant", "home", None),
        ("no power since this morning, the whole street", "street", "since this morning"),
        ("only my house, the neighbours have power", "home", None),
        ("الكهرباء مقطوعة منذ الصباح في الحي كله", "street", "منذ الصباح"),
        ("فقط منزلي بدون كهرباء", "home", None),
        ("ماكاينش الضو من الصباح فالحومة كاملة", "street", "من الصباح"),
        ("غير عندي الضو مقطوع", "home", None),
        ("ma kaynch do mn sba7, ghir ana", "home", "mn sba7"),
        ("l7ouma kamla bla do", "street", None),
        ("pas de courant", None, None),
        ("une facture du 12 mars", None, None),
    ],
)
def test_how_far_a_cut_goes_and_since_when(text: str, scope: str | None, since: str | None) -> None:
    heard = found(text)
    assert (heard.get("scope"), heard.get("since")) == (scope, since)


@pytest.mark.parametrize(
    ("text", "grievance"),
    [
        ("je veux faire une réclamation contre un agent impoli", "service"),
        ("le releveur ne passe jamais", "service"),
        ("vous m'avez facturé un compteur qui n'est pas à moi", "bill"),
        ("j'ai payé et on m'a coupé quand même", "cut"),
        ("mon compteur tourne trop vite", "meter"),
        ("toujours des estimations", "reading"),
        ("l'eau est marron", "quality"),
        ("fuite devant chez moi", "leak"),
        ("réclamation", None),
        ("the reader is impolite", "service"),
        ("your meter is wrong", "meter"),
        ("i'd like to make a complaint", None),
        ("شكاية على الموظف", "service"),
        ("الماء ريحتو خانزة", "quality"),
        ("بغيت نحط شكاية", None),
        ("العداد متوقف", "meter"),
        ("الكونتور حابس", "meter"),
        ("lcompteur mkhsser", "meter"),
        ("lfactura machi s7i7a", "bill"),
    ],
)
def test_what_a_complaint_is_about(text: str, grievance: str | None) -> None:
    assert found(text).get("grievance") == grievance


@pytest.mark.parametrize(
    ("text", "connection", "premises"),
    [
        ("un nouveau compteur pour ma maison", "new", "home"),
        ("branchement pour mon magasin", "new", "business"),
        ("le compteur est au nom de l'ancien propriétaire", "takeover", None),
        ("compteur de chantier", "temporary", None),
        ("transfer the meter to my name", "takeover", None),
        ("a new connection for a farm", "new", "farm"),
        ("عداد جديد لضيعة", "new", "farm"),
        ("تحويل العداد", "takeover", None),
        ("ربط جديد للمنزل", "new", "home"),
        ("كونتور جديد للحانوت", "new", "business"),
        ("bghit compteur jdid f dar", "new", "home"),
        ("bghit compteur", None, None),
    ],
)
def test_what_supply_is_wanted(text: str, connection: str | None, premises: str | None) -> None:
    heard = found(text)
    assert (heard.get("connection"), heard.get("premises")) == (connection, premises)


@given(st.text(max_size=80))
def test_anything_may_be_typed(text: str) -> None:
    for each in find_in(spelled_out(text), text):
        assert each["entity"] in NAMES
        assert 0 <= each["start"] < each["end"] <= len(text)
        assert each["entity"] == "since" or each["value"] in PARTICULARS[each["entity"]]
