"""From the assistant to people and back, as customers see it: what they are told, and when nothing is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import select
from stage import STRANGER, Stage

from bot.channels.carrier import Channel, Kind
from bot.parting import Parting
from bot.sending.outgoing import BULK_AHEAD
from bot.turns.handled import Outcome as Turned
from store import hand_overs
from store.desk_models import HandOver, Outcome, Priority, Role, User
from store.models import Conversation, Direction, Holder, Message, MessageState

NIGHT = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # a Monday, 21:00 in Casablanca
WHATSAPP = Channel.WHATSAPP
PREPAID = "+212600000004"


class Desk:
    """An agent at work beside the stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.parting = Parting(stage.assistant.texts, stage.operator)
        self.agent = 0

    async def hire(self) -> None:
        async with self.stage.database.writing() as session:
            agent = User(email="amina@example.ma", name="Amina", role=Role.AGENT, created_at=self.stage.now)
            session.add(agent)
            await session.flush()
            self.agent = agent.id

    async def reply(self, channel: Channel = Channel.SMS) -> None:
        """Write to the customer, which takes the conversation."""
        conversation = await self.stage.conversation(channel=channel)
        async with self.stage.database.writing() as session:
            mine = await session.get_one(Conversation, conversation.id)
            await hand_overs.take_by_reply(session, mine, self.agent, self.stage.now)

    async def claim(self, channel: Channel = Channel.SMS) -> None:
        conversation = await self.stage.conversation(channel=channel)
        async with self.stage.database.writing() as session:
            hand_over = await hand_overs.current(session, conversation.id)
            assert hand_over is not None
            await hand_overs.claim(session, hand_over, self.agent, self.stage.now)

    async def close(self, channel: Channel = Channel.SMS, outcome: Outcome = Outcome.SOLVED) -> str:
        """What the customer is sent."""
        return await self._leave(channel, outcome)

    async def release(self, channel: Channel = Channel.SMS) -> str:
        return await self._leave(channel, None)

    async def _leave(self, channel: Channel, outcome: Outcome | None) -> str:
        stage = self.stage
        conversation = await stage.conversation(channel=channel)
        before = {message.id for message in await stage.messages(Direction.OUT)}
        async with stage.database.writing() as session:
            hand_over = await hand_overs.current(session, conversation.id)
            assert hand_over is not None
            if outcome is None:
                await self.parting.release(session, hand_over, self.agent, stage.now)
            else:
                await self.parting.close(session, hand_over, self.agent, stage.now, outcome, None)
        said = [message.body for message in await stage.messages(Direction.OUT) if message.id not in before]
        await stage.sent(conversation.id)
        return "\n".join(said)


@pytest_asyncio.fixture
async def desk(stage: Stage) -> Desk:
    desk = Desk(stage)
    await desk.hire()
    return desk


# --- why ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason", "priority", "said"),
    [
        ("je veux parler à un conseiller", "asked", Priority.NORMAL, "place : 1"),
        ("passez moi qqn svp pas un robot", "asked", Priority.NORMAL, "place : 1"),
        ("بغيت نهضر مع شي واحد", "asked", Priority.NORMAL, "نوبتكم: 1"),
        ("j'en ai marre de vos factures", "anger", Priority.HIGH, "Je suis désolé"),
        ("VOUS ETES DES VOLEURS", "anger", Priority.HIGH, "Je suis désolé"),
        ("حشومة عليكم", "anger", Priority.HIGH, "سمحو لينا"),
        ("3yit mnkom", "anger", Priority.HIGH, "Sem7o lina"),
        ("this is outrageous", "anger", Priority.HIGH, "I am sorry"),
        ("c'est une honte, le câble est par terre depuis hier", "danger", Priority.URGENT, "Danger"),
        ("le poteau a pris feu", "danger", Priority.URGENT, "Danger"),
    ],
)
async def test_a_person_is_brought(stage: Stage, text: str, reason: str, priority: Priority, said: str) -> None:
    assert said in await stage.write(text)
    hand_over = await stage.hand_over()
    assert (hand_over.reason, hand_over.priority) == (reason, priority)
    assert (await stage.conversation()).holder is Holder.AGENT


async def test_lost_twice_offers_a_person_and_lost_three_times_brings_one(stage: Stage) -> None:
    assert "conseiller" not in await stage.write("qsdlkfj mlkqsdf")
    assert "Voulez-vous parler à un conseiller" in await stage.write("zzz qqq xxx")
    said = await stage.write("qsdlkfj mlkqsdf")
    assert "je n'arrive pas à vous comprendre" in said
    assert "place : 1" in said
    assert (await stage.hand_over()).reason == "lost"


async def test_what_is_understood_between_begins_the_count_anew(stage: Stage) -> None:
    for text in ("qsdlkfj mlkqsdf", "zzz qqq xxx", "combien je dois ?", "wxcvb qsdfg", "poiu mlkj"):
        await stage.write(text)
    assert (await stage.conversation()).holder is Holder.ASSISTANT


@pytest.mark.parametrize("answer", ["oui", "un conseiller svp"])
async def test_an_offer_that_is_taken_keeps_why_it_was_made(stage: Stage, answer: str) -> None:
    await stage.write("qsdlkfj mlkqsdf")
    await stage.write("zzz qqq xxx")
    assert "comprendre" not in await stage.write(answer)
    assert (await stage.hand_over()).reason == "lost"


async def test_what_the_rules_refuse_may_be_asked_of_a_person(stage: Stage) -> None:
    await stage.contract("10000004", "electricity", ("total",), phone=PREPAID, billing="prepaid")
    assert "onseiller" in await stage.write("bghit avance dyal kwh", phone=PREPAID, channel=WHATSAPP)
    await stage.press(1, phone=PREPAID)
    assert (await stage.hand_over(PREPAID, WHATSAPP)).reason == "policy"


async def test_anger_in_the_words_asked_for_is_the_answer_to_the_question(stage: Stage) -> None:
    await stage.write("je veux payer en 2 fois")
    await stage.write("j'en ai marre, mon patron ne me paie pas")
    assert (await stage.conversation()).holder is Holder.ASSISTANT


async def test_who_wants_no_more_messages_gets_that_and_not_a_person(stage: Stage) -> None:
    await stage.write("J'en ai assez de vos promos à 22h, rayez-moi de la liste.")
    conversation = await stage.conversation()
    assert (conversation.holder, conversation.opted_out_at) == (Holder.ASSISTANT, stage.now)


# --- what they are told -------------------------------------------------------------------------------------


async def test_the_expected_wait_is_told_where_it_is_known(stage: Stage) -> None:
    async with stage.database.writing() as session:
        for number in range(3):
            conversation = Conversation(channel="sms", address=f"+21261111{number:04}", created_at=stage.now)
            session.add(conversation)
            await session.flush()
            session.add(
                HandOver(
                    conversation_id=conversation.id,
                    reason="asked",
                    priority=Priority.NORMAL,
                    opened_at=stage.now - timedelta(minutes=40),
                    claimed_at=stage.now - timedelta(minutes=28),
                )
            )
    assert "place : 4, attente : environ 15 min" in await stage.write("je veux parler à un conseiller")


async def test_outside_opening_hours_the_opening_is_told_and_no_place(stage: Stage) -> None:
    stage.now = NIGHT
    said = await stage.write("je veux parler à un conseiller")
    assert "le 24/11/2026 à 08:30" in said
    assert "place" not in said


async def test_nobody_in_danger_waits_for_the_morning(stage: Stage) -> None:
    stage.now = NIGHT
    said = await stage.write("le poteau a pris feu")
    assert stage.operator.emergency_phone in said
    assert "personne ne répond avant le 24/11/2026 à 08:30" in said


# --- silence ------------------------------------------------------------------------------------------------


async def test_danger_told_to_people_comes_first_in_their_queue(stage: Stage) -> None:
    await stage.write("je veux parler à un conseiller")
    assert await stage.write("il y a de la fumée qui sort du compteur") == ""
    assert (await stage.hand_over()).priority is Priority.URGENT
    message = (await stage.messages())[-1]
    assert (message.state, message.understood["overheard"]) == (MessageState.HANDLED, True)


async def test_agents_see_the_language_that_the_customer_goes_on_in(stage: Stage) -> None:
    await stage.write("je veux parler à un conseiller")
    await stage.write("بغيت نعرف علاش الفاتورة غالية بزاف")
    assert (await stage.hand_over()).language == "ary"
    assert (await stage.messages())[-1].language == "ary"


async def test_an_agents_message_takes_the_conversation_and_the_form_is_kept_for_later(desk: Desk) -> None:
    stage = desk.stage
    await stage.write("je veux payer en 2 fois")
    await desk.reply()
    assert await stage.write("48213") == ""
    assert await stage.readings() == []
    assert "L'assistant est de retour" in await desk.release()
    assert "n'est pas terminée" in await stage.write("combien je dois ?")


async def test_a_request_left_for_a_person_is_offered_again_afterwards(stage: Stage) -> None:
    await stage.write("je veux payer en 2 fois")
    await stage.write("je veux parler à un conseiller")
    said = await stage.write("ASSISTANT")
    assert "de retour" in said
    assert "n'est pas terminée" in said
    assert (await stage.hand_over()).outcome is Outcome.CUSTOMER_LEFT


async def test_stop_is_confirmed_once_and_nothing_else_said(stage: Stage) -> None:
    await stage.write("je veux parler à un conseiller", channel=WHATSAPP)
    stage.is_first_contact = True
    async with stage.database.writing() as session:
        (await session.scalars(select(Conversation))).one().informed_at = None
    said = await stage.write("arrêt", channel=WHATSAPP)
    assert said.startswith("C'est noté")
    assert "09-08" not in said
    assert (await stage.conversation(channel=WHATSAPP)).holder is Holder.AGENT


async def test_a_message_that_fails_with_people_is_set_aside_in_silence(stage: Stage, desk: Desk) -> None:
    await stage.write("je veux parler à un conseiller")
    said = len(await stage.messages(Direction.OUT))
    conversation = await stage.conversation()
    await stage.receive("bonjour")
    async with stage.database.writing() as session:
        (await session.scalars(select(HandOver))).one().opened_at = stage.now
    stage.turns._operator = None  # type: ignore[assignment] - whatever the turn asks of it fails
    for _ in range(3):
        assert (await stage.turns.handle_next(conversation.id)).outcome is Turned.FAILED
        stage.later(minutes=1)
    assert (await stage.messages())[-1].state is MessageState.SET_ASIDE
    assert len(await stage.messages(Direction.OUT)) == said


async def test_a_campaigns_message_waits_until_nobody_has_the_conversation(desk: Desk) -> None:
    stage = desk.stage
    await stage.write("bonjour")
    conversation = await stage.conversation()
    async with stage.database.writing() as session:
        session.add(
            Message(
                conversation_id=conversation.id,
                channel="sms",
                direction=Direction.OUT,
                state=MessageState.QUEUED,
                body="Votre relevé est attendu.",
                bulk=True,
                due_at=stage.now,
                created_at=stage.now,
            )
        )

    async def may_go() -> int:
        async with stage.database.reading() as session:
            return len(list(await session.scalars(BULK_AHEAD, {"channel": "sms", "now": stage.now})))

    assert await may_go() == 1
    await desk.reply()
    assert await may_go() == 0
    async with stage.database.writing() as session:
        hand_over = await hand_overs.current(session, conversation.id)
        assert hand_over is not None
        await hand_overs.release(session, hand_over, desk.agent, stage.now)
    assert await may_go() == 1


@pytest.mark.parametrize("is_claimed", [False, True])
async def test_only_what_nobody_took_goes_back_by_itself(desk: Desk, is_claimed: bool) -> None:
    stage = desk.stage
    await stage.write("je veux parler à un conseiller")
    if is_claimed:
        await desk.claim()
    stage.later(hours=23)
    assert await stage.write("il y a quelqu'un ?") == ""
    stage.later(hours=2)
    said = await stage.write("combien je dois ?")
    if is_claimed:
        assert said == ""
    else:
        assert "aucun conseiller" in said
        assert "120,35" in said
        assert (await stage.hand_over()).outcome is Outcome.EXPIRED


async def test_a_message_of_friday_night_waits_for_the_desk_to_have_been_open(stage: Stage) -> None:
    stage.now = datetime(2026, 11, 28, 18, 0, tzinfo=UTC)  # Saturday evening
    await stage.write("je veux parler à un conseiller")
    stage.later(hours=40)  # Monday morning
    assert await stage.write("toujours là ?") == ""
    stage.later(hours=24)
    assert "aucun conseiller" in await stage.write("toujours là ?")


# --- how it was ---------------------------------------------------------------------------------------------


async def _closed(desk: Desk, channel: Channel = Channel.SMS) -> Stage:
    await desk.stage.write("je veux parler à un conseiller", channel=channel)
    await desk.claim(channel)
    assert "de 1 (pas du tout) à 5" in await desk.close(channel)
    return desk.stage


@pytest.mark.parametrize(("answer", "score"), [("4", 4), ("5/5", 5), ("٥", 5), ("1 merci", 1), (" 2.", 2)])
async def test_a_score_after_closing_is_kept_and_thanked(desk: Desk, answer: str, score: int) -> None:
    stage = await _closed(desk)
    assert "votre note" in await stage.write(answer)
    assert (await stage.hand_over()).score == score
    assert "votre note" not in await stage.write("3")
    assert (await stage.hand_over()).score == score


async def test_a_score_is_a_button_where_there_are_buttons(desk: Desk) -> None:
    stage = await _closed(desk, WHATSAPP)
    assert "votre note" in await stage.press(5)
    assert (await stage.hand_over(channel=WHATSAPP)).score == 5


async def test_a_button_counts_also_after_a_thank_you(desk: Desk) -> None:
    stage = await _closed(desk, WHATSAPP)
    question = (await stage.messages(Direction.OUT))[-1].id
    await stage.write("merci beaucoup", channel=WHATSAPP)
    await stage.write("", channel=WHATSAPP, kind=Kind.BUTTON, button=f"{question}:3")
    assert (await stage.hand_over(channel=WHATSAPP)).score == 4


async def test_anything_else_is_an_ordinary_message(desk: Desk) -> None:
    stage = await _closed(desk)
    assert "R-" in await stage.write("48213")
    assert (await stage.hand_over()).score is None


async def test_a_number_that_answers_another_question_is_no_score(desk: Desk) -> None:
    stage = await _closed(desk)
    await stage.write("je veux payer en plusieurs fois")
    await stage.write("3")
    assert (await stage.hand_over()).score is None


async def test_a_score_of_the_day_after_is_none(desk: Desk) -> None:
    stage = await _closed(desk)
    stage.later(hours=25)
    await stage.write("5")
    assert (await stage.hand_over()).score is None


async def test_who_stopped_messages_by_sms_is_asked_nothing(desk: Desk) -> None:
    stage = desk.stage
    await stage.write("je veux parler à un conseiller")
    await stage.write("arrêt")
    assert await desk.close() == ""
    assert (await stage.hand_over()).asked_at is None
    await stage.write("5")
    assert (await stage.hand_over()).score is None


async def test_nothing_is_said_on_whatsapp_once_its_day_is_over(desk: Desk) -> None:
    stage = desk.stage
    await stage.write("je veux parler à un conseiller", channel=WHATSAPP)
    await desk.claim(WHATSAPP)
    stage.later(hours=25)
    assert await desk.release(WHATSAPP) == ""
    assert (await stage.conversation(channel=WHATSAPP)).holder is Holder.ASSISTANT


async def test_the_question_is_in_the_customers_language(desk: Desk) -> None:
    stage = desk.stage
    await stage.write("بغيت نهضر مع شي واحد")
    assert "من 1" in await desk.close()


async def test_a_form_that_an_agent_interrupted_does_not_take_the_score(desk: Desk) -> None:
    stage = desk.stage
    await stage.write("je veux envoyer un relevé")
    await desk.reply()
    await desk.close()
    assert "votre note" in await stage.write("5")
    assert await stage.readings() == []


async def test_a_message_that_comes_while_an_agent_closes_is_answered(desk: Desk) -> None:
    """It was not read by the agent: the assistant has it next."""
    stage = desk.stage
    await stage.write("je veux parler à un conseiller")
    await desk.claim()
    await stage.receive("combien je dois ?")
    await desk.close()
    conversation = await stage.conversation()
    assert (await stage.turns.handle_next(conversation.id)).outcome is Turned.HANDLED
    assert "120,35" in (await stage.messages(Direction.OUT))[-1].body


async def test_a_stranger_who_cannot_be_identified_is_told_why_a_person_comes(stage: Stage) -> None:
    await stage.write("mon index est 48213", phone=STRANGER)
    await stage.write("10000001", phone=STRANGER)
    said = [await stage.write(amount, phone=STRANGER) for amount in ("1,00", "2,00", "3,00")][-1]
    assert "Je n'ai pas pu vous identifier" in said
    assert "place : 1" in said


async def test_the_reply_to_an_agent_is_never_a_message_of_ours(desk: Desk) -> None:
    stage = desk.stage
    await stage.write("bonjour")
    await desk.reply()
    before = len(await stage.messages(Direction.OUT))
    for text in ("bonjour", "48213", "", "oui", "1", "merci"):
        assert await stage.write(text) == ""
    async with stage.database.reading() as session:
        rows = list(await session.scalars(select(Message).where(Message.direction == Direction.OUT)))
    assert len(rows) == before
