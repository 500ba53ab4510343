"""Payments reported by the operator: bills, schedules and the customer know, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.orm import selectinload
from stage import KNOWN, Stage

from bot.api.payments import payments_router
from store.api_keys import Scope, issue, revoke
from store.database import Database
from store.models import Audit, Bill, Contract, Notice, Payment, Request, RequestState
from store.notices import restored
from store.payments import Report, record_payment
from store.requests import change


async def pay(stage: Stage, amount: str, reference: str = "PAY-1") -> Payment | None:
    async with stage.database.writing() as session:
        contract = (await session.scalars(select(Contract))).one()
        report = Report(reference, Decimal(amount), stage.now)
        return await record_payment(session, contract, report, "key:till", stage.now)


async def told(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    async with stage.database.reading() as session:
        notices = await session.scalars(select(Notice).order_by(Notice.id))
        return [(each.response, {name: restored(value) for name, value in each.params.items()}) for each in notices]


async def request(stage: Stage) -> Request:
    async with stage.database.reading() as session:
        query = select(Request).options(selectinload(Request.schedule))
        return (await session.scalars(query)).one()


async def grant(stage: Stage) -> None:
    async with stage.database.writing() as session:
        query = select(Request).options(selectinload(Request.schedule))
        found = (await session.scalars(query)).one()
        await change(session, found, RequestState.GRANTED, actor="user:amina", now=stage.now)


async def ask_for_parts(stage: Stage) -> None:
    async with stage.database.writing() as session:
        await session.execute(update(Bill).values(total=Decimal("300.00")))
    for text in ("je veux payer en 3 fois", "1", "oui"):
        await stage.write(text)


async def test_a_payment_settles_the_bill_and_the_customer_knows(stage: Stage) -> None:
    await stage.write("bonjour")

    await pay(stage, "100.00")

    assert "20,35" in await stage.write("combien je dois ?")
    assert await told(stage) == [
        (
            "utter_payment_received",
            {"amount": Decimal("100.00"), "contract": "10000001", "left": Decimal("20.35")},
        )
    ]


async def test_a_payment_reported_twice_counts_once(stage: Stage) -> None:
    assert await pay(stage, "20.35") is not None
    assert await pay(stage, "20.35") is None

    assert len(await told(stage)) == 1
    assert "100,00" in await stage.write("combien je dois ?")


async def test_what_is_paid_too_much_is_kept_apart(stage: Stage) -> None:
    payment = await pay(stage, "150.00")

    assert payment is not None
    assert payment.unused == Decimal("29.65")
    assert [response for response, _ in await told(stage)] == ["utter_payment_received_all"]


async def test_a_granted_schedule_is_paid_part_by_part_until_it_is_kept(stage: Stage) -> None:
    await ask_for_parts(stage)
    await grant(stage)

    states = []
    for number, amount in enumerate(("100.00", "60.00", "140.00")):
        await pay(stage, amount, f"PAY-{number}")
        states.append((await request(stage)).state)

    assert states == [RequestState.BEING_PAID, RequestState.BEING_PAID, RequestState.KEPT]
    assert [each.paid for each in (await request(stage)).schedule] == [Decimal(100)] * 3
    said = await told(stage)
    assert [response for response, _ in said] == [
        "utter_request_granted_schedule",
        "utter_payment_received_next",
        "utter_payment_received_next",
        "utter_payment_received_kept",
    ]
    assert said[2][1]["next"] == Decimal("40.00")
    async with stage.database.reading() as session:
        noted = list(await session.scalars(select(Audit.action).where(Audit.actor == "key:till").order_by(Audit.id)))
    assert noted == ["payment.recorded", "request.being_paid", "payment.recorded", "payment.recorded", "request.kept"]


async def test_paying_all_before_the_decision_closes_the_request(stage: Stage) -> None:
    await ask_for_parts(stage)

    await pay(stage, "300.00")

    assert (await request(stage)).state is RequestState.WITHDRAWN
    assert [response for response, _ in await told(stage)] == ["utter_payment_received_needless"]


# --- the route


@pytest_asyncio.fixture
async def till(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(payments_router(stage.database, stage.clock))
    key = await new_key(stage.database, "till", Scope.PAYMENTS, stage)
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://releve", headers=headers) as client:
        yield client


async def new_key(database: Database, name: str, scope: Scope, stage: Stage) -> str:
    async with database.writing() as session:
        return await issue(session, name, [scope], "test", stage.now)


def payment(stage: Stage, **fields: object) -> dict[str, object]:
    return {"reference": "P1", "contract": "10000001", "amount": "20.35", "paid_at": stage.now.isoformat()} | fields


async def test_a_system_with_a_key_reports_a_payment(stage: Stage, till: httpx.AsyncClient) -> None:
    first = await till.post("/api/v1/payments", json=payment(stage))
    again = await till.post("/api/v1/payments", json=payment(stage))

    assert (first.status_code, first.json()) == (200, {"status": "recorded"})
    assert again.json() == {"status": "known"}


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"contract": "99999999"}, 404, "no contract 99999999"),
        ({"amount": "-5.00"}, 422, "greater than 0"),
        ({"amount": "1.005"}, 422, "decimal places"),
        ({"amount": "NaN"}, 422, "finite number"),
        ({"paid_at": "2026-11-23T10:00:00"}, 422, "timezone"),
        ({"reference": ""}, 422, "at least 1 character"),
        ({"card": "4111"}, 422, "not permitted"),
    ],
)
async def test_a_wrong_report_is_answered_with_a_reason(
    stage: Stage, till: httpx.AsyncClient, fields: dict[str, object], status: int, reason: str
) -> None:
    answer = await till.post("/api/v1/payments", json=payment(stage, **fields))

    assert answer.status_code == status
    assert reason in answer.text


async def test_a_known_reference_with_another_amount_is_a_conflict(stage: Stage, till: httpx.AsyncClient) -> None:
    await till.post("/api/v1/payments", json=payment(stage))

    answer = await till.post("/api/v1/payments", json=payment(stage, amount="20.36"))

    assert (answer.status_code, "reported before" in answer.text) == (409, True)


async def test_a_payment_of_tomorrow_is_refused(stage: Stage, till: httpx.AsyncClient) -> None:
    tomorrow = (stage.now + timedelta(days=1)).isoformat()

    assert (await till.post("/api/v1/payments", json=payment(stage, paid_at=tomorrow))).status_code == 422


async def test_nobody_without_a_fitting_key_reports_payments(stage: Stage, till: httpx.AsyncClient) -> None:
    other = await new_key(stage.database, "desk", Scope.REQUESTS, stage)
    body = payment(stage)

    async def status(header: str | None) -> int:
        till.headers.pop("Authorization", None)
        headers = {} if header is None else {"Authorization": header}
        return (await till.post("/api/v1/payments", json=body, headers=headers)).status_code

    known = till.headers["Authorization"]
    assert await status(None) == 401
    assert await status("Bearer rlv_wrong") == 401
    assert await status(f"Bearer {other}") == 403
    async with stage.database.writing() as session:
        await revoke(session, "till", "test", stage.now)
    assert await status(known) == 401
    assert KNOWN not in str(await told(stage))
