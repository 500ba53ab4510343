"""Readings in doubt at the desk: weighed, accepted, rejected with a reason, accepted together."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import count
from random import Random

import pytest
from desk_room import Room, shown
from sqlalchemy import select
from stage import KNOWN, LAST_INDEX, Stage

from billing.reference import new_reference
from store.database import Database
from store.models import Conversation, Reading, ReadingState, Register
from store.readings import record

_numbers = count(1)


@pytest.fixture
async def room(database: Database) -> Room:
    await Stage(database, assistant=None).furnish()
    return Room(database)


async def doubted(
    room: Room,
    value: int = LAST_INDEX + 1113,
    findings: tuple[str, ...] = ("high",),
    *,
    said: str = "oui c'est bien ça",
    days_ago: int = 0,
) -> str:
    """A reading that the customer insisted on, and its reference."""
    async with room.database.writing() as session:
        register = (await session.scalars(select(Register))).one()
        conversation = await session.scalar(select(Conversation))
        if conversation is None:
            conversation = Conversation(channel="sms", address=KNOWN, language="fr", created_at=room.now)
            session.add(conversation)
            await session.flush()
        message = room.message(conversation, said, room.now)
        session.add(message)
        await session.flush()
        reading = Reading(
            reference=new_reference("R", Random(next(_numbers))),
            register_id=register.id,
            value=value,
            taken_on=room.now.date() - timedelta(days=days_ago),
            received_at=room.now,
            source="customer",
            channel="sms",
            state="to_review",
            findings=list(findings),
            message_id=message.id,
        )
        await record(session, reading, None, f"conversation:{conversation.id}")
        return reading.reference


async def state_of(room: Room, reference: str) -> ReadingState:
    async with room.database.reading() as session:
        return (await session.scalars(select(Reading.state).where(Reading.reference == reference))).one()


LIST = "/desk/decisions/readings"


async def test_a_reading_is_held_against_the_index_before_and_the_usual_use(room: Room) -> None:
    reference = await doubted(room)
    amina = await room.person()

    said = shown((await amina.get(LIST)).text)

    for expected in (
        reference,
        "49213",
        "48100",
        "1 113 kWh en 30 jours",
        "110 kWh",
        "× 10,1",
        "alors qu’on en attendait",
        "oui c'est bien ça",
        "SMS",
        "Relevés à vérifier 1",
    ):
        assert expected.replace(" ", "") in re.sub(r"\s", "", said), expected
    assert "Client Fictif" not in said


@pytest.mark.parametrize(
    ("query", "there"),
    [("", True), ("?commune=Sal%C3%A9", True), ("?commune=Fes", False), ("?text=1000", True), ("?text=9", False)],
)
async def test_the_list_is_filtered(room: Room, query: str, there: bool) -> None:
    reference = await doubted(room)
    amina = await room.person()

    assert (reference in (await amina.get(LIST + query)).text) is there


async def test_doubts_about_the_use_alone(room: Room) -> None:
    use = await doubted(room)
    number = await doubted(room, 84100, ("high", "swapped_digits"))
    amina = await room.person()

    page = (await amina.get(f"{LIST}?use=1")).text

    assert use in page
    assert number not in page


async def test_an_accepted_reading_stands_and_its_customer_is_told(room: Room) -> None:
    reference = await doubted(room)
    amina = await room.person()
    told = shown((await amina.get(f"{LIST}/{reference}")).text)

    answer = await amina.post(f"{LIST}/{reference}/accept")

    assert answer.status_code == 303
    assert await state_of(room, reference) is ReadingState.ACCEPTED
    (news,) = await room.notices()
    assert (news.response, news.params["value"]) == ("utter_reading_accepted", "49213")
    (noted,) = await room.audited("reading.accepted")
    assert (noted.actor, noted.subject) == (amina.actor, f"reading:{reference}")
    assert "est vérifié et accepté" in told
    assert [each.subject for each in await room.audited("customer.viewed")] == ["contract:10000001"]


async def test_a_rejected_reading_goes_and_its_customer_is_asked_to_read_again(room: Room) -> None:
    reference = await doubted(room)
    amina = await room.person()

    answer = await amina.post(f"{LIST}/{reference}/reject", ready="index_improbable", own="Merci.")

    assert answer.status_code == 303
    assert await state_of(room, reference) is ReadingState.REJECTED
    (news,) = await room.notices()
    assert news.response == "utter_reading_rejected"
    assert news.params["reason"] == "La consommation qui en résulte n'est pas vraisemblable. Merci."
    page = shown((await amina.get(f"{LIST}/{reference}")).text)
    assert "Rejeté" in page
    assert "Amina" in page


async def test_rejecting_needs_a_reason(room: Room) -> None:
    reference = await doubted(room)
    amina = await room.person()

    answer = await amina.post(f"{LIST}/{reference}/reject", own="   ")

    assert answer.status_code == 422
    assert "Choisissez un motif" in shown(answer.text)
    assert await state_of(room, reference) is ReadingState.TO_REVIEW


async def test_who_decides_second_is_told_and_their_words_stay(room: Room) -> None:
    reference = await doubted(room)
    amina, brahim = await room.person("Amina"), await room.person("Brahim")

    await amina.post(f"{LIST}/{reference}/accept")
    answer = await brahim.post(f"{LIST}/{reference}/reject", own="Trop élevé.")

    assert answer.status_code == 409
    assert "Amina l’a déjà accepté." in shown(answer.text)
    assert "Trop élevé." in answer.text
    assert await state_of(room, reference) is ReadingState.ACCEPTED
    assert len(await room.notices()) == 1


async def test_several_are_shown_with_the_oddest_before_they_are_accepted(room: Room) -> None:
    mild = await doubted(room, LAST_INDEX + 300)
    odd = await doubted(room, LAST_INDEX + 1113)
    number = await doubted(room, LAST_INDEX - 5, ("lower_than_last",))
    amina = await room.person()

    page = (await amina.post(f"{LIST}/confirm", reading=[mild, odd, number])).text

    said = shown(page)
    assert "2 relevés seront acceptés" in said
    assert re.search(rf"Le plus éloigné de l’habitude : {odd}", said)
    assert "1 relevé se décide seul" in said
    assert re.findall(r'name="reading" value="([^"]+)"', page) == [mild, odd]
    assert {await state_of(room, each) for each in (mild, odd, number)} == {ReadingState.TO_REVIEW}


async def test_several_are_accepted_each_for_itself_and_what_could_not_be_is_told(room: Room) -> None:
    good, gone = await doubted(room), await doubted(room)
    number = await doubted(room, LAST_INDEX - 5, ("lower_than_last",))
    amina, brahim = await room.person("Amina"), await room.person("Brahim")
    await brahim.post(f"{LIST}/{gone}/reject", own="non")

    answer = await amina.post(f"{LIST}/accept", reading=[good, gone, number, good, "R-nonsense"])

    said = shown(answer.text)
    assert "Relevés acceptés : 1." in said
    assert f"Relevé {gone} : Brahim l’a déjà rejeté." in said
    assert f"Relevé {number} : son nombre est douteux" in said
    assert await state_of(room, good) is ReadingState.ACCEPTED
    assert await state_of(room, number) is ReadingState.TO_REVIEW
    assert len(await room.audited("reading.accepted")) == 1


async def test_all_that_were_ticked_are_accepted(room: Room) -> None:
    references = [await doubted(room, days_ago=day) for day in range(3)]
    amina = await room.person()

    answer = await amina.post(f"{LIST}/accept", reading=references)

    assert (answer.status_code, answer.headers["location"]) == (303, LIST)
    assert {await state_of(room, each) for each in references} == {ReadingState.ACCEPTED}
    assert len(await room.notices()) == 3
    assert "Relevés acceptés : 3." in shown((await amina.get(LIST)).text)


async def test_nothing_ticked_is_said(room: Room) -> None:
    amina = await room.person()

    answer = await amina.post(f"{LIST}/confirm")

    assert answer.headers["location"] == LIST
    assert "Cochez d’abord des relevés" in shown((await amina.get(LIST)).text)


async def test_a_script_in_the_answer_does_nothing(room: Room) -> None:
    await doubted(room, said="<script>alert(1)</script>")
    amina = await room.person()

    assert "<script>alert" not in (await amina.get(LIST)).text
