"""The notice on personal data that everyone gets once."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from stage import STRANGER, Stage

from bot.channels.carrier import Channel
from store.models import Conversation

NOTICE = "loi 09-08"


@pytest.fixture
def newcomers(stage: Stage) -> Stage:
    stage.is_first_contact = True
    return stage


async def test_the_first_reply_says_who_keeps_what_is_written_and_why(newcomers: Stage) -> None:
    first = await newcomers.write("bonjour", phone=STRANGER)
    second = await newcomers.write("merci", phone=STRANGER)

    assert first.splitlines()[-1].startswith("ONEE traite vos messages pour gérer votre contrat")
    assert "MES DONNÉES" in first
    assert NOTICE not in second
    assert (await newcomers.conversation(STRANGER)).informed_at == newcomers.now


async def test_the_declaration_is_named_once_it_is_known(newcomers: Stage) -> None:
    privacy = newcomers.operator.privacy.model_copy(update={"declaration": "D-GC-1/2026"})
    newcomers.turns._operator = newcomers.operator.model_copy(update={"privacy": privacy})

    assert "déclaration D-GC-1/2026" in await newcomers.write("bonjour")


async def test_the_buttons_of_the_question_still_work(newcomers: Stage) -> None:
    asked = await newcomers.write("mon index est 48090", channel=Channel.WHATSAPP)
    offered = (await newcomers.conversation(channel=Channel.WHATSAPP)).offered

    assert NOTICE in asked
    assert offered is not None
    assert len(offered["buttons"]) > 0
    assert "n'est plus valable" not in await newcomers.press(1)


async def test_a_hand_over_comes_first_and_the_notice_when_the_assistant_answers_again(newcomers: Stage) -> None:
    assert NOTICE not in await newcomers.write("je veux parler à un conseiller")
    assert await newcomers.write("allo ?") == ""
    assert NOTICE in await newcomers.write("assistant")


async def test_a_long_first_reply_by_sms_leaves_it_to_the_next(newcomers: Stage) -> None:
    long = await newcomers.write("وصلتني فاتورة كبيرة، لماذا؟ وكم علي أن أدفع؟")
    informed = (await newcomers.conversation()).informed_at

    next_one = await newcomers.write("شكرا")

    assert ("09.08" in long) is (informed is not None)
    assert ("09.08" in long) is not ("09.08" in next_one)


async def test_who_wrote_before_there_was_a_notice_gets_it_now(stage: Stage) -> None:
    await stage.write("bonjour")
    stage.is_first_contact = True
    async with stage.database.writing() as session:
        await session.execute(update(Conversation).values(informed_at=None))

    assert NOTICE in await stage.write("bonjour")
