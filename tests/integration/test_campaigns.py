"""Campaigns and the announcer on real databases: who is written to, when, in which words, and who is not."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from office import MONDAY, NAME, SID, WINDOW, Office
from sqlalchemy import select

from actions.operator import Operator
from bot.campaigns import preview, start
from bot.channels.carrier import Channel
from store.audience import DueReminder, RechargeRound
from store.campaign_progress import progress
from store.campaigns import CampaignRefused, State, campaign_named, enrol
from store.database import Database
from store.desk_models import Outcome
from store.hand_overs import current, end_without_agent, open_hand_over
from store.models import (
    Audit,
    Conversation,
    Holder,
    Message,
    MessageState,
    Round,
)


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


async def test_who_has_sent_no_index_is_reminded_in_their_language(office: Office) -> None:
    await office.customer(1)
    await office.customer(2, language="en")
    await office.customer(3)
    await office.read(3)
    await office.customer(4, route="B7")
    await office.customer(5, billing="prepaid")
    await office.run()
    french, english = await office.written()
    assert french.body == (
        "ONEE : répondez par l'index lu sur votre compteur (contrat 10000001) au plus tard le 27/11/2026. "
        "Pour ne plus recevoir ces messages : ARRET"
    )
    assert english.body.startswith("ONEE: please reply with the number on your meter (contract 10000002)")
    assert french.bulk
    assert english.bulk
    assert not office.woken, "campaigns have lanes of their own"


async def test_a_customer_with_two_contracts_gets_one_message(office: Office) -> None:
    await office.customer(1)
    await office.customer(2, phone="+212600000001")
    await office.run()
    assert len(await office.written()) == 1


async def test_who_asked_for_no_messages_on_any_channel_gets_none(office: Office) -> None:
    await office.customer(1)
    await office.talk(1, "whatsapp", opted_out_at=MONDAY)
    await office.customer(2)
    await office.draft()
    await start(office.database, NAME, "amina", office.now)
    await office.talk(2, "whatsapp", opted_out_at=MONDAY)  # after the campaign started
    await office.look()
    assert await office.written() == []
    assert await office.skipped() == ["opted_out"]


async def test_who_sends_an_index_before_the_reminder_leaves_gets_none(office: Office) -> None:
    await office.customer(1)
    await office.draft()
    await start(office.database, NAME, "amina", office.now)
    await office.read(1)
    await office.look()
    assert await office.written() == []
    assert await office.skipped() == ["already_read"]


async def test_an_estimate_is_not_an_index_that_was_sent(office: Office) -> None:
    await office.customer(1)
    await office.read(1, source="estimate")
    await office.run()
    assert len(await office.written()) == 1


async def test_no_reminder_when_the_window_is_over(office: Office) -> None:
    await office.customer(1)
    await office.draft()
    await start(office.database, NAME, "amina", office.now)
    office.now += timedelta(days=7)
    await office.look()
    assert await office.skipped() == ["window_closed"]


@pytest.mark.parametrize("paid", ["0.00", "320.00"])
async def test_an_unpaid_bill_is_reminded_of_and_a_paid_one_not(office: Office, paid: str) -> None:
    await office.customer(1)
    await office.bill(1, date(2026, 11, 26), paid)
    await office.run(DueReminder(due_from=date(2026, 11, 23), due_to=date(2026, 11, 28)))
    bodies = [message.body for message in await office.written()]
    assert ["320,00 DH" in body and "26/11/2026" in body for body in bodies] == ([True] if paid == "0.00" else [])


async def test_prepaid_customers_are_told_of_the_round_while_it_is_not_over(office: Office) -> None:
    starts = MONDAY + timedelta(days=1)
    await office.add(Round(commune="Salé", place="Souk", starts_at=starts, ends_at=starts + timedelta(hours=3)))
    await office.customer(1, billing="prepaid")
    await office.customer(2)
    await office.run(RechargeRound(commune="Salé", on=starts.date()))
    (message,) = await office.written()
    assert "Souk" in message.body
    assert "24/11/2026" in message.body


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        ("2026-11-23T07:59+00:00", 0),  # 08:59 in Casablanca
        ("2026-11-23T08:00+00:00", 1),
        ("2026-11-23T19:00+00:00", 0),
        ("2026-11-27T11:30+00:00", 0),  # Friday, 12:30
        ("2026-11-27T14:00+00:00", 1),
    ],
)
async def test_nobody_is_written_to_in_quiet_hours(office: Office, moment: str, count: int) -> None:
    await office.customer(1)
    office.now = datetime.fromisoformat(moment)
    await office.run()
    assert len(await office.written()) == count


async def test_whatsapp_in_its_window_takes_the_text(office: Office) -> None:
    await office.customer(1)
    await office.talk(1, "whatsapp", hours=23)
    await office.run()
    (message,) = await office.written()
    assert (message.channel, message.payload) == ("whatsapp", None)


async def test_whatsapp_past_its_window_takes_only_the_approved_template(office: Office) -> None:
    template = {"sid": SID, "variables": ["operator", "contract", "day"]}
    rules = office.operator.model_dump() | {"payment_secret": None}
    rules["notices"]["whatsapp_templates"] = {"utter_campaign_reading": {"fr": template}}
    rules.pop("working_days", None)
    office.operator = Operator.model_validate(rules)
    await office.customer(1)
    await office.talk(1, "whatsapp", hours=25)
    await office.run()
    (message,) = await office.written()
    variables = {"1": "ONEE", "2": "10000001", "3": "27/11/2026"}
    assert (message.payload or {})["template"] == {"sid": SID, "variables": variables}


async def test_whatsapp_past_its_window_without_a_template_is_an_sms(office: Office) -> None:
    await office.customer(1)
    await office.talk(1, "whatsapp", hours=25)
    await office.run()
    assert [message.channel for message in await office.written()] == ["sms"]


async def test_without_sms_there_is_no_way_and_it_is_said(office: Office) -> None:
    office.channels = frozenset({Channel.WHATSAPP})
    await office.customer(1)
    await office.talk(1, "whatsapp", hours=25)
    await office.run()
    assert await office.skipped() == ["no_template"]


async def test_pausing_takes_back_what_waits_and_resuming_sends_it_once(office: Office) -> None:
    for number in range(1, 6):
        await office.customer(number)
    await office.draft()
    await start(office.database, NAME, "amina", office.now)
    await office.look(ahead=2)
    assert len(await office.written()) == 2, "few messages wait in the outbox"
    assert await office.move("pause") == 2
    await office.look()
    assert await office.written() == []
    await office.move("resume")
    await office.look()
    assert len(await office.written()) == 5


async def test_a_cancelled_campaign_sends_nothing_more(office: Office) -> None:
    await office.customer(1)
    await office.run()
    assert await office.move("cancel") == 1
    await office.look()
    assert await office.written() == []
    assert await office.skipped() == ["cancelled"]
    with pytest.raises(CampaignRefused, match="state cancelled"):
        await office.move("resume")


async def test_a_start_interrupted_half_way_goes_on_and_doubles_nobody(office: Office) -> None:
    for number in range(1, 6):
        await office.customer(number)
    await office.draft()
    async with office.database.writing() as session:
        await enrol(session, NAME, office.now, 0, 2)
    await office.look()
    assert await office.written() == [], "a draft sends nothing"
    await office.talk(1, "whatsapp", hours=1)  # a better place to write to, now
    await start(office.database, NAME, "amina", office.now)
    await office.look()
    assert len(await office.written()) == 5


async def test_a_campaign_is_done_when_all_is_sent_and_counts_replies(office: Office) -> None:
    await office.customer(1)
    await office.run()
    assert await office.state() is State.RUNNING
    (message,) = await office.written()
    async with office.database.writing() as session:
        (await session.get_one(Message, message.id)).state = MessageState.SENT
        answer = Message(conversation_id=message.conversation_id, channel="sms", direction="in", carrier_id="SM1",
                         state="handled", body="48213", due_at=MONDAY, created_at=MONDAY)  # fmt: skip
        session.add(answer)
    await office.look()
    assert await office.state() is State.DONE
    async with office.database.reading() as session:
        found = await progress(session, (await campaign_named(session, NAME)).id)
        actions = list(await session.scalars(select(Audit.action).order_by(Audit.id)))
    assert (found.sent, found.replied, found.total) == (1, 1, 1)
    assert actions == ["campaign.create", "campaign.start", "campaign.done"]


async def test_a_decision_goes_at_once_and_wakes_its_conversation(office: Office) -> None:
    await office.talk(1)
    await office.decision(1)
    await office.look()
    (message,) = await office.written()
    assert not message.bulk
    assert office.woken == [message.conversation_id]
    await office.look()
    assert len(await office.written()) == 1


async def test_a_decision_waits_while_an_agent_has_the_conversation(office: Office) -> None:
    await office.talk(1, holder=Holder.AGENT)
    await office.decision(1)
    await office.look()
    assert await office.written() == []
    async with office.database.writing() as session:
        (await session.scalars(select(Conversation))).one().holder = Holder.ASSISTANT
    office.now += timedelta(minutes=11)
    await office.look()
    assert len(await office.written()) == 1


async def test_a_decision_is_told_as_soon_as_the_agent_is_done(office: Office) -> None:
    await office.talk(1)
    await office.decision(1)
    async with office.database.writing() as session:
        conversation = (await session.scalars(select(Conversation))).one()
        await open_hand_over(session, conversation, "asked", office.now, actor="conversation:1")
    await office.look()
    assert await office.written() == []
    office.now += timedelta(seconds=30)
    async with office.database.writing() as session:
        hand_over = await current(session, conversation.id, hold=True)
        assert hand_over is not None
        await end_without_agent(session, hand_over, Outcome.CUSTOMER_LEFT, office.now, "conversation:1")
    await office.look()
    assert len(await office.written()) == 1


async def test_the_preview_counts_and_changes_nothing(office: Office) -> None:
    await office.customer(1)
    await office.customer(2, language="ar")
    await office.customer(3)
    await office.read(3)
    found = await preview(office.database, office.texts, office.operator, {Channel.SMS: 2.0}, WINDOW, office.now)
    assert (found.messages, dict(found.excluded), found.seconds) == (2, {"already_read": 1}, 1.0)
    assert dict(found.languages) == {"fr": 1, "ar": 1}
    assert found.sms_parts == 3, "one in French, two in Arabic"
    async with office.database.reading() as session:
        assert await session.scalar(select(Conversation.id)) is None


async def test_two_campaigns_do_not_share_a_name(office: Office) -> None:
    await office.draft()
    with pytest.raises(CampaignRefused, match="already"):
        await office.draft()
