"""A reading by a picture of the meter: what is asked, what is recorded, and what becomes of pictures nobody can read.

What a picture shows is written down here as the looking process would; the process itself is tested elsewhere
(`test_photo_arrivals.py`), and with the recogniser in `tests/acceptance/test_photo_conversations.py`.
"""

from __future__ import annotations

import csv
import io
from itertools import count
from typing import Any

import pytest
from accounts import settings_for
from sqlalchemy import func, select
from stage import KNOWN, Stage
from tiny_looker import line

from bot.channels.carrier import Channel, Kind, Media, MediaType
from bot.channels.configured import carriers
from bot.exporting import export_readings
from bot.photos.arrivals import Photos
from bot.photos.looker import Looker
from bot.turns.handled import Outcome
from bot.turns.turn import Turns
from store import photos
from store.models import Contract, Message, MessageState, Meter, Reading, ReadingState, Register
from store.personal_data import erase
from store.photo_models import Photo
from store.sealing import Keyring
from store.waiting import LONGEST_HOLD

WHATSAPP = Channel.WHATSAPP
METER = line("482135", red=1)
LABELS = (line("N° 410000077", height=0.04), line("2011", height=0.04), line("5(30)A 230V 50Hz", height=0.03))
JPEG = b"\xff\xd8\xff a picture"
KEYRING = Keyring("a key of the tests, thirty-two letters")
_ids = count(1)


@pytest.fixture
def stage(stage: Stage) -> Stage:
    settings = settings_for("https://bot.example.ma", "http://carriers.invalid")
    found = {channel: each for each in carriers(settings) for channel in each.channels}
    looked = Photos(stage.database, found, Looker(), KEYRING, stage.clock)
    stage.turns = Turns(stage.database, stage.assistant, stage.operator, stage.clock, photos=looked)
    return stage


async def sends(stage: Stage, *shown: Any, caption: str = "", phone: str = KNOWN) -> str:
    """A customer sends a picture with these lines in it; the reply once it was looked at."""
    await arrives(stage, caption, phone)
    conversation = await stage.conversation(phone, WHATSAPP)
    held = await stage.turns.handle_next(conversation.id)
    if held.picture is not None:
        assert held.outcome is Outcome.LATER
        lines = [each.as_json() for each in shown]
        async with stage.database.writing() as session:
            await photos.seen(session, KEYRING, held.picture.message_id, lines, JPEG, stage.now)
    return await continued(stage, phone)


async def arrives(stage: Stage, caption: str = "", phone: str = KNOWN) -> None:
    media = (Media(MediaType.IMAGE, "https://api.twilio.com/…", "image/jpeg"),)
    extra = {"carrier_id": f"MM{next(_ids):08}", "kind": Kind.MEDIA, "media": media}
    await stage.receive(caption, phone=phone, channel=WHATSAPP, **extra)


async def continued(stage: Stage, phone: str = KNOWN) -> str:
    """What is said when all that waits has had its turn."""
    conversation = await stage.conversation(phone, WHATSAPP)
    async with stage.database.reading() as session:
        before = await session.scalar(select(func.max(Message.id)).where(Message.direction == "out")) or 0
    while (await stage.turns.handle_next(conversation.id)).outcome is Outcome.HANDLED:
        pass
    async with stage.database.reading() as session:
        query = select(Message.body).where(Message.direction == "out", Message.id > before).order_by(Message.id)
        return "\n".join(await session.scalars(query))


async def recorded(stage: Stage) -> Reading:
    readings = [each for each in await stage.readings() if each.message_id is not None]
    assert len(readings) == 1, readings
    return readings[0]


async def exported_sources(stage: Stage) -> list[str]:
    out = io.StringIO()
    await export_readings(stage.database, out, "csv")
    return [row["source"] for row in csv.DictReader(io.StringIO(out.getvalue()))]


async def test_an_index_in_a_picture_is_read_back_and_recorded_after_a_yes(stage: Stage) -> None:
    assert "J'ai lu 48213" in await sends(stage, *LABELS, METER)
    assert not [each for each in await stage.readings() if each.message_id is not None], "nothing before the yes"
    assert "48213" in await stage.press(1)
    reading = await recorded(stage)
    picture = (await stage.messages())[0]
    assert (reading.value, reading.state, reading.photo_id) == (48213, ReadingState.ACCEPTED, picture.id)
    assert "photo" in await exported_sources(stage)
    async with stage.database.reading() as session:
        assert await photos.picture_of(session, KEYRING, picture.id) == JPEG
        kept = await session.scalar(select(Photo.content))
    assert kept is not None
    assert JPEG not in kept, "sealed"


async def test_after_a_no_the_digits_are_asked_for(stage: Stage) -> None:
    await sends(stage, METER)
    assert "Quel est l'index" in await stage.press(2)
    assert "48214" in await stage.write("48214", channel=WHATSAPP)
    reading = await recorded(stage)
    assert reading.value == 48214
    assert reading.photo_id is not None, "an agent who doubts it can look"


async def test_another_number_typed_instead_of_a_yes_is_taken(stage: Stage) -> None:
    await sends(stage, METER)
    assert "48215" in await stage.write("non c'est 48215", channel=WHATSAPP)
    assert (await recorded(stage)).value == 48215


async def test_an_unusual_index_is_asked_about_once(stage: Stage) -> None:
    asked = await sends(stage, line("489135", red=1))
    assert "J'ai lu 48913" in asked
    assert "813" in asked, "what it would be in kWh"
    assert asked.count("?") == 1
    await stage.press(1)
    reading = await recorded(stage)
    assert (reading.value, reading.state) == (48913, ReadingState.TO_REVIEW)


@pytest.mark.parametrize(
    "shown",
    [
        (),
        LABELS,
        (line("482135", certainty=0.2, red=1),),
        (line("48213", certainty=0.3),),
        (line("18213"),),
        (line("48213"), line("48231")),
        (line("Facture n° 48213"),),
        (line("48213"), line("m³")),
    ],
    ids=["nothing", "labels only", "blurred", "dim", "too far", "two of them", "a bill", "a water meter"],
)
async def test_what_is_not_sure_is_asked_for_in_digits(stage: Stage, shown: tuple[Any, ...]) -> None:
    answer = await sends(stage, *shown)
    assert "Je ne lis pas l'index" in answer
    assert "Quel est l'index" in answer
    await stage.write("48213", channel=WHATSAPP)
    assert (await recorded(stage)).value == 48213


async def test_a_caption_that_the_picture_confirms_needs_no_question(stage: Stage) -> None:
    assert "relevé noté : 48213" in await sends(stage, METER, caption="mon compteur 48213")
    assert (await recorded(stage)).photo_id is not None


async def test_a_caption_goes_before_a_picture_that_cannot_be_read(stage: Stage) -> None:
    assert "relevé noté : 48213" in await sends(stage, caption="48213")


@pytest.mark.parametrize(("button", "value"), [(1, 48213), (2, 48218)])
async def test_a_caption_that_differs_is_asked_about(stage: Stage, button: int, value: int) -> None:
    asked = await sends(stage, METER, caption="48218")
    assert "48218" in asked
    assert "48213" in asked
    await stage.press(button)
    assert (await recorded(stage)).value == value


async def test_words_that_ask_for_something_else_are_answered(stage: Stage) -> None:
    assert "J'ai lu" not in await sends(stage, METER, caption="combien je dois payer ?")


async def test_danger_in_a_caption_waits_for_no_picture(stage: Stage) -> None:
    await arrives(stage, "il y a le feu au compteur")
    conversation = await stage.conversation(KNOWN, WHATSAPP)
    assert (await stage.turns.handle_next(conversation.id)).outcome is Outcome.HANDLED


async def test_what_is_written_after_a_picture_waits_for_it(stage: Stage) -> None:
    await arrives(stage)
    await stage.receive("oui", channel=WHATSAPP)
    conversation = await stage.conversation(KNOWN, WHATSAPP)
    held = await stage.turns.handle_next(conversation.id)
    assert held.picture is not None
    assert (await stage.turns.handle_next(conversation.id)).outcome is Outcome.LATER
    async with stage.database.writing() as session:
        await photos.seen(session, KEYRING, held.picture.message_id, [METER.as_json()], JPEG, stage.now)
    assert "relevé noté : 48213" in await continued(stage), "the yes is to what was read"


async def test_a_process_that_dies_over_a_picture_costs_a_wait_and_no_message(stage: Stage) -> None:
    await arrives(stage)
    conversation = await stage.conversation(KNOWN, WHATSAPP)
    for _ in range(2):
        assert (await stage.turns.handle_next(conversation.id, found=True)).picture is not None
        assert (await stage.turns.handle_next(conversation.id)).outcome is Outcome.LATER
        stage.later(seconds=LONGEST_HOLD.total_seconds() / 2)
    assert "Je ne lis pas l'index" in await continued(stage)
    [message] = await stage.messages()
    assert (message.state, message.attempts) == (MessageState.HANDLED, 0)


async def test_what_is_seen_too_late_changes_nothing(stage: Stage) -> None:
    await arrives(stage)
    conversation = await stage.conversation(KNOWN, WHATSAPP)
    held = await stage.turns.handle_next(conversation.id)
    assert held.picture is not None
    number = held.picture.message_id
    async with stage.database.writing() as session:
        assert await photos.failed(session, number, "TimeoutError", stage.now) == conversation.id
    async with stage.database.writing() as session:
        assert await photos.seen(session, KEYRING, number, [METER.as_json()], JPEG, stage.now) is None


async def test_pictures_that_a_stopping_process_puts_back_are_taken_at_once(stage: Stage) -> None:
    await arrives(stage)
    conversation = await stage.conversation(KNOWN, WHATSAPP)
    for _ in range(4):
        held = await stage.turns.handle_next(conversation.id)
        assert held.picture is not None
        async with stage.database.writing() as session:
            await photos.put_back(session, [held.picture.message_id], stage.now)


async def test_of_several_contracts_the_meter_in_the_picture_is_taken(stage: Stage) -> None:
    await stage.contract("10000077", "electricity", ("total",), phone=KNOWN)
    async with stage.database.reading() as session:
        query = select(Meter.number).join(Contract).where(Contract.number == "10000077")
        number = await session.scalar(query)
    assert "J'ai lu 48213" in await sends(stage, line(f"N° {number}", height=0.04), METER)
    await stage.press(1)
    async with stage.database.reading() as session:
        register = await session.get_one(Register, (await recorded(stage)).register_id)
        assert (await session.get_one(Meter, register.meter_id)).number == number


async def test_of_electricity_and_water_the_unit_decides(stage: Stage) -> None:
    await stage.contract("20000001", "water", ("total",), phone=KNOWN)
    asked = await sends(stage, METER, line("kWh", height=0.05))
    assert "J'ai lu 48213" in asked


async def test_where_nothing_tells_which_meter_it_is_the_contract_is_asked_and_the_picture_kept(stage: Stage) -> None:
    await stage.contract("20000001", "water", ("total",), phone=KNOWN)
    assert "contrat" in await sends(stage, METER)
    assert "J'ai lu 48213" in await stage.press(1)


async def test_people_who_have_the_conversation_see_what_was_read_and_nothing_is_said(stage: Stage) -> None:
    await stage.write("je veux parler à un conseiller", channel=WHATSAPP)
    assert await sends(stage, METER) == ""
    message = (await stage.messages())[-1]
    assert message.understood is not None
    assert ["photo", "48213"] in message.understood["entities"]


async def test_the_same_picture_again_is_known(stage: Stage) -> None:
    await sends(stage, METER)
    await stage.press(1)
    assert "déjà noté" in await sends(stage, METER)


async def test_a_picture_after_the_digits_is_kept_with_the_reading(stage: Stage) -> None:
    await stage.write("48213", channel=WHATSAPP)
    assert (await recorded(stage)).photo_id is None
    await sends(stage, METER)
    assert (await recorded(stage)).photo_id is not None


async def test_a_picture_is_erased_with_what_was_said(stage: Stage) -> None:
    await sends(stage, METER)
    conversation = await stage.conversation(KNOWN, WHATSAPP)
    async with stage.database.writing() as session:
        await erase(session, conversation.id, "user:1", stage.now)
    async with stage.database.reading() as session:
        assert not list(await session.scalars(select(Photo.message_id)))


async def test_without_the_extra_the_digits_are_asked_for_as_before(stage: Stage) -> None:
    stage.turns = Turns(stage.database, stage.assistant, stage.operator, stage.clock)
    await arrives(stage)
    assert "Je ne lis pas encore les photos" in await continued(stage)
