"""Webhooks that nobody could take: what the customers wrote is found in the carrier's list, and answered once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from accounts import emulators_for, settings_for
from house import Phone, furnish
from pydantic import SecretStr
from serving import address_of, listening, serving
from sqlalchemy import select

from bot.app import create_app
from bot.catching_up import STILL_COMING, CatchingUp
from bot.service import Service
from bot.settings import Settings
from bot.tryit import demo_customers, tryit_app
from store.models import Direction, Message

SERVICE = "MG00000000000000000000000000000000"


def later() -> datetime:
    """The clock of a look at which nothing that was sent until now is still on its way."""
    return datetime.now(UTC) + STILL_COMING + timedelta(seconds=2)


class Town:
    """Phones and carriers that are always there, and a house on one address that comes and goes."""

    def __init__(self, client: httpx.AsyncClient, settings: Settings, assistant: Any) -> None:
        self.client = client
        self._settings = settings
        self._assistant = assistant
        self._port = int(settings.public_url.rpartition(":")[2])

    @asynccontextmanager
    async def house(self) -> AsyncIterator[Service]:
        service = Service.build(self._settings, assistant=self._assistant)
        async with serving(create_app(service), listening(self._port), lifespan="on"):
            yield service


@pytest.fixture
async def town(model: Path, assistant: Any, database_url: str) -> AsyncIterator[Town]:
    ours, theirs = listening(), listening()
    base, carriers = address_of(ours), address_of(theirs)
    ours.close()
    secret = SecretStr("a secret of the acceptance tests of 40 letters")
    settings = settings_for(base, carriers, database_url=database_url, model_dir=model, secret_key=secret)
    settings = settings.model_copy(update={"twilio_sms_from": SERVICE})
    config = replace(emulators_for(base, carriers, receipt_pause=0.01), sms_from=SERVICE)
    await furnish(database_url)
    async with (
        serving(tryit_app(config, demo_customers()), theirs, lifespan="on"),
        httpx.AsyncClient(base_url=carriers, timeout=30) as client,
    ):
        yield Town(client, settings, assistant)


async def look(service: Service) -> None:
    await CatchingUp(service.database, service.carriers, service.inbox.accept, clock=later).look()
    await service.worker.idle()


async def arrived(service: Service) -> list[tuple[str, str]]:
    async with service.database.reading() as session:
        query = select(Message.channel, Message.body).where(Message.direction == Direction.IN).order_by(Message.id)
        return [(channel, body) for channel, body in await session.execute(query)]


async def test_what_came_while_nothing_here_answered_is_read_and_answered_once(town: Town) -> None:
    sms = Phone(town.client, "sms", "+212600000001")
    whatsapp = Phone(town.client, "whatsapp", "+212600000005")
    async with town.house():
        await sms.says("bonjour")
    assert await sms.does(text="48213") == [None]
    await whatsapp.does(media="photo")
    async with town.house() as service:
        await look(service)
        await look(service)
        assert "48213" in await sms.reply()
        assert await whatsapp.reply()
        assert await sms.reply(wait=0.5) == ""
        assert await arrived(service) == [("sms", "bonjour"), ("sms", "48213"), ("whatsapp", "")]


async def test_an_account_nobody_has_written_to_here_is_not_searched_for_old_messages(town: Town) -> None:
    await Phone(town.client, "sms", "+212600000001").does(text="48213")
    async with town.house() as service:
        await look(service)
        assert await arrived(service) == []


async def test_a_message_whose_webhook_may_still_come_is_left_to_it(town: Town) -> None:
    sms = Phone(town.client, "sms", "+212600000001")
    async with town.house():
        await sms.says("bonjour")
    await sms.does(text="48213")
    async with town.house() as service:
        await CatchingUp(service.database, service.carriers, service.inbox.accept).look()
        assert await arrived(service) == [("sms", "bonjour")]
