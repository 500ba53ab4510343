"""How to reach the utility, in conversation."""

from __future__ import annotations

import pytest
from stage import STRANGER, Stage

from store.models import Place


async def agency(stage: Stage, commune: str = "Salé", hours: str | None = "lun-ven 8h30-16h30") -> None:
    async with stage.database.writing() as session:
        session.add(
            Place(kind="agency", commune=commune, name=f"Agence {commune}", address="5 rue Imaginaire", hours=hours)
        )


async def test_the_number_and_the_way_to_a_person_are_told_to_anybody(stage: Stage) -> None:
    reply = await stage.write("quel est votre numéro de téléphone ?", phone=STRANGER)
    assert stage.operator.customer_relations_phone in reply
    assert "CONSEILLER" in reply


async def test_the_agency_of_the_contracts_commune_is_told_with_its_hours(stage: Stage) -> None:
    await agency(stage)
    reply = await stage.write("où est votre agence ?")
    assert "5 rue Imaginaire" in reply
    assert "8h30-16h30" in reply


async def test_a_named_town_goes_before_the_contracts(stage: Stage) -> None:
    await agency(stage)
    await agency(stage, "Kénitra", hours=None)
    reply = await stage.write("l'agence de Kénitra c'est où ?")
    assert "Agence Kénitra" in reply
    assert "Agence Salé" not in reply


async def test_a_stranger_is_asked_in_which_town(stage: Stage) -> None:
    await agency(stage, "Kénitra")
    asked = await stage.write("où est votre agence ?", phone=STRANGER)
    assert stage.operator.customer_relations_phone in asked
    assert "ville" in asked
    assert "Agence Kénitra" in await stage.write("Kénitra", phone=STRANGER)


async def test_an_unknown_town_is_asked_for_once_more_and_then_left(stage: Stage) -> None:
    await stage.write("où est votre agence ?", phone=STRANGER)
    assert "Je ne connais pas" in await stage.write("xqzville", phone=STRANGER)
    reply = await stage.write("xqzville", phone=STRANGER)
    assert stage.operator.customer_relations_phone in reply
    assert "ville ou commune" not in reply


async def test_a_town_without_an_agency_is_told_the_phone(stage: Stage) -> None:
    assert stage.operator.customer_relations_phone in await stage.write("une agence à Rabat ?")


@pytest.mark.parametrize(
    "text",
    [
        "where is your office in Salé",
        "أين توجد الوكالة في سلا",
        "فين كاينة الوكالة ديال سلا",
        "fin kayna l'agence dyal sla",
    ],
)
async def test_an_agency_in_the_other_languages(stage: Stage, text: str) -> None:
    await agency(stage)
    assert "5 rue Imaginaire" in await stage.write(text)
