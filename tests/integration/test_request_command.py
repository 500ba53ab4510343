"""`releve request` on both databases: tables, JSON, decisions; a fault is one line and exit 2."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
import typer
from conftest import Databases
from sqlalchemy import select
from stage import Stage

from billing.calendar import local_day
from bot.clock import system_clock
from bot.commands.request import app as request_app
from bot.faults import EXIT_CODE, reported
from store.database import Database
from store.models import Bill, Contract, RequestBill, RequestKind
from store.requests import Filing, file, propose

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(request_app, name="request")
DEBT = Decimal("120.35")


def working_day(stage: Stage, days: int) -> date:
    return stage.operator.working_days.on_or_after(local_day(system_clock()) + timedelta(days=days))


async def _furnished(url: str) -> dict[str, str]:
    """A deferral to be decided, a complaint past its day, and another working day for the deferral."""
    database = Database(url)
    stage = Stage(database, assistant=None, now=system_clock())
    await stage.furnish()
    async with database.writing() as session:
        contract = (await session.scalars(select(Contract))).one()
        bill = (await session.scalars(select(Bill))).one()
        filing = Filing(
            RequestKind.DEFERRAL, "conversation:1", stage.now, contract.id, details={"reason": "[salaire]"}
        )
        deferral = await file(session, filing)
        deferral.bills = [RequestBill(bill_id=bill.id, amount=DEBT)]
        propose(deferral, [(working_day(stage, 10), DEBT)])
        late = local_day(stage.now) - timedelta(days=1)
        complaint = await file(
            session, Filing(RequestKind.COMPLAINT, "conversation:1", stage.now, contract.id, due_on=late)
        )
    await database.close()
    return {
        "deferral": deferral.reference,
        "complaint": complaint.reference,
        "day": working_day(stage, 14).isoformat(),
    }


@pytest.fixture
def filed(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    url = asyncio.run(databases.migrated())
    monkeypatch.setenv("RELEVE_DATABASE_URL", url)
    yield asyncio.run(_furnished(url))
    asyncio.run(databases.drop(url))


def run(*arguments: str) -> int:
    """The exit code of `releve request …`."""
    with pytest.raises(SystemExit) as stopped, reported():
        app(["request", *arguments])
    return int(stopped.value.code or 0)


def test_undecided_requests_are_listed(filed: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["reference"] for each in found] == [filed["deferral"], filed["complaint"]]
    assert found[0]["contract"] == "10000001"

    assert run("list", "--late") == 0
    table = capsys.readouterr().out
    assert filed["complaint"] in table
    assert filed["deferral"] not in table

    assert run("list", "--kind", "deferral", "--json") == 0
    assert [each["kind"] for each in json.loads(capsys.readouterr().out)] == ["deferral"]

    assert run("list", "--state", "granted") == 0
    assert "No requests." in capsys.readouterr().out


def test_a_request_is_shown_with_what_was_said(filed: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", filed["deferral"].lower().replace("-", " ")) == 0
    shown = capsys.readouterr().out
    assert "[salaire]" in shown
    assert "120.35" in shown
    assert "request.received" in shown

    assert run("show", filed["deferral"], "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["bills"] == [{"bill": "F10000001", "open": "120.35"}]
    assert [each["amount"] for each in record["payments"]] == ["120.35"]


def test_a_decision_changes_the_request_and_says_who(
    filed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("review", filed["deferral"], "--by", "amina") == 0
    payment = f"{filed['day']}=120.35"
    assert run("grant", filed["deferral"], "--by", "amina", "--reason", "Bon courage.", "--pay", payment) == 0
    assert f"{filed['deferral']} is granted." in capsys.readouterr().out

    assert run("show", filed["deferral"], "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["state"] == "granted"
    assert [each["due_on"] for each in record["payments"]] == [filed["day"]]
    assert [(each["actor"], each["action"]) for each in record["history"]] == [
        ("conversation:1", "request.received"),
        ("user:amina", "request.under_review"),
        ("user:amina", "request.revised"),
        ("user:amina", "request.granted"),
    ]


def test_a_complaint_is_refused_with_its_reason(filed: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("refuse", filed["complaint"], "--by", "amina", "--reason", "L'index est juste.") == 0
    assert f"{filed['complaint']} is refused." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("show D-0000000000", "there is no request D-0000000000"),
        ("list --kind holiday", "--kind is one of deferral, instalments"),
        ("list --state lost", "--state is one of received"),
        ("refuse {deferral} --by amina --reason ''", "refusing needs a reason"),
        ("grant {deferral} --by a,b", "--by is a short name"),
        ("grant {deferral} --by amina --pay tomorrow=3", "--pay is a day and an amount"),
        ("grant {deferral} --by amina --pay 2026-13-45=3", "--pay is a day and an amount"),
        ("grant {deferral} --by amina --pay {day}=100.00", "missing: 20.35"),
        ("grant {complaint} --by amina --pay {day}=100.00", "has no payments"),
    ],
)
def test_a_slip_is_one_line_and_changes_nothing(
    filed: dict[str, str], capsys: pytest.CaptureFixture[str], arguments: str, said: str
) -> None:
    words = [word.strip("'").format_map(filed) for word in arguments.split()]

    assert run(*words) == EXIT_CODE
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert run("list", "--json") == 0
    assert {each["state"] for each in json.loads(capsys.readouterr().out)} == {"received"}
