"""The operator's lists from CSV: whole or not at all, every error with its line, twice the same changes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.faults import Fault
from bot.import_rows import LISTINGS
from bot.importing import Outcome, import_file
from store.database import Database
from store.listing import Change
from store.models import Audit, Base, Contract, Customer, KnownOutage, Place, PlaceKind, Round, Utility

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
POINTS = """commune,name,address,phone,hours
Azilal,Épicerie du Souk,12 rue des Exemples,0523000001,8h-20h
beni mellal,Tabac Central,avenue du Modèle,,
"""
ROUNDS = """commune,place,starts_at,ends_at
Azilal,Place du souk,2026-11-26 09:00,2026-11-26 12:00
"""


@pytest.fixture
def csv_of(tmp_path: Path) -> Any:
    def write(content: str | bytes, name: str = "list.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


async def take(database: Database, path: Path, name: str, **options: Any) -> Outcome:
    return await import_file(database, path, LISTINGS[name], lambda: NOW, **options)


async def rows(database: Database, model: type[Base]) -> list[Any]:
    async with database.reading() as session:
        return list(await session.scalars(select(model).order_by(model.id)))  # type: ignore[attr-defined]


async def add_contract(database: Database, number: str, *, modest_income: bool = False) -> None:
    async with database.writing() as session:
        customer = Customer(name="Client Fictif", modest_income=modest_income)
        session.add(customer)
        await session.flush()
        session.add(
            Contract(
                number=number,
                customer_id=customer.id,
                utility="electricity",
                billing="prepaid",
                tariff="residential_prepaid",
                address="1 rue Fictive",
                commune="Azilal",
                route="A1",
                opened_on=date(2020, 1, 1),
            )
        )


async def test_places_are_stored_under_the_commune_s_own_name(database: Database, csv_of: Any) -> None:
    outcome = await take(database, csv_of(POINTS), "recharge-points")
    assert (outcome.errors, outcome.changes) == ([], {Change.ADDED: 2})
    first, second = await rows(database, Place)
    assert (first.kind, first.commune, first.name) == (PlaceKind.RECHARGE_POINT, "Azilal", "Épicerie du Souk")
    assert (first.phone, first.hours) == ("0523000001", "8h-20h")
    assert (second.commune, second.phone, second.hours) == ("Béni Mellal", None, None)


async def test_the_same_file_twice_changes_nothing(database: Database, csv_of: Any) -> None:
    for name, content in (("recharge-points", POINTS), ("rounds", ROUNDS)):
        await take(database, csv_of(content), name)
        again = await take(database, csv_of(content), name)
        assert set(again.changes) == {Change.UNCHANGED}
    assert len(await rows(database, Place)) == 2
    assert len(await rows(database, Round)) == 1
    assert len(await rows(database, Audit)) == 2  # of the imports that did something


async def test_a_known_place_is_brought_up_to_date(database: Database, csv_of: Any) -> None:
    await take(database, csv_of(POINTS), "recharge-points")
    outcome = await take(database, csv_of(POINTS.replace("8h-20h", "9h-18h")), "recharge-points")
    assert outcome.changes == {Change.CHANGED: 1, Change.UNCHANGED: 1}
    assert [place.hours for place in await rows(database, Place)] == ["9h-18h", None]


async def test_an_agency_and_a_recharge_point_may_have_one_name(database: Database, csv_of: Any) -> None:
    await take(database, csv_of(POINTS), "recharge-points")
    assert (await take(database, csv_of(POINTS), "agencies")).changes == {Change.ADDED: 2}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-26 09:00", datetime(2026, 11, 26, 8, 0, tzinfo=UTC)),  # an hour before UTC's all year but Ramadan
        ("2026-03-01T09:00", datetime(2026, 3, 1, 9, 0, tzinfo=UTC)),  # in Ramadan
        ("2026-11-26 09:00+00:00", datetime(2026, 11, 26, 9, 0, tzinfo=UTC)),
    ],
)
async def test_times_are_those_of_casablanca(database: Database, csv_of: Any, written: str, meant: datetime) -> None:
    content = f"commune,place,starts_at,ends_at\nAzilal,Souk,{written},2026-12-31 23:00\n"
    await take(database, csv_of(content), "rounds")
    [stored] = await rows(database, Round)
    assert stored.starts_at == meant


async def test_a_cut_is_known_by_its_number_and_ends_when_told_so(database: Database, csv_of: Any) -> None:
    header = "number,commune,area,utility,planned,starts_at,expected_until,ended_at\n"
    begun = "P1,Midelt,centre,electricity,oui,2026-11-23 08:00,2026-11-23 12:00,\n"
    await take(database, csv_of(header + begun), "outages")
    over = begun.strip() + "2026-11-23 11:30\n"
    assert (await take(database, csv_of(header + over), "outages")).changes == {Change.CHANGED: 1}
    [outage] = await rows(database, KnownOutage)
    assert (outage.utility, outage.planned) == (Utility.ELECTRICITY, True)
    assert outage.ended_at == datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


async def test_households_are_put_on_the_list_and_taken_off(database: Database, csv_of: Any) -> None:
    await add_contract(database, "10000004")
    await add_contract(database, "10000006", modest_income=True)
    outcome = await take(database, csv_of("contract;eligible\r\n10000004;oui\r\n10000006;no\r\n"), "modest-income")
    assert outcome.changes == {Change.CHANGED: 2}
    assert [customer.modest_income for customer in await rows(database, Customer)] == [True, False]


async def test_every_error_is_told_with_its_line_and_nothing_is_stored(database: Database, csv_of: Any) -> None:
    content = """commune,place,starts_at,ends_at
Azilal,Souk,2026-11-26 09:00,2026-11-26 12:00
Atlantis,Souk,2026-11-26 09:00,2026-11-26 12:00

Azilal,,2026-11-26,26/11/2026 12:00
Azilal,Souk,2026-11-27 12:00,2026-11-27 09:00
Azilal,Souk
azilal,Souk,2026-11-26 09:00,2026-11-26 13:00
"""
    outcome = await take(database, csv_of(content), "rounds")
    assert outcome.errors == [
        (3, "commune: 'Atlantis' is not in data/communes.yml"),
        (5, "ends_at: '26/11/2026 12:00' is not a day and a time such as 2026-11-24 09:00"),
        (5, "place: is empty"),
        (5, "starts_at: '2026-11-26' is not a day and a time such as 2026-11-24 09:00"),
        (6, "ends_at is not after starts_at"),
        (7, "2 cells for 4 columns"),
        (8, "the same commune, place, starts_at as line 2"),
    ]
    assert await rows(database, Round) == []


async def test_an_unknown_contract_keeps_the_others_out(database: Database, csv_of: Any) -> None:
    await add_contract(database, "10000004")
    content = "contract,eligible\n10000004,yes\n99999999,yes\n10000004,perhaps\n"
    outcome = await take(database, csv_of(content), "modest-income")
    assert [number for number, _ in outcome.errors] == [3, 4]
    assert outcome.errors[0][1] == "contract: not one of ours"
    [customer] = await rows(database, Customer)
    assert not customer.modest_income


async def test_a_dry_run_says_what_would_change_and_stores_nothing(database: Database, csv_of: Any) -> None:
    outcome = await take(database, csv_of(POINTS), "recharge-points", dry_run=True)
    assert outcome.changes == {Change.ADDED: 2}
    assert await rows(database, Place) == await rows(database, Audit) == []


async def test_a_long_file_is_taken_in_chunks(database: Database, csv_of: Any) -> None:
    lines = "".join(f"Azilal,Point {n},rue {n},,\n" for n in range(1201))
    content = "commune,name,address,phone,hours\n" + lines
    assert (await take(database, csv_of(content), "agencies")).changes == {Change.ADDED: 1201}
    assert (await take(database, csv_of(content), "agencies")).changes == {Change.UNCHANGED: 1201}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("commune,name,address,phone\n", "no hours"),
        ("commune,name,address,phone,hours,hours\n", "hours is there twice"),
        ("commune,name,address,phone,hours,fax\n", "fax is not one of them"),
        ("", "no commune"),
        ("commune,name,address,phone,hours\nAzilal,Caf\xe9,x,,\n".encode("latin-1"), "not UTF-8"),
        ('commune,name,address,phone,hours\nAzilal,"Caf"e,x,,\n', "is not CSV"),
    ],
)
async def test_a_file_that_is_not_the_list_is_refused_in_one_line(
    database: Database, csv_of: Any, content: str | bytes, said: str
) -> None:
    with pytest.raises(Fault, match=said) as refused:
        await take(database, csv_of(content), "agencies")
    assert "\n" not in str(refused.value)


async def test_a_missing_file_is_said_so(database: Database, tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"cannot read .*nowhere\.csv: No such file"):
        await take(database, tmp_path / "nowhere.csv", "agencies")


async def test_a_spreadsheet_s_mark_in_front_is_no_part_of_the_header(database: Database, csv_of: Any) -> None:
    assert not (await take(database, csv_of(b"\xef\xbb\xbf" + POINTS.encode()), "agencies")).errors
