"""The operator's API: decisions on requests, and recharges of prepaid meters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import select, update
from stage import Stage

from bot.api.recharges import recharges_router
from bot.api.requests import requests_router
from store.api_keys import Scope, issue
from store.models import Bill, Contract, LedgerEntry, LedgerKind, Notice, Request


@pytest_asyncio.fixture
async def systems(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(requests_router(stage.database, stage.operator, stage.clock))
    app.include_router(recharges_router(stage.database, stage.operator, stage.clock))
    async with stage.database.writing() as session:
        key = await issue(session, "crm", [Scope.REQUESTS, Scope.RECHARGES], "test", stage.now)
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://releve", headers=headers) as client:
        yield client


async def reference_of_a_request(stage: Stage) -> str:
    async with stage.database.writing() as session:
        await session.execute(update(Bill).values(total=Decimal("300.00")))
    for text in ("je veux payer en 3 fois", "1", "oui"):
        await stage.write(text)
    async with stage.database.reading() as session:
        return (await session.scalars(select(Request.reference))).one()


async def test_a_request_is_listed_shown_and_granted(stage: Stage, systems: httpx.AsyncClient) -> None:
    reference = await reference_of_a_request(stage)

    listed = (await systems.get("/api/v1/requests")).json()
    shown = (await systems.get(f"/api/v1/requests/{reference}")).json()
    granted = await systems.post(
        f"/api/v1/requests/{reference}/decision", json={"decision": "grant", "by": "amina", "reason": "d'accord"}
    )

    assert [each["reference"] for each in listed] == [reference]
    assert sum(Decimal(each["amount"]) for each in shown["payments"]) == 300
    assert (granted.status_code, granted.json()["state"]) == (200, "granted")
    assert granted.json()["history"][-1]["actor"] == "key:crm/amina"
    async with stage.database.reading() as session:
        assert (await session.scalars(select(Notice))).one().response.startswith("utter_request_granted")


@pytest.mark.parametrize(
    ("decision", "status", "reason"),
    [
        ({"decision": "refuse", "by": "amina"}, 422, "needs a reason"),
        ({"decision": "burn", "by": "amina"}, 422, "decision"),
        ({"decision": "grant", "by": ""}, 422, "by"),
        (
            {"decision": "grant", "by": "amina", "schedule": [{"due_on": "2026-12-15", "amount": "299.00"}]},
            422,
            "do not sum to what is owed",
        ),
    ],
)
async def test_a_wrong_decision_is_answered_with_a_reason_and_changes_nothing(
    stage: Stage, systems: httpx.AsyncClient, decision: dict[str, object], status: int, reason: str
) -> None:
    reference = await reference_of_a_request(stage)

    answer = await systems.post(f"/api/v1/requests/{reference}/decision", json=decision)

    assert answer.status_code == status
    assert reason in answer.text
    assert (await systems.get(f"/api/v1/requests/{reference}")).json()["state"] == "received"


async def test_a_request_is_decided_once(stage: Stage, systems: httpx.AsyncClient) -> None:
    reference = await reference_of_a_request(stage)
    refusal = {"decision": "refuse", "by": "amina", "reason": "dossier incomplet"}

    first = await systems.post(f"/api/v1/requests/{reference}/decision", json=refusal)
    second = await systems.post(f"/api/v1/requests/{reference}/decision", json=refusal)

    assert (first.status_code, second.status_code) == (200, 409)


async def test_an_unknown_reference_is_not_found(systems: httpx.AsyncClient) -> None:
    assert (await systems.get("/api/v1/requests/D-1234567890")).status_code == 404
    answer = await systems.post("/api/v1/requests/x/decision", json={"decision": "review", "by": "amina"})
    assert answer.status_code == 404


async def test_a_recharge_pays_an_advance_back_once(stage: Stage, systems: httpx.AsyncClient) -> None:
    await stage.contract("10000004", "electricity", ("total",), phone="+212600000004", billing="prepaid")
    async with stage.database.writing() as session:
        contract = (await session.scalars(select(Contract).where(Contract.number == "10000004"))).one()
        session.add(
            LedgerEntry(
                contract_id=contract.id, at=stage.now, kind=LedgerKind.ADVANCE, kwh=Decimal("30.00"), reference="K-1"
            )
        )
    body = {"reference": "RCH-1", "contract": "10000004", "kwh": "40.00", "at": stage.now.isoformat()}

    first = await systems.post("/api/v1/recharges", json=body)
    again = await systems.post("/api/v1/recharges", json=body)
    other = await systems.post("/api/v1/recharges", json=body | {"kwh": "41.00"})
    wrong = await systems.post("/api/v1/recharges", json=body | {"contract": "10000001"})

    expected = Decimal(40) * stage.operator.prepaid.kwh_advance.recovery_percent / 100
    assert Decimal(first.json()["paid_back"]) == expected
    assert again.json() == first.json()
    assert (other.status_code, wrong.status_code) == (409, 404)
