"""Unsure messages become examples: one click, no personal data, and a file that `releve train` accepts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from desk_room import NOON, Person, Room
from sqlalchemy import select

from bot.datacheck import check
from bot.desk.intent_words import INTENTS
from bot.desk.supervision.masking import masked_numbers, names_in
from bot.example_file import review, write_review
from bot.settings import PROJECT
from nlu.examples import load
from nlu.features import masked
from store.database import Database
from store.desk_models import LabelledExample, Role
from store.labels import NO_EXAMPLE, examples, label
from store.models import Audit, Conversation

RANKING = [["explain_bill", 0.41], ["complain", 0.32], ["check_balance", 0.1]]
PHONE = "+212612345678"
DOMAIN = "intents: [explain_bill, complain]\nactions: []\nresponses: {}\n"
KNOWN = """version: "3.1"
nlu:
- intent: explain_bill
  metadata:
    language: fr
  examples: |
    - expliquez ma facture
- intent: complain
  metadata:
    language: fr
  examples: |
    - je conteste ma facture
"""


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


async def unsure(room: Room, text: str, certainty: str = "unsure", language: str = "fr") -> int:
    """A message that the assistant was not sure of; its number."""
    conversation_id = await room.handed_over(address=None, text=None, ended=1)
    async with room.database.writing() as session:
        conversation = await session.get_one(Conversation, conversation_id)
        message = room.message(conversation, text, room.now)
        message.language = language
        message.understood = {
            "intent": "nlu_fallback",
            "certainty": certainty,
            "ranking": RANKING,
            "language": language,
        }
        session.add(message)
    return message.id


async def kept(database: Database) -> list[tuple[int, str, str, str]]:
    async with database.reading() as session:
        found = await session.scalars(select(LabelledExample).order_by(LabelledExample.message_id))
        return [(each.message_id, each.text, each.language, each.intent) for each in found]


async def shown(person: Person, **fields: Any) -> list[int]:
    answer = await person.browser.get("/desk/labels", params=fields)
    assert answer.status_code == 200, answer.text
    return [int(each) for each in re.findall(r'id="label-(\d+)"', answer.text)]


async def supervisor(room: Room) -> Person:
    return await room.person("Salma", role=Role.SUPERVISOR)


async def test_unsure_and_lost_messages_wait_to_be_labelled_the_latest_first(room: Room) -> None:
    salma = await supervisor(room)
    first, _sure, last = [await unsure(room, "hm", each) for each in ("unsure", "sure", "lost")]
    darija = await unsure(room, "واش", language="ary")
    assert await shown(salma) == [darija, last, first]
    assert await shown(salma, language="ary") == [darija]


async def test_one_click_makes_an_example(room: Room) -> None:
    salma = await supervisor(room)
    message = await unsure(room, "pk 842 dh  pour\nmoi")
    page = (await salma.get("/desk/labels")).text
    assert "Comprendre sa facture" in page
    answer = await salma.post(
        f"/desk/labels/{message}", text="pk 842 dh pour moi", language="fr", intent="explain_bill"
    )
    assert answer.status_code == 303
    assert await kept(room.database) == [(message, "pk 842 dh pour moi", "fr", "explain_bill")]
    assert await shown(salma) == []
    async with room.database.reading() as session:
        line = (await session.scalars(select(Audit).where(Audit.action == "example.labelled"))).one()
    assert (line.actor, line.subject) == (f"user:{salma.id}", f"message:{message}")


async def test_any_other_intent_comes_from_the_list(room: Room) -> None:
    message = await unsure(room, "la lumière est partie")
    fields = {"text": "la lumière est partie", "language": "fr", "intent": "other", "other": "report_outage"}
    answer = await (await supervisor(room)).post(f"/desk/labels/{message}", {"HX-Request": "true"}, **fields)
    assert answer.status_code == 200
    assert "Ajouté aux exemples" in answer.text
    assert [each[3] for each in await kept(room.database)] == ["report_outage"]


async def test_what_is_no_example_is_not_asked_again_and_keeps_no_text(room: Room) -> None:
    salma = await supervisor(room)
    message = await unsure(room, "je suis Amina du 12 rue des Fleurs")
    await salma.post(f"/desk/labels/{message}", text="", language="fr", intent=NO_EXAMPLE)
    assert await kept(room.database) == [(message, "", "fr", NO_EXAMPLE)]
    assert await shown(salma) == []
    async with room.database.reading() as session:
        assert await examples(session) == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"text": " "}, "vide"),
        ({"text": "mon index [48213](reading)"}, "texte simple"),
        ({"text": "x" * 301}, "trop long"),
        ({"language": "klingon"}, "Choisissez une langue"),
        ({"intent": "klingon"}, "Choisissez une intention"),
        ({"intent": "other", "other": ""}, "Choisissez une intention"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
async def test_what_cannot_be_an_example_is_said_and_given_back(
    room: Room, fields: dict[str, str], says: str, headers: dict[str, str]
) -> None:
    message = await unsure(room, "pk c cher")
    given = {"text": "pk c'est cher", "language": "fr", "intent": "complain"} | fields
    answer = await (await supervisor(room)).post(f"/desk/labels/{message}", headers, **given)
    assert answer.status_code == 422
    assert says in answer.text
    assert await kept(room.database) == []
    assert given["text"].replace("'", "&#39;") in answer.text


async def test_two_who_label_at_once_make_one_example(room: Room) -> None:
    message = await unsure(room, "pk c cher")
    fields = {"text": "pk c cher", "language": "fr"}
    first, second = await supervisor(room), await supervisor(room)
    await first.post(f"/desk/labels/{message}", intent="complain", **fields)
    answer = await second.post(f"/desk/labels/{message}", {"HX-Request": "true"}, intent="explain_bill", **fields)
    assert "déjà étiqueté" in answer.text
    assert [each[3] for each in await kept(room.database)] == ["complain"]


async def test_only_a_customers_message_can_be_labelled(room: Room) -> None:
    salma, amina = await supervisor(room), await room.person()
    message = await unsure(room, "pk c cher")
    fields = {"text": "x", "language": "fr", "intent": "complain"}
    assert (await salma.post("/desk/labels/99999", **fields)).status_code == 404
    assert (await amina.post(f"/desk/labels/{message}", **fields)).status_code == 403


async def test_a_name_that_is_known_is_pointed_at(room: Room) -> None:
    conversation_id = await room.handed_over(address=PHONE, text=None, ended=1)
    await room.holder("Naïma El Idrissi", PHONE)
    async with room.database.writing() as session:
        message = room.message(await session.get_one(Conversation, conversation_id), "c'est NAIMA ici", room.now)
        message.understood = {"certainty": "lost", "ranking": RANKING}
        session.add(message)
    assert "Contient un nom du client : Naïma" in (await (await supervisor(room)).get("/desk/labels")).text


async def test_the_file_passes_the_checks_of_training(database: Database, tmp_path: Path) -> None:
    room = Room(database)
    salma = await supervisor(room)
    labelled = [
        ("pk 842 dh pour moi", "fr", "explain_bill"),
        ("PK 842 dh  pour moi", "fr", "complain"),  # the same words meant otherwise
        ("expliquez ma facture", "fr", "explain_bill"),  # known already
        ("Je conteste ma facture", "fr", "explain_bill"),  # known otherwise
        ('- # : «fausse» | {x} \\ "y"', "fr", "complain"),
        ("علاش غالية", "ary", "explain_bill"),
    ]
    for text, language, intent in labelled:
        message = await unsure(room, text)
        async with database.writing() as session:
            await label(session, message, text, language, intent, salma.id, NOON)
    data = tmp_path / "data" / "nlu"
    (data / "fr").mkdir(parents=True)
    (data / "fr" / "bills.yml").write_text(KNOWN, encoding="utf-8")

    said = await write_review(database, data / "review", data, NOON)

    assert [Path(each.split(": ")[0]).name for each in said] == ["ary-2026-11-23.yml", "fr-2026-11-23.yml"]
    assert {(each.text, each.language, each.intent) for each in load(data / "review")} == {
        ("pk 842 dh pour moi", "fr", "explain_bill"),
        ('- # : «fausse» | {x} \\ "y"', "fr", "complain"),
        ("علاش غالية", "ary", "explain_bill"),
    }
    assert (data / "review" / "fr-2026-11-23.yml").read_text(encoding="utf-8").count("an example of") == 2
    (tmp_path / "domain.yml").write_text(DOMAIN, encoding="utf-8")
    (tmp_path / "data" / "communes.yml").write_text("communes:\n- {name: Azilal, ar: أزيلال}\n", encoding="utf-8")
    assert [str(each) for each in check(tmp_path)] == []
    assert await write_review(database, tmp_path / "review", data, NOON) == []
    assert len(await write_review(database, tmp_path / "review", data, NOON, again=True)) == 2


def test_nothing_but_doubts_is_still_a_file_of_examples(tmp_path: Path) -> None:
    example = LabelledExample(text="expliquez", language="fr", intent="complain", message_id=1)
    content = review("fr", [example], {"fr expliquez": "explain_bill"})
    (tmp_path / "fr.yml").write_text(content, encoding="utf-8")
    assert load(tmp_path) == []
    assert content.startswith("# complain, but an example of explain_bill already: expliquez")


MASKED = [
    ("mon index 48213 svp", "mon index 12345 svp"),
    ("contrat 20487316", "contrat 12345678"),
    ("mon tel 0661987654", "mon tel 0612345678"),
    ("+212 661 98 76 54", "+212 612 34 56 78"),
    ("06.61.98.76.54", "06.12.34.56.78"),
    ("842 dh le 12/03/2026", "842 dh le 12/03/2026"),
    ("en 2025 j'ai payé 1250,50", "en 2025 j'ai payé 1234,50"),
    ("3afak 9dach 7ta l 12", "3afak 9dach 7ta l 12"),
    ("العداد ٤٨٢١٣", "العداد ١٢٣٤٥"),
    ("écrivez à amina.tazi@gmail.com svp", "écrivez à nom@exemple.ma svp"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_numbers_that_tell_who_writes_are_replaced(text: str, expected: str) -> None:
    assert masked_numbers(text) == expected


@pytest.mark.parametrize("text", [text for text, _ in MASKED if "@" not in text])
def test_a_masked_text_looks_the_same_to_the_models(text: str) -> None:
    assert masked(masked_numbers(text)) == masked(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [("c'est NAIMA", ["Naïma"]), ("je suis idrissi el", ["Idrissi"]), ("el compteur", []), ("naimaa", [])],
)
def test_known_names_are_found_in_any_spelling(text: str, names: list[str]) -> None:
    assert names_in(text, ["Naïma El Idrissi"]) == names


def test_the_labels_are_the_closed_list() -> None:
    from bot.datacheck import intents_of

    assert set(INTENTS) == intents_of(PROJECT)
