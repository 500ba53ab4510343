"""What the calendar does to granted schedules, with the clock moved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from stage import KNOWN, Stage
from structlog.testing import capture_logs

from bot.deadlines import Deadlines
from store.database import Database
from store.models import (
    Audit,
    Bill,
    Contract,
    Conversation,
    Instalment,
    Notice,
    Request,
    RequestBill,
    RequestKind,
    RequestState,
)
from store.requests import Filing, change, file, propose, request_by_reference

FIRST, SECOND = date(2026, 11, 30), date(2026, 12, 30)
PAYMENTS = ((FIRST, Decimal("60.35")), (SECOND, Decimal("60.00")))


@pytest.fixture
async def stage(database: Database) -> Stage:
    stage = Stage(database, assistant=None)
    await stage.furnish()
    return stage


async def filed(
    stage: Stage,
    payments: Sequence[tuple[date, Decimal]] = PAYMENTS,
    state: RequestState = RequestState.GRANTED,
    due_on: date | None = None,
) -> str:
    """Instalments of the customer's only bill, and their reference."""
    async with stage.database.writing() as session:
        contract = (await session.scalars(select(Contract))).one()
        bill = (await session.scalars(select(Bill))).one()
        conversation = await session.scalar(select(Conversation))
        if conversation is None:
            conversation = Conversation(channel="sms", address=KNOWN, created_at=stage.now)
            session.add(conversation)
            await session.flush()
        filing = Filing(
            RequestKind.INSTALMENTS, "conversation:1", stage.now, contract.id, conversation.id, due_on=due_on
        )
        request = await file(session, filing)
        request.bills = [RequestBill(bill_id=bill.id, amount=bill.total)]
        propose(request, payments)
        if state is not RequestState.RECEIVED:
            await change(session, request, state, actor="user:amina", now=stage.now, told=True)
        return request.reference


async def state_of(stage: Stage, reference: str) -> RequestState:
    async with stage.database.reading() as session:
        request = await request_by_reference(session, reference)
        assert request is not None
        return request.state


async def told(stage: Stage) -> list[str]:
    async with stage.database.reading() as session:
        return list(await session.scalars(select(Notice.response).order_by(Notice.id)))


def deadlines(stage: Stage, **options: int) -> Deadlines:
    return Deadlines(stage.database, stage.operator, stage.clock, **options)


async def paid(stage: Stage, *positions: int) -> None:
    async with stage.database.writing() as session:
        statement = update(Instalment).where(Instalment.position.in_(positions))
        await session.execute(statement.values(paid=Instalment.amount))


async def test_a_payment_is_reminded_of_some_days_before_and_once(stage: Stage) -> None:
    reference = await filed(stage)

    await deadlines(stage).look()
    assert await told(stage) == []
    stage.later(days=4)  # three days before
    for _ in range(2):
        await deadlines(stage).look()
    stage.later(days=1)
    await deadlines(stage).look()

    async with stage.database.reading() as session:
        (news,) = list(await session.scalars(select(Notice)))
    assert news.response == "utter_instalment_reminder"
    assert news.params == {
        "reference": reference,
        "due_on": {"date": "2026-11-30"},
        "amount": {"dirhams": "60.35"},
    }


async def test_nobody_is_reminded_of_a_payment_that_was_made_or_not_granted(stage: Stage) -> None:
    await filed(stage)
    await paid(stage, 1)
    await filed(stage, state=RequestState.RECEIVED)
    stage.later(days=6)

    await deadlines(stage).look()

    assert await told(stage) == []


async def test_a_payment_missing_past_the_days_of_grace_breaks_the_schedule_once(stage: Stage) -> None:
    reference = await filed(stage)

    stage.later(days=7 + 3)  # the last day of grace
    await deadlines(stage).look()
    assert await state_of(stage, reference) is RequestState.GRANTED
    stage.later(days=1)
    for _ in range(2):
        await deadlines(stage).look()

    assert await state_of(stage, reference) is RequestState.BROKEN
    assert await told(stage) == ["utter_request_broken_schedule"]
    async with stage.database.reading() as session:
        noted = (await session.scalars(select(Audit).where(Audit.action == "request.broken"))).one()
    assert noted.actor == "deadlines"


async def test_a_schedule_of_which_every_payment_came_is_kept(stage: Stage) -> None:
    reference = await filed(stage)
    await paid(stage, 1, 2)

    for _ in range(2):
        await deadlines(stage).look()

    assert await state_of(stage, reference) is RequestState.KEPT
    assert await told(stage) == ["utter_request_kept"]


async def test_a_broken_schedule_that_is_paid_late_is_kept_all_the_same(stage: Stage) -> None:
    reference = await filed(stage)
    stage.later(days=12)
    await deadlines(stage).look()
    await paid(stage, 1, 2)

    await deadlines(stage).look()

    assert await state_of(stage, reference) is RequestState.KEPT


@pytest.mark.parametrize(
    ("on_the_bill", "state"),
    [("60.35", RequestState.BEING_PAID), ("120.35", RequestState.KEPT), ("60.34", RequestState.BROKEN)],
)
async def test_a_payment_that_only_the_bill_shows_is_not_said_to_be_missing(
    stage: Stage, on_the_bill: str, state: RequestState
) -> None:
    reference = await filed(stage)
    async with stage.database.writing() as session:
        await session.execute(update(Bill).values(paid=Decimal(on_the_bill)))
    stage.later(days=12)

    await deadlines(stage).look()

    assert await state_of(stage, reference) is state


async def test_many_are_done_in_small_batches(stage: Stage) -> None:
    references = [await filed(stage) for _ in range(5)]
    stage.later(days=12)

    await deadlines(stage, batch=2).look()

    assert {await state_of(stage, each) for each in references} == {RequestState.BROKEN}


async def test_processes_that_look_at_the_same_moment_do_it_once(stage: Stage) -> None:
    for _ in range(4):
        await filed(stage)
    stage.later(days=12)

    await asyncio.gather(*(deadlines(stage, batch=1).look() for _ in range(3)))

    assert await told(stage) == ["utter_request_broken_schedule"] * 4


async def test_reminders_come_once_from_several_processes(stage: Stage) -> None:
    for _ in range(4):
        await filed(stage)
    stage.later(days=5)

    await asyncio.gather(*(deadlines(stage, batch=1).look() for _ in range(3)))

    assert await told(stage) == ["utter_instalment_reminder"] * 4


async def test_a_request_that_waits_too_long_is_logged_once_a_day(stage: Stage) -> None:
    reference = await filed(stage, state=RequestState.RECEIVED, due_on=stage.today + timedelta(days=3))
    job = deadlines(stage)

    with capture_logs() as logs:
        await job.look()
        stage.later(days=4)
        await job.look()
        await job.look()

    (line,) = [each for each in logs if each["event"] == "requests.late"]
    assert line["references"] == [reference]


async def test_the_job_looks_by_itself_until_stopped(stage: Stage) -> None:
    reference = await filed(stage)
    stage.later(days=12)
    looks = asyncio.Semaphore(0)

    def clock() -> datetime:
        looks.release()
        return stage.now

    job = Deadlines(stage.database, stage.operator, clock, every=0.01)
    job.start()
    async with asyncio.timeout(10):
        await looks.acquire()
        await looks.acquire()  # the second look begins when the first is over
    await job.stop()

    assert await state_of(stage, reference) is RequestState.BROKEN


async def test_what_has_no_payments_is_left_alone(stage: Stage) -> None:
    async with stage.database.writing() as session:
        request = await file(session, Filing(RequestKind.COMPLAINT, "conversation:1", stage.now))
        await change(session, request, RequestState.GRANTED, actor="user:amina", now=stage.now, told=True)
    stage.later(days=40)

    await deadlines(stage).look()

    async with stage.database.reading() as session:
        assert (await session.scalars(select(Request.state))).one() is RequestState.GRANTED
