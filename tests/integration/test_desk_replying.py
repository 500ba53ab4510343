"""What an agent writes: replies, files, templates, notes, drafts, canned answers. Nothing is lost or sent twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from desk_room import Person
from sqlalchemy import select
from talk_room import HTMX, SID, TEMPLATE, TalkRoom, reply

from bot.desk.app import LARGEST_FORM
from bot.desk.conversations.files import BESIDE_A_FILE
from bot.desk.conversations.writing import LONGEST_DRAFT
from bot.sending.uploads import MOST_BYTES
from store.database import Database
from store.desk_models import CannedAnswer, Note, Role, Upload
from store.models import Audit, MessageState

PDF = b"%PDF-1.7\n" + b"x" * 100


@pytest.fixture
def room(database: Database) -> TalkRoom:
    return TalkRoom(database)


# --- replies ------------------------------------------------------------------------------------------------


async def test_a_reply_takes_the_conversation_is_queued_and_clears_the_draft(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over(language="ar")
    await amina.post(f"/desk/conversations/{talk}/draft", HTMX, body="Bonj", form="a")
    answer = await reply(amina, talk, "  Bonjour,\r\nvoici.  ", form="b")
    assert answer.status_code == 200
    assert answer.headers["hx-trigger"] == f"desk:conversation-{talk}"
    (message,) = await room.written(talk)
    assert (message.body, message.state, message.user_id, message.language) == (
        "Bonjour,\nvoici.", MessageState.QUEUED, amina.id, "ar",
    )  # fmt: skip
    stay = await room.stay(talk)
    assert (stay.user_id, stay.first_reply_at) == (amina.id, room.now)
    assert room.sent == [talk]
    assert await room.draft(talk, amina) is None


async def test_a_form_sent_twice_is_one_message(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over()
    answers = await asyncio.gather(*(reply(amina, talk, "Bonjour", form="same") for _ in range(3)))
    await reply(amina, talk, "Bonjour", form="other")
    assert {each.status_code for each in answers} == {200}
    assert len(await room.written(talk)) == 2


async def test_without_scripts_a_reply_leads_back_to_the_page(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over()
    answer = await amina.post(f"/desk/conversations/{talk}/reply", body="Bonjour")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/desk/conversations/{talk}")
    refused = await amina.post(f"/desk/conversations/{talk}/reply", body=" ")
    assert refused.status_code == 422
    assert "<h1>" in refused.text


async def test_a_reply_takes_a_conversation_from_the_assistant(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over(ended=10)
    await reply(amina, talk, "Je reprends")
    stay = await room.stay(talk)
    assert (stay.ended_at, stay.user_id, stay.reason) == (None, amina.id, "agent")


async def test_what_is_written_in_somebody_elses_conversation_stays_in_the_draft(room: TalkRoom) -> None:
    amina, samir = await room.person("Amina"), await room.person("Samir")
    talk = await room.handed_over(user_id=samir.id)
    answer = await reply(amina, talk, "Un long texte")
    assert answer.status_code == 409
    assert "Samir a déjà pris" in answer.text
    assert "Un long texte</textarea>" in answer.text
    assert await room.draft(talk, amina) == "Un long texte"
    assert await room.written(talk) == []


@pytest.mark.parametrize(
    ("channel", "body", "words"),
    [
        ("sms", " \n ", "Écrivez un message"),
        ("sms", "x" * 1601, "1601 caractères, 1600 au plus"),
        ("whatsapp", "x" * 1601, "1600 au plus"),
        ("telegram", "😀" * 2049, "4098 caractères, 4096 au plus"),
        ("sms", "Vous devez {amount_due}", "{amount_due}"),
        ("sms", "Vous devez {anything_else}", "{anything_else}"),
        ("terminal", "Bonjour", "n’est pas configuré"),
    ],
)
async def test_what_cannot_be_sent_is_given_back_with_the_reason(
    room: TalkRoom, channel: str, body: str, words: str
) -> None:
    amina = await room.person()
    talk = await room.handed_over(channel=channel, last_inbound_at=room.now)
    answer = await reply(amina, talk, body)
    assert answer.status_code == 422
    assert words in unescape(answer.text)
    if channel != "terminal":
        assert body.strip() in answer.text
    assert await room.written(talk) == []
    assert (await room.stay(talk)).user_id is None


@pytest.mark.parametrize(("channel", "length"), [("sms", 1600), ("whatsapp", 1600), ("telegram", 4096)])
async def test_the_longest_text_of_each_channel_goes(room: TalkRoom, channel: str, length: int) -> None:
    talk = await room.handed_over(channel=channel, last_inbound_at=room.now)
    assert (await reply(await room.person(), talk, "x" * length)).status_code == 200


# --- WhatsApp's 24 hours ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "shown", "status"),
    [(1, "Fenêtre WhatsApp :", 200), (22.5, 'badge warn" title', 200), (24, "Fenêtre WhatsApp fermée", 422)],
)
async def test_the_window_is_shown_and_kept_to(room: TalkRoom, hours: float, shown: str, status: int) -> None:
    amina = await room.person()
    talk = await room.handed_over(channel="whatsapp", last_inbound_at=room.now - timedelta(hours=hours))
    assert shown in unescape((await amina.get(f"/desk/conversations/{talk}")).text)
    answer = await reply(amina, talk, "Bonjour")
    assert answer.status_code == status
    assert len(await room.written(talk)) == (status == 200)
    if status == 422:
        assert await room.draft(talk, amina) == "Bonjour"
        assert "Votre brouillon" in answer.text


async def test_outside_the_window_an_approved_template_goes(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over(channel="whatsapp", language="fr", last_inbound_at=room.now - timedelta(days=2))
    shown = unescape((await amina.get(f"/desk/conversations/{talk}")).text)
    assert "Rappel de relevé" in shown
    assert "[Numéro de contrat]" in shown
    assert 'id="body"' not in shown
    path = f"/desk/conversations/{talk}/template"
    values = {"value-contract": "10000001", "value-day": "30/11"}
    missing = await amina.post(path, HTMX, response=TEMPLATE, **values | {"value-day": " "})
    assert missing.status_code == 422
    assert 'value="10000001"' in missing.text
    assert (await amina.post(path, HTMX, response="utter_greet", **values)).status_code == 422
    for _ in range(2):
        assert (await amina.post(path, HTMX, response=TEMPLATE, form="t", **values)).status_code == 200
    (message,) = await room.written(talk)
    assert message.payload == {
        "form": "t", "template": {"sid": SID, "variables": {"1": "10000001", "2": "30/11"}},
    }  # fmt: skip
    assert "10000001" in message.body


@pytest.mark.parametrize(
    ("value", "kept"), [("<b>\0</b> {operator}", "<b>\ufffd</b> {operator}"), ("30/11\n \u202e", "30/11 \u202e")]
)
async def test_a_template_takes_any_value_for_what_it_is_and_none_for_our_name(
    room: TalkRoom, value: str, kept: str
) -> None:
    amina = await room.person()
    talk = await room.handed_over(channel="whatsapp", language="fr", last_inbound_at=room.now - timedelta(days=2))
    form = {"value-contract": "10000001", "value-day": value, "value-operator": "Une autre régie"}
    answer = await amina.post(f"/desk/conversations/{talk}/template", HTMX, response=TEMPLATE, **form)
    assert answer.status_code == 200
    (message,) = await room.written(talk)
    assert (message.payload or {})["template"]["variables"]["2"] == kept
    assert "Une autre régie" not in message.body


async def test_when_the_customer_writes_again_the_free_text_is_back(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over(channel="whatsapp", last_inbound_at=room.now - timedelta(days=2))
    part = f"/desk/conversations/{talk}/composer"
    before = (await amina.part(part)).text
    await room.says(talk, "Me revoilà")
    after = (await amina.part(part)).text
    assert ('id="body"' in before, 'id="body"' in after) == (False, True)


async def test_a_text_of_megabytes_holds_nobody_up(room: TalkRoom) -> None:
    """An agent's slip of the clipboard: refused like any long text, without being measured to its end."""
    amina = await room.person()
    talk = await room.handed_over()
    answer = await reply(amina, talk, "ع" * 100_000)
    assert answer.status_code == 422
    assert f"trop long : {LONGEST_DRAFT} caractères" in unescape(answer.text)
    assert len(await room.draft(talk, amina) or "") == LONGEST_DRAFT
    assert (await amina.post(f"/desk/conversations/{talk}/note", HTMX, note="x" * LARGEST_FORM)).status_code == 413


# --- files --------------------------------------------------------------------------------------------------


async def send_file(person: Person, talk: int, name: str, content: bytes, **form: Any) -> Any:
    data = {"csrf": person.csrf, "body": "Voici le document", "form": "f"} | form
    path = f"/desk/conversations/{talk}/reply"
    return await person.browser.post(path, data=data, files={"file": (name, content, "text/html")}, headers=HTMX)


async def uploads(room: TalkRoom) -> list[Upload]:
    async with room.database.reading() as session:
        return list(await session.scalars(select(Upload).order_by(Upload.id)))


async def test_a_file_goes_with_the_reply_under_a_clean_name(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over()
    assert (await send_file(amina, talk, "../../Reçu d'été.exe", PDF)).status_code == 200
    (message,) = await room.written(talk)
    (upload,) = await uploads(room)
    assert upload.message_id == message.id
    assert (message.payload or {})["attachment"] == {
        "make": "upload", "name": "Recu-d-ete.pdf", "upload": upload.id, "type": "application/pdf",
    }  # fmt: skip
    assert await room.desk.attachments.content(message.payload["attachment"], message.id) == PDF
    shown = (await amina.get(f"/desk/conversations/{talk}")).text
    assert "Recu-d-ete.pdf" in shown


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "vide"),
        (b"<html><script>", "ni un PDF"),
        (b"MZ\x90\x00", "ni un PDF"),
        (b"%PDF-" + b"x" * MOST_BYTES, "5 Mo"),
    ],
)
async def test_a_file_that_is_not_what_it_should_be_is_refused_and_the_text_kept(
    room: TalkRoom, content: bytes, words: str
) -> None:
    amina = await room.person()
    talk = await room.handed_over()
    answer = await send_file(amina, talk, "facture.pdf", content)
    assert answer.status_code == 422
    assert words in unescape(answer.text)
    assert "Voici le document</textarea>" in answer.text
    assert (await room.written(talk), await uploads(room)) == ([], [])


async def test_a_body_beyond_all_measure_is_not_even_read(room: TalkRoom) -> None:
    talk = await room.handed_over()
    answer = await send_file(await room.person(), talk, "a.pdf", b"%PDF-" + b"x" * (MOST_BYTES + BESIDE_A_FILE))
    assert answer.status_code == 413


async def test_a_file_of_a_refused_reply_waits_for_the_next_try(room: TalkRoom) -> None:
    amina, samir = await room.person("Amina"), await room.person("Samir")
    talk = await room.handed_over(user_id=samir.id)
    refused = await send_file(amina, talk, "plan.png", b"\x89PNG\r\n\x1a\n....")
    (upload,) = await uploads(room)
    assert refused.status_code == 409
    assert f'name="upload" value="{upload.id}" checked' in refused.text
    stolen = await reply(samir, talk, "Le sien", upload=upload.id)
    assert stolen.status_code == 422
    await amina.post(f"/desk/conversations/{talk}/transfer", to=f"user:{amina.id}")
    assert (await reply(amina, talk, "Voici", form="g", upload=upload.id)).status_code == 200
    (message,) = await room.written(talk)
    assert (message.payload or {})["attachment"]["name"] == "plan.png"


# --- drafts and typing --------------------------------------------------------------------------------------


async def test_a_draft_is_kept_for_its_writer_and_given_back(room: TalkRoom) -> None:
    amina, samir = await room.person("Amina"), await room.person("Samir")
    talk = await room.handed_over()
    path = f"/desk/conversations/{talk}"
    counted = await amina.post(f"{path}/draft", HTMX, body="السلام عليكم " * 6)
    assert "2 SMS" in counted.text
    assert "alphabet étendu" in counted.text
    assert "عليكم" in (await amina.get(path)).text
    assert "عليكم" not in (await samir.get(path)).text
    await amina.post(f"{path}/draft", HTMX, body="")
    assert await room.draft(talk, amina) is None


async def test_a_draft_that_comes_late_does_not_bring_back_what_was_sent(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over()
    await reply(amina, talk, "Bonjour", form="one")
    await amina.post(f"/desk/conversations/{talk}/draft", HTMX, body="Bonjou", form="one")
    assert await room.draft(talk, amina) is None


async def test_others_see_who_is_writing_for_some_seconds(room: TalkRoom) -> None:
    amina, samir = await room.person("Amina"), await room.person("Samir")
    talk = await room.handed_over()
    path = f"/desk/conversations/{talk}"
    assert (await amina.post(f"{path}/typing", HTMX)).status_code == 204
    live = f"{path}/transcript?after=0"
    assert "Amina est en train d’écrire" in unescape((await samir.part(live)).text)
    assert "en train d’écrire" not in unescape((await amina.part(live)).text)
    room.later(seconds=9)
    assert "en train d’écrire" not in unescape((await samir.part(live)).text)


# --- notes --------------------------------------------------------------------------------------------------


async def test_a_note_is_for_agents_only_and_written_once(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over()
    path = f"/desk/conversations/{talk}/note"
    for _ in range(2):
        assert (await amina.post(path, HTMX, note="Client fâché")).status_code == 200
    assert (await amina.post(path, HTMX, note=" ")).status_code == 422
    too_long = await amina.post(path, HTMX, note="x" * 5_001)
    assert too_long.status_code == 422
    assert "x" * 5_001 in too_long.text
    assert [each.body for each in await room.rows(Note, talk)] == ["Client fâché"]
    assert (await room.written(talk), room.sent) == ([], [])
    assert (await room.stay(talk)).user_id is None


# --- canned answers -----------------------------------------------------------------------------------------


async def canned(room: TalkRoom, name: str, body: str, language: str = "fr") -> int:
    async with room.database.writing() as session:
        answer = CannedAnswer(name=name, language=language, body=body, changed_at=room.now)
        session.add(answer)
    return answer.id


async def test_answers_are_found_in_the_languages_the_customer_reads(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over(language="ary")
    await canned(room, "merci", "Merci à vous")
    await canned(room, "merci", "شكرا", "ar")
    await canned(room, "thanks", "Thank you", "en")
    path = f"/desk/conversations/{talk}/canned"
    shown = (await amina.part(path)).text
    assert shown.index("شكرا") < shown.index("Merci à vous")
    assert "Thank you" not in shown
    assert "شكرا" not in (await amina.part(f"{path}?q=VOUS")).text
    assert "Aucune réponse" in (await amina.part(f"{path}?q=%25")).text


async def test_a_picked_answer_is_filled_and_what_is_unknown_blocks_the_sending(room: TalkRoom) -> None:
    await room.holder("Khadija Alami", "+212600000001")
    amina = await room.person("Amina")
    talk = await room.handed_over(address="+212600000001")
    picked = await canned(room, "dû", "Bonjour {customer}, {reference} : {amount_due}. {agent}")
    answer = await amina.post(f"/desk/conversations/{talk}/draft", HTMX, body="Ah.", canned=picked)
    text = unescape(answer.text).replace("\xa0", " ").replace("\u202f", " ")
    assert "Ah.\nBonjour Khadija Alami, {reference} : 0,00 DH. Amina</textarea>" in text
    assert 'data-place="{reference}"' in text
    assert (await reply(amina, talk, "Bonjour {reference}")).status_code == 422
    assert (await room.audit(talk)).count("customer.viewed") == 1, "the name and the amount are of the file"


async def test_supervisors_change_answers_and_agents_read_them(room: TalkRoom) -> None:
    amina, salma = await room.person("Amina"), await room.person("Salma", role=Role.SUPERVISOR)
    form = {"name": "pièces", "language": "fr", "body": "Apportez votre carte, {customer}."}
    assert (await amina.post("/desk/canned/new", **form)).status_code == 403
    assert (await salma.post("/desk/canned/new", **form)).status_code == 303
    assert "Apportez votre carte" in (await amina.get("/desk/canned?q=carte")).text
    async with room.database.reading() as session:
        (answer,) = (await session.scalars(select(CannedAnswer))).all()
    twice = await salma.post("/desk/canned/new", **form)
    assert twice.status_code == 422
    assert "déjà une réponse de ce nom" in unescape(twice.text)
    for bad in ({"name": " "}, {"name": "x" * 81}, {"language": "tlh"}, {"body": ""}, {"body": "{nonsense}"}):
        refused = await salma.post(f"/desk/canned/{answer.id}", **form | bad)
        assert refused.status_code == 422, bad
    assert (await salma.post(f"/desk/canned/{answer.id}", **form | {"body": "Autre"})).status_code == 303
    assert "Autre" in (await salma.get(f"/desk/canned/{answer.id}")).text
    await salma.post(f"/desk/canned/{answer.id}/remove")
    assert (await salma.get(f"/desk/canned/{answer.id}")).status_code == 404
    async with room.database.reading() as session:
        actions = list(await session.scalars(select(Audit.action).where(Audit.subject.like("canned_answer:%"))))
    assert actions == ["canned_answer.added", "canned_answer.changed", "canned_answer.removed"]
