"""Another helpdesk as the desk, by the API: what it is told, and what its agents may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from desk_room import HOST
from fastapi import FastAPI
from sqlalchemy import select
from talk_room import TalkRoom

from bot.api.answers import answer_wrong_requests
from bot.outside_routes import mount_outside_desk
from store import api_keys, hand_over_events, hand_overs, users, webhooks
from store.api_keys import Scope
from store.database import Database
from store.desk_models import Outcome
from store.exchange_models import DeliveryState, WebhookDelivery
from store.models import Conversation, Message
from store.personal_data import erase
from store.webhooks import Event

AMINA = {"name": "Amina Fanouss", "id": "42"}


@dataclass
class Helpdesk:
    room: TalkRoom
    calls: httpx.AsyncClient

    async def post(self, number: int, what: str, **body: Any) -> httpx.Response:
        return await self.calls.post(f"/api/v1/hand-overs/{number}/{what}", json={"agent": AMINA, **body})

    async def number(self, talk: int) -> int:
        return (await self.room.stay(talk)).id

    async def told(self) -> list[WebhookDelivery]:
        async with self.room.database.reading() as session:
            return list(await session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


@pytest.fixture
async def helpdesk(database: Database) -> AsyncIterator[Helpdesk]:
    room = TalkRoom(database)
    async with database.writing() as session:
        key = await api_keys.issue(session, "helpdesk", [Scope.HAND_OVERS], "test", room.now)
        events = [Event.HAND_OVER_OPENED, Event.HAND_OVER_MESSAGE, Event.HAND_OVER_ENDED]
        await webhooks.add_endpoint(session, "desk", "https://desk.test", events, "sealed", "test", room.now)
    app = FastAPI()
    mount_outside_desk(app, room.desk)
    answer_wrong_requests(app)
    headers = {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=HOST, headers=headers) as calls:
        yield Helpdesk(room, calls)


async def test_a_hand_over_is_listed_and_shown_in_full(helpdesk: Helpdesk) -> None:
    await helpdesk.room.holder("Fatima Zahra", "+212600000001")
    talk = await helpdesk.room.handed_over(address="+212600000001", text="au secours", language="fr")
    (listed,) = (await helpdesk.calls.get("/api/v1/hand-overs")).json()
    assert (listed["reason"], listed["language"], listed["agent"]) == ("asked", "fr", None)
    shown = (await helpdesk.calls.get(f"/api/v1/hand-overs/{listed['id']}")).json()
    assert shown["customers"] == ["Fatima Zahra"]
    assert [(each["by"], each["text"]) for each in shown["transcript"]] == [("customer", "au secours")]
    assert shown["conversation"] == talk
    assert (await helpdesk.calls.get("/api/v1/hand-overs", params={"state": "ended"})).json() == []


async def test_a_reply_goes_once_however_often_it_is_asked(helpdesk: Helpdesk) -> None:
    talk = await helpdesk.room.handed_over()
    number = await helpdesk.number(talk)
    first = await helpdesk.post(number, "messages", key="reply-1", text="Bonjour")
    again = await helpdesk.post(number, "messages", key="reply-1", text="Bonjour")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert [each.body for each in await helpdesk.room.written(talk)] == ["Bonjour"]
    assert helpdesk.room.sent[0] == talk
    other = await helpdesk.post(number, "messages", key="reply-1", text="Autre chose")
    assert other.status_code == 409
    shown = (await helpdesk.calls.get(f"/api/v1/hand-overs/{number}")).json()
    assert shown["agent"] == "Amina Fanouss"
    assert await helpdesk.room.audit(talk) == ["conversation.claimed"]
    await helpdesk.post(number, "release")
    late = await helpdesk.post(number, "messages", key="reply-1", text="Bonjour")
    assert late.json()["id"] == first.json()["id"], "whoever asks again is told that it was sent"


async def test_closing_and_releasing_give_it_back_to_the_assistant(helpdesk: Helpdesk) -> None:
    talk = await helpdesk.room.handed_over()
    number = await helpdesk.number(talk)
    assert (await helpdesk.post(number, "claim")).json()["agent"] == "Amina Fanouss"
    assert (await helpdesk.post(number, "notes", text="rappeler demain")).status_code == 201
    closed = (await helpdesk.post(number, "close", outcome="solved", summary="réglé")).json()
    assert (closed["outcome"], closed["summary"]) == ("solved", "réglé")
    for what, body in (("messages", {"key": "k", "text": "Encore"}), ("release", {}), ("claim", {})):
        assert (await helpdesk.post(number, what, **body)).status_code == 409
    other = await helpdesk.room.handed_over()
    assert (await helpdesk.post(await helpdesk.number(other), "release")).json()["outcome"] == "released"
    async with helpdesk.room.database.reading() as session:
        assert (await session.get_one(Conversation, other)).holder == "assistant"
        assert await users.every_user(session) == [], "its agents are no accounts of the desk"


async def test_what_somebody_else_has_is_not_taken(helpdesk: Helpdesk) -> None:
    salma = await helpdesk.room.person("Salma")
    talk = await helpdesk.room.handed_over()
    await salma.post(f"/desk/conversations/{talk}/claim")
    number = await helpdesk.number(talk)
    answer = await helpdesk.post(number, "messages", key="1", text="Bonjour")
    assert answer.status_code == 409
    assert "Salma" in answer.json()["detail"]
    assert await helpdesk.room.written(talk) == []
    assert (await helpdesk.post(number, "transfer", user=salma.id)).status_code == 200
    page = await salma.get(f"/desk/conversations/{talk}")
    assert "Amina Fanouss" not in page.text.split("<select", 1)[-1].split("</select>")[0]


@pytest.mark.parametrize(
    ("what", "body", "status", "reason"),
    [
        ("messages", {"key": "1", "text": "   "}, 422, "empty"),
        ("messages", {"key": "1", "text": "x" * 2000}, 422, "2000 characters"),
        ("messages", {"key": "1", "text": "Bonjour {customer}"}, 422, "not filled"),
        ("messages", {"key": "", "text": "Bonjour"}, 422, "body.key"),
        ("transfer", {"team": 99}, 422, "no such team"),
        ("transfer", {}, 422, "neither"),
        ("close", {"outcome": "expired"}, 422, "body.outcome"),
        ("notes", {"text": " "}, 422, "body.text"),
        ("claim", {"agent": {"name": " "}}, 422, "body.agent.name"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_a_reason(
    helpdesk: Helpdesk, what: str, body: dict[str, Any], status: int, reason: str
) -> None:
    number = await helpdesk.number(await helpdesk.room.handed_over())
    answer = await helpdesk.post(number, what, **body)
    assert answer.status_code == status
    assert reason in answer.json()["detail"]


async def test_whatsapps_24_hours_are_kept(helpdesk: Helpdesk) -> None:
    talk = await helpdesk.room.handed_over(channel="whatsapp", last_inbound_at=helpdesk.room.now)
    number = await helpdesk.number(talk)
    helpdesk.room.later(hours=25)
    answer = await helpdesk.post(number, "messages", key="1", text="Bonjour")
    assert answer.status_code == 422
    assert "24 hours" in answer.json()["detail"]


@pytest.mark.parametrize("number", [0, 99, 2**63, -1])
async def test_an_unknown_number_is_not_found(helpdesk: Helpdesk, number: int) -> None:
    assert (await helpdesk.calls.get(f"/api/v1/hand-overs/{number}")).status_code == 404
    assert (await helpdesk.post(number, "claim")).status_code == 404


async def test_events_are_published_with_what_happens_in_order(helpdesk: Helpdesk) -> None:
    room = helpdesk.room
    talk = await room.handed_over(ended=1, text="un")
    async with room.database.writing() as session:
        conversation = await session.get_one(Conversation, talk)
        stay = await hand_overs.open_hand_over(session, conversation, "lost", room.now, actor="conversation:1")
    message_id = await room.says(talk, "deux")
    async with room.database.writing() as session:
        conversation, message = await session.get_one(Conversation, talk), await session.get_one(Message, message_id)
        await hand_over_events.tell_message(session, conversation, message, room.now)
    await helpdesk.post(stay.id, "close", outcome="solved", summary="fait")
    opened, wrote, ended = await helpdesk.told()
    assert [each.event for each in (opened, wrote, ended)] == [
        "hand_over.opened",
        "hand_over.message",
        "hand_over.ended",
    ]
    assert {each.subject for each in (opened, wrote, ended)} == {f"conversation:{talk}"}
    assert (opened.data["reason"], opened.data["transcript"][0]["text"]) == ("lost", "un")
    assert (wrote.data["id"], wrote.data["message"]["id"]) == (stay.id, message_id)
    assert wrote.data["message"]["text"] == "deux"
    assert (ended.data["outcome"], ended.data["summary"]) == (Outcome.SOLVED, "fait")
    async with room.database.writing() as session:
        opened = await session.get_one(WebhookDelivery, opened.id)
        opened.state = DeliveryState.DELIVERED
        await session.flush()
        await erase(session, talk, "command", room.now)
    assert [each.id for each in await helpdesk.told()] == [wrote.id, ended.id], "what is not yet told is"


async def test_a_file_of_the_customers_has_a_signed_address_for_a_day(helpdesk: Helpdesk) -> None:
    talk = await helpdesk.room.handed_over()
    media = {"media": [{"type": "image", "reference": "https://elsewhere.invalid/x", "content_type": "image/jpeg"}]}
    await helpdesk.room.says(talk, "", payload=media)
    number = await helpdesk.number(talk)
    said = (await helpdesk.calls.get(f"/api/v1/hand-overs/{number}/messages")).json()[-1]
    (attachment,) = said["attachments"]
    assert attachment["content_type"] == "image/jpeg"
    url = attachment["url"]
    assert (await helpdesk.calls.get(url)).status_code in (404, 503), "the carrier does not have it"
    assert (await helpdesk.calls.get(url.replace("/file", "A/file"))).status_code == 404
    helpdesk.room.later(hours=25)
    assert (await helpdesk.calls.get(url)).status_code == 404
