"""The ledger of advanced kWh: each event once, never more paid back than is owed, the customer told."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kwh_advance import AdvancePolicy, outstanding
from store.database import Database
from store.models import (
    Audit,
    Contract,
    Customer,
    LedgerEntry,
    Notice,
    RegisteredPhone,
    Request,
    RequestKind,
    RequestState,
)
from store.prepaid import NotAnAdvance, RechargeDiffers, entries, grant_advance, ledger_of, record_recharge, shown_kwh
from store.requests import Filing, change, file

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
POLICY = AdvancePolicy(
    kwh=Decimal(20),
    recovery_percent=Decimal(25),
    most_outstanding=Decimal(40),
    least_days_between=30,
    most_per_year=4,
)
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def prepaid_contract(session: AsyncSession, phone: str | None = "+212600000004") -> Contract:
    customer = Customer(name="Client Fictif", modest_income=True)
    session.add(customer)
    await session.flush()
    contract = Contract(
        number="10000004",
        customer_id=customer.id,
        utility="electricity",
        billing="prepaid",
        tariff="residential_prepaid",
        address="4 rue Fictive",
        commune="Azilal",
        route="A1",
        opened_on=date(2020, 1, 1),
    )
    session.add(contract)
    await session.flush()
    if phone:
        session.add(RegisteredPhone(contract_id=contract.id, number=phone))
        await session.flush()
    return contract


async def granted(session: AsyncSession, contract: Contract, kwh: str = "20.00", at: datetime = NOW) -> Request:
    filing = Filing(RequestKind.KWH_ADVANCE, "test", at, contract_id=contract.id, details={"kwh": kwh})
    request = await file(session, filing, Random(kwh))
    await change(session, request, RequestState.GRANTED, actor="user:amina", now=at, told=True)
    await grant_advance(session, request, at)
    return request


async def recharge(
    session: AsyncSession, contract: Contract, reference: str, kwh: str, at: datetime = NOW
) -> LedgerEntry:
    return await record_recharge(
        session, contract, reference, Decimal(kwh), at, policy=POLICY, actor="key:vending", now=NOW
    )


async def owed(session: AsyncSession, contract: Contract) -> Decimal:
    return outstanding(entries(await ledger_of(session, contract.id)))


async def notices(session: AsyncSession) -> list[Notice]:
    return list(await session.scalars(select(Notice).order_by(Notice.id)))


async def test_an_advance_is_entered_once(session: AsyncSession) -> None:
    contract = await prepaid_contract(session)
    request = await granted(session, contract)
    await grant_advance(session, request, NOW + timedelta(days=1))
    [entry] = await ledger_of(session, contract.id)
    assert (entry.kwh, entry.reference, entry.at) == (Decimal("20.00"), request.reference, NOW)


async def test_only_a_request_for_kwh_can_be_advanced(session: AsyncSession) -> None:
    contract = await prepaid_contract(session)
    visit = await file(session, Filing(RequestKind.RECHARGE_VISIT, "test", NOW, contract_id=contract.id))
    nobodys = await file(session, Filing(RequestKind.KWH_ADVANCE, "test", NOW, details={"kwh": "20"}))
    for request in (visit, nobodys):
        with pytest.raises(NotAnAdvance, match=request.reference):
            await grant_advance(session, request, NOW)


async def test_a_recharge_pays_back_its_share_and_the_customer_is_told(session: AsyncSession) -> None:
    contract = await prepaid_contract(session)
    await granted(session, contract)
    entry = await recharge(session, contract, "V1", "50")
    assert (entry.kwh, entry.bought) == (Decimal("-12.50"), Decimal(50))
    assert await owed(session, contract) == Decimal("7.50")
    [notice] = await notices(session)
    assert notice.response == "utter_recharge_paid_back"
    assert notice.params["kwh"] == {"quantity": "12.5"}
    assert notice.params["owed"] == {"quantity": "7.5"}


async def test_a_recharge_reported_twice_changes_nothing(session: AsyncSession) -> None:
    contract = await prepaid_contract(session)
    await granted(session, contract)
    first = await recharge(session, contract, "V1", "50")
    assert await recharge(session, contract, "V1", "50.00") is first
    assert await owed(session, contract) == Decimal("7.50")
    assert len(await notices(session)) == 1


async def test_a_recharge_reported_again_with_other_kwh_is_refused(session: AsyncSession) -> None:
    contract = await prepaid_contract(session)
    await recharge(session, contract, "V1", "50")
    with pytest.raises(RechargeDiffers, match="V1"):
        await recharge(session, contract, "V1", "60")


async def test_what_is_paid_back_in_full_closes_the_advance(session: AsyncSession) -> None:
    contract = await prepaid_contract(session)
    request = await granted(session, contract)
    await recharge(session, contract, "V1", "50")
    assert request.state is RequestState.BEING_PAID
    entry = await recharge(session, contract, "V2", "100")
    assert entry.kwh == Decimal("-7.50")
    assert request.state is RequestState.KEPT
    assert [notice.response for notice in await notices(session)][-1] == "utter_recharge_paid_all_back"
    actors = await session.scalars(
        select(Audit.actor).where(Audit.action.in_(("request.being_paid", "request.kept")))
    )
    assert list(actors) == ["key:vending", "key:vending"]


async def test_a_recharge_with_nothing_owed_is_kept_and_told_to_nobody(session: AsyncSession) -> None:
    contract = await prepaid_contract(session)
    entry = await recharge(session, contract, "V1", "50")
    assert entry.kwh == 0
    assert await notices(session) == []
    await granted(session, contract, at=NOW + timedelta(hours=1))
    assert (await recharge(session, contract, "V1", "50")).kwh == 0  # not even when an advance came since


async def test_a_recharge_reported_late_does_not_pay_for_an_advance_that_came_after_it(session: AsyncSession) -> None:
    contract = await prepaid_contract(session)
    await granted(session, contract, at=NOW)
    assert (await recharge(session, contract, "V1", "50", at=NOW - timedelta(days=2))).kwh == 0


@pytest.mark.parametrize("kwh", ["-5", "12.345"])
async def test_impossible_kwh_are_refused(session: AsyncSession, kwh: str) -> None:
    contract = await prepaid_contract(session)
    with pytest.raises(ValueError, match="kWh"):
        await recharge(session, contract, "V1", kwh)
    assert await ledger_of(session, contract.id) == []


async def test_a_household_without_a_phone_is_told_nothing_and_pays_back_all_the_same(session: AsyncSession) -> None:
    contract = await prepaid_contract(session, phone=None)
    await granted(session, contract)
    assert (await recharge(session, contract, "V1", "50")).kwh == Decimal("-12.50")
    assert await session.scalar(select(func.count()).select_from(Notice)) == 0


@pytest.mark.asyncio(loop_scope="function")
async def test_recharges_at_the_same_moment_pay_back_no_more_than_is_owed(database: Database) -> None:
    async with database.writing() as session:
        contract = await prepaid_contract(session)
        await granted(session, contract)

    async def report(number: int) -> None:
        async with database.writing() as session:
            await recharge(session, contract, f"V{number}", "50")

    await asyncio.gather(*(report(number) for number in range(6)))
    async with database.reading() as session:
        assert await owed(session, contract) == 0


@pytest.mark.parametrize(("kwh", "said"), [("20.00", "20"), ("12.50", "12.5"), ("0.25", "0.25"), ("0.00", "0")])
async def test_kwh_are_written_without_idle_zeros(kwh: str, said: str) -> None:
    assert str(shown_kwh(Decimal(kwh))) == said
