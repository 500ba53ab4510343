"""Law 09-08 in conversation and in the store: what is held, a copy, rectification, erasure."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from stage import KNOWN, STRANGER, Stage

from bot.channels.carrier import Channel
from bot.commands.privacy import erased
from bot.faults import Fault
from bot.sending.attachments import Attachments, NotMade
from bot.sending.personal_data import PersonalData
from store.desk_models import Draft, LabelledExample, Note, Outcome, Role, Upload, User
from store.hand_overs import close, current
from store.models import (
    Audit,
    DialogueTurn,
    Direction,
    Identity,
    Message,
    Notice,
    Reading,
    Request,
    RequestKind,
    RequestState,
)
from store.personal_data import erase, export

WHATSAPP = Channel.WHATSAPP


async def the_request(stage: Stage) -> Request:
    async with stage.database.reading() as session:
        return (await session.scalars(select(Request))).one()


async def copied(stage: Stage, phone: str = KNOWN) -> dict[str, Any]:
    conversation = await stage.conversation(phone, WHATSAPP)
    async with stage.database.reading() as session:
        found = await export(session, conversation.id, stage.now)
    copy: dict[str, Any] = json.loads(json.dumps(found))
    return copy


async def test_what_is_held_is_told_in_numbers(stage: Stage) -> None:
    said = await stage.write("quelles données gardez-vous sur moi ?", channel=WHATSAPP)

    assert "depuis le 23/11/2026 : messages 1, relevés 13, demandes 0, contrats 1" in said
    assert "non demandés : oui" in said
    offered = (await stage.conversation(channel=WHATSAPP)).offered
    assert [title for title, _ in offered["buttons"]] == ["Recevoir une copie", "Corriger", "Effacer"]


async def test_a_stranger_is_told_of_what_they_wrote_and_of_no_contract(stage: Stage) -> None:
    said = await stage.write("quelles données gardez-vous sur moi ?", phone=STRANGER, channel=WHATSAPP)

    assert "relevés 0" in said
    assert "contrats 0" in said
    assert (await copied(stage, STRANGER))["contracts"] == []


async def test_a_copy_is_gathered_when_it_is_fetched_and_not_kept_in_the_message(stage: Stage) -> None:
    await stage.write("mes données", channel=WHATSAPP)
    await stage.press(1)
    await stage.write("48150", channel=WHATSAPP)
    sent = [m for m in await stage.messages(Direction.OUT) if (m.payload or {}).get("attachment")][-1]
    order = sent.payload["attachment"]
    attachments = Attachments({"personal_data": PersonalData(stage.database, stage.clock)}, workers=1)

    found = json.loads(await attachments.content(order, sent.id))
    await attachments.close()

    assert order["spec"] == {}
    (contract,) = found["contracts"]
    assert contract["number"] == "10000001"
    assert contract["customer"]["name"] == "Client Fictif"
    assert contract["bills"][0]["total"] == "120.35"
    assert contract["readings"][-1]["value"] == 48150
    assert "48150" in [message["body"] for message in found["messages"]]
    with pytest.raises(NotMade):
        await Attachments(workers=1).content(order, sent.id)


async def test_a_correction_is_asked_in_words_confirmed_and_answered_within_ten_days(stage: Stage) -> None:
    await stage.write("mes données", channel=WHATSAPP)
    await stage.press(2)
    sure = await stage.write("my name is Smith et mon adresse est 12 rue Atlas. pas 21", channel=WHATSAPP)
    received = await stage.write("oui", channel=WHATSAPP)

    assert "À corriger : « my name is Smith et mon adresse est 12 rue Atlas. pas 21 »" in sure
    request = await the_request(stage)
    assert (request.kind, request.state) == (RequestKind.RECTIFICATION, RequestState.RECEIVED)
    assert request.reference.startswith("N-")
    assert request.reference in received
    assert request.due_on == date(2026, 12, 3)
    assert "03/12/2026" in received
    assert request.details == {"words": "my name is Smith et mon adresse est 12 rue Atlas. pas 21"}


async def test_an_erasure_says_what_stays_and_is_asked_once(stage: Stage) -> None:
    sure = await stage.write("effacez mes données", channel=WHATSAPP)
    assert "La loi garde factures, paiements et relevés" in sure
    assert "gratuit" in await stage.write("oui", channel=WHATSAPP)

    again = await stage.write("effacez mes données", channel=WHATSAPP)

    request = await the_request(stage)
    assert request.kind is RequestKind.ERASURE
    assert f"{request.reference} est déjà en cours" in again


async def test_nothing_is_asked_for_without_a_yes(stage: Stage) -> None:
    await stage.write("effacez mes données", channel=WHATSAPP)

    assert "rien n'est demandé" in await stage.write("non", channel=WHATSAPP)
    async with stage.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Request)) == 0


async def test_who_wants_no_messages_hears_that_news_comes_only_when_asked_for(stage: Stage) -> None:
    await stage.write("arret", channel=WHATSAPP)
    await stage.write("effacez mes données", channel=WHATSAPP)

    assert "REPRENDRE" in await stage.write("oui", channel=WHATSAPP)


async def test_erasing_leaves_no_word_and_every_reading_with_its_message(stage: Stage) -> None:
    await stage.write("48150", channel=WHATSAPP)
    await stage.write("mon fils a perdu son travail", channel=WHATSAPP)
    await stage.write("effacez mes données", channel=WHATSAPP)
    await stage.write("oui", channel=WHATSAPP)
    request = await the_request(stage)

    said = await erased(stage.database, request.reference, "user:amina", stage.now)

    assert said == f"{request.reference}: erased."
    assert (await the_request(stage)).state is RequestState.GRANTED
    async with stage.database.reading() as session:
        messages = list(await session.scalars(select(Message)))
        turns = list(await session.scalars(select(DialogueTurn)))
        reading = (await session.scalars(select(Reading).where(Reading.source == "customer"))).one()
        noted = (await session.scalars(select(Audit).where(Audit.action == "conversation.erased"))).one()
        news = (await session.scalars(select(Notice))).one()
    assert messages
    assert all((m.body, m.payload, m.understood) == ("", None, None) for m in messages)
    assert turns == []
    assert reading.message_id in {message.id for message in messages}
    assert noted.actor == "user:amina"
    assert news.params["reference"] == request.reference  # it is still to be said
    conversation = await stage.conversation(channel=WHATSAPP)
    assert (conversation.dialogue, conversation.offered, conversation.informed_at) == (None, None, None)
    assert "perdu" not in json.dumps(await copied(stage), ensure_ascii=False)


async def test_what_agents_wrote_is_in_the_copy_and_goes_with_the_rest(stage: Stage) -> None:
    await stage.write("je veux parler à un conseiller", channel=WHATSAPP)
    conversation, message = await stage.conversation(channel=WHATSAPP), (await stage.messages())[-1]
    async with stage.database.writing() as session:
        agent = User(email="amina@example.ma", name="Amina", role=Role.AGENT, created_at=stage.now)
        session.add(agent)
        await session.flush()
        here = {"conversation_id": conversation.id, "user_id": agent.id}
        session.add(Note(**here, body="rappeler le soir", created_at=stage.now))
        session.add(Draft(**here, body="Bonjour M. Alaoui", changed_at=stage.now))
        session.add(
            Upload(
                message_id=message.id,
                user_id=agent.id,
                name="plan.pdf",
                content_type="application/pdf",
                content=b"%PDF",
                created_at=stage.now,
            )
        )
        session.add(
            LabelledExample(
                message_id=message.id,
                text=message.body,
                language="fr",
                intent="talk_to_agent",
                user_id=agent.id,
                labelled_at=stage.now,
            )
        )
        stay = await current(session, conversation.id)
        assert stay is not None
        await close(session, stay, agent.id, stage.now, Outcome.SOLVED, "facture expliquée")

    copy = await copied(stage)
    assert [note["body"] for note in copy["advisors_notes"]] == ["rappeler le soir"]
    assert [(stay["reason"], stay["summary"]) for stay in copy["with_advisors"]] == [("asked", "facture expliquée")]

    async with stage.database.writing() as session:
        await erase(session, conversation.id, "test", stage.now)
    copy = await copied(stage)
    assert [note["body"] for note in copy["advisors_notes"]] == [""]
    assert [stay["summary"] for stay in copy["with_advisors"]] == [None]
    async with stage.database.reading() as session:
        for gone in (Draft, Upload, LabelledExample):
            assert await session.scalar(select(func.count()).select_from(gone)) == 0


async def test_the_conversation_goes_on_after_it_was_erased(stage: Stage) -> None:
    await stage.write("je veux payer en 2 fois", channel=WHATSAPP)
    conversation = await stage.conversation(channel=WHATSAPP)
    async with stage.database.writing() as session:
        await erase(session, conversation.id, "user:amina", stage.now)

    assert "120,35 DH" in await stage.write("combien je dois ?", channel=WHATSAPP)


async def test_proofs_of_identity_go_and_the_wish_for_no_messages_stays(stage: Stage) -> None:
    await stage.write("arret", phone=STRANGER, channel=WHATSAPP)
    conversation = await stage.conversation(STRANGER, WHATSAPP)
    async with stage.database.writing() as session:
        session.add(
            Identity(
                conversation_id=conversation.id, contract_id=1, verification="bill_amount", verified_at=stage.now
            )
        )
    assert len((await copied(stage, STRANGER))["contracts"]) == 1

    async with stage.database.writing() as session:
        await erase(session, conversation.id, "user:amina", stage.now)

    found = await copied(stage, STRANGER)
    assert (found["contracts"], found["identity_proofs"]) == ([], [])
    assert (await stage.conversation(STRANGER, WHATSAPP)).opted_out_at is not None


async def test_only_a_request_to_erase_that_stands_is_done(stage: Stage) -> None:
    with pytest.raises(Fault, match="there is no request to erase"):
        await erased(stage.database, "N-0000000000", "user:amina", stage.now)
    await stage.write("48150", channel=WHATSAPP)
    await stage.write("corrigez mes données", channel=WHATSAPP)
    await stage.write("mon nom est mal écrit", channel=WHATSAPP)
    await stage.write("oui", channel=WHATSAPP)
    with pytest.raises(Fault, match="there is no request to erase"):
        await erased(stage.database, (await the_request(stage)).reference, "user:amina", stage.now)
