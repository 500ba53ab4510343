"""No more messages, and messages again: keywords of one word, and the same said in a sentence."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from stage import KNOWN, Stage

from bot.channels.carrier import Channel, Kind
from store.models import Audit, Message, MessageState, Notice, NoticeState
from store.notices import News, tell


async def opted_out(stage: Stage, channel: Channel = Channel.WHATSAPP, phone: str = KNOWN) -> bool:
    return (await stage.conversation(phone, channel)).opted_out_at is not None


async def audited(stage: Stage) -> list[str]:
    async with stage.database.reading() as session:
        query = select(Audit.action).where(Audit.action.like("conversation.opted%")).order_by(Audit.id)
        return list(await session.scalars(query))


@pytest.mark.parametrize("text", ["STOP", "arrêt !", "ARRET", "Unsubscribe", "توقف", "أوقف", "7bess", "حبس"])
async def test_one_word_stops_messages_that_were_not_asked_for(stage: Stage, text: str) -> None:
    said = await stage.write(text, channel=Channel.WHATSAPP)

    assert "REPRENDRE" in said or "رجوع" in said
    assert await opted_out(stage)
    assert await audited(stage) == ["conversation.opted_out"]


@pytest.mark.parametrize("text", ["REPRENDRE", "start", "رجوع", "REJOU3", "Resume"])
async def test_one_word_brings_them_back(stage: Stage, text: str) -> None:
    await stage.write("arret", channel=Channel.WHATSAPP)

    await stage.write(text, channel=Channel.WHATSAPP)

    assert not await opted_out(stage)
    assert await audited(stage) == ["conversation.opted_out", "conversation.opted_in"]


async def test_a_sentence_does_the_same(stage: Stage) -> None:
    await stage.write("je ne veux plus recevoir vos messages", channel=Channel.WHATSAPP)

    assert await opted_out(stage)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "ALERTE !!!", "alerte fuite d'eau"])
async def test_who_raises_an_alarm_asks_for_no_fewer_messages(stage: Stage, text: str) -> None:
    await stage.write(text, channel=Channel.WHATSAPP)

    assert not await opted_out(stage)


async def test_words_that_bring_messages_back_are_words_like_others_to_those_who_get_them(stage: Stage) -> None:
    said = await stage.write("/start", channel=Channel.TELEGRAM, phone="4711")

    assert "ARRÊT" not in said
    assert await audited(stage) == []


async def test_the_wish_holds_for_every_channel_of_a_phone(stage: Stage) -> None:
    await stage.write("bonjour", channel=Channel.SMS)
    await stage.write("arret", channel=Channel.WHATSAPP)
    assert await opted_out(stage, Channel.SMS)

    await stage.write("reprendre", channel=Channel.SMS)
    assert not await opted_out(stage, Channel.WHATSAPP)


async def test_it_holds_where_the_phone_writes_for_the_first_time_later(stage: Stage) -> None:
    await stage.write("arret", channel=Channel.WHATSAPP)
    await stage.write("bonjour", channel=Channel.SMS)

    assert await opted_out(stage, Channel.SMS)


async def test_it_is_confirmed_once_by_sms(stage: Stage) -> None:
    assert await stage.write("arret") != ""
    assert await stage.write("arret") == ""


@pytest.mark.parametrize("extra", [{}, {"opt_out": "stop"}])
async def test_what_the_sms_carrier_confirms_is_not_confirmed_again(stage: Stage, extra: dict[str, str]) -> None:
    assert await stage.write("STOP", **extra) == ""
    assert await opted_out(stage, Channel.SMS)

    assert await stage.write("START", **({"opt_out": "start"} if extra else {})) == ""
    assert not await opted_out(stage, Channel.SMS)


async def test_it_holds_while_an_agent_has_the_conversation(stage: Stage) -> None:
    await stage.write("je veux parler à un conseiller", channel=Channel.WHATSAPP)

    assert "REPRENDRE" in await stage.write("ARRET", channel=Channel.WHATSAPP)
    assert (await stage.conversation(channel=Channel.WHATSAPP)).holder == "agent"
    assert await opted_out(stage)


async def test_the_open_question_can_still_be_answered(stage: Stage) -> None:
    await stage.write("mon index est 48090", channel=Channel.WHATSAPP)
    offered = (await stage.conversation(channel=Channel.WHATSAPP)).offered

    await stage.write("stop", channel=Channel.WHATSAPP)

    assert offered is not None
    assert (await stage.conversation(channel=Channel.WHATSAPP)).offered == offered


async def test_what_waited_to_be_told_is_dropped_at_once(stage: Stage) -> None:
    await stage.write("bonjour")
    conversation = await stage.conversation()
    async with stage.database.writing() as session:
        await tell(session, conversation.id, News("reminder:1", "utter_greet", {}, stage.now), stage.now)
        session.add(
            Message(
                conversation_id=conversation.id,
                channel="sms",
                direction="out",
                state=MessageState.QUEUED,
                body="Rappel",
                bulk=True,
                due_at=stage.now,
                created_at=stage.now,
            )
        )

    await stage.receive("arret")
    await stage.turns.handle_next(conversation.id)

    async with stage.database.reading() as session:
        notice = (await session.scalars(select(Notice))).one()
        reminder = (await session.scalars(select(Message).where(Message.bulk))).one()
    assert (notice.state, notice.skipped) == (NoticeState.SKIPPED, "opted_out")
    assert (reminder.state, reminder.error) == (MessageState.DEAD, "opted_out")


async def test_a_button_that_is_called_like_a_keyword_is_a_button(stage: Stage) -> None:
    await stage.write("arret", channel=Channel.WHATSAPP)

    await stage.write("Reprendre", channel=Channel.WHATSAPP, kind=Kind.BUTTON, button="1:0")

    assert await opted_out(stage)
