"""Campaigns by the operator's API: written, previewed, started, paused, cancelled, followed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from office import Office
from sqlalchemy import select

from bot.api.campaigns import campaigns_router
from bot.channels.carrier import Channel
from store.api_keys import Scope, issue
from store.database import Database
from store.models import Audit

ADDRESS = "/api/v1/campaigns"
READING = {"kind": "reading_reminder", "routes": ["A1"], "opens_on": "2026-11-20", "closes_on": "2026-11-27"}
DRAFT = {"name": "november", "selection": READING}


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


@pytest_asyncio.fixture
async def system(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with a key for campaigns."""
    app = FastAPI()
    rates = {Channel.SMS: 2.0, Channel.WHATSAPP: 10.0}
    app.include_router(campaigns_router(office.database, office.texts, office.operator, rates, lambda: office.now))
    async with office.database.writing() as session:
        key = await issue(session, "crm", [Scope.CAMPAIGNS], "test", office.now)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://releve", headers={"Authorization": f"Bearer {key}"}
    ) as client:
        yield client


async def test_a_campaign_is_written_previewed_started_and_followed(
    office: Office, system: httpx.AsyncClient
) -> None:
    await office.customer(1)
    await office.customer(2, language="ar")
    await office.customer(3)
    await office.read(3)

    written = await system.post(ADDRESS, json=DRAFT)
    preview = (await system.get(f"{ADDRESS}/november/preview")).json()
    started = await system.post(f"{ADDRESS}/november/start")
    await office.look()

    assert (written.status_code, written.json()["state"]) == (201, "draft")
    assert preview["messages"] == 2
    assert preview["languages"] == {"fr": 1, "ar": 1}
    assert preview["seconds"] == 1.0
    assert (started.json()["state"], started.json()["progress"]["waiting"]) == ("running", 2)
    assert len(await office.written()) == 2
    assert (await system.get(f"{ADDRESS}/november")).json()["progress"]["queued"] == 2
    assert [each["name"] for each in (await system.get(ADDRESS)).json()] == ["november"]
    async with office.database.reading() as session:
        actors = set(await session.scalars(select(Audit.actor).where(Audit.action.startswith("campaign."))))
    assert actors == {"key:crm"}


async def test_pausing_takes_messages_back_and_cancelling_is_for_good(
    office: Office, system: httpx.AsyncClient
) -> None:
    await office.customer(1)
    await system.post(ADDRESS, json=DRAFT)
    await system.post(f"{ADDRESS}/november/start")
    await office.look()

    paused = (await system.post(f"{ADDRESS}/november/pause")).json()
    cancelled = (await system.post(f"{ADDRESS}/november/cancel")).json()
    resumed = await system.post(f"{ADDRESS}/november/resume")

    assert (paused["state"], paused["progress"]["waiting"], paused["progress"]["queued"]) == ("paused", 1, 0)
    assert (cancelled["state"], cancelled["progress"]["skipped"]) == ("cancelled", {"cancelled": 1})
    assert resumed.status_code == 409
    assert "cancelled" in resumed.json()["detail"]


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ({"name": "a b", "selection": READING}, "name"),
        ({"name": "november", "selection": READING | {"closes_on": "2026-11-01"}}, "closes before it opens"),
        ({"name": "november", "selection": READING | {"routes": []}}, "routes"),
        ({"name": "november", "selection": {"kind": "spam"}}, "selection"),
        (
            {"name": "november", "selection": {"kind": "recharge_round", "commune": "Atlantis", "on": "2026-11-27"}},
            "not a commune",
        ),
        ({"name": "november", "selection": READING, "text": "Bonjour"}, "text"),
    ],
)
async def test_a_wrong_draft_is_answered_with_a_reason_and_not_kept(
    system: httpx.AsyncClient, draft: dict[str, Any], reason: str
) -> None:
    answer = await system.post(ADDRESS, json=draft)

    assert answer.status_code == 422
    assert reason in answer.text
    assert (await system.get(ADDRESS)).json() == []


async def test_a_commune_may_be_written_in_any_way(system: httpx.AsyncClient) -> None:
    selection = {"kind": "recharge_round", "commune": "سلا", "on": "2026-11-27"}
    answer = await system.post(ADDRESS, json={"name": "round", "selection": selection})

    assert answer.json()["selection"]["commune"] == "Salé"


async def test_a_name_is_taken_once_and_an_unknown_one_is_not_found(system: httpx.AsyncClient) -> None:
    await system.post(ADDRESS, json=DRAFT)

    assert (await system.post(ADDRESS, json=DRAFT)).status_code == 409
    for path in ("december", "december/preview"):
        assert (await system.get(f"{ADDRESS}/{path}")).status_code == 404
    for verb in ("start", "pause"):
        assert (await system.post(f"{ADDRESS}/december/{verb}")).status_code == 404
    assert (await system.post(f"{ADDRESS}/november/burn")).status_code == 422


async def test_a_key_without_the_scope_may_not(office: Office, system: httpx.AsyncClient) -> None:
    async with office.database.writing() as session:
        other = await issue(session, "till", [Scope.PAYMENTS], "test", office.now)

    answer = await system.get(ADDRESS, headers={"Authorization": f"Bearer {other}"})

    assert answer.status_code == 403
