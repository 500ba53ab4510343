"""What a process answers about itself: each check alone, and that asking costs little."""

from __future__ import annotations

import asyncio
from collections import namedtuple

import httpx
import pytest
from fastapi import FastAPI

from bot import readiness
from bot.health import health_router
from bot.readiness import Lack, Readiness, disk_under
from bot.telemetry import heartbeat
from bot.telemetry.heartbeat import Heartbeat
from store.database import Database


async def _fine() -> str | None:
    return None


async def _lacking() -> str | None:
    return "no more paper"


async def _raising() -> str | None:
    raise RuntimeError("one line\nand another")


async def _hanging() -> str | None:
    await asyncio.sleep(60)
    return None


def _asking(checks: dict[str, Lack], beat: Heartbeat | None = None) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(health_router(Readiness(checks), beat or Heartbeat(), "a model"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://releve.test")


@pytest.mark.parametrize(
    ("checks", "lacks"),
    [
        ({"a": _fine, "b": _fine}, []),
        ({"a": _fine, "b": _lacking}, ["no more paper"]),
        ({"a": _raising, "b": _lacking}, ["one line", "no more paper"]),
        ({"a": _hanging}, ["no answer within 0 seconds"]),
    ],
)
async def test_every_check_has_a_name_and_its_reason(
    checks: dict[str, Lack], lacks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.05)
    async with _asking(checks) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == (503 if lacks else 200)
    found = answer.json()
    assert found["status"] == ("not ready" if lacks else "ready")
    assert found["lacks"] == lacks
    assert [each["name"] for each in found["checks"]] == list(checks)
    assert [each["reason"] for each in found["checks"] if not each["ok"]] == lacks
    assert found["model"] == "a model"


async def test_checks_are_made_once_however_many_ask_until_something_changes() -> None:
    looked = 0

    async def counting() -> str | None:
        nonlocal looked
        looked += 1
        await asyncio.sleep(0)
        return None

    ready = Readiness({"a": counting})
    await asyncio.gather(*(ready.look() for _ in range(20)))
    assert looked == 1
    ready.forget()
    await ready.look()
    assert looked == 2


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
async def test_the_disk_under_sqlite_must_have_room(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    lack = disk_under(database)
    assert await lack() is None
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(readiness.shutil, "disk_usage", lambda _folder: usage(10**9, 10**9, 5 * 2**20))
    told = await lack()
    assert told is not None
    assert told.startswith("5 MiB free at ")


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
async def test_postgresql_looks_after_its_own_disk(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "LEAST_FREE_BYTES", 2**80)
    assert await disk_under(database)() is None


async def test_a_process_without_a_heartbeat_is_to_be_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    beat = Heartbeat()
    beat.start()
    async with _asking({}, beat) as client:
        assert (await client.get("/healthz")).status_code == 200
        await beat.stop()
        monkeypatch.setattr(heartbeat, "STILL_SECONDS", -1.0)
        answer = await client.get("/healthz")
    assert answer.status_code == 503
    assert "no heartbeat" in answer.json()["status"]
