"""A new version without a pause: processes are replaced one after the other while customers write.

Behind a balancer that does what balancers do, ask `/readyz` now and then and send nobody to who says no: no webhook
meets a closed door, nothing is lost, nothing is answered twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import httpx
import pytest
from processes import Releve, emulators, environment
from serving import address_of, listening, serving
from sqlalchemy import func, select
from stage import Stage
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from store.database import Database
from store.models import Direction, Message, MessageState, Reading

CUSTOMERS = 6
SCRIPT = ("48213", "comment lire mon compteur ?", "merci")
LOOK_SECONDS = 0.2
SETTLING_SECONDS = 60
LIFE = {"DRAIN_SECONDS": "1.5", "FINISH_SECONDS": "20", "SENDER_BURST": "0"}
"""Nobody is told to write more slowly: on a slow machine a restart lasts for many messages."""


class Balancer:
    """Spreads requests over those that are ready, and keeps connections to them open as proxies do."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses
        self._ready: list[str] = []
        self._turns = count()
        self.all_ready = asyncio.Event()
        self._client = httpx.AsyncClient(timeout=30)
        self.errors: list[str] = []
        self.statuses: Counter[int] = Counter()

    async def look(self) -> None:
        while True:
            ready = []
            for address in self._addresses:
                with contextlib.suppress(httpx.HTTPError):
                    if (await self._client.get(f"{address}/readyz", timeout=5)).status_code == 200:
                        ready.append(address)
            self._ready = ready
            if len(ready) == len(self._addresses):
                self.all_ready.set()
            await asyncio.sleep(LOOK_SECONDS)

    async def pass_on(self, request: Request) -> Response:
        address = self._ready[next(self._turns) % len(self._ready)]
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "connection")}
        try:
            url = f"{address}{request.url.path}"
            answer = await self._client.post(url, content=await request.body(), headers=headers)
        except httpx.HTTPError as error:
            self.errors.append(type(error).__name__)
            return Response(status_code=502)
        self.statuses[answer.status_code] += 1
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        looking = asyncio.create_task(self.look())
        try:
            yield
        finally:
            looking.cancel()
            await self._client.aclose()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
async def test_processes_are_replaced_while_customers_write(model: Path, database_url: str, tmp_path: Path) -> None:
    await _furnish(database_url)
    door = listening()
    base = address_of(door)
    async with emulators(base, tmp_path / "ledger") as carriers:
        settings = environment(database_url, base, carriers, model, **LIFE)
        both = [Releve(settings, tmp_path / f"log-{number}") for number in range(2)]
        balancer = Balancer([each.address for each in both])
        app = Starlette(routes=[Route("/{path:path}", balancer.pass_on, methods=["POST"])])
        try:
            await asyncio.gather(*(each.start() for each in both))
            async with (
                balancer.open(),
                serving(app, door),
                httpx.AsyncClient(base_url=carriers, timeout=120) as client,
            ):
                await balancer.all_ready.wait()
                replaced = asyncio.Event()
                customers = [asyncio.create_task(_write(client, number, replaced)) for number in range(CUSTOMERS)]
                for each in both:
                    await asyncio.sleep(1)
                    each.tell()
                    assert await each.ended() == 0
                    await each.start()
                replaced.set()
                sent = sum(await asyncio.gather(*customers))
                await _settled(database_url, sent)
            for each in both:
                each.tell()
            assert [await each.ended() for each in both] == [0, 0]
        finally:
            for each in both:
                await each.kill()
    assert balancer.errors == []
    assert set(balancer.statuses) <= {200, 204}
    await _each_answered_once(database_url, sent, (tmp_path / "ledger").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
async def test_a_second_signal_ends_at_once_and_a_worker_answers_for_its_health(
    model: Path, database_url: str, tmp_path: Path
) -> None:
    async with emulators("http://127.0.0.1:9", tmp_path / "ledger") as carriers:
        settings = environment(database_url, "http://127.0.0.1:9", carriers, model, DRAIN_SECONDS="60")
        serve = Releve(settings, tmp_path / "serve")
        worker = Releve(settings, tmp_path / "worker", arguments=("worker",))
        try:
            await serve.start()
            serve.tell()
            async with httpx.AsyncClient() as client:
                for _ in range(200):
                    answer = await client.get(f"{serve.address}/readyz")
                    if answer.status_code == 503:
                        break
                    await asyncio.sleep(0.05)
                assert answer.json()["lacks"] == ["this process is about to stop"]
                assert answer.headers["connection"] == "close"
                assert (await client.get(f"{serve.address}/healthz")).status_code == 200
            serve.tell()
            assert await serve.ended() == 128 + signal.SIGTERM

            await worker.start()
            async with httpx.AsyncClient() as client:
                assert "releve_turn_seconds" in (await client.get(f"{worker.address}/metrics")).text
                assert (await client.post(f"{worker.address}/webhooks/twilio")).status_code == 404
            worker.tell()
            assert await worker.ended() == 0
        finally:
            await serve.kill()
            await worker.kill()


async def _write(client: httpx.AsyncClient, number: int, replaced: asyncio.Event) -> int:
    """The script, then small talk until all are replaced; how many messages that were."""
    channel = ("sms", "whatsapp", "telegram")[number % 3]
    sent = 0
    while sent < len(SCRIPT) or not replaced.is_set():
        text = SCRIPT[sent] if sent < len(SCRIPT) else "bonjour"
        answer = await client.post(f"/customer/{channel}", json={"from": _phone(number), "text": text})
        assert answer.json()["status"] in (200, 204), answer.text
        sent += 1
        await asyncio.sleep(0.3 + number * 0.02)
    return sent


def _phone(number: int) -> str:
    return f"+2126{number:08}"


async def _furnish(database_url: str) -> None:
    database = Database(database_url)
    stage = Stage(database, assistant=None)
    stage.now = datetime.now(UTC)
    for number in range(CUSTOMERS):
        await stage.contract(f"1{number:07}", "electricity", ("total",), phone=_phone(number))
    await database.close()


async def _settled(database_url: str, sent: int) -> None:
    database = Database(database_url)
    unsettled = (MessageState.RECEIVED, MessageState.QUEUED, MessageState.SENDING)
    try:
        for _ in range(SETTLING_SECONDS * 2):
            async with database.reading() as session:
                waiting = await session.scalar(select(func.count()).where(Message.state.in_(unsettled)))
                received = await session.scalar(select(func.count()).where(Message.direction == Direction.IN))
            if not waiting and received == sent:
                return
            await asyncio.sleep(0.5)
        raise AssertionError(f"{waiting} still open, {received} of {sent} received")
    finally:
        await database.close()


async def _each_answered_once(database_url: str, sent: int, ledger: list[str]) -> None:
    database = Database(database_url)
    async with database.reading() as session:
        messages = list(await session.scalars(select(Message)))
        readings = Counter(await session.scalars(select(Reading.register_id).where(Reading.source == "customer")))
    await database.close()
    received = [each for each in messages if each.direction is Direction.IN]
    replies = Counter(each.answers_id for each in messages if each.direction is Direction.OUT)
    assert len(received) == sent
    assert {each.state for each in received} == {MessageState.HANDLED}
    assert replies == Counter({each.id: 1 for each in received})
    assert set(readings.values()) == {1}
    by_twilio = [line for line in ledger if '"telegram"' not in line]
    assert len(by_twilio) == sum(each.direction is Direction.OUT and each.channel != "telegram" for each in messages)
