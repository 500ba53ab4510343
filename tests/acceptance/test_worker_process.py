"""Taking and handling in different processes: what one stores, another answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from accounts import emulators_for, settings_for
from house import Phone, furnish
from pydantic import SecretStr
from serving import address_of, listening, serving

from bot.app import create_app
from bot.service import Service
from bot.tryit import demo_customers, tryit_app


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
async def test_a_worker_answers_what_a_process_that_does_not_work_has_taken(
    channel: str, database_url: str, model: Path, assistant: Any
) -> None:
    ours, theirs = listening(), listening()
    base, carriers = address_of(ours), address_of(theirs)
    secret = SecretStr("a secret of the acceptance tests of 40 letters")
    settings = settings_for(base, carriers, database_url=database_url, model_dir=model, secret_key=secret)
    await furnish(database_url)
    taking = Service.build(settings, assistant=assistant)
    working = Service.build(settings, assistant=assistant)
    async with (
        serving(tryit_app(emulators_for(base, carriers), demo_customers()), theirs, lifespan="on"),
        serving(create_app(taking, work=False), ours, lifespan="on"),
        httpx.AsyncClient(base_url=carriers, timeout=30) as client,
    ):
        await working.start(receive=False)
        try:
            assert await Phone(client, channel, "+212600000001").says("bonjour")
        finally:
            await working.stop()
