"""`releve bill explain` and `simulate` on the demo customers, in both databases; a fault is one line and exit 2."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import typer
from conftest import Databases
from sqlalchemy import delete, update
from store_rows import DEMO_DAY

from billing.bill import Period, Use, compute
from billing.tariff import TARIFFS, load
from bot.commands.bill import app as bill
from bot.faults import EXIT_CODE, reported
from store.database import Database
from store.demo import load as load_demo
from store.models import Bill, Contract

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(bill, name="bill")
ON = f"--on {DEMO_DAY}"
READ_ON = DEMO_DAY - timedelta(days=30)
"""When the meter of contract 10000001 was read last, at 48100."""


async def _spoilt(url: str) -> None:
    """Bills that cannot be explained: one without its details, and a gap."""
    database = Database(url)
    async with database.writing() as session:
        await session.execute(update(Bill).where(Bill.number == "10000003-024").values(uses=None))
        await session.execute(delete(Bill).where(Bill.number == "20000003-023"))
        await session.execute(update(Contract).where(Contract.number == "10000100").values(tariff="agricultural"))
    await database.close()


@pytest.fixture(scope="module")
def demo_url(databases: Databases) -> Iterator[str]:
    """The address of a database with the demo customers as loaded on `DEMO_DAY`."""

    async def loaded() -> str:
        url = await databases.migrated()
        database = Database(url)
        async with database.writing() as session:
            await load_demo(session, DEMO_DAY)
        await database.close()
        await _spoilt(url)
        return url

    url = asyncio.run(loaded())
    yield url
    asyncio.run(databases.drop(url))


@pytest.fixture(autouse=True)
def _on_the_demo(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEVE_DATABASE_URL", demo_url)


def run(arguments: str) -> int:
    """The exit code of `releve bill …`."""
    with pytest.raises(SystemExit) as stopped, reported():
        app(["bill", *arguments.split()])
    return int(stopped.value.code or 0)


def answered(capsys: pytest.CaptureFixture[str], arguments: str) -> dict[str, Any]:
    assert run(f"{arguments} --json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        "10000001",
        "10000001 --period 2025-03",
        "10000001 --period 2025-12 --against year",
        "10000002",
        "10000005 --against previous",
        "20000003 --period 2025-06",
    ],
)
def test_the_effects_of_an_explanation_sum_to_the_difference(
    capsys: pytest.CaptureFixture[str], arguments: str
) -> None:
    found = answered(capsys, f"explain {arguments}")
    assert list(found) == [
        "contract", "period", "basis", "previous_total", "total", "difference", "effects", "cliff"
    ]  # fmt: skip
    effects = [Decimal(effect["amount"]) for effect in found["effects"]]
    assert sum(effects) == Decimal(found["difference"])
    assert Decimal(found["total"]) - Decimal(found["previous_total"]) == Decimal(found["difference"])
    assert all(list(effect) == ["code", "label", "amount"] and effect["label"] for effect in found["effects"])
    for amount in (found["total"], found["difference"], *(effect["amount"] for effect in found["effects"])):
        assert amount == f"{Decimal(amount):.2f}"


def test_an_explanation_says_which_bill_and_how_it_was_made(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(capsys, "explain 10000005")
    assert (found["contract"], found["basis"]) == ("10000005", "estimated")
    end = date.fromisoformat(found["period"]["end"])
    assert answered(capsys, f"explain 10000005 --period {end:%Y-%m}") == found


def test_a_person_gets_the_effects_as_a_table_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain 10000005") == 0
    printed = capsys.readouterr().out
    assert "facture estimée" in printed
    assert "Nombre de jours" in printed


def test_an_index_makes_the_bill_of_what_was_used_since_the_last_one(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(capsys, f"simulate 10000001 --index 48213 {ON}")
    same = answered(capsys, f"compute --kwh 113 --days 30 {ON}")
    assert (found["lines"], found["total"]) == (same["lines"], same["total"])
    assert (found["usage"], found["days"]) == ("113", 30)
    assert found["period"] == {"start": str(READ_ON), "end": str(DEMO_DAY)}


def test_after_an_estimated_bill_what_it_asked_for_is_taken_off(capsys: pytest.CaptureFixture[str]) -> None:
    asked = answered(capsys, "explain 10000005")["total"]
    found = answered(capsys, f"simulate 10000005 --index 64200 {ON}")
    assert found["usage"] == str(64200 - 63870)
    assert {line["code"]: line["amount"] for line in found["lines"]}["advance"] == f"-{asked}"


def test_both_registers_of_a_two_period_meter_make_one_bill(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(capsys, f"simulate 10000002 --register peak=15540 --register off_peak=41700 {ON}")
    period = Period(DEMO_DAY - timedelta(days=20), DEMO_DAY)
    uses = [Use("peak", Decimal(120)), Use("off_peak", Decimal(320))]
    assert found["total"] == str(compute(load(TARIFFS / "onee")["residential_two_periods"], period, uses).total)


def test_a_percentage_changes_the_usual_use_of_the_days_to_come(capsys: pytest.CaptureFixture[str]) -> None:
    until = DEMO_DAY + timedelta(days=5)
    usual = answered(capsys, f"simulate 10000001 --percent 0 --on {until}")
    less = answered(capsys, f"simulate 10000001 --percent -50 --on {until}")
    more = answered(capsys, f"simulate 10000001 --percent +50 --on {until}")
    assert usual["days"] == less["days"] == more["days"] == 35
    assert abs(Decimal(usual["usage"]) / 2 - Decimal(less["usage"])) <= 1
    assert Decimal(less["total"]) < Decimal(usual["total"]) < Decimal(more["total"])


def test_a_person_gets_the_simulation_as_a_bill(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"simulate 10000001 --index 48213 {ON}") == 0
    assert "Total à payer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("explain 99999999", "no contract '99999999'"),
        ("explain 10000004", "contract 10000004 is prepaid: it has no bills"),
        (
            "explain 10000001 --period 2019-05",
            "no bill of contract 10000001 ends in 2019-05: there are 2024-01, 2024-02",
        ),
        ("explain 10000001 --period 2024-01", "there is no earlier bill to compare this one with"),
        ("explain 10000001 --period 2024-09 --against year", "no bill of a year before 2024-09-15"),
        ("explain 10000001 --period March", "--period is a month such as 2026-03, not 'March'"),
        ("explain 10000003", "bill 10000003-024 came without its indexes"),
        ("explain 20000003", "no bill is known from"),
        ("simulate 99999999 --index 5", "no contract '99999999'"),
        ("simulate 10000004 --index 5", "contract 10000004 is prepaid: it has no bills"),
        ("simulate 10000001", "say what the meter shows (--index N, --register peak=N) or a change (--percent -10)"),
        ("simulate 10000001 --index 48213 --percent -10", "say what the meter shows"),
        (f"simulate 10000001 --index 6000 {ON}", f"index 6000 is below the last one, 48100 on {READ_ON}"),
        (f"simulate 10000001 --index 481000 {ON}", "index 481000 is refused: too many digits"),
        (f"simulate 10000001 --index 90000 {ON}", "index 90000 is refused: impossible"),
        (f"simulate 10000001 --index -5 {ON}", "--index is the whole number that the meter shows, not '-5'"),
        (f"simulate 10000001 --index 48213 --on {READ_ON}", f"no day to bill from {READ_ON} to {READ_ON}"),
        ("simulate 10000001 --index 48213 --on soon", "--on is a day such as 2026-03-31, not 'soon'"),
        (f"simulate 10000002 --index 5 {ON}", "--index 5: the meter needs one index of peak and off_peak"),
        (f"simulate 10000002 --register peak=15540 {ON}", "what does register off_peak show? --register off_peak=N"),
        (f"simulate 10000001 --percent ten {ON}", "--percent is a whole number such as -10, not 'ten'"),
        (f"simulate 10000001 --percent -101 {ON}", "nobody uses 101 % less"),
        (f"simulate 10000100 --percent -10 {ON}", "onee has no tariff 'agricultural'"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: str, message: str
) -> None:
    assert run(arguments) == EXIT_CODE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"releve: {message}"), err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (Databases.empty, "has no tables: run `releve db upgrade`, then `releve db demo` to try"),
        (Databases.migrated, "has no contracts: `releve db demo` loads made-up customers"),
    ],
)
def test_an_empty_database_is_said_with_what_to_do(
    databases: Databases,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    made: Callable[[Databases], Coroutine[Any, Any, str]],
    message: str,
) -> None:
    url = asyncio.run(made(databases))
    monkeypatch.setenv("RELEVE_DATABASE_URL", url)
    assert run("simulate 10000001 --index 48213") == EXIT_CODE
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    asyncio.run(databases.drop(url))


def test_a_database_out_of_reach_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELEVE_DATABASE_URL", "sqlite+aiosqlite:////nowhere/at/all.db")
    assert run("explain 10000001") == EXIT_CODE
    assert capsys.readouterr().err.startswith(
        "releve: cannot use the database sqlite+aiosqlite:////nowhere/at/all.db"
    )
