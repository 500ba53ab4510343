"""The operator's API: files in, streams out, webhooks, keys with scopes, and a description that says it all."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import select, update
from store_rows import ROWS, statement

from bot.api.answers import answer_wrong_requests
from bot.api.campaigns import campaigns_router
from bot.api.exports import exports_router
from bot.api.imports import imports_router
from bot.api.payments import payments_router
from bot.api.recharges import recharges_router
from bot.api.requests import requests_router
from bot.api.webhooks import webhooks_router
from bot.clock import system_clock
from bot.imports.runner import run
from bot.settings import PROJECT
from store.api_keys import Scope, issue, rotate
from store.database import Database
from store.exchange_models import Import
from store.models import ApiKey, Customer, Reading
from store.readings import EXPORT_HEADER
from store.sealing import Keyring

LIMIT = 1000
LARGEST_OTHERWISE = 500
"""Bytes of a request to any other route."""
KEYRING = Keyring("a key of thirty-two letters, or more")


def app_of(database: Database, directory: Path) -> FastAPI:
    app = FastAPI(max_body_size=LARGEST_OTHERWISE)
    app.include_router(imports_router(database, directory, LIMIT))
    app.include_router(exports_router(database))
    app.include_router(webhooks_router(database, KEYRING))
    app.include_router(payments_router(database))
    answer_wrong_requests(app)
    return app


async def key_with(database: Database, *scopes: Scope, name: str = "crm", **options: Any) -> str:
    async with database.writing() as session:
        return await issue(session, name, scopes, "test", system_clock(), **options)


def client_of(app: FastAPI, key: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://releve", headers=headers)


@pytest_asyncio.fixture
async def crm(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    key = await key_with(database, Scope.IMPORTS, Scope.READINGS_READ, Scope.REQUESTS_READ, Scope.WEBHOOKS)
    async with client_of(app_of(database, tmp_path / "spool"), key) as client:
        yield client


async def test_a_file_is_taken_imported_and_reported_line_by_line(
    database: Database, tmp_path: Path, crm: httpx.AsyncClient
) -> None:
    content = b"number,name\nK1,Client Un\nK2,\nK3,Client Trois\n"
    taken = await crm.post("/api/v1/imports/customers", content=content)
    again = await crm.post("/api/v1/imports/customers", content=content)
    assert (taken.status_code, taken.json()["state"]) == (202, "waiting")
    assert (again.json()["id"], len(list((tmp_path / "spool").iterdir()))) == (taken.json()["id"], 1)

    async with database.reading() as session:
        job = (await session.scalars(select(Import))).one()
    await run(database, job.id, Path(str(job.path)), system_clock)
    shown = (await crm.get(taken.headers["Location"])).json()
    assert (shown["state"], shown["added"], shown["wrong"], shown["line"]) == ("done", 2, 1, 4)
    (wrong,) = (await crm.get(f"{taken.headers['Location']}/errors")).json()
    assert (wrong["line"], wrong["field"], wrong["reason"]) == (3, "name", "is empty")
    assert (await crm.get(f"{taken.headers['Location']}/errors?after={wrong['id']}")).json() == []
    assert [each["id"] for each in (await crm.get("/api/v1/imports")).json()] == [job.id]


async def test_files_may_be_larger_than_other_requests(crm: httpx.AsyncClient) -> None:
    content = b"number,name\n" + b"K1,Client\n" * 60
    assert len(content) > LARGEST_OTHERWISE
    assert (await crm.post("/api/v1/imports/customers", content=content)).status_code == 202


@pytest.mark.parametrize(
    ("path", "content", "status", "detail"),
    [
        ("customers", b"", 422, "the body is empty"),
        ("customers", b"x" * (LIMIT + 1), 413, ""),
        ("friends", b"number\n", 422, "path.kind"),
        ("customers?dry_run=perhaps", b"number\n", 422, "query.dry_run"),
    ],
)
async def test_a_file_that_cannot_be_taken_is_refused_and_not_kept(
    tmp_path: Path, crm: httpx.AsyncClient, path: str, content: bytes, status: int, detail: str
) -> None:
    answer = await crm.post(f"/api/v1/imports/{path}", content=content)
    assert answer.status_code == status
    assert detail in answer.text
    assert not (tmp_path / "spool").exists() or list((tmp_path / "spool").iterdir()) == []


async def test_readings_are_followed_as_json_and_as_csv(database: Database, crm: httpx.AsyncClient) -> None:
    async with database.writing() as session:
        for table in ("customer", "contract", "meter", "register", "conversation", "message"):
            await session.execute(statement(table, ROWS[table]))
        session.add(Reading(**ROWS["reading"]))
    path = "/api/v1/exports/readings/consumers/billing"

    batch = (await crm.get(path)).json()
    table = await crm.get(path, headers={"Accept": "text/csv"})
    (line,) = batch["lines"]
    assert (line["reference"], line["register"], line["value"], line["contract"]) == (
        "R-4821370568",
        "total",
        48213,
        "10000001",
    )
    assert tuple(next(csv.reader(io.StringIO(table.text)))) == EXPORT_HEADER
    assert (table.headers["X-Batch"], table.headers["X-Is-Last"]) == (str(batch["batch"]), "true")

    assert (await crm.post(f"{path}/acknowledgement", json={"batch": 77})).status_code == 409
    assert (await crm.post(f"{path}/acknowledgement", json={"batch": batch["batch"]})).status_code == 204
    assert (await crm.get(path)).json()["lines"] == []
    assert len((await crm.get("/api/v1/exports/readings")).json()["lines"]) == 1
    assert (await crm.get(f"/api/v1/exports/readings?since={batch['batch']}")).json()["lines"] == []
    assert (await crm.get("/api/v1/exports/requests/consumers/crm")).json()["lines"] == []


async def test_what_no_database_keeps_is_refused_with_a_reason(database: Database, tmp_path: Path) -> None:
    key = await key_with(database, Scope.PAYMENTS)
    body = {"reference": "PAY-1", "contract": "1\x000", "amount": "1.00", "paid_at": "2026-01-15T10:00:00+01:00"}
    async with client_of(app_of(database, tmp_path), key) as client:
        answer = await client.post("/api/v1/payments", json=body)
        odd = await client.post("/api/v1/payments", content=b'{"\\ud800": 1}')
    assert (answer.status_code, odd.status_code) == (422, 422)
    assert answer.json()["errors"] == [{"field": "body.contract", "reason": "has a NUL character"}]


async def test_a_webhook_is_added_shown_without_its_secret_and_removed(crm: httpx.AsyncClient) -> None:
    new = {"name": "crm", "url": "https://crm.example.ma/releve", "events": ["reading.accepted"]}
    made = await crm.post("/api/v1/webhooks", json=new)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert (await crm.post("/api/v1/webhooks", json=new)).status_code == 409
    private = await crm.post("/api/v1/webhooks", json=new | {"name": "in", "url": "https://10.0.0.7/"})
    assert (private.status_code, private.json()["detail"].startswith("url: 10.0.0.7 is not")) == (422, True)
    (shown,) = (await crm.get("/api/v1/webhooks")).json()
    assert "secret" not in shown
    assert (await crm.post("/api/v1/webhooks/crm/disable")).status_code == 204
    assert (await crm.post("/api/v1/webhooks/crm/enable")).status_code == 204
    assert (await crm.get("/api/v1/webhooks/crm/deliveries")).json() == []
    assert (await crm.post("/api/v1/webhooks/crm/redeliver")).json() == {"deliveries": 0}
    assert (await crm.delete("/api/v1/webhooks/crm")).status_code == 204
    assert (await crm.get("/api/v1/webhooks/crm/deliveries")).status_code == 404


async def test_a_key_does_what_its_scopes_say_while_it_is_in_use(database: Database, tmp_path: Path) -> None:
    app, now = app_of(database, tmp_path), system_clock()

    async def status(key: str, path: str = "/api/v1/exports/requests") -> int:
        async with client_of(app, key) as client:
            return (await client.get(path)).status_code

    key = await key_with(database, Scope.REQUESTS)
    assert await status(key) == 200
    assert await status(key, "/api/v1/exports/readings") == 403
    assert await status("rlv_guess") == 401
    expired = await key_with(database, Scope.REQUESTS, name="old", expires_at=now - timedelta(seconds=1))
    assert await status(expired) == 401

    async with database.writing() as session:
        newer = await rotate(session, "crm", timedelta(hours=1), "test", now)
        assert newer is not None
    assert (await status(key), await status(newer)) == (200, 200)
    async with database.writing() as session:
        await session.execute(update(ApiKey).values(previous_until=now - timedelta(seconds=1)))
    assert (await status(key), await status(newer)) == (401, 200)
    async with database.reading() as session:
        assert await session.scalar(select(ApiKey.used_at).where(ApiKey.name == "crm")) is not None
        assert await session.scalar(select(ApiKey.used_at).where(ApiKey.name == "old")) is None
        assert list(await session.scalars(select(Customer))) == []


async def test_the_description_names_scope_refusals_and_a_name_of_its_own_for_every_route(tmp_path: Path) -> None:
    from actions.operator import load_operator

    database = Database("sqlite+aiosqlite://")
    app, operator = app_of(database, tmp_path), load_operator(PROJECT / "operators", "onee")
    app.include_router(campaigns_router(database, None, operator, {}))  # type: ignore[arg-type] - described, not called
    app.include_router(recharges_router(database, operator))
    app.include_router(requests_router(database, operator))
    description = app.openapi()
    known = {scope.value for scope in Scope}
    names = set()
    for path, item in description["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            ((scheme, scopes),) = [entry for each in operation["security"] for entry in each.items()]
            assert scheme == "key", where
            assert len(scopes) == 1, where
            assert set(scopes) <= known, where
            assert {"401", "403", "422", "429", "503"} <= operation["responses"].keys(), where
            refused = operation["responses"]["403"]["content"]["application/json"]["schema"]["$ref"]
            assert refused.endswith("/Refusal"), where
            assert operation["tags"], where
            assert operation["operationId"] not in names, where
            names.add(operation["operationId"])
    await database.close()
