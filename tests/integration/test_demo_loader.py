"""The fictitious customers: the fixed ones to the letter, the others plausible, the same every time."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from store_rows import DEMO_DAY

from actions.operator import load_operator
from billing.calendar import CASABLANCA
from billing.findings import Code, Severity
from billing.kwh_advance import allowed, outstanding
from billing.readings import check
from billing.reference import parse_reference
from billing.registers import IndexPoint, RegisterFacts
from bot.settings import PROJECT
from nlu import communes
from store.demo import AlreadyLoaded, NotEmpty, Summary, load
from store.demo.cast import COMMUNES, fixed_households
from store.demo.history import history
from store.models import (
    Base,
    Bill,
    BillBasis,
    Billing,
    Contract,
    Customer,
    Meter,
    PlaceKind,
    Reading,
    ReadingSource,
    ReadingState,
    Register,
    RegisterCode,
    RegisteredPhone,
    RequestState,
    Utility,
)
from store.places import next_rounds, places_in
from store.prepaid import entries, ledger_of
from store.readings import standing_readings
from store.requests import request_by_reference
from store.supplies import contracts_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

A_MONTH = timedelta(days=30)


async def contracts_for(demo: AsyncSession, phone: str) -> list[Contract]:
    return await contracts_of(demo, conversation_id=0, phone=phone, on=DEMO_DAY)


async def facts_of(demo: AsyncSession, phone: str, number: int = 0, code: str = "total") -> RegisterFacts:
    """What the checks know of a register of the phone's contract `number`."""
    contract = (await contracts_for(demo, phone))[number]
    [meter] = contract.meters
    last: dict[str, list[Reading]] = {}
    for register in meter.registers:
        last[register.code] = (await standing_readings(demo, [register.id]))[register.id]
    return RegisterFacts(
        code=code,
        digits=meter.digits,
        multiplier=meter.multiplier,
        subscribed_kw=None if meter.subscribed_watts is None else Decimal(meter.subscribed_watts) / 1000,
        unit=meter.registers[0].unit.value,
        history=tuple(IndexPoint(r.value, r.taken_on, r.source != ReadingSource.ESTIMATE) for r in last[code]),
        contract_number=contract.number,
        meter_number=meter.number,
        siblings={other: readings[-1].value for other, readings in last.items() if other != code},
        installed_on=meter.installed_on,
    )


async def bills_of(demo: AsyncSession, contract_number: str) -> list[Bill]:
    query = select(Bill).join(Contract, Contract.id == Bill.contract_id).where(Contract.number == contract_number)
    return list(await demo.scalars(query.order_by(Bill.period_end)))


async def everything(session: AsyncSession) -> dict[str, list[tuple[Any, ...]]]:
    """All rows but the audit's, whose ids the database counts."""
    return {
        table.name: [tuple(row) for row in await session.execute(select(table).order_by(*table.primary_key))]
        for table in Base.metadata.sorted_tables
        if table.name != "audit"
    }


# --- the fixed customers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "language", "modest_income", "contracts"),
    [
        ("+212600000001", "fr", False, [("10000001", "electricity", "postpaid", ["total"])]),
        ("+212600000002", "ar", False, [("10000002", "electricity", "postpaid", ["peak", "off_peak"])]),
        (
            "+212600000003",
            "ary",
            False,
            [
                ("10000003", "electricity", "postpaid", ["total"]),
                ("20000003", "water", "postpaid", ["total"]),
            ],
        ),
        ("+212600000004", "ary-Latn", True, [("10000004", "electricity", "prepaid", ["total"])]),
        ("+212600000005", "fr", False, [("10000005", "electricity", "postpaid", ["total"])]),
        ("+212600000099", None, None, []),
    ],
)
async def test_the_fixed_customers_have_the_contracts_of_the_documentation(
    demo: AsyncSession,
    phone: str,
    language: str | None,
    modest_income: bool | None,
    contracts: list[tuple[str, str, str, list[str]]],
) -> None:
    found = await contracts_for(demo, phone)

    assert [
        (each.number, each.utility, each.billing, [register.code for register in each.meters[0].registers])
        for each in found
    ] == contracts
    for contract in found:
        customer = await demo.get_one(Customer, contract.customer_id)
        assert (customer.language, customer.modest_income) == (language, modest_income)


async def test_the_first_customer_was_last_read_at_48100_thirty_days_ago(demo: AsyncSession) -> None:
    register = await facts_of(demo, "+212600000001")

    assert register.digits == 5
    last = register.history[-1]
    assert (last.value, last.taken_on, last.real) == (48100, DEMO_DAY - A_MONTH, True)
    read = [point for point in register.history if point.real]
    first = read[0]
    monthly = (last.value - first.value) / (last.taken_on - first.taken_on).days * 30
    assert monthly == pytest.approx(110, abs=5)


@pytest.mark.parametrize(
    ("value", "severity", "code"),
    [
        (48213, Severity.ACCEPT, None),
        (48190, Severity.ACCEPT, None),
        (53100, Severity.CONFIRM, Code.HIGH),
        (41213, Severity.CONFIRM, Code.LOWER_THAN_LAST),
        (48123, Severity.CONFIRM, Code.LOW),
        (48100, Severity.CONFIRM, Code.ZERO_USAGE),
        (482130, Severity.REFUSE, Code.TOO_MANY_DIGITS),
        (10000001, Severity.REFUSE, Code.CONTRACT_NUMBER),
    ],
)
async def test_readings_of_the_first_customer_are_judged_as_the_documentation_says(
    demo: AsyncSession, value: int, severity: Severity, code: Code | None
) -> None:
    verdict = check(value, DEMO_DAY, DEMO_DAY, await facts_of(demo, "+212600000001"))

    assert verdict.severity is severity
    assert code is None or code in verdict
    if value == 48213:
        assert (verdict.usage, verdict.days) == (113, 30)


@pytest.mark.parametrize("month", range(1, 13))
async def test_the_first_customer_may_be_tried_at_any_time_of_the_year(month: int) -> None:
    today = date(2026, month, 28)
    supply = fixed_households()[0].supplies[0]
    [track] = history(supply, today, Random(f"supply {supply.contract}")).tracks
    register = RegisterFacts(
        code="total",
        digits=supply.digits,
        multiplier=1,
        subscribed_kw=Decimal("6.6"),
        unit="kWh",
        history=tuple(track.points[RegisterCode.TOTAL]),
        contract_number=supply.contract,
        meter_number="410000001",
    )

    assert register.last_real() == IndexPoint(48100, today - A_MONTH, real=True)
    severities = [check(value, today, today, register).severity for value in (48213, 53100, 41213)]

    assert severities == [Severity.ACCEPT, Severity.CONFIRM, Severity.CONFIRM]


@pytest.mark.parametrize(
    ("phone", "number", "code", "monthly"),
    [
        ("+212600000002", 0, "peak", 160),
        ("+212600000002", 0, "off_peak", 430),
        ("+212600000003", 0, "total", 130),
        ("+212600000003", 1, "total", 14),
        ("+212600000005", 0, "total", 257),
    ],
)
async def test_an_honest_reading_of_the_other_fixed_customers_is_accepted(
    demo: AsyncSession, phone: str, number: int, code: str, monthly: int
) -> None:
    register = await facts_of(demo, phone, number, code)
    last = register.last_real()
    assert last is not None
    honest = last.value + round(monthly * (DEMO_DAY - last.taken_on).days / 30)

    assert check(honest, DEMO_DAY, DEMO_DAY, register).severity is Severity.ACCEPT


async def test_the_fifth_customer_owes_640_dirhams_in_two_bills_the_last_one_estimated(demo: AsyncSession) -> None:
    bills = await bills_of(demo, "10000005")

    unpaid = [bill for bill in bills if bill.paid < bill.total]
    assert unpaid == bills[-2:]
    assert [bill.paid for bill in unpaid] == [0, 0]
    assert sum(bill.total for bill in unpaid) == Decimal("640.00")
    assert [bill.basis for bill in unpaid] == [BillBasis.READ, BillBasis.ESTIMATED]


async def test_the_other_fixed_customers_owe_nothing(demo: AsyncSession) -> None:
    for number in ("10000001", "10000002", "10000003", "20000003"):
        bills = await bills_of(demo, number)
        assert len(bills) == 24
        assert all(bill.paid == bill.total for bill in bills)
    assert await bills_of(demo, "10000004") == []  # prepaid


# --- the crowd -----------------------------------------------------------------------------------------------


async def contracts_where(demo: AsyncSession, *conditions: Any) -> list[Contract]:
    query = select(Contract).where(*conditions).options(selectinload(Contract.meters).selectinload(Meter.registers))
    return list(await demo.scalars(query))


async def real_readings(demo: AsyncSession, register_id: int) -> list[Reading]:
    query = select(Reading).where(
        Reading.register_id == register_id,
        Reading.source != ReadingSource.ESTIMATE,
        Reading.state == ReadingState.ACCEPTED,
    )
    return list(await demo.scalars(query.order_by(Reading.taken_on)))


async def test_there_are_a_few_hundred_customers_each_with_a_phone_of_the_test_range(demo: AsyncSession) -> None:
    assert await demo.scalar(select(func.count()).select_from(Customer)) == 300
    assert await demo.scalar(select(func.count(Customer.name.distinct()))) == 300
    phones = set(await demo.scalars(select(RegisteredPhone.number)))
    fixed = {f"+21260000000{n}" for n in range(1, 6)}
    assert phones == fixed | {f"+2126000{n:05d}" for n in range(100, 395)}


async def test_contract_numbers_tell_electricity_from_water(demo: AsyncSession) -> None:
    for contract in await contracts_where(demo):
        assert len(contract.number) == 8
        assert contract.number[0] == ("1" if contract.utility == Utility.ELECTRICITY else "2")


async def test_every_case_worth_showing_is_there(demo: AsyncSession) -> None:
    contracts = await contracts_where(demo)
    owing: dict[int, int] = defaultdict(int)
    for bill in await demo.scalars(select(Bill).where(Bill.paid < Bill.total)):
        owing[bill.contract_id] += 1
    cases = {
        "electricity": [c for c in contracts if c.utility == Utility.ELECTRICITY],
        "water": [c for c in contracts if c.utility == Utility.WATER],
        "two-period meter": [c for c in contracts if len(c.meters[0].registers) == 2],
        "prepaid": [c for c in contracts if c.billing == Billing.PREPAID],
        "read every month": [c for c in contracts if c.route.endswith("-1M")],
        "read every other month": [c for c in contracts if c.route.endswith("-2M")],
        "replaced meter": [c for c in contracts if len(c.meters) == 2],
        "brand-new": [c for c in contracts if c.opened_on > DEMO_DAY - A_MONTH],
        "arrears": [number for number, count in owing.items() if count >= 2],
    }
    assert {case: len(found) for case, found in cases.items() if len(found) < 10} == {}


async def test_a_replaced_meter_was_read_on_its_last_day_and_the_new_one_starts_at_zero(demo: AsyncSession) -> None:
    for contract in await contracts_where(demo, Contract.number == "10000111"):
        old, new = contract.meters
        assert old.removed_on == new.installed_on
        assert new.removed_on is None
        last = (await real_readings(demo, old.registers[0].id))[-1]
        first = (await real_readings(demo, new.registers[0].id))[0]
        assert (last.taken_on, first.taken_on, first.value) == (old.removed_on, new.installed_on, 0)


async def test_a_dial_went_through_zero(demo: AsyncSession) -> None:
    [contract] = await contracts_where(demo, Contract.number == "10000113")
    values = [each.value for each in await real_readings(demo, contract.meters[0].registers[0].id)]

    drops = [(before, after) for before, after in pairwise(values) if after < before]
    assert len(drops) == 1
    assert drops[0][0] > 98_000
    assert drops[0][1] < 2_000


async def test_a_holiday_home_uses_nearly_all_of_its_year_in_summer(demo: AsyncSession) -> None:
    bills = await bills_of(demo, "10000508")
    year = [bill for bill in bills if bill.basis is BillBasis.READ and bill.period_end.year == 2025]
    [contract] = await contracts_where(demo, Contract.number == "10000508")
    read = await real_readings(demo, contract.meters[0].registers[0].id)
    usage = {later.taken_on: later.value - earlier.value for earlier, later in pairwise(read)}

    assert year
    summer = sum(used for day, used in usage.items() if day.year == 2025 and 7 <= day.month <= 10)
    assert summer > 0.7 * sum(used for day, used in usage.items() if day.year == 2025)


async def test_a_brand_new_contract_has_one_reading_and_no_bill(demo: AsyncSession) -> None:
    [contract] = await contracts_where(demo, Contract.number == "10000117")
    [reading] = await real_readings(demo, contract.meters[0].registers[0].id)

    assert reading.taken_on == contract.opened_on == DEMO_DAY - timedelta(days=12)
    assert await bills_of(demo, contract.number) == []


async def test_a_correction_left_its_trace(demo: AsyncSession) -> None:
    replaced = list(await demo.scalars(select(Reading).where(Reading.state == ReadingState.REPLACED)))

    assert replaced
    for wrong in replaced:
        right = await demo.get_one(Reading, wrong.replaced_by_id)
        assert (right.register_id, right.taken_on, right.state) == (
            wrong.register_id,
            wrong.taken_on,
            ReadingState.ACCEPTED,
        )
        assert right.value != wrong.value
        assert sorted(f"{right.value:05d}") == sorted(f"{wrong.value:05d}")
        assert wrong.received_at < right.received_at


async def test_electricity_follows_the_seasons_of_its_commune(demo: AsyncSession) -> None:
    """Bills of contracts read every month, so that estimates blur nothing."""

    async def usage(commune: str, month: int) -> int:
        query = (
            select(func.sum(Bill.usage))
            .join(Contract, Contract.id == Bill.contract_id)
            .where(Contract.commune == commune, Contract.route.endswith("-1M"), Contract.utility == "electricity")
            .where(Bill.period_end.between(date(2025, month, 10), date(2025, month, 10) + A_MONTH))
        )
        return await demo.scalar(query) or 0

    assert await usage("Ifrane", 1) > 1.3 * await usage("Ifrane", 7)
    assert await usage("Errachidia", 7) > 1.2 * await usage("Errachidia", 4)


async def test_bills_follow_one_another_and_bill_what_the_meters_turned(demo: AsyncSession) -> None:
    bills: dict[int, list[Bill]] = defaultdict(list)
    for bill in await demo.scalars(select(Bill).order_by(Bill.contract_id, Bill.period_end)):
        bills[bill.contract_id].append(bill)
    for contract in await contracts_where(demo, Contract.billing == Billing.POSTPAID):
        mine = bills[contract.id]
        assert all(before.period_end == after.period_start for before, after in pairwise(mine))
        assert all(bill.issued_on < DEMO_DAY for bill in mine)
        if not mine or len(contract.meters) > 1:
            continue
        turned = 0
        for register in contract.meters[0].registers:
            query = select(Reading).where(Reading.register_id == register.id, Reading.state == "accepted")
            values = [each.value for each in await demo.scalars(query.order_by(Reading.taken_on))]
            size = 10 ** contract.meters[0].digits
            turned += (values[-1] - values[0]) % size
        assert sum(bill.usage for bill in mine) == turned


async def test_no_bill_comes_out_of_scale(demo: AsyncSession) -> None:
    totals = list(await demo.scalars(select(Bill.total)))

    assert max(totals) < 2500
    assert sum(1 for total in totals if total < 0) < len(totals) / 50  # credits after too high an estimate


async def test_readings_have_valid_references_and_were_received_the_day_they_were_taken(demo: AsyncSession) -> None:
    for reading in await demo.scalars(select(Reading)):
        assert parse_reference(reading.reference) == reading.reference
        assert reading.received_at.date() == reading.taken_on
        assert (reading.channel is not None) == (reading.source == ReadingSource.CUSTOMER)
        assert reading.taken_on < DEMO_DAY


# --- loading -------------------------------------------------------------------------------------------------


async def test_the_same_day_gives_the_same_rows(session: AsyncSession, demo: AsyncSession) -> None:
    summary = await load(session, DEMO_DAY)

    assert await everything(session) == await everything(demo)
    assert summary == Summary(customers=300, contracts=391, meters=406, readings=8764, bills=7944)


async def test_loading_twice_is_refused(demo: AsyncSession) -> None:
    with pytest.raises(AlreadyLoaded, match="already loaded"):
        await load(demo, DEMO_DAY)


async def test_real_customers_are_not_mixed_with_fictitious_ones(session: AsyncSession) -> None:
    session.add(Customer(name="Quelqu'un"))
    await session.flush()

    with pytest.raises(NotEmpty, match="already has customers"):
        await load(session, DEMO_DAY)

    assert await session.scalar(select(func.count()).select_from(Customer)) == 1


async def test_what_is_added_afterwards_gets_the_next_id(demo: AsyncSession) -> None:
    known = await demo.scalar(select(func.max(Reading.id)))
    register = await demo.scalar(select(Register.id).limit(1))
    row = Reading(
        reference="R-0000000000",
        register_id=register,
        value=1,
        taken_on=DEMO_DAY,
        received_at=datetime.fromisoformat("2026-01-15T10:00:00+01:00"),
        source=ReadingSource.AGENT,
        state=ReadingState.ACCEPTED,
    )
    demo.add(row)
    await demo.flush()

    assert row.id == known + 1
    await demo.rollback()


# --- what hangs on the communes --------------------------------------------------------------------------------


async def test_every_commune_has_places_to_go_and_a_round_this_week(demo: AsyncSession) -> None:
    gazetteer = communes.known()
    now = datetime(DEMO_DAY.year, DEMO_DAY.month, DEMO_DAY.day, 10, tzinfo=CASABLANCA)
    for commune in COMMUNES:
        assert gazetteer.canonical(commune) == commune  # as a customer's own words name it
        assert await places_in(demo, PlaceKind.AGENCY, commune)
        assert await places_in(demo, PlaceKind.RECHARGE_POINT, commune)
        [first, *_] = await next_rounds(demo, commune, now)
        assert first.starts_at - now < timedelta(days=7)


async def test_the_fourth_customer_is_paying_back_an_advance_and_may_ask_for_another(demo: AsyncSession) -> None:
    [contract] = await contracts_for(demo, "+212600000004")
    ledger = entries(await ledger_of(demo, contract.id))
    assert outstanding(ledger) == Decimal("7.50")
    policy = load_operator(PROJECT / "operators", "onee").prepaid.kwh_advance
    assert allowed(ledger, policy, DEMO_DAY) == policy.kwh
    request = await request_by_reference(demo, ledger[0].reference)
    assert request is not None
    assert (request.contract_id, request.state) == (contract.id, RequestState.BEING_PAID)
