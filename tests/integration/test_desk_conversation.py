"""The page of a conversation: its transcript, what is live in it, and who has it."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from desk_room import Person
from sqlalchemy import event
from talk_room import HTMX, TalkRoom

from store.database import Database
from store.desk_models import Outcome, Priority, Role
from store.models import Conversation, Message, MessageState


@pytest.fixture
def room(database: Database) -> TalkRoom:
    return TalkRoom(database)


async def page(person: Person, conversation_id: int, query: str = "") -> str:
    answer = await person.get(f"/desk/conversations/{conversation_id}{query}")
    assert answer.status_code == 200, answer.text
    return unescape(answer.text).replace("\u202f", " ").replace("\xa0", " ")


def ids(html: str) -> list[int]:
    """The messages shown, in order."""
    return [int(each) for each in re.findall(r'id="m-(\d+)"', html)]


async def many(room: TalkRoom, conversation_id: int, number: int) -> list[int]:
    """So many messages of the customer's at once."""
    async with room.database.writing() as session:
        conversation = await session.get_one(Conversation, conversation_id)
        messages = [room.message(conversation, f"n° {each}", room.now) for each in range(number)]
        session.add_all(messages)
    return [message.id for message in messages]


# --- transcript ---------------------------------------------------------------------------------------------


async def test_the_page_says_who_writes_where_and_since_when(room: TalkRoom) -> None:
    await room.holder("Khadija Alami", "+212600000001")
    talk = await room.handed_over(
        address="+212600000001", channel="whatsapp", language="ary", minutes=12, priority=Priority.URGENT,
        reason="danger", last_inbound_at=room.now - timedelta(hours=1),
    )  # fmt: skip
    shown = await page(await room.person(), talk)
    for words in ("Khadija Alami", "Urgent", "Danger", "WhatsApp", "Darija", "12 min", "23 h", "Bonjour"):
        assert words in shown
    assert "conversation.viewed" not in await room.audit(talk)
    assert (await room.audit(talk)).count("customer.viewed") == 1


@pytest.mark.parametrize("query", ["", "?before=9999"])
async def test_a_part_of_the_transcript_asked_for_alone_is_a_look_too(room: TalkRoom, query: str) -> None:
    amina = await room.person()
    talk = await room.handed_over()
    for _ in range(2):
        assert "Bonjour" in (await amina.part(f"/desk/conversations/{talk}/transcript{query}")).text
    assert (await room.audit(talk)).count("customer.viewed") == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": MessageState.QUEUED}, "En attente d’envoi"),
        ({"state": MessageState.SENDING}, "Envoi en cours"),
        ({}, "Envoyé"),
        ({"delivery": "delivered"}, "Remis"),
        ({"delivery": "read"}, "Lu"),
        ({"state": MessageState.REFUSED, "error": "63016 Failed to send freeform"}, "modèle approuvé"),
        ({"state": MessageState.REFUSED, "error": "21610 Attempt to send to …"}, "(STOP)"),
        ({"state": MessageState.REFUSED, "error": "Forbidden: bot was blocked by the user"}, "a bloqué"),
        ({"delivery": "failed", "error": "30005"}, "n’est plus attribué"),
        ({"state": MessageState.DEAD, "error": "HTTP 503"}, "Non envoyé"),
        ({"state": MessageState.DEAD, "error": "HTTP 503"}, "(HTTP 503)"),
    ],
)
async def test_each_message_says_how_far_it_got_and_why_no_further(
    room: TalkRoom, values: dict[str, Any], words: str
) -> None:
    talk = await room.handed_over()
    await room.told(talk, "Voici", **values)
    assert words in await page(await room.person(), talk)


@pytest.mark.parametrize(
    ("body", "payload", "words"),
    [
        ("", {"kind": "media", "media": [{"type": "image", "reference": "f"}]}, "<img"),
        ("", {"kind": "media", "media": [{"type": "audio", "reference": "f"}]}, "<audio"),
        ("", {"kind": "media", "media": [{"type": "document", "reference": "f"}]}, "Enregistrer le document"),
        ("", {"kind": "location", "location": [33.5, -7.6]}, "33.5, -7.6"),
        ("", {"kind": "contact", "contact_phone": "+212600000009"}, "+212600000009"),
        ("", {"kind": "contact"}, "n’est pas celui de l’expéditeur"),
        ("", {"kind": "unsupported"}, "ne transmet pas"),
        ("Oui", {"kind": "button", "button": "1:0"}, "a choisi un bouton"),
        ("48213", {"edited": True}, "message modifié"),
    ],
)
async def test_what_is_not_text_is_shown_for_what_it_is(
    room: TalkRoom, body: str, payload: dict[str, Any], words: str
) -> None:
    talk = await room.handed_over(text=None)
    await room.says(talk, body, payload=payload)
    assert words in await page(await room.person(), talk)


async def test_a_button_that_came_without_its_title_has_it_from_the_message_that_offered_it(room: TalkRoom) -> None:
    talk = await room.handed_over()
    offer = await room.told(talk, "On confirme ?", payload={"buttons": [["Confirmer", "/affirm"], ["Non", "/deny"]]})
    pressed = await room.says(talk, "", payload={"kind": "button", "button": f"{offer}:0"})
    shown = await page(await room.person(), talk)
    assert "Confirmer" in shown[shown.index(f'id="m-{pressed}"') :]


async def test_what_the_assistant_understood_is_in_words(room: TalkRoom) -> None:
    talk = await room.handed_over(text=None)
    understood = {
        "intent": "submit_reading", "confidence": 0.62, "certainty": "unsure",
        "ranking": [["submit_reading", 0.62], ["nlu_fallback", 0.2]], "entities": [["reading", 48213]],
    }  # fmt: skip
    await room.says(talk, "48213", understood=understood)
    await room.says(talk, "?", state=MessageState.SET_ASIDE)
    shown = await page(await room.person(), talk)
    for words in ("Donner un index", "incertain", "62 %", "relevé", "Pas compris (20 %)", "mis de côté"):
        assert words in shown


async def test_notes_and_hand_overs_stand_where_they_happened(room: TalkRoom) -> None:
    amina = await room.person("Amina")
    team = await room.team("Arabe")
    talk = await room.handed_over()
    path = f"/desk/conversations/{talk}"
    for minutes, action, form in (
        (1, "claim", {}),
        (1, "note", {"note": "Rappeler <demain>"}),
        (1, "transfer", {"to": f"team:{team}", "note": ""}),
    ):
        room.later(minutes=minutes)
        assert (await amina.post(f"{path}/{action}", **form)).status_code == 303
    room.later(minutes=1)
    await room.says(talk, "Encore là ?")
    shown = await page(amina, talk)
    order = ["Prise par", "Note interne", "Rappeler <demain>", "Transférée par", "Arabe", "Encore là ?"]
    start = shown.index('id="transcript"')
    places = [shown.index(words, start) for words in order]
    assert places == sorted(places)


async def test_the_newest_hundred_are_shown_and_the_earlier_ones_on_demand(room: TalkRoom) -> None:
    talk = await room.handed_over(text=None)
    all_ids = await many(room, talk, 215)
    amina = await room.person()
    newest = await page(amina, talk)
    assert ids(newest) == all_ids[-100:]
    parts = [newest]
    while link := re.search(r'hx-get="([^"]*transcript\?before=\d+)"', parts[-1]):
        parts.append(unescape((await amina.part(link[1])).text))
    assert [each for part in reversed(parts) for each in ids(part)] == all_ids
    assert ids(await page(amina, talk, f"?before={all_ids[50]}")) == all_ids[:50]


async def test_only_what_came_since_is_asked_for_again_with_the_states_that_changed(room: TalkRoom) -> None:
    talk = await room.handed_over(text=None)
    old = await many(room, talk, 60)
    new = await room.says(talk, "nouveau")
    answer = await (await room.person()).part(f"/desk/conversations/{talk}/transcript?after={old[-1]}")
    assert ids(answer.text) == [*old[-20:], new]
    assert f'data-last="{new}"' in answer.text


@pytest.mark.parametrize(
    ("text", "shown", "hidden"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)", "<script>alert"),
        ("</div><img src=x onerror=alert(1)>", "&lt;img src=x", "<img src=x"),
        ("facture \u202eFDP.exe", "⟨RLO⟩FDP.exe", "\u202e"),
        ("a\x07b", "a␇b", "\x07"),
        ("السلام\u200f عليكم", "السلام\u200f عليكم", "⟨"),
    ],
)
async def test_a_hostile_text_or_name_is_shown_harmless(room: TalkRoom, text: str, shown: str, hidden: str) -> None:
    await room.holder("<script>alert(2)</script>", "+212600000001")
    talk = await room.handed_over(address="+212600000001", text=text)
    html = (await (await room.person()).get(f"/desk/conversations/{talk}")).text
    body = html[html.index('id="talk"') :]
    assert shown in body
    assert hidden not in body
    assert "<script>alert(2)" not in html


async def test_a_very_long_message_is_folded_and_whole(room: TalkRoom) -> None:
    talk = await room.handed_over(text="mot " * 1_250)
    shown = await page(await room.person(), talk)
    assert re.search(r"Tout afficher \(5.000 caractères\)", shown)
    assert shown.count("mot") >= 1_250


@pytest.mark.parametrize("path", ["", "/transcript", "/composer", "/messages/1/media/0", "/canned"])
async def test_an_unknown_conversation_is_not_found(room: TalkRoom, path: str) -> None:
    assert (await (await room.person()).get(f"/desk/conversations/987654{path}")).status_code == 404


async def test_no_administrator_reads_conversations(room: TalkRoom) -> None:
    talk = await room.handed_over()
    karim = await room.person("Karim", role=Role.ADMINISTRATOR)
    assert (await karim.get(f"/desk/conversations/{talk}")).status_code == 403


async def test_a_change_without_its_token_is_refused(room: TalkRoom) -> None:
    talk = await room.handed_over()
    amina = await room.person()
    for action in ("claim", "transfer", "release", "close", "reopen", "reply", "template", "note", "draft", "typing"):
        answer = await amina.browser.post(f"/desk/conversations/{talk}/{action}", data={"csrf": "forged"})
        assert answer.status_code == 403, action
    assert (await room.stay(talk)).user_id is None


# --- who has it ---------------------------------------------------------------------------------------------


async def test_of_two_who_claim_at_once_one_wins_and_the_other_is_told_who(room: TalkRoom) -> None:
    talk = await room.handed_over()
    people = [await room.person("Amina"), await room.person("Samir")]
    answers = await asyncio.gather(*(each.post(f"/desk/conversations/{talk}/claim") for each in people))
    assert {each.status_code for each in answers} == {303}
    stay = await room.stay(talk)
    winner = next(each for each in people if each.id == stay.user_id)
    loser = next(each for each in people if each is not winner)
    assert "La conversation est à vous." in await page(winner, talk)
    assert f"{'Amina' if winner is people[0] else 'Samir'} a déjà pris" in await page(loser, talk)


async def test_htmx_is_led_to_the_page_by_a_header(room: TalkRoom) -> None:
    talk = await room.handed_over()
    answer = await (await room.person()).post(f"/desk/conversations/{talk}/claim", HTMX)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, f"/desk/conversations/{talk}")


async def test_transferred_to_a_person_with_a_note_then_taken_back(room: TalkRoom) -> None:
    amina, samir = await room.person("Amina"), await room.person("Samir")
    talk = await room.handed_over(user_id=amina.id)
    path = f"/desk/conversations/{talk}"
    await amina.post(f"{path}/transfer", to=f"user:{samir.id}", note="Il attend sa facture")
    assert (await room.stay(talk)).user_id == samir.id
    assert "Il attend sa facture" in await page(samir, talk)
    assert "Reprendre à" in await page(amina, talk)
    await amina.post(f"{path}/transfer", to=f"user:{amina.id}")
    assert (await room.stay(talk)).user_id == amina.id


@pytest.mark.parametrize(
    "to", ["", "user:0", "user:987654", "team:987654", "user:x", "nobody:1", "user:9999999999999999999"]
)
async def test_a_transfer_to_nobody_changes_nothing_and_says_so(room: TalkRoom, to: str) -> None:
    amina = await room.person()
    talk = await room.handed_over(user_id=amina.id)
    answer = await amina.post(f"/desk/conversations/{talk}/transfer", to=to)
    assert answer.status_code == 303
    assert "Choisissez à qui" in await page(amina, talk)
    assert (await room.stay(talk)).user_id == amina.id


async def test_released_to_the_assistant_and_the_customer_told(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over(user_id=amina.id)
    await amina.post(f"/desk/conversations/{talk}/release")
    assert (await room.stay(talk)).outcome is Outcome.RELEASED
    assert room.sent == [talk]
    assert "L’assistant répond" in await page(amina, talk)


async def test_closed_with_its_outcome_then_taken_up_again(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over(user_id=amina.id, text=None)
    seen = await room.says(talk, "Merci")
    path = f"/desk/conversations/{talk}"
    await amina.post(f"{path}/close", outcome="solved", summary="Facture expliquée", ask="1", seen=seen)
    stay = await room.stay(talk)
    assert (stay.outcome, stay.summary, stay.asked_at) == (Outcome.SOLVED, "Facture expliquée", room.now)
    assert "Close par Amina : Résolu" in re.sub(r"<[^>]+>", "", await page(amina, talk))
    room.later(minutes=1)
    await amina.post(f"{path}/reopen")
    again = await room.stay(talk)
    assert (again.id != stay.id, again.user_id, again.reason) == (True, amina.id, "reopened")


async def test_a_customer_who_writes_while_an_agent_closes_is_not_overlooked(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over(user_id=amina.id, text=None)
    seen = await room.says(talk, "Merci")
    await room.says(talk, "Une dernière chose")
    path = f"/desk/conversations/{talk}"
    form = {"outcome": "request_made", "summary": "Délai demandé", "seen": seen}
    refused = await amina.post(f"{path}/close", **form)
    assert refused.status_code == 409
    html = unescape(refused.text)
    assert "Le client a écrit entre-temps" in html
    assert 'value="Délai demandé"' in html
    assert (await room.stay(talk)).ended_at is None
    await amina.post(f"{path}/close", **form, anyway="1")
    assert (await room.stay(talk)).outcome is Outcome.REQUEST_MADE


async def test_what_somebody_else_has_is_not_released_or_closed(room: TalkRoom) -> None:
    amina, samir = await room.person("Amina"), await room.person("Samir")
    talk = await room.handed_over(user_id=samir.id)
    for action, form in (
        ("release", {}),
        ("close", {"outcome": "solved", "seen": 10**6}),
        ("claim", {}),
        ("reopen", {}),
    ):
        await amina.post(f"/desk/conversations/{talk}/{action}", **form)
        assert "Samir a déjà pris" in await page(amina, talk), action
    assert (await room.stay(talk)).user_id == samir.id


async def test_what_is_over_cannot_be_claimed(room: TalkRoom) -> None:
    amina = await room.person()
    talk = await room.handed_over(ended=5)
    for action in ("claim", "release", "transfer"):
        await amina.post(f"/desk/conversations/{talk}/{action}", to=f"user:{amina.id}")
        assert "n’est plus chez les conseillers" in await page(amina, talk)


async def test_of_five_thousand_messages_the_last_hundred_are_loaded(room: TalkRoom) -> None:
    talk = await room.handed_over(text=None)
    await many(room, talk, 5_000)
    amina = await room.person()
    loaded: list[int] = []

    def note(message: Message, _context: object) -> None:
        loaded.append(message.id)

    event.listen(Message, "load", note)
    try:
        assert len(ids(await page(amina, talk))) == 100
    finally:
        event.remove(Message, "load", note)
    assert len(loaded) <= 110
