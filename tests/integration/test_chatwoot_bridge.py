"""Chatwoot as the desk: what its agents see and answer, when both sides work and when one of them does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from accounts import settings_for
from chatwoot_server import ACCOUNT, AMINA, INBOX, SECRET, TOKEN, Chatwoot
from desk_room import HOST
from fastapi import FastAPI
from pydantic import SecretStr
from serving import serving
from sqlalchemy import select
from talk_room import TalkRoom

from bot.bridges.chatwoot.bridge import ChatwootBridge
from bot.bridges.chatwoot.webhook import PATH, chatwoot_router
from bot.parting import Parting
from bot.received_files import ReceivedFiles
from bot.sending.uploads import Uploads
from store import hand_overs
from store.database import Database
from store.desk_models import Outcome
from store.helpdesk_models import HelpdeskStay
from store.sealing import Keyring

PDF = b"%PDF-1.7\nplan"
PHONE = "+212600000001"
KEY = "k" * 32


@dataclass
class Bridged:
    """A desk with conversations, a Chatwoot, and the bridge between, which looks when it is told to."""

    room: TalkRoom
    chatwoot: Chatwoot
    bridge: ChatwootBridge
    webhooks: httpx.AsyncClient

    async def look(self) -> None:
        await self.bridge.look()

    async def stay(self) -> HelpdeskStay:
        async with self.room.database.reading() as session:
            return (await session.scalars(select(HelpdeskStay))).one()

    async def to_customer(self, talk: int) -> list[str]:
        return [each.body for each in await self.room.written(talk)]


@pytest.fixture
async def bridged(database: Database) -> AsyncIterator[Bridged]:
    room, chatwoot = TalkRoom(database), Chatwoot()
    chatwoot.clock = room.clock
    async with serving(chatwoot.app(), lifespan="off") as theirs:
        chatwoot.base = theirs
        settings = settings_for(
            HOST,
            "http://carriers.invalid",
            secret_key=SecretStr(KEY),
            chatwoot_url=theirs,
            chatwoot_account_id=ACCOUNT,
            chatwoot_inbox_id=INBOX,
            chatwoot_api_token=SecretStr(TOKEN),
            chatwoot_webhook_secret=SecretStr(SECRET),
        )
        ours = FastAPI()
        ours.include_router(chatwoot_router(settings, database, room.clock))
        bridge = ChatwootBridge(
            settings,
            database,
            Parting(room.desk.texts, room.desk.operator),
            ReceivedFiles(database, room.desk.carriers, settings.keyring),
            room.desk.carriers.keys(),
            room.sent.append,
            clock=room.clock,
        )
        async with serving(ours, lifespan="off") as base, httpx.AsyncClient(base_url=base) as webhooks:
            chatwoot.webhook_url = f"{base}{PATH}"
            yield Bridged(room, chatwoot, bridge, webhooks)
        await bridge.stop()


async def test_a_hand_over_is_shown_with_a_summary_and_the_message_to_answer(bridged: Bridged) -> None:
    await bridged.room.holder("Fatima Zahra", PHONE)
    talk = await bridged.room.handed_over(
        address=PHONE, text="je veux parler à quelqu'un", language="fr", channel="whatsapp"
    )
    await bridged.look()
    (contact,) = bridged.chatwoot.contacts.values()
    assert (contact["name"], contact["phone_number"]) == ("Fatima Zahra", PHONE)
    (conversation,) = bridged.chatwoot.conversations.values()
    assert conversation["status"] == "open"
    (summary,) = bridged.chatwoot.said(1, "outgoing")
    assert "A demandé un conseiller" in summary
    assert "Fatima Zahra" in summary
    assert f"{HOST}/desk/conversations/{talk}" in summary
    assert bridged.chatwoot.said(1, "incoming") == ["je veux parler à quelqu'un"]
    await bridged.look()
    assert len(bridged.chatwoot.posted) == 2, "and nothing twice"


async def test_an_agent_answers_the_customer_replies_and_it_is_resolved(bridged: Bridged) -> None:
    talk = await bridged.room.handed_over(address=PHONE, text="allo ?")
    await bridged.look()
    await bridged.chatwoot.write(1, "Bonjour, je regarde.")
    await bridged.chatwoot.write(1, "il a l'air pressé", private=True)
    await bridged.look()
    assert await bridged.to_customer(talk) == ["Bonjour, je regarde."]
    assert bridged.room.sent == [talk]
    stay = await bridged.room.stay(talk)
    assert stay.claimed_at is not None
    await bridged.room.says(talk, "merci beaucoup")
    await bridged.look()
    assert bridged.chatwoot.said(1, "incoming") == ["allo ?", "merci beaucoup"]
    await bridged.chatwoot.resolve(1)
    await bridged.look()
    stay = await bridged.room.stay(talk)
    assert (stay.outcome, stay.asked_at is not None) == (Outcome.SOLVED, True)
    assert await bridged.room.audit(talk) == ["conversation.claimed", "conversation.closed"]
    assert (await bridged.stay()).ended_at is not None
    assert await bridged.to_customer(talk) == ["Bonjour, je regarde."], "nothing came back from there"


async def test_webhooks_repeated_late_or_lost_change_nothing(bridged: Bridged) -> None:
    talk = await bridged.room.handed_over(address=PHONE)
    await bridged.look()
    await bridged.chatwoot.write(1, "un")
    assert await bridged.chatwoot.repeat() == 200
    await bridged.look()
    assert await bridged.chatwoot.repeat(0) == 200
    await bridged.look()
    bridged.chatwoot.webhooks_lost = True
    await bridged.chatwoot.write(1, "deux")
    await bridged.look()
    assert await bridged.to_customer(talk) == ["un"], "nobody has said that there is more"
    bridged.room.later(seconds=61)
    await bridged.look()
    assert await bridged.to_customer(talk) == ["un", "deux"], "it looks by itself"


async def test_chatwoot_is_down_for_a_while(bridged: Bridged) -> None:
    bridged.chatwoot.is_down = True
    talk = await bridged.room.handed_over(address=PHONE, text="un")
    await bridged.look()
    await bridged.room.says(talk, "deux")
    await bridged.look()
    assert (await bridged.stay()).failures == 1, "not asked again at once"
    for _ in range(3):
        bridged.room.later(minutes=5)
        await bridged.look()
    assert (await bridged.stay()).failures == 4
    bridged.chatwoot.is_down = False
    bridged.room.later(minutes=5)
    await bridged.look()
    assert bridged.chatwoot.said(1, "incoming") == ["un", "deux"]
    assert (await bridged.stay()).failures == 0


@pytest.mark.parametrize("lost", [1, 2, 3, 5])
async def test_what_chatwoot_took_and_did_not_acknowledge_is_there_once(bridged: Bridged, lost: int) -> None:
    """The contact, the conversation, the summary, and two messages of the same words."""
    talk = await bridged.room.handed_over(address=PHONE, text="oui")
    await bridged.room.says(talk, "oui")
    bridged.chatwoot.answers_lost = lost
    for _ in range(lost + 1):
        bridged.room.later(minutes=5)
        await bridged.look()
    assert len(bridged.chatwoot.contacts) == len(bridged.chatwoot.conversations) == 1
    assert bridged.chatwoot.said(1) == [*bridged.chatwoot.said(1, "outgoing")[:1], "oui", "oui"]


async def test_a_chatwoot_without_marks_is_searched_by_words(bridged: Bridged) -> None:
    bridged.chatwoot.keeps_marks = False
    talk = await bridged.room.handed_over(address=PHONE, text="oui")
    await bridged.look()
    for _ in range(2):
        await bridged.room.says(talk, "oui")
        bridged.chatwoot.answers_lost = 1
        await bridged.look()
        bridged.room.later(minutes=5)
        await bridged.look()
    assert bridged.chatwoot.said(1, "incoming") == ["oui"] * 3


async def test_resolved_while_the_customer_writes_it_stays_open(bridged: Bridged) -> None:
    talk = await bridged.room.handed_over(address=PHONE, text="un")
    await bridged.look()
    await bridged.chatwoot.resolve(1)
    await bridged.room.says(talk, "attendez !")
    await bridged.look()
    assert (await bridged.room.stay(talk)).ended_at is None
    assert bridged.chatwoot.conversations[1]["status"] == "open", "a message opens it again"
    assert bridged.chatwoot.said(1, "incoming") == ["un", "attendez !"]


async def test_what_ends_on_our_side_is_resolved_there(bridged: Bridged) -> None:
    talk = await bridged.room.handed_over(address=PHONE)
    await bridged.look()
    async with bridged.room.database.writing() as session:
        stay = await hand_overs.current(session, talk, hold=True)
        assert stay is not None
        await hand_overs.end_without_agent(session, stay, Outcome.CUSTOMER_LEFT, bridged.room.now, "conversation:1")
    await bridged.look()
    assert bridged.chatwoot.conversations[1]["status"] == "resolved"
    assert "Client revenu à l’assistant" in bridged.chatwoot.said(1, "outgoing")[-1]
    await bridged.chatwoot.write(1, "Vous êtes là ?")
    await bridged.look()
    assert await bridged.to_customer(talk) == []
    failed = bridged.chatwoot.posted[-1]
    assert failed["status"] == "failed"
    assert "revenue à l’assistant" in failed["content_attributes"]["external_error"]
    before = len(bridged.chatwoot.posted)
    bridged.room.later(minutes=5)
    await bridged.look()
    assert len(bridged.chatwoot.posted) == before, "told once"


async def test_what_may_not_be_sent_is_shown_as_failed_with_the_reason(bridged: Bridged) -> None:
    talk = await bridged.room.handed_over(
        address=PHONE, channel="whatsapp", last_inbound_at=bridged.room.now, minutes=1
    )
    await bridged.look()
    bridged.room.later(hours=25)
    await bridged.chatwoot.write(1, "Bonjour")
    await bridged.look()
    assert await bridged.to_customer(talk) == []
    assert "24 heures" in bridged.chatwoot.posted[-1]["content_attributes"]["external_error"]


async def test_somebody_of_our_own_desk_keeps_what_they_took(bridged: Bridged) -> None:
    talk = await bridged.room.handed_over(address=PHONE)
    await bridged.look()
    salma = await bridged.room.person("Salma")
    await salma.post(f"/desk/conversations/{talk}/claim")
    await bridged.room.told(talk, "Ici Salma.", user_id=salma.id)
    await bridged.chatwoot.write(1, "Bonjour")
    await bridged.chatwoot.resolve(1)
    await bridged.look()
    assert (await bridged.room.stay(talk)).user_id == salma.id
    (failed,) = [each for each in bridged.chatwoot.posted if each["status"] == "failed"]
    assert "Salma a cette conversation" in failed["content_attributes"]["external_error"]
    assert "Salma (Relève) : Ici Salma." in bridged.chatwoot.said(1, "outgoing", private=True)


async def test_colleagues_in_chatwoot_pass_it_on_as_they_like(bridged: Bridged, monkeypatch: Any) -> None:
    talk = await bridged.room.handed_over(address=PHONE)
    await bridged.look()
    await bridged.chatwoot.write(1, "Bonjour")
    monkeypatch.setitem(AMINA, "id", 12)
    monkeypatch.setitem(AMINA, "name", "Youssef Chatwoot")
    await bridged.chatwoot.write(1, "Je prends la suite")
    await bridged.look()
    assert await bridged.to_customer(talk) == ["Bonjour", "Je prends la suite"]
    assert await bridged.room.audit(talk) == ["conversation.claimed", "conversation.transferred"]


async def test_an_agents_files_go_to_the_customer(bridged: Bridged) -> None:
    talk = await bridged.room.handed_over(address=PHONE, channel="telegram")
    await bridged.look()
    await bridged.chatwoot.write(1, "Voici le plan", files=(PDF, PDF))
    await bridged.chatwoot.write(1, "", files=(b"MZ program",))
    await bridged.look()
    first, second = await bridged.room.written(talk)
    assert first.body == "Voici le plan"
    assert second.body.endswith("plan.pdf")
    uploaded = Uploads(bridged.room.database, Keyring(KEY))
    assert await uploaded(first.id) == PDF
    assert "ni un PDF" in bridged.chatwoot.posted[-1]["content_attributes"]["external_error"]


async def test_a_conversation_deleted_there_goes_on_at_our_desk(bridged: Bridged) -> None:
    talk = await bridged.room.handed_over(address=PHONE)
    await bridged.look()
    bridged.chatwoot.conversations.clear()
    bridged.room.later(minutes=2)
    await bridged.look()
    assert (await bridged.stay()).ended_at is not None
    assert (await bridged.room.stay(talk)).ended_at is None


async def test_two_processes_tell_nothing_twice(bridged: Bridged) -> None:
    await bridged.room.handed_over(address=PHONE, text="un")
    await asyncio.gather(bridged.look(), bridged.look())
    assert bridged.chatwoot.said(1, "incoming") == ["un"]
    assert len(bridged.chatwoot.conversations) == 1


async def test_only_chatwoots_own_webhooks_are_taken(bridged: Bridged) -> None:
    """What is signed is tried out in tests/unit/test_chatwoot_webhook.py."""
    await bridged.room.handed_over(address=PHONE)
    await bridged.look()
    before = (await bridged.stay()).due_at
    forged = {"event": "message_created", "message_type": "outgoing", "conversation": {"id": 1}}
    assert (await bridged.webhooks.post(PATH, json=forged)).status_code == 403
    assert (await bridged.stay()).due_at == before
    bridged.room.later(minutes=-10)
    await bridged.chatwoot.write(1, "Bonjour")
    bridged.room.later(minutes=10)
    assert await bridged.chatwoot.repeat() == 200
    assert (await bridged.stay()).due_at == bridged.room.now
