"""What people decide on requests, and what follows from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from stage import KNOWN, Stage

from store.database import Database
from store.decisions import BadDecision, Terms, grant, refuse, review
from store.models import (
    Audit,
    Bill,
    Contract,
    Conversation,
    Direction,
    LedgerEntry,
    Message,
    MessageState,
    Notice,
    Request,
    RequestBill,
    RequestKind,
    RequestState,
)
from store.requests import Filing, NotAllowed, file, propose, request_by_reference

DEBT = Decimal("120.35")
ASKED = ((date(2026, 12, 15), DEBT),)
AMINA = "user:amina"


@pytest.fixture
async def stage(database: Database) -> Stage:
    stage = Stage(database, assistant=None)
    await stage.furnish()
    return stage


@pytest.fixture
def terms(stage: Stage) -> Terms:
    return Terms(stage.operator.deferral, stage.operator.instalments, stage.operator.working_days)


async def filed(
    stage: Stage,
    kind: RequestKind = RequestKind.DEFERRAL,
    schedule: Sequence[tuple[date, Decimal]] = ASKED,
    **details: str,
) -> str:
    """A request on the customer's contract, and its reference."""
    async with stage.database.writing() as session:
        contract = (await session.scalars(select(Contract))).one()
        conversation = Conversation(channel="whatsapp", address=KNOWN, created_at=stage.now)
        session.add(conversation)
        await session.flush()
        filing = Filing(kind, "conversation:1", stage.now, contract.id, conversation.id, details=details)
        request = await file(session, filing)
        if kind in (RequestKind.DEFERRAL, RequestKind.INSTALMENTS):
            bill = (await session.scalars(select(Bill))).one()
            request.bills = [RequestBill(bill_id=bill.id, amount=bill.total)]
            propose(request, schedule)
        return request.reference


@asynccontextmanager
async def held(stage: Stage, reference: str) -> AsyncIterator[tuple[AsyncSession, Request]]:
    """A transaction that decides on a request."""
    async with stage.database.writing() as session:
        request = await request_by_reference(session, reference, hold=True)
        assert request is not None
        yield session, request


async def request_of(stage: Stage, reference: str) -> Request:
    async with stage.database.reading() as session:
        request = await request_by_reference(session, reference)
        assert request is not None
        return request


async def notices(stage: Stage) -> list[Notice]:
    async with stage.database.reading() as session:
        return list(await session.scalars(select(Notice).order_by(Notice.id)))


async def test_a_granted_deferral_is_in_the_audit_and_told_with_its_payment(stage: Stage, terms: Terms) -> None:
    reference = await filed(stage)

    async with held(stage, reference) as (session, request):
        await grant(session, request, AMINA, stage.now, terms=terms, reason="Bon courage.")

    assert (await request_of(stage, reference)).state is RequestState.GRANTED
    (news,) = await notices(stage)
    assert news.response == "utter_request_granted_schedule_because"
    assert news.params["reason"] == "Bon courage."
    async with stage.database.reading() as session:
        noted = (await session.scalars(select(Audit).where(Audit.action == "request.granted"))).one()
    assert (noted.actor, noted.subject) == (AMINA, f"request:{reference}")
    assert noted.details == {"from": "received", "reason": "Bon courage."}


async def test_a_review_is_told_too(stage: Stage) -> None:
    reference = await filed(stage)

    async with held(stage, reference) as (session, request):
        await review(session, request, AMINA, stage.now)

    assert [each.response for each in await notices(stage)] == ["utter_request_under_review"]


async def test_another_schedule_takes_the_place_of_the_proposed_one(stage: Stage, terms: Terms) -> None:
    reference = await filed(stage)

    async with held(stage, reference) as (session, request):
        payments = [(date(2026, 12, 18), DEBT)]
        await grant(session, request, AMINA, stage.now, terms=terms, schedule=payments)

    request = await request_of(stage, reference)
    assert [(each.due_on, each.amount) for each in request.schedule] == [(date(2026, 12, 18), DEBT)]
    async with stage.database.reading() as session:
        noted = (await session.scalars(select(Audit).where(Audit.action == "request.revised"))).one()
    assert noted.details == {"schedule_before": [["2026-12-15", "120.35"]]}


@pytest.mark.parametrize(
    ("payments", "said"),
    [
        ([(date(2026, 12, 15), Decimal("100.00"))], "missing: 20.35"),
        ([(date(2026, 12, 12), DEBT)], "no working day, the next is 2026-12-14"),
        ([(date(2026, 11, 20), DEBT)], "past"),
        ([(date(2027, 3, 15), DEBT)], "2026-12-23 at the latest"),
        ([(date(2026, 12, 14), Decimal("60.35")), (date(2026, 12, 15), Decimal("60.00"))], "1 payments at most"),
    ],
)
async def test_a_schedule_that_cannot_be_is_refused_and_nothing_changes(
    stage: Stage, terms: Terms, payments: list[tuple[date, Decimal]], said: str
) -> None:
    reference = await filed(stage)

    with pytest.raises(BadDecision, match=said):
        async with held(stage, reference) as (session, request):
            await grant(session, request, AMINA, stage.now, terms=terms, schedule=payments)

    request = await request_of(stage, reference)
    assert request.state is RequestState.RECEIVED
    assert [each.due_on for each in request.schedule] == [date(2026, 12, 15)]
    assert await notices(stage) == []


async def test_a_person_may_answer_for_more_than_the_policy_allows(stage: Stage, terms: Terms) -> None:
    reference = await filed(stage)

    async with held(stage, reference) as (session, request):
        payments = [(date(2027, 3, 15), DEBT)]
        await grant(session, request, AMINA, stage.now, terms=terms, schedule=payments, beyond_policy=True)

    assert (await request_of(stage, reference)).state is RequestState.GRANTED


async def test_what_was_paid_meanwhile_asks_for_another_schedule(stage: Stage, terms: Terms) -> None:
    reference = await filed(stage)
    async with stage.database.writing() as session:
        await session.execute(update(Bill).values(paid=Decimal("20.00")))

    with pytest.raises(BadDecision, match=r"owed now, 100\.35"):
        async with held(stage, reference) as (session, request):
            await grant(session, request, AMINA, stage.now, terms=terms)


async def test_a_proposal_whose_day_went_by_is_not_granted(stage: Stage, terms: Terms) -> None:
    reference = await filed(stage)

    with pytest.raises(BadDecision, match="day is past"):
        async with held(stage, reference) as (session, request):
            await grant(session, request, AMINA, stage.now + timedelta(days=40), terms=terms)


async def test_advanced_kwh_are_in_the_ledger_once(stage: Stage, terms: Terms) -> None:
    reference = await filed(stage, RequestKind.KWH_ADVANCE, kwh="20")

    async with held(stage, reference) as (session, request):
        await grant(session, request, AMINA, stage.now, terms=terms)
    with pytest.raises(NotAllowed):
        async with held(stage, reference) as (session, request):
            await grant(session, request, "user:brahim", stage.now, terms=terms)

    async with stage.database.reading() as session:
        (line,) = list(await session.scalars(select(LedgerEntry)))
    assert (line.kwh, line.reference) == (Decimal("20"), reference)


async def test_a_granted_erasure_erases_what_was_said(stage: Stage, terms: Terms) -> None:
    reference = await filed(stage, RequestKind.ERASURE)
    async with stage.database.writing() as session:
        conversation = (await session.scalars(select(Conversation))).one()
        session.add(
            Message(
                conversation_id=conversation.id,
                channel="whatsapp",
                direction=Direction.IN,
                carrier_id="SM1",
                state=MessageState.HANDLED,
                body="effacez mes messages",
                due_at=stage.now,
                created_at=stage.now,
            )
        )

    async with held(stage, reference) as (session, request):
        await grant(session, request, AMINA, stage.now, terms=terms)

    async with stage.database.reading() as session:
        assert (await session.scalars(select(Message.body))).one() == ""
    (news,) = await notices(stage)
    assert news.response == "utter_request_dealt_with"
    assert news.params["reference"] == reference  # it is still to be sent


async def test_a_complaint_is_dealt_with_rather_than_granted(stage: Stage, terms: Terms) -> None:
    reference = await filed(stage, RequestKind.COMPLAINT)

    async with held(stage, reference) as (session, request):
        await grant(session, request, AMINA, stage.now, terms=terms, reason="La facture est corrigée.")

    assert [each.response for each in await notices(stage)] == ["utter_request_dealt_with_because"]


async def test_what_has_no_payments_takes_no_schedule(stage: Stage, terms: Terms) -> None:
    reference = await filed(stage, RequestKind.COMPLAINT)

    with pytest.raises(BadDecision, match="has no payments"):
        async with held(stage, reference) as (session, request):
            await grant(session, request, AMINA, stage.now, terms=terms, schedule=ASKED)


@pytest.mark.parametrize(("reason", "said"), [("  \n", "needs a reason"), ("x" * 301, "300 characters at most")])
async def test_refusing_needs_a_reason_that_fits(stage: Stage, reason: str, said: str) -> None:
    reference = await filed(stage)

    with pytest.raises(BadDecision, match=said):
        async with held(stage, reference) as (session, request):
            await refuse(session, request, AMINA, stage.now, reason)

    assert (await request_of(stage, reference)).state is RequestState.RECEIVED


async def test_a_refusal_says_why_and_is_final(stage: Stage, terms: Terms) -> None:
    reference = await filed(stage)

    async with held(stage, reference) as (session, request):
        await refuse(session, request, AMINA, stage.now, "Un délai est déjà en cours.")
    with pytest.raises(NotAllowed):
        async with held(stage, reference) as (session, request):
            await grant(session, request, AMINA, stage.now, terms=terms)

    (news,) = await notices(stage)
    assert news.response == "utter_request_refused_because"
    assert news.params["reason"] == "Un délai est déjà en cours."
