"""Large files, line by line: what is right goes in, what is wrong is told, what was interrupted goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.imports import runner
from bot.imports.runner import run
from bot.imports.spool import digest_of
from store import imports
from store.database import Database
from store.exchange_models import Import, ImportKind, ImportState, WrongLine
from store.imports import Lost
from store.models import (
    Audit,
    Bill,
    Contract,
    Customer,
    Instalment,
    Meter,
    Reading,
    Register,
    RegisteredPhone,
    Request,
    RequestBill,
    RequestState,
)

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
CUSTOMERS = "number,name,language\nK1,Client Un,fr\nK2,Client Deux,\n"
CONTRACTS = """number,customer,utility,billing,tariff,address,commune,route,opened_on,closed_on,phones
10000001,K1,electricity,postpaid,residential,1 rue Fictive,beni mellal,R1,2020-01-01,,0600000001 +212600000002
20000001,K2,water,postpaid,residential_water,1 rue Fictive,Azilal,R1,2020-01-01,,
"""
METERS = """number,contract,digits,subscribed_watts,installed_on,registers
M1,10000001,5,6600,2020-01-01,peak off_peak
M2,20000001,5,,2020-01-01,
"""
BILLS = """number,contract,period_start,period_end,issued_on,due_on,basis,usage,total,paid
B1,10000001,2026-09-01,2026-09-30,2026-10-05,2026-10-25,read,110,326.26,0
B2,10000001,2026-10-01,2026-10-31,2026-11-05,2026-11-25,estimated,110,300.00,100.00
"""
SCHEDULES = """reference,contract,bills,payments
SCH-1,10000001,B1 B2,2026-12-15:300.00 2027-01-15:226.26:26.26
"""
READINGS = "meter,register,value,taken_on,source\nM1,peak,4810,2026-10-31,field\nM2,,120,2026-10-31,estimate\n"
ALL: dict[ImportKind, str] = {
    ImportKind.CUSTOMERS: CUSTOMERS,
    ImportKind.CONTRACTS: CONTRACTS,
    ImportKind.METERS: METERS,
    ImportKind.BILLS: BILLS,
    ImportKind.SCHEDULES: SCHEDULES,
    ImportKind.READINGS: READINGS,
}


@pytest.fixture
def take(database: Database, tmp_path: Path) -> Callable[..., Any]:
    """Import a text as a file; its progress callback is the last argument."""

    async def importing(kind: ImportKind, content: str | bytes, **options: Any) -> Import:
        job, path = await noted(database, tmp_path, kind, content, **options)
        return await run(database, job.id, path, lambda: NOW)

    return importing


async def noted(
    database: Database, folder: Path, kind: ImportKind, content: str | bytes, **options: Any
) -> tuple[Import, Path]:
    path = folder / f"{kind}.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    digest, size = digest_of(path)
    async with database.writing() as session:
        job = await imports.create(
            session, kind, name=path.name, digest=digest, size=size, actor="test", now=NOW, **options
        )
    return job, path


async def wrong(database: Database, job: Import) -> list[tuple[int, str | None, str]]:
    async with database.reading() as session:
        return [(each.line, each.field, each.reason) for each in await imports.wrong_lines(session, job.id, 0, 1000)]


def counts(job: Import) -> tuple[int, int, int, int]:
    return job.added, job.changed, job.unchanged, job.wrong


async def count(database: Database, model: type) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def test_files_of_every_kind_are_what_they_say(database: Database, take: Callable[..., Any]) -> None:
    for kind, content in ALL.items():
        job = await take(kind, content)
        assert (job.state, await wrong(database, job), job.added) == (ImportState.DONE, [], content.count("\n") - 1)

    async with database.reading() as session:
        contract = (await session.scalars(select(Contract).where(Contract.number == "10000001"))).one()
        phones = list(await session.scalars(select(RegisteredPhone.number).order_by(RegisteredPhone.number)))
        registers = list(await session.execute(select(Register.code, Register.unit).order_by(Register.id)))
        bill = (await session.scalars(select(Bill).where(Bill.number == "B2"))).one()
        request = (await session.scalars(select(Request))).one()
        parts = list(await session.scalars(select(Instalment).order_by(Instalment.position)))
        open_then = list(await session.scalars(select(RequestBill.amount).order_by(RequestBill.bill_id)))
        readings = list(await session.scalars(select(Reading).order_by(Reading.id)))
        audited = await session.scalar(select(func.count()).where(Audit.action == "list.imported"))

    assert audited == len(ALL)
    assert (contract.commune, contract.opened_on) == ("Béni Mellal", date(2020, 1, 1))
    assert phones == ["+212600000001", "+212600000002"]
    assert registers == [("peak", "kWh"), ("off_peak", "kWh"), ("total", "m3")]
    assert (bill.total, bill.paid, bill.basis) == (Decimal("300.00"), Decimal("100.00"), "estimated")
    assert (request.reference, request.kind, request.state) == ("SCH-1", "instalments", RequestState.BEING_PAID)
    assert [(part.due_on, part.amount, part.paid) for part in parts] == [
        (date(2026, 12, 15), Decimal("300.00"), Decimal("0.00")),
        (date(2027, 1, 15), Decimal("226.26"), Decimal("26.26")),
    ]
    assert open_then == [Decimal("326.26"), Decimal("200.00")]
    assert [(each.value, each.source, each.state) for each in readings] == [
        (4810, "field", "accepted"),
        (120, "estimate", "accepted"),
    ]


async def test_the_same_files_again_change_nothing(database: Database, take: Callable[..., Any]) -> None:
    for kind, content in ALL.items():
        await take(kind, content)
    for kind, content in ALL.items():
        again = await take(kind, content)
        assert counts(again) == (0, 0, content.count("\n") - 1, 0), kind


OTHERS = [
    (ImportKind.CUSTOMERS, "number,name\nK1,Cliente Une\n"),
    (ImportKind.CONTRACTS, CONTRACTS.replace("0600000001 ", "").split("20000001")[0]),
    (ImportKind.METERS, "number,contract,digits,installed_on,registers\nM2,20000001,5,2020-01-01,total peak\n"),
    (ImportKind.BILLS, BILLS.split("B2")[0].replace("326.26,0", "326.26,326.26")),
    (ImportKind.SCHEDULES, SCHEDULES.replace("300.00", "300.00:300.00")),
    (ImportKind.READINGS, READINGS.split("M2")[0].replace("4810", "4811")),
]


async def test_what_is_known_is_brought_up_to_date(database: Database, take: Callable[..., Any]) -> None:
    for each, content in ALL.items():
        await take(each, content)
    for kind, other in OTHERS:
        assert counts(await take(kind, other)) == (0, 1, 0, 0), kind
        assert counts(await take(kind, other)) == (0, 0, 1, 0), kind


async def test_a_customers_own_choice_of_language_stays(database: Database, take: Callable[..., Any]) -> None:
    await take(ImportKind.CUSTOMERS, "number,name\nK1,Client Un\n")
    async with database.writing() as session:
        await session.execute(update(Customer).values(language="ary-Latn"))
    await take(ImportKind.CUSTOMERS, "number,name\nK1,Client Autre\n")
    async with database.reading() as session:
        customer = (await session.scalars(select(Customer))).one()
    assert (customer.name, customer.language) == ("Client Autre", "ary-Latn")


WRONG_LINES: list[tuple[ImportKind, dict[str, Any], str | None, str]] = [
    (ImportKind.CUSTOMERS, {"number": "K3"}, "name", "is empty"),
    (ImportKind.CUSTOMERS, {"number": "K3", "name": "a\x00b"}, "name", "has a control character"),
    (ImportKind.CUSTOMERS, {"number": "K3", "name": "x" * 201}, "name", "String should have at most 200 characters"),
    (ImportKind.CUSTOMERS, {"number": "K3", "name": "N", "cin": "A1"}, "cin", "Extra inputs are not permitted"),
    (ImportKind.BILLS, {"paid": "1e400"}, "paid", "no more than 12 digits"),
    (ImportKind.BILLS, {"total": "12.345"}, "total", "no more than 2 decimal places"),
    (ImportKind.BILLS, {"paid": "326.27"}, None, "paid is not between 0 and total"),
    (ImportKind.BILLS, {"contract": "99"}, "contract", "is not known: import it first"),
    (ImportKind.BILLS, {"period_end": "2026-02-30"}, "period_end", "valid date"),
    (ImportKind.BILLS, {"uses": "[{"}, "uses", "is not JSON"),
    (ImportKind.SCHEDULES, {"bills": "B9"}, "bills", "are not all bills of the contract: import them first"),
    (ImportKind.SCHEDULES, {"payments": "2026-12-15:3:4"}, "payments.0", "paid is more than amount"),
    (ImportKind.SCHEDULES, {"payments": "2026-12-15:3 2026-12-01:4"}, None, "not in the order"),
    (ImportKind.CONTRACTS, {"customer": "K9"}, "customer", "is not known: import it first"),
    (ImportKind.CONTRACTS, {"phones": "12"}, "phones.0", "is not a phone number"),
    (ImportKind.METERS, {"digits": 10}, "digits", "less than or equal to 9"),
    (ImportKind.READINGS, {"meter": "M9"}, "meter", "is not known: import it first"),
    (ImportKind.READINGS, {"source": "customer"}, "source", "Input should be"),
]


async def test_a_wrong_line_is_told_and_left_out_and_the_others_go_in(
    database: Database, take: Callable[..., Any]
) -> None:
    for kind, content in ALL.items():
        header, *rows = content.splitlines()
        right = [dict(zip(header.split(","), row.split(","), strict=True)) for row in rows]
        right = [{name: value for name, value in row.items() if value} for row in right]
        cases = [case for case in WRONG_LINES if case[0] is kind]
        bad = [spoilt if kind is ImportKind.CUSTOMERS else right[0] | spoilt for _, spoilt, *_ in cases]
        job = await take(kind, "\n".join(json.dumps(row) for row in (*bad, *right)))

        assert counts(job) == (len(right), 0, 0, len(cases))
        told = await wrong(database, job)
        for number, ((_, spoilt, field, reason), (line, at, why)) in enumerate(
            zip(cases, told, strict=True), start=1
        ):
            assert (line, at) == (number, field), spoilt
            assert reason in why, spoilt


async def test_a_customers_own_request_is_not_overwritten(database: Database, take: Callable[..., Any]) -> None:
    for kind, content in ALL.items():
        await take(kind, content)
    async with database.writing() as session:
        await session.execute(update(Request).values(details={"said": "en 3 fois"}))
    job = await take(ImportKind.SCHEDULES, SCHEDULES.replace("300.00", "299.00"))
    assert await wrong(database, job) == [(2, "reference", "is a request that a customer made: decide it instead")]


async def test_a_thing_told_of_twice_is_what_the_later_line_says(
    database: Database, take: Callable[..., Any]
) -> None:
    job = await take(ImportKind.CUSTOMERS, "number,name\nK1,Avant\nK2,Autre\nK1,Après\n")
    assert counts(job) == (2, 1, 0, 0)
    async with database.reading() as session:
        assert list(await session.scalars(select(Customer.name).order_by(Customer.number))) == ["Après", "Autre"]


async def test_a_dry_run_checks_everything_and_changes_nothing(database: Database, take: Callable[..., Any]) -> None:
    await take(ImportKind.CUSTOMERS, "number,name\nK1,Client Un\n")
    job = await take(ImportKind.CONTRACTS, CONTRACTS, dry_run=True)
    assert (counts(job), await wrong(database, job)) == (
        (1, 0, 0, 1),
        [(3, "customer", "is not known: import it first")],
    )
    assert await count(database, Contract) == 0
    assert await count(database, RegisteredPhone) == 0


@pytest.mark.parametrize(("content", "state", "stored"), [(CUSTOMERS, "done", 2), (CUSTOMERS + "K3,\n", "failed", 0)])
async def test_all_or_nothing_is_one_or_the_other(
    database: Database, take: Callable[..., Any], content: str, state: str, stored: int
) -> None:
    job = await take(ImportKind.CUSTOMERS, content, whole=True)
    assert job.state == state
    assert await count(database, Customer) == stored
    assert job.reason in (None, "1 wrong line: nothing was written")


async def test_a_file_that_breaks_off_keeps_what_came_before(database: Database, take: Callable[..., Any]) -> None:
    job = await take(ImportKind.CUSTOMERS, b'[{"number": "K1", "name": "Un"}, {"number": "K2", "na')
    assert (job.state, job.reason, job.added) == (ImportState.FAILED, "line 2: what follows is not JSON", 1)


class Interrupted(Exception):
    """Stands for whatever ends a process between two batches."""


async def test_an_interrupted_import_goes_on_where_it_stopped(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "BATCH", 10)
    content = "number,name\n" + "".join(f"K{n},{'' if n % 7 == 0 else 'Client'}\n" for n in range(1, 101))
    job, path = await noted(database, tmp_path, ImportKind.CUSTOMERS, content)

    def stop(job: Import) -> None:
        if job.line > 40:
            raise Interrupted

    with pytest.raises(Interrupted):
        await run(database, job.id, path, lambda: NOW, stop)
    async with database.reading() as session:
        halfway = await session.get_one(Import, job.id)
        assert await session.scalar(select(func.count()).select_from(Customer)) == halfway.added
        assert 30 < halfway.line < 60
    done = await run(database, job.id, path, lambda: NOW)

    assert counts(done) == (86, 0, 0, 14)
    assert [line for line, *_ in await wrong(database, done)] == [n + 1 for n in range(7, 101, 7)]
    assert await count(database, WrongLine) == 14


async def test_an_import_is_in_one_hand_and_taken_over_when_left_behind(database: Database, tmp_path: Path) -> None:
    job, path = await noted(database, tmp_path, ImportKind.CUSTOMERS, CUSTOMERS)
    async with database.writing() as session:
        await imports.take(session, job.id, "elsewhere:1", NOW)
    with pytest.raises(Lost):
        await run(database, job.id, path, lambda: NOW)

    later = NOW + imports.LEASE + timedelta(seconds=1)
    done = await run(database, job.id, path, lambda: later)
    assert (done.state, done.added) == (ImportState.DONE, 2)
    with pytest.raises(Lost):
        await run(database, job.id, path, lambda: later)


async def test_a_process_that_lost_its_import_writes_nothing_more(database: Database, tmp_path: Path) -> None:
    job, path = await noted(database, tmp_path, ImportKind.CUSTOMERS, CUSTOMERS)

    async with database.writing() as session:
        mine = await imports.take(session, job.id, "elsewhere:1", NOW)
    async with database.writing() as session:
        await imports.leave(session, job.id)
    await run(database, job.id, path, lambda: NOW)

    async def write_more() -> None:
        async with database.writing() as session:
            await imports.bring(session, mine, [{"number": "K9", "name": "N", "language": None}], NOW)
            await imports.advance(session, mine, 9, 9, {}, [], NOW)

    with pytest.raises(Lost):
        await write_more()
    assert await count(database, Customer) == 2


async def test_what_the_database_refuses_is_told_line_by_line(
    database: Database, take: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await take(ImportKind.CUSTOMERS, CUSTOMERS)
    await take(ImportKind.CONTRACTS, CONTRACTS)
    # A check of ours that is missing: the database has it too.
    from bot.imports.rows import MeterRow

    monkeypatch.setattr(MeterRow, "__pydantic_validator__", _without_upper_bound(MeterRow))
    job = await take(ImportKind.METERS, METERS.replace("M2,20000001,5", "M2,20000001,12"))
    assert await wrong(database, job) == [(3, None, "the database does not take it")]
    assert await count(database, Meter) == 1


def _without_upper_bound(row: type[Any]) -> Any:
    from pydantic import create_model

    loose = create_model("MeterRow", __base__=row, digits=(int, ...))
    return loose.__pydantic_validator__
