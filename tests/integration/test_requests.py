"""Where a request stands, taking it back and changing it, in conversation."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from stage import KNOWN, STRANGER, Stage

from billing.reference import new_reference
from bot.channels.carrier import Channel
from store.models import Audit, Contract, Conversation, Instalment, Notice, Request, RequestKind, RequestState
from store.requests import Filing, change, file, propose, request_by_reference

PAYMENT = (date(2026, 12, 15), Decimal("120.35"))
SOMEONE_ELSES = "20000009"
UNKNOWN = new_reference("C", Random(7))


async def filed(
    stage: Stage,
    kind: RequestKind = RequestKind.COMPLAINT,
    *,
    state: RequestState = RequestState.RECEIVED,
    contract: str | None = "10000001",
    reason: str | None = None,
    due_on: date | None = None,
    **details: Any,
) -> str:
    """A request on a contract, or of the customer's conversation alone, and its reference."""
    async with stage.database.writing() as session:
        conversation_id: int | None = None
        contract_id: int | None = None
        if contract is None:
            conversation_id = await session.scalar(select(Conversation.id).where(Conversation.address == KNOWN))
        else:
            contract_id = await session.scalar(select(Contract.id).where(Contract.number == contract))
        request = await file(
            session, Filing(kind, "test", stage.now, contract_id, conversation_id, details=details, due_on=due_on)
        )
        if kind in (RequestKind.DEFERRAL, RequestKind.INSTALMENTS):
            propose(request, [PAYMENT])
        if state is not RequestState.RECEIVED:
            await change(session, request, state, actor="user:amina", now=stage.now, reason=reason, told=True)
        return request.reference


async def request_of(stage: Stage, reference: str) -> Request:
    async with stage.database.reading() as session:
        request = await request_by_reference(session, reference)
        assert request is not None
        return request


async def test_the_only_request_is_told_with_its_day_and_what_can_be_done(stage: Stage) -> None:
    reference = await filed(stage, RequestKind.DEFERRAL, due_on=date(2026, 11, 26))

    reply = await stage.write("où en est ma demande ?", channel=Channel.WHATSAPP)

    assert f"{reference} (délai de paiement) du 23/11/2026" in reply
    assert "au plus tard le 26/11/2026" in reply
    buttons = (await stage.conversation(channel=Channel.WHATSAPP)).offered
    assert "Modifier" in str(buttons)
    assert "Retirer" in str(buttons)


async def test_a_request_that_waits_past_its_day_is_apologised_for(stage: Stage) -> None:
    await filed(stage, due_on=stage.today - timedelta(days=1))

    reply = await stage.write("où en est ma demande ?")

    assert "nous sommes en retard" in reply
    assert "22/11/2026" not in reply


@pytest.mark.parametrize(
    ("kind", "state", "reason", "said"),
    [
        (RequestKind.DEFERRAL, RequestState.UNDER_REVIEW, None, "l'étudie en ce moment"),
        (RequestKind.DEFERRAL, RequestState.GRANTED, None, "15/12/2026 : 120,35 DH"),
        (RequestKind.DEFERRAL, RequestState.REFUSED, "Délai déjà donné.", "Délai déjà donné."),
        (RequestKind.DEFERRAL, RequestState.WITHDRAWN, None, "est retirée"),
        (RequestKind.KWH_ADVANCE, RequestState.GRANTED, None, "(avance de kWh) est accordée"),
        (RequestKind.COMPLAINT, RequestState.GRANTED, "Facture corrigée.", "est traitée. Facture corrigée."),
        (RequestKind.OUTAGE, RequestState.GRANTED, None, "(panne signalée) est traitée"),
        (RequestKind.RECTIFICATION, RequestState.REFUSED, "Pièce illisible.", "Motif : Pièce illisible."),
    ],
)
async def test_a_request_is_told_as_it_stands(
    stage: Stage, kind: RequestKind, state: RequestState, reason: str | None, said: str
) -> None:
    reference = await filed(stage, kind, state=state, reason=reason)

    reply = await stage.write(f"où en est ma demande {reference} ?")

    assert said in reply
    assert reference in reply


async def test_a_broken_schedule_says_how_to_go_on(stage: Stage) -> None:
    reference = await filed(stage, RequestKind.INSTALMENTS, state=RequestState.GRANTED)
    async with stage.database.writing() as session:
        request = await request_by_reference(session, reference)
        assert request is not None
        await change(session, request, RequestState.BROKEN, actor="deadlines", now=stage.now, told=True)

    reply = await stage.write("où en est ma demande ?")

    assert "15/12/2026 : 120,35 DH" in reply
    assert "CONSEILLER" in reply


async def test_several_are_listed_with_a_choice(stage: Stage) -> None:
    complaint = await filed(stage)
    deferral = await filed(stage, RequestKind.DEFERRAL)
    await filed(stage, state=RequestState.REFUSED, reason="Non fondée.")

    reply = await stage.write("où en sont mes demandes ?")

    assert f"{complaint} (réclamation) : en attente" in reply
    assert f"{deferral} (délai de paiement) : en attente" in reply
    assert "Non fondée" not in reply
    assert f"{deferral} (délai de paiement) du" in await stage.write("1")  # the latest is the first


async def test_without_an_open_one_the_last_decided_is_told(stage: Stage) -> None:
    await filed(stage, state=RequestState.REFUSED, reason="La première.")
    await filed(stage, state=RequestState.REFUSED, reason="La seconde.")

    assert "La seconde." in await stage.write("où en est ma demande ?")


async def test_whoever_asked_for_nothing_is_told_so(stage: Stage) -> None:
    assert "aucune demande à votre nom" in await stage.write("où en est ma demande ?")


async def test_someone_elses_request_and_none_get_the_same_answer(stage: Stage) -> None:
    await stage.contract(SOMEONE_ELSES, "electricity", ("total",), phone=None)
    theirs = await filed(stage, contract=SOMEONE_ELSES)

    foreign = await stage.write(f"où en est la demande {theirs}")
    unknown = await stage.write(f"où en est la demande {UNKNOWN}")

    assert theirs in foreign
    assert foreign.replace(theirs, UNKNOWN) == unknown
    assert "Je ne trouve pas" in unknown


async def test_a_stranger_with_a_reference_says_first_who_they_are(stage: Stage) -> None:
    reference = await filed(stage)

    asked = await stage.write(f"où en est ma demande {reference} ?", phone=STRANGER)
    await stage.write("10000001", phone=STRANGER)
    known = await stage.write("120,35", phone=STRANGER)

    assert "numéro de contrat" in asked
    assert reference not in asked
    assert f"{reference} (réclamation)" in known


async def test_a_stranger_sees_what_they_asked_for_in_this_conversation(stage: Stage) -> None:
    await stage.write("bonjour", phone=STRANGER)
    async with stage.database.writing() as session:
        conversation_id = await session.scalar(select(Conversation.id).where(Conversation.address == STRANGER))
        filing = Filing(RequestKind.SUBSCRIPTION, "test", stage.now, conversation_id=conversation_id)
        reference = (await file(session, filing)).reference

    assert reference in await stage.write("où en est ma demande ?", phone=STRANGER)


@pytest.mark.parametrize("text", ["je retire ma demande", "annulez ma demande", "je retire ma demande {reference}"])
async def test_a_request_is_withdrawn_after_a_yes(stage: Stage, text: str) -> None:
    reference = await filed(stage, RequestKind.DEFERRAL)

    asked = await stage.write(text.format(reference=reference))
    done = await stage.write("oui")

    assert f"Retirer votre demande {reference}" in asked
    assert "est retirée" in done
    assert (await request_of(stage, reference)).state is RequestState.WITHDRAWN
    async with stage.database.reading() as session:
        noted = (await session.scalars(select(Audit).where(Audit.action == "request.withdrawn"))).one()
        assert list(await session.scalars(select(Notice))) == []  # told in the same breath
    assert noted.actor.startswith("conversation:")


async def test_a_no_leaves_the_request(stage: Stage) -> None:
    reference = await filed(stage)
    await stage.write("je retire ma demande")

    assert "reste en place" in await stage.write("non")
    assert (await request_of(stage, reference)).state is RequestState.RECEIVED


async def test_which_of_several_to_withdraw_is_asked(stage: Stage) -> None:
    older = await filed(stage)
    newer = await filed(stage, RequestKind.DEFERRAL)

    asked = await stage.write("je retire ma demande", channel=Channel.WHATSAPP)
    chosen = await stage.press(2)
    await stage.write("oui", channel=Channel.WHATSAPP)

    assert "De quelle demande" in asked
    assert older in chosen
    assert (await request_of(stage, older)).state is RequestState.WITHDRAWN
    assert (await request_of(stage, newer)).state is RequestState.RECEIVED


async def test_a_request_decided_while_the_customer_hesitates_is_not_withdrawn(stage: Stage) -> None:
    reference = await filed(stage, RequestKind.DEFERRAL)
    await stage.write("je retire ma demande")
    async with stage.database.writing() as session:
        request = await request_by_reference(session, reference, hold=True)
        assert request is not None
        await change(session, request, RequestState.GRANTED, actor="user:amina", now=stage.now)

    assert "déjà décidée" in await stage.write("oui")
    assert (await request_of(stage, reference)).state is RequestState.GRANTED


async def test_a_decided_request_is_not_withdrawn(stage: Stage) -> None:
    reference = await filed(stage, RequestKind.DEFERRAL, state=RequestState.GRANTED)

    assert "déjà décidée" in await stage.write(f"je retire ma demande {reference}")


async def test_cancelling_with_nothing_to_cancel_is_said(stage: Stage) -> None:
    reference = await filed(stage)

    assert "rien en cours" in await stage.write("annuler")
    assert (await request_of(stage, reference)).state is RequestState.RECEIVED


async def test_words_are_added_to_a_complaint(stage: Stage) -> None:
    reference = await filed(stage, words=["ma facture est fausse"])
    await stage.write("où en est ma demande ?", channel=Channel.WHATSAPP)

    asked = await stage.press(1)
    done = await stage.write("le compteur a été changé en octobre", channel=Channel.WHATSAPP)

    assert "Que voulez-vous ajouter" in asked
    assert "C'est ajouté" in done
    request = await request_of(stage, reference)
    assert request.details == {
        "words": ["ma facture est fausse"],
        "added": ["le compteur a été changé en octobre"],
    }
    async with stage.database.reading() as session:
        noted = (await session.scalars(select(Audit).where(Audit.action == "request.revised"))).one()
    assert noted.details == {"added": []}


async def test_the_date_of_a_deferral_is_changed_without_naming_it(stage: Stage) -> None:
    for text in ("un délai jusqu'au 15 décembre svp", "passer", "oui"):
        await stage.write(text)

    await stage.write("je veux changer la date de ma demande")
    proposed = await stage.write("le 18 décembre")
    await stage.write("oui")

    assert "18/12/2026" in proposed
    async with stage.database.reading() as session:
        assert (await session.scalars(select(Instalment.due_on))).all() == [date(2026, 12, 18)]


async def test_which_of_several_to_change_is_asked_and_each_is_changed_its_own_way(stage: Stage) -> None:
    for text in ("un délai jusqu'au 15 décembre svp", "passer", "oui"):
        await stage.write(text, channel=Channel.WHATSAPP)
    await filed(stage)

    asked = await stage.write("je veux modifier ma demande", channel=Channel.WHATSAPP)
    deferral = await stage.press(2)

    assert "De quelle demande" in asked
    assert "Jusqu'à quelle date" in deferral


async def test_a_stranger_who_wants_a_change_says_first_who_they_are(stage: Stage) -> None:
    reference = await filed(stage)

    asked = await stage.write(f"je voudrais modifier ma demande {reference}", phone=STRANGER)
    await stage.write("10000001", phone=STRANGER)
    known = await stage.write("120,35", phone=STRANGER)

    assert "numéro de contrat" in asked
    assert f"{reference} (réclamation)" in known


@pytest.mark.parametrize(
    ("question", "standing", "wish", "yes", "gone"),
    [
        ("where is my request?", "has arrived", "withdraw my request", "yes", "is withdrawn"),
        ("أين وصل طلبي؟", "توصلنا بطلبكم", "أريد سحب الطلب", "نعم", "سُحب طلبكم"),
        ("فين وصل الطلب ديالي", "وصلنا", "بغيت نسحب الطلب ديالي", "اه", "تسحب"),
        ("fin wsel talab dyali", "wselna", "bghit ns7eb talab dyali", "ah", "ts7eb"),
    ],
)
async def test_asking_and_withdrawing_in_the_other_languages(
    stage: Stage, question: str, standing: str, wish: str, yes: str, gone: str
) -> None:
    reference = await filed(stage, RequestKind.DEFERRAL)

    assert standing in await stage.write(question)
    await stage.write(wish)
    assert gone in await stage.write(yes)
    assert (await request_of(stage, reference)).state is RequestState.WITHDRAWN
