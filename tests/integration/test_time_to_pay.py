"""Deferrals and instalments in conversation: from one sentence to a case file with dates and amounts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import selectinload
from stage import STRANGER, Stage

from bot.channels.carrier import Channel
from store.models import Audit, Bill, Request, RequestKind, RequestState

SECOND_PHONE = Channel.WHATSAPP


async def requests(stage: Stage) -> list[Request]:
    async with stage.database.reading() as session:
        query = select(Request).options(selectinload(Request.schedule), selectinload(Request.bills))
        return list(await session.scalars(query.order_by(Request.id)))


def payments(request: Request) -> list[tuple[date, Decimal]]:
    return [(each.due_on, each.amount) for each in request.schedule]


async def owes(stage: Stage, amount: str) -> None:
    async with stage.database.writing() as session:
        await session.execute(update(Bill).values(total=Decimal(amount)))


async def test_one_sentence_a_reason_and_a_yes_make_a_deferral(stage: Stage) -> None:

    assert "pourquoi" in await stage.write("je ne peux pas payer avant le 15 décembre")
    proposed = await stage.write("j'ai perdu mon travail. mon salaire n'est pas venu")
    received = await stage.write("oui")

    assert "15/12/2026 : 120,35 DH" in proposed
    assert "Une personne décidera" in proposed
    (request,) = await requests(stage)
    assert request.reference in received
    assert "pas encore accordée" in received
    assert (request.kind, request.state) == (RequestKind.DEFERRAL, RequestState.RECEIVED)
    assert payments(request) == [(date(2026, 12, 15), Decimal("120.35"))]
    assert [each.amount for each in request.bills] == [Decimal("120.35")]
    assert request.details == {"reason": "j'ai perdu mon travail. mon salaire n'est pas venu"}
    assert request.due_on == date(2026, 11, 26)


async def test_a_deferral_is_in_the_audit_with_who_asked(stage: Stage) -> None:
    for text in ("un délai jusqu'au 15 décembre svp", "passer", "oui"):
        await stage.write(text)

    async with stage.database.reading() as session:
        (noted,) = list(await session.scalars(select(Audit).where(Audit.action == "request.received")))
    (request,) = await requests(stage)
    assert noted.subject == f"request:{request.reference}"
    assert noted.actor == f"conversation:{request.conversation_id}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("un délai jusqu'au 15 mars 2027", "au plus tard le 23/12/2026"),
        ("un délai de paiement jusqu'au 1er novembre 2026", "Cette date est passée"),
    ],
)
async def test_a_date_out_of_bounds_is_answered_with_the_nearest(stage: Stage, text: str, said: str) -> None:

    reply = await stage.write(text)

    assert said in reply
    assert "Jusqu'à quelle date" in reply


async def test_a_day_that_is_no_working_day_is_moved(stage: Stage) -> None:
    await stage.write("je demande un délai jusqu'au 12 décembre")  # a Saturday

    assert "14/12/2026" in await stage.write("1")


async def test_forty_instalments_are_answered_with_the_most_there_can_be(stage: Stage) -> None:

    reply = await stage.write("je veux payer en 40 fois")

    assert "2 au plus" in reply
    assert "En combien de paiements" in reply


async def test_instalments_sum_to_the_debt_and_fall_on_working_days(stage: Stage) -> None:
    await owes(stage, "640.01")
    await stage.write("je veux payer en 3 fois")
    await stage.write("1")
    await stage.write("oui")

    (request,) = await requests(stage)
    assert request.kind is RequestKind.INSTALMENTS
    assert sum(each.amount for each in request.schedule) == Decimal("640.01")
    assert len(request.schedule) == 3
    assert all(each.due_on in stage.operator.working_days for each in request.schedule)


async def test_an_offer_above_the_debt_is_put_right(stage: Stage) -> None:
    await owes(stage, "640.00")

    assert "plus que ce que vous devez (640,00 DH)" in await stage.write("en 3 fois avec 2000 dh d'abord")


async def test_whoever_owes_nothing_needs_no_delay(stage: Stage) -> None:
    async with stage.database.writing() as session:
        await session.execute(update(Bill).values(paid=Bill.total))

    assert "rien à payer" in await stage.write("je demande un délai jusqu'au 15 décembre")
    assert await requests(stage) == []


async def test_two_wishes_with_one_answer_are_answered_once(stage: Stage) -> None:
    async with stage.database.writing() as session:
        await session.execute(update(Bill).values(paid=Bill.total))

    said = await stage.write("je ne peux pas payer, je veux payer en 3 fois")
    assert said.count("rien à payer") == 1


async def test_a_second_request_gets_the_first_ones_reference(stage: Stage) -> None:
    for text in ("un délai jusqu'au 15 décembre svp", "1", "oui"):
        await stage.write(text)

    again = await stage.write("je veux payer en 2 fois", channel=SECOND_PHONE)

    (request,) = await requests(stage)
    assert request.reference in again
    assert "Modifier" in str((await stage.conversation(channel=SECOND_PHONE)).offered)


async def test_an_undecided_request_can_be_changed(stage: Stage) -> None:
    for text in ("un délai jusqu'au 15 décembre svp", "1", "oui"):
        await stage.write(text, channel=SECOND_PHONE)
    await stage.write("je demande un délai", channel=SECOND_PHONE)

    asked = await stage.press(1)
    proposed = await stage.write("le 18 décembre", channel=SECOND_PHONE)
    changed = await stage.write("oui", channel=SECOND_PHONE)

    assert "Jusqu'à quelle date" in asked
    assert "18/12/2026" in proposed
    assert "modifiée" in changed
    (request,) = await requests(stage)
    assert payments(request) == [(date(2026, 12, 18), Decimal("120.35"))]
    async with stage.database.reading() as session:
        (noted,) = list(await session.scalars(select(Audit).where(Audit.action == "request.revised")))
    assert noted.details == {"schedule_before": [["2026-12-15", "120.35"]]}


async def test_a_question_in_between_is_answered_and_the_request_goes_on(stage: Stage) -> None:
    await stage.write("un délai jusqu'au 15 décembre svp")

    reply = await stage.write("combien je dois ?")

    assert "120,35 DH" in reply
    assert "pourquoi" in reply
    await stage.write("passer")
    await stage.write("oui")
    assert len(await requests(stage)) == 1


async def test_cancelling_leaves_nothing(stage: Stage) -> None:
    await stage.write("un délai jusqu'au 15 décembre svp")

    assert "annulé" in await stage.write("annuler")
    assert await requests(stage) == []
    assert "pourquoi" not in await stage.write("merci")


async def test_no_to_the_proposal_asks_for_another(stage: Stage) -> None:
    for text in ("un délai jusqu'au 15 décembre svp", "1"):
        await stage.write(text)

    assert "rien n'est envoyé" in await stage.write("non")
    assert "10/12/2026" in await stage.write("jusqu'au 10 décembre")


async def test_a_stranger_is_told_nothing_of_a_debt_before_they_are_known(stage: Stage) -> None:

    asked = await stage.write("je ne peux pas payer avant le 15 décembre", phone=STRANGER)
    factor = await stage.write("10000001", phone=STRANGER)
    known = await stage.write("120,35", phone=STRANGER)

    assert "numéro de contrat" in asked
    assert "120" not in factor.replace("320,45", "")
    assert "pourquoi" in known


async def test_someone_elses_contract_cannot_be_asked_about(stage: Stage) -> None:
    await stage.contract("20000009", "electricity", ("total",), phone=None)

    reply = await stage.write("je demande un délai jusqu'au 15 décembre pour le contrat 20000009")

    assert "20000009" not in reply


@pytest.mark.parametrize(
    ("wish", "skip", "yes", "received"),
    [
        ("I can't pay before December 15, I need more time", "skip", "yes", "not granted yet"),
        ("لا أستطيع الأداء قبل 15 دجنبر، أطلب مهلة", "1", "نعم", "لم يقبل بعد"),
        ("عافاكم بغيت مهلة حتى ل 15 دجنبر", "1", "اه", "مازال ما تقبلش"),
        ("bghit mohla 7ta l 15 décembre 3afak", "1", "ah", "mazal ma t9belch"),
    ],
)
async def test_a_deferral_in_the_other_languages(stage: Stage, wish: str, skip: str, yes: str, received: str) -> None:
    await stage.write(wish)
    await stage.write(skip)

    assert received in await stage.write(yes)
    (request,) = await requests(stage)
    assert payments(request) == [(date(2026, 12, 15), Decimal("120.35"))]


async def test_the_word_that_a_reminder_asks_for_is_answered_in_the_holders_language(stage: Stage) -> None:
    assert "Jusqu'à quelle date" in await stage.write("DELAI")


async def test_nobody_changes_a_neighbours_request_by_its_reference(stage: Stage) -> None:
    for text in ("un délai jusqu'au 15 décembre svp", "1", "oui"):
        await stage.write(text)
    (request,) = await requests(stage)
    await stage.contract("10000009", "electricity", ("total",), phone=STRANGER)

    reply = await stage.write(
        f"je demande un délai jusqu'au 18 décembre, contrat 10000009, demande {request.reference}", phone=STRANGER
    )
    for text in ("1", "oui"):
        await stage.write(text, phone=STRANGER)

    assert "Je ne trouve pas de demande" in reply
    (request, *_) = await requests(stage)
    assert payments(request) == [(date(2026, 12, 15), Decimal("120.35"))]
