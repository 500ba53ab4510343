"""Complaints about anything but the explanation of a bill, in conversation."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select
from stage import KNOWN, STRANGER, Stage

from bot.channels.carrier import Channel
from store.models import Request, RequestKind


async def requests(stage: Stage) -> list[Request]:
    async with stage.database.reading() as session:
        return list(await session.scalars(select(Request).order_by(Request.id)))


async def test_words_that_say_it_all_are_a_complaint_with_a_day_for_the_answer(stage: Stage) -> None:
    said = "je veux me plaindre, le releveur ne passe jamais"
    reply = await stage.write(said)
    (complaint,) = await requests(stage)
    assert complaint.reference in reply
    assert "au plus tard le 07/12/2026" in reply
    assert complaint.kind is RequestKind.COMPLAINT
    assert complaint.details == {"category": "service", "words": [said]}
    assert complaint.due_on == date(2026, 12, 7)


async def test_a_bare_complaint_is_asked_what_about_and_what_happened(stage: Stage) -> None:
    asked = await stage.write("je veux faire une réclamation", channel=Channel.WHATSAPP)
    assert "Sur quoi" in asked
    assert "passé" in await stage.press(3)
    await stage.write("il affiche n'importe quoi depuis lundi", channel=Channel.WHATSAPP)
    (complaint,) = await requests(stage)
    assert complaint.details["category"] == "meter"
    assert complaint.details["words"][-1] == "il affiche n'importe quoi depuis lundi"


async def test_a_bill_chosen_from_the_list_is_kept_with_its_explanation(stage: Stage) -> None:
    await stage.write("je veux faire une réclamation", channel=Channel.WHATSAPP)
    reply = await stage.press(1)
    (complaint,) = await requests(stage)
    assert complaint.reference in reply
    assert complaint.details["bill"] == "F10000001"
    assert "Sur quoi" not in reply


async def test_a_complaint_about_a_reading_has_its_reference(stage: Stage) -> None:
    await stage.write("réclamation : l'index relevé est faux et toujours estimé")
    (complaint,) = await requests(stage)
    assert complaint.details["category"] == "reading"
    assert len(complaint.details["readings"]) == 1
    assert complaint.contract_id is not None


async def test_a_stranger_is_known_before_a_reading_is_looked_up(stage: Stage) -> None:
    asked = await stage.write("réclamation : l'index relevé est faux et toujours estimé", phone=STRANGER)
    assert "numéro de contrat" in asked
    await stage.write("10000001", phone=STRANGER)
    await stage.write("120,35", phone=STRANGER)
    (complaint,) = await requests(stage)
    assert len(complaint.details["readings"]) == 1


async def test_a_stranger_may_complain_of_the_water_and_is_asked_where(stage: Stage) -> None:
    assert "ville" in await stage.write("plainte : l'eau a mauvais goût tous les étés", phone=STRANGER)
    await stage.write("Kénitra", phone=STRANGER)
    (complaint,) = await requests(stage)
    assert (complaint.details["category"], complaint.details["commune"]) == ("quality", "Kénitra")
    assert complaint.contract_id is None


async def test_which_meter_is_asked_where_there_are_several(stage: Stage) -> None:
    await stage.contract("20000001", "water", ("total",), phone=KNOWN, last=1260, monthly=14)
    assert "quel contrat" in await stage.write("réclamation, mon compteur tourne beaucoup trop vite")
    await stage.write("2")
    (complaint,) = await requests(stage)
    assert complaint.details["category"] == "meter"
    assert complaint.contract_id == 2


async def test_said_again_its_reference_stands_and_the_words_are_added(stage: Stage) -> None:
    await stage.write("je veux me plaindre, le releveur ne passe jamais")
    again = await stage.write("réclamation : votre agent a encore été impoli")
    (complaint,) = await requests(stage)
    assert complaint.reference in again
    assert len(complaint.details["words"]) == 2


async def test_without_a_day_configured_none_is_told(stage: Stage) -> None:
    none = stage.operator.complaints.model_copy(update={"answer_days": None})
    stage.turns._operator = stage.operator.model_copy(update={"complaints": none})
    reply = await stage.write("je veux me plaindre, le releveur ne passe jamais")
    assert "au plus tard" not in reply
    (complaint,) = await requests(stage)
    assert complaint.due_on is None


async def test_cancelling_a_complaint_leaves_nothing(stage: Stage) -> None:
    await stage.write("je veux faire une réclamation")
    await stage.write("annuler")
    assert await requests(stage) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I want to complain, your technician was very rude", "Complaint"),
        ("أريد تقديم شكاية على الموظف الذي أهانني", "سُجلت الشكاية"),
        ("بغيت نحط شكاية على الموظف ديالكم", "تسجلات الشكاية"),
        ("bghit ndir chikaya 3la mowaddaf dyalkom", "Tsejlat chikaya"),
    ],
)
async def test_a_complaint_in_the_other_languages(stage: Stage, text: str, said: str) -> None:
    assert said in await stage.write(text)
    (complaint,) = await requests(stage)
    assert complaint.details["words"] == [text]
