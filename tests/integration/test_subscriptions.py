"""New supplies in conversation: from one sentence to a file for the agent who calls."""

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


SENTENCE = "je veux un nouveau compteur d'électricité pour ma maison à Salé"


async def test_everything_in_one_sentence_is_taken_and_the_rest_is_asked(stage: Stage) -> None:
    assert "adresse" in await stage.write(SENTENCE, phone=STRANGER)
    name = await stage.write("12 rue Imaginaire, hay Fictif", phone=STRANGER)
    shown = await stage.write("Amina Fictive", phone=STRANGER)
    received = await stage.write("oui", phone=STRANGER)

    assert "CIN" in name
    for each in ("Électricité", "Nouveau branchement", "Logement", "12 rue Imaginaire", "Salé", "Amina", STRANGER):
        assert each in shown.replace("Electricité", "Électricité")
    (request,) = await requests(stage)
    assert request.reference.startswith("S-")
    assert request.reference in received
    assert "pièce d'identité" in received
    assert "n'envoyez rien ici" in received
    assert request.kind is RequestKind.SUBSCRIPTION
    assert request.due_on == date(2026, 11, 26)
    assert request.details == {
        "utilities": ["electricity"],
        "connection": "new",
        "premises": "home",
        "commune": "Salé",
        "place": "12 rue Imaginaire, hay Fictif",
        "name": "Amina Fictive",
        "phone": STRANGER,
        "documents": ["identity", "occupancy", "permit"],
        "words": [SENTENCE],
    }


async def test_step_by_step_with_buttons(stage: Stage) -> None:
    steps = [await stage.write("je veux m'abonner", phone=STRANGER)]
    steps += [await stage.write(text, phone=STRANGER) for text in ("3", "2", "2", "Rabat", "4 avenue Imaginaire")]
    for step, word in zip(steps, ("électricité", "besoin", "lieu", "ville", "adresse", "nom"), strict=True):
        assert word in step
    await stage.write("Société Fictive", phone=STRANGER)
    received = await stage.write("oui", phone=STRANGER)
    (request,) = await requests(stage)
    assert request.details["utilities"] == ["electricity", "water"]
    assert (request.details["connection"], request.details["premises"]) == ("takeover", "business")
    assert "registre de commerce" in received


async def test_what_is_wrong_can_be_put_right_before_it_is_sent(stage: Stage) -> None:
    for text in (SENTENCE, "12 rue Imaginaire", "Amina"):
        await stage.write(text)
    assert "+212661234567" in await stage.write("0661234567")
    assert "corriger" in await stage.write("non")
    assert "ville" in await stage.write("4")
    await stage.write("Rabat")
    assert "Rabat" in await stage.write("7 rue Neuve")
    await stage.write("oui")
    (request,) = await requests(stage)
    assert request.details["phone"] == "+212661234567"
    assert (request.details["commune"], request.details["place"]) == ("Rabat", "7 rue Neuve")


async def test_a_second_request_gets_the_first_ones_reference(stage: Stage) -> None:
    for text in (SENTENCE, "12 rue Imaginaire", "Amina Fictive", "oui"):
        await stage.write(text, channel=Channel.WHATSAPP)
    again = await stage.write("je veux un nouveau compteur d'eau", channel=Channel.WHATSAPP)
    (request,) = await requests(stage)
    assert request.reference in again
    assert "électricité" in await stage.press(1)


async def test_a_question_in_between_is_answered_and_the_form_goes_on(stage: Stage) -> None:
    await stage.write(SENTENCE)
    reply = await stage.write("combien je dois ?")
    assert "120,35" in reply
    assert "adresse" in reply


async def test_cancelling_leaves_nothing(stage: Stage) -> None:
    await stage.write(SENTENCE)
    await stage.write("annuler")
    assert await requests(stage) == []


async def test_telegram_is_asked_for_a_phone(stage: Stage) -> None:
    for text in (SENTENCE, "12 rue Imaginaire"):
        await stage.write(text, phone="4711", channel=Channel.TELEGRAM)
    assert "téléphone" in await stage.write("Amina Fictive", phone="4711", channel=Channel.TELEGRAM)
    assert "pas un numéro" in await stage.write("06 12", phone="4711", channel=Channel.TELEGRAM)
    assert "L'envoyer" in await stage.write("06 61 23 45 67", phone="4711", channel=Channel.TELEGRAM)


@pytest.mark.parametrize(
    ("texts", "received"),
    [
        (("I want a new electricity meter for my house in Salé", "12 Fictive street", "Amina", "yes"), "noted"),
        (("أريد عداد كهرباء جديد لمنزلي في سلا", "زنقة 12 حي الخيال", "أمينة", "نعم"), "سُجل الطلب"),
        (("بغيت كونتور ديال الضو جديد للدار فسلا", "زنقة 12 حي الخيال", "أمينة", "اه"), "تسجل الطلب"),
        (("bghit compteur jdid dyal do l dar f sla", "zen9a 12", "Amina", "ah"), "tsejjel"),
    ],
)
async def test_a_subscription_in_the_other_languages(stage: Stage, texts: tuple[str, ...], received: str) -> None:
    for text in texts:
        reply = await stage.write(text)
    assert received in reply
    (request,) = await requests(stage)
    assert request.details["utilities"] == ["electricity"]
    assert request.details["phone"] == KNOWN
