"""Conversations as customers have them: the assistant's answers and what is stored, on both engines."""

from __future__ import annotations

import pytest
from stage import KNOWN, STRANGER, Stage

from bot.channels.carrier import Channel, Kind, Media, MediaType
from store.models import Holder, ReadingState

SAID_AS = [
    "48213",
    "48 213",
    "48.213",
    "٤٨٢١٣",
    "index:48213kwh",
    "48213,5",
    "bonjour mon index est 48213 merci",
    "السلام عليكم قراءة العداد 48213",
    "salam ha lcompteur 48213",
    "my meter reads 48213",
    "هاد الكونتور واصل 48213",
    "MON COMPTEUR AFFICHE 48213 KWH",
]


@pytest.mark.parametrize("text", SAID_AS)
async def test_a_reading_is_understood_as_people_write_it(stage: Stage, text: str) -> None:
    reply = await stage.write(text)
    assert [reading.value for reading in await stage.readings()] == [48213], reply
    assert "R-" in reply
    assert "113" in reply


NOT_READINGS = ["+212661234567", "0661 23 45 67", "j'ai payé 640 DH", "10000001", "320,45 dh", "le 15/11/2026"]


@pytest.mark.parametrize("text", NOT_READINGS)
async def test_other_numbers_are_not_taken_for_a_reading(stage: Stage, text: str) -> None:
    assert await stage.write(text)
    assert await stage.readings() == []


IMPOSSIBLE = {
    "negative": "-48213",
    "forty digits": "4" * 40,
    "a date in the future": "48213 le 31/12/2030",
    "more than can flow": "97000",
}


@pytest.mark.parametrize("text", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
async def test_what_cannot_be_is_refused_with_a_helpful_sentence(stage: Stage, text: str) -> None:
    reply = await stage.write(text)
    assert await stage.readings() == []
    assert len(reply) > 20
    await stage.write("48213")
    assert [reading.value for reading in await stage.readings()] in ([48213], [])


ODDITIES = {
    "5,000 characters": ("bonjour " * 625, {}),
    "control characters": ("bon\x07jour\x1b[31m", {}),
    "a typed intent": ('/submit_reading{"reading": 1}', {}),
    "an unknown kind": ("", {"kind": Kind.UNSUPPORTED}),
    "a video": ("", {"kind": Kind.MEDIA, "media": (Media(MediaType.VIDEO, "x"),)}),
    "a right-to-left override": ("\u202e31284", {}),
    "keyboard": ("qsdlkfj mlkqsdf", {}),
}


@pytest.mark.parametrize(("text", "extra"), ODDITIES.values(), ids=ODDITIES)
async def test_oddities_get_a_sentence_and_lose_nothing(stage: Stage, text: str, extra: dict[str, object]) -> None:
    reply = await stage.write(text, **extra)
    assert reply
    assert "{" not in reply
    (message,) = await stage.messages()
    assert message.state == "handled"


async def test_a_suspicious_reading_insisted_on_is_kept_and_flagged(stage: Stage) -> None:
    question = await stage.write("49100")
    assert "1000" in question.replace(".", "").replace("\u202f", "").replace(" ", "")
    reply = await stage.write("oui c'est bien ça")
    (reading,) = await stage.readings()
    assert (reading.value, reading.state) == (49100, ReadingState.TO_REVIEW)
    assert "high" in reading.findings
    assert "CONSEILLER" in reply


async def test_a_repair_is_offered_and_never_applied_by_itself(stage: Stage) -> None:
    question = await stage.write("84213")
    assert "48213" in question
    assert await stage.readings() == []
    await stage.write("oui")
    assert [reading.value for reading in await stage.readings()] == [48213]


async def test_a_reading_just_sent_is_corrected_and_the_old_one_stays(stage: Stage) -> None:
    await stage.write("48213")
    await stage.write("je me suis trompé, c'est 48231")
    old, new = await stage.readings()
    assert (old.value, old.state, old.replaced_by_id) == (48213, ReadingState.REPLACED, new.id)
    assert (new.value, new.state) == (48231, ReadingState.ACCEPTED)


async def test_the_same_reading_again_is_not_stored_twice(stage: Stage) -> None:
    first = await stage.write("48213")
    again = await stage.write("48213")
    assert len(await stage.readings()) == 1
    assert first.split("R-")[1][:10] in again


async def test_another_reading_for_the_same_day_replaces_only_when_asked(stage: Stage) -> None:
    await stage.write("48213")
    question = await stage.write("48220")
    assert "48213" in question
    await stage.write("non")
    assert [reading.state for reading in await stage.readings()] == [ReadingState.ACCEPTED]
    await stage.write("48220")
    await stage.write("oui")
    assert [reading.state for reading in await stage.readings()] == [ReadingState.REPLACED, ReadingState.ACCEPTED]


async def test_a_question_in_the_middle_is_answered_and_the_reading_goes_on(stage: Stage) -> None:
    await stage.write("je veux donner mon relevé")
    reply = await stage.write("où est-ce que je peux payer ?")
    assert "one.org.ma" in reply
    assert "index" in reply
    await stage.write("merci")
    await stage.write("48213")
    assert [reading.value for reading in await stage.readings()] == [48213]


async def test_cancelling_keeps_nothing(stage: Stage) -> None:
    await stage.write("49100")
    await stage.write("annuler")
    await stage.write("oui")
    assert await stage.readings() == []


async def test_two_requests_in_one_message_are_both_answered(stage: Stage) -> None:
    reply = await stage.write("salam, ha lcompteur 48213 w bghit n3ref ch7al khasni nkhles")
    assert [reading.value for reading in await stage.readings()] == [48213]
    assert "120,35" in reply


async def test_yesterdays_reading_has_yesterdays_date(stage: Stage) -> None:
    from datetime import timedelta

    await stage.write("hier le compteur affichait 48209")
    (reading,) = await stage.readings()
    assert (reading.value, reading.taken_on) == (48209, stage.today - timedelta(days=1))


async def test_two_registers_are_asked_in_turn_or_given_together(stage: Stage) -> None:
    await stage.contract("10000009", "electricity", ("peak", "off_peak"), phone="+212600000009")
    await stage.write("je donne mon index", phone="+212600000009")
    reply = await stage.write("48213", phone="+212600000009")
    assert await stage.readings() == []
    assert "creuses" in reply
    await stage.write("28213", phone="+212600000009")
    assert [reading.value for reading in await stage.readings()] == [48213, 28213]


async def test_water_beside_electricity_leads_to_a_choice(stage: Stage) -> None:
    await stage.contract("20000001", "water", ("total",), phone=KNOWN, last=1260, monthly=14)
    question = await stage.write("je veux donner mon index", channel=Channel.WHATSAPP)
    assert "contrat" in question
    await stage.press(2)
    await stage.write("1274", channel=Channel.WHATSAPP)
    assert [reading.value for reading in await stage.readings()] == [1274]


async def test_a_button_of_an_earlier_question_does_nothing(stage: Stage) -> None:
    await stage.write("84213", channel=Channel.WHATSAPP)
    offered = (await stage.conversation(KNOWN, Channel.WHATSAPP)).offered
    assert offered is not None
    await stage.write("annuler", channel=Channel.WHATSAPP)
    token = f"{offered['message']}:0"
    await stage.write("", channel=Channel.WHATSAPP, kind=Kind.BUTTON, button=token)
    assert await stage.readings() == []


async def test_prepaid_has_no_index_to_send(stage: Stage) -> None:
    await stage.contract("10000008", "electricity", ("total",), phone="+212600000008", billing="prepaid")
    reply = await stage.write("mon index est 48213", phone="+212600000008")
    assert "prépayé" in reply
    assert await stage.readings() == []


async def test_a_stranger_is_identified_by_the_last_bill(stage: Stage) -> None:
    await stage.write("mon index est 48213", phone=STRANGER)
    await stage.write("10000001", phone=STRANGER)
    reply = await stage.write("120,35", phone=STRANGER)
    assert "R-" in reply
    assert [reading.value for reading in await stage.readings()] == [48213]


async def test_a_stranger_learns_nothing_and_ends_with_a_person(stage: Stage) -> None:
    replies = [
        await stage.write("mon index est 48213", phone=STRANGER),
        await stage.write("10000001", phone=STRANGER),
    ]
    replies += [await stage.write(amount, phone=STRANGER) for amount in ("1,00", "2,00", "3,00")]
    assert all("113" not in reply and "48100" not in reply and "120" not in reply for reply in replies)
    conversation = await stage.conversation(STRANGER)
    assert (conversation.holder, (await stage.hand_over(STRANGER)).reason) == (Holder.AGENT, "identification")
    assert await stage.readings() == []


async def test_the_assistant_is_silent_once_handed_over(stage: Stage) -> None:
    await stage.write("je veux parler à un conseiller")
    assert await stage.write("vous êtes là ?") == ""
    assert await stage.write("48213") == ""
    assert await stage.readings() == []
    assert await stage.write("ASSISTANT")
    assert "R-" in await stage.write("48213")


async def test_lost_twice_offers_a_person(stage: Stage) -> None:
    await stage.write("qsdlkfj mlkqsdf")
    reply = await stage.write("zzz qqq xxx")
    assert "conseiller" in reply
    await stage.write("oui")
    assert (await stage.conversation()).holder is Holder.AGENT


LANGUAGES = {
    "fr": ("bonjour", "Bonjour"),
    "ar": ("مرحبا، أريد إرسال قراءة العداد", "قراءة"),
    "ary": ("بغيت نعطي القراية ديال الكونتور", "شحال"),
    "ary-Latn": ("bghit n3ti l9raya dyal lkonter", "Ch7al"),
    "en": ("hello, I want to send my meter reading", "meter"),
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_answer_is_in_the_customers_language_and_stays_so(stage: Stage, language: str) -> None:
    text, word = LANGUAGES[language]
    assert word.lower() in (await stage.write(text)).lower()
    await stage.write("48213")
    await stage.write("ok")
    assert (await stage.conversation()).language == language


async def test_a_language_asked_for_is_kept(stage: Stage) -> None:
    await stage.write("parlez moi en arabe svp")
    assert "عداد" in await stage.write("bonjour je veux donner mon index")


async def test_tamazight_gets_an_apology_and_the_way_to_a_person(stage: Stage) -> None:
    reply = await stage.write("ⴰⵣⵓⵍ ⵎⴰⵏⵉⴽ ⵜⴳⵉⵜ")
    assert "CONSEILLER" in reply
    assert "مستشار" in reply
