"""docs/examples/client.py against a server: what integrators copy works."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from serving import serving
from sqlalchemy import select
from standardwebhooks import WebhookVerificationError
from store_rows import ROWS, statement

from bot.api.answers import answer_wrong_requests
from bot.api.exports import exports_router
from bot.api.imports import imports_router
from bot.clock import system_clock
from bot.imports.routine import Imports
from bot.settings import PROJECT
from bot.webhooks import new_secret, signed
from store.api_keys import Scope, issue
from store.database import Database
from store.models import Customer, Reading


@pytest.fixture(scope="module")
def client() -> ModuleType:
    spec = importlib.util.spec_from_file_location("client_example", PROJECT / "docs" / "examples" / "client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_it_brings_a_file_in_and_follows_readings(
    client: ModuleType, database: Database, tmp_path: Path
) -> None:
    app = FastAPI()
    app.include_router(imports_router(database, tmp_path / "spool", 10**6))
    app.include_router(exports_router(database))
    answer_wrong_requests(app)
    async with database.writing() as session:
        key = await issue(session, "crm", [Scope.IMPORTS, Scope.READINGS_READ], "test", system_clock())
        for table in ("customer", "contract", "meter", "register", "conversation", "message"):
            await session.execute(statement(table, ROWS[table]))
        session.add(Reading(**ROWS["reading"]))
    file = tmp_path / "customers.csv"
    file.write_text("number,name\nK1,Client Un\nK2,\n", encoding="utf-8")
    imports = Imports(database, tmp_path / "spool", every=0.1)
    imports.start()
    kept: list[Any] = []

    def talk(url: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        releve = client.Releve(url, key)
        job = releve.import_file("customers", file)
        releve.follow_readings("billing", kept.extend)
        releve.follow_readings("billing", kept.extend)
        return job, list(releve.wrong_lines(job["id"]))

    async with serving(app) as url:
        job, wrong = await asyncio.to_thread(talk, url)
    await imports.stop()

    assert (job["state"], job["added"], job["wrong"]) == ("done", 1, 1)
    assert [(each["line"], each["field"]) for each in wrong] == [(3, "name")]
    assert [line["reference"] for line in kept] == ["R-4821370568"]
    assert list((tmp_path / "spool").iterdir()) == []
    async with database.reading() as session:
        assert await session.scalar(select(Customer.name).where(Customer.number == "K1")) == "Client Un"


def test_it_believes_only_what_is_signed(client: ModuleType) -> None:
    secret, body = new_secret(), '{"type": "reading.accepted", "data": {}}'
    headers = signed(secret, "msg_1", system_clock(), body)
    assert client.event_of(secret, headers, body.encode())["type"] == "reading.accepted"
    with pytest.raises(WebhookVerificationError):
        client.event_of(secret, headers, body.replace("accepted", "rejected").encode())
