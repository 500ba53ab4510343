"""Cuts, leaks and dangers in conversation."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from stage import STRANGER, Stage

from bot.channels.carrier import Channel
from store.models import Audit, Holder, KnownOutage, Request, RequestKind


async def requests(stage: Stage) -> list[Request]:
    async with stage.database.reading() as session:
        return list(await session.scalars(select(Request).order_by(Request.id)))


async def known_cut(stage: Stage, commune: str = "Salé", **changes: object) -> None:
    row = {
        "number": "T-1",
        "commune": commune,
        "utility": "electricity",
        "planned": False,
        "starts_at": datetime(2026, 11, 23, 7, 30, tzinfo=UTC),
        "expected_until": datetime(2026, 11, 23, 14, 0, tzinfo=UTC),
    }
    async with stage.database.writing() as session:
        session.add(KnownOutage(**{**row, **changes}))


# --- danger -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "un câble électrique est tombé dans la rue",
        "le compteur a pris feu",
        "AU SECOURS CABLE PAR TERRE",
        "a power line fell on the road",
        "سقط سلك كهربائي على الأرض",
        "شعلات العافية فالكونتور",
        "poteau taye7 w slouk f l2ard",
        "je veux parler à un conseiller, le poteau a pris feu",
        "je porte plainte, un enfant a été électrocuté par votre câble",
    ],
)
async def test_a_danger_goes_to_a_person_at_once_with_the_numbers_to_call(stage: Stage, text: str) -> None:
    reply = await stage.write(text, phone=STRANGER)
    assert stage.operator.emergency_phone in reply
    assert stage.operator.rescue_phone in reply
    conversation = await stage.conversation(STRANGER)
    assert (conversation.holder, (await stage.hand_over(STRANGER)).reason) == (Holder.AGENT, "danger")
    assert await requests(stage) == []


async def test_a_danger_told_in_the_middle_of_a_report_leaves_the_form(stage: Stage) -> None:
    await stage.write("pas de courant dans toute la rue")
    reply = await stage.write("il y a des étincelles sur le poteau, ça brûle")
    assert stage.operator.rescue_phone in reply
    assert (await stage.hand_over()).reason == "danger"
    assert await requests(stage) == []


async def test_a_danger_told_in_the_middle_of_another_request_is_heard(stage: Stage) -> None:
    await stage.write("je demande un délai de paiement")
    reply = await stage.write("un câble électrique est tombé dans la rue")
    assert stage.operator.rescue_phone in reply


# --- reports ----------------------------------------------------------------------------------------------


async def test_one_sentence_is_a_whole_report(stage: Stage) -> None:
    reply = await stage.write("pas de courant depuis 2 heures dans toute la rue")
    (request,) = await requests(stage)
    assert request.reference in reply
    assert request.reference.startswith("P-")
    assert request.kind is RequestKind.OUTAGE
    assert request.details == {
        "utility": "electricity",
        "trouble": "cut",
        "commune": "Salé",
        "place": "1 rue Fictive",
        "scope": "street",
        "since": "depuis 2 heures",
        "words": ["pas de courant depuis 2 heures dans toute la rue"],
    }
    async with stage.database.reading() as session:
        noted = (await session.scalars(select(Audit).where(Audit.action == "request.received"))).one()
    assert noted.subject == f"request:{request.reference}"


async def test_a_house_alone_in_the_dark_looks_at_its_breaker_first(stage: Stage) -> None:
    assert "voisins" in await stage.write("il n'y a pas de courant")
    assert "disjoncteur" in await stage.write("seulement chez moi")
    assert "Tant mieux" in await stage.write("oui")
    assert await requests(stage) == []


async def test_a_breaker_that_did_not_help_goes_on_with_the_report(stage: Stage) -> None:
    await stage.write("il n'y a pas de courant")
    await stage.write("1")
    assert "Depuis quand" in await stage.write("non")
    await stage.write("depuis le maghrib, le tableau a fait un bruit")
    (request,) = await requests(stage)
    assert request.details["scope"] == "home"
    assert request.details["since"] == "depuis le maghrib, le tableau a fait un bruit"


async def test_a_prepaid_house_looks_at_its_credit(stage: Stage) -> None:
    await stage.contract("10000008", "electricity", ("total",), phone="+212600000008", billing="prepaid")
    assert "crédit" in await stage.write("pas de courant, seulement chez moi", phone="+212600000008")


async def test_whoever_does_not_know_how_far_it_goes_is_not_asked_for_ever(stage: Stage) -> None:
    await stage.write("il n'y a pas de courant")
    assert "Depuis quand" in await stage.write("Je ne sais pas")


async def test_a_stranger_is_asked_where(stage: Stage) -> None:
    assert "ville" in await stage.write("coupure d'eau dans tout le quartier", phone=STRANGER)
    assert "Où" in await stage.write("Kénitra", phone=STRANGER)
    assert "Depuis quand" in await stage.write("hay Fictif, près de l'école", phone=STRANGER)
    await stage.write("depuis hier", phone=STRANGER)
    (request,) = await requests(stage)
    assert request.contract_id is None
    assert request.details["utility"] == "water"
    assert request.details["commune"] == "Kénitra"
    assert request.details["place"] == "hay Fictif, près de l'école"


async def test_a_leak_is_asked_where_it_is_and_nothing_of_neighbours(stage: Stage) -> None:
    assert "Où" in await stage.write("je signale une fuite d'eau à Salé", phone=STRANGER)


async def test_the_same_cut_said_again_keeps_its_reference(stage: Stage) -> None:
    first = await stage.write("pas de courant depuis 2 heures dans toute la rue")
    again = await stage.write("toujours pas de courant", channel=Channel.WHATSAPP)
    (request,) = await requests(stage)
    assert request.reference in first
    assert request.reference in again
    assert "toujours pas de courant" in request.details["words"]


async def test_a_cut_weeks_later_is_a_new_one(stage: Stage) -> None:
    await stage.write("pas de courant depuis 2 heures dans toute la rue")
    stage.later(days=14)
    await stage.write("pas de courant depuis 1 heure dans toute la rue")
    assert len(await requests(stage)) == 2


async def test_a_question_in_between_is_answered_and_the_report_goes_on(stage: Stage) -> None:
    await stage.write("il n'y a pas de courant")
    reply = await stage.write("combien je dois ?")
    assert "120,35" in reply
    assert "voisins" in reply


async def test_cancelling_a_report_leaves_nothing(stage: Stage) -> None:
    await stage.write("il n'y a pas de courant")
    await stage.write("annuler")
    assert await requests(stage) == []


# --- cuts that are known ----------------------------------------------------------------------------------


async def test_a_known_cut_is_told_with_its_hours_and_nothing_is_filed(stage: Stage) -> None:
    await known_cut(stage, area="Hay Fictif")
    reply = await stage.write("il n'y a pas de courant")
    assert "Hay Fictif, Salé" in reply
    assert "08:30" in reply
    assert "23/11/2026 vers 15:00" in reply
    assert await requests(stage) == []


async def test_a_cut_that_is_not_the_known_one_can_be_reported(stage: Stage) -> None:
    await known_cut(stage)
    await stage.write("pas de courant", channel=Channel.WHATSAPP)
    assert "voisins" in await stage.press(1)


@pytest.mark.parametrize("changes", [{"utility": "water"}, {"commune": "Rabat"}])
async def test_a_cut_of_something_else_is_not_told(stage: Stage, changes: dict[str, object]) -> None:
    await known_cut(stage, **changes)
    assert "voisins" in await stage.write("il n'y a pas de courant")


async def test_a_named_commune_goes_before_the_contracts(stage: Stage) -> None:
    await known_cut(stage, commune="Rabat", expected_until=None)
    assert "pas encore quand" in await stage.write("coupure d'électricité à Rabat")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no power since this morning, the whole street", "Noted, reference"),
        ("الكهرباء مقطوعة منذ الصباح في الحي كله", "سُجل بلاغكم"),
        ("ماكاينش الضو من الصباح فالحومة كاملة", "تسجل، المرجع"),
        ("ma kaynch do mn sba7 f l7ouma kamla", "Tsejjel, référence"),
    ],
)
async def test_a_report_in_the_other_languages(stage: Stage, text: str, said: str) -> None:
    assert said in await stage.write(text)
    assert len(await requests(stage)) == 1
