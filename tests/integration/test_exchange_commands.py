"""`releve import`, `export`, `webhooks` and `key` on a terminal: a line for what was done, exit codes for scripts."""

from __future__ import annotations

import asyncio
import io
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from store_rows import ROWS, statement

from bot.cli import app
from bot.clock import system_clock
from bot.faults import reported
from bot.imports.spool import digest_of
from store import imports
from store.database import Database
from store.exchange_models import ImportKind
from store.models import Reading
from store.schema import upgrade

CUSTOMERS = "number,name\nK1,Client Un\nK2,Client Deux\n"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty database, which the settings point to."""
    url = f"sqlite+aiosqlite:///{tmp_path}/exchange.db"
    monkeypatch.setenv("RELEVE_DATABASE_URL", url)
    monkeypatch.setenv("RELEVE_SECRET_KEY", "a key of thirty-two letters or more")
    in_it(url, lambda _session: None)
    return url


def in_it(url: str, work: Any) -> None:
    async def run() -> None:
        database = Database(url)
        await upgrade(database)
        async with database.writing() as session:
            done = work(session)
            if done is not None:
                await done
        await database.close()

    asyncio.run(run())


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped, reported():
        app(list(arguments))
    return int(stopped.value.code or 0)


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text(CUSTOMERS, encoding="utf-8")
    return path


@pytest.mark.usefixtures("url")
def test_a_file_is_imported_and_counted(customers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", "customers", str(customers), "--dry-run") == 0
    assert run("import", "customers", str(customers)) == 0
    assert run("import", "customers", str(customers)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "customers.csv: 2 added, 0 changed, 0 unchanged, 0 wrong. Dry run: nothing was stored.",
        "customers.csv: 2 added, 0 changed, 0 unchanged, 0 wrong.",
        "customers.csv: 0 added, 0 changed, 2 unchanged, 0 wrong.",
    ]
    assert run("import", "status") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.usefixtures("url")
def test_wrong_lines_and_broken_files_have_exit_codes_of_their_own(
    customers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    customers.write_text(CUSTOMERS + "K3,\n", encoding="utf-8")
    assert run("import", "customers", str(customers)) == 1
    told = capsys.readouterr()
    assert told.err.splitlines() == ["customers.csv, line 4: name: is empty"]
    assert told.out.splitlines() == ["customers.csv: 2 added, 0 changed, 0 unchanged, 1 wrong."]
    assert run("import", "errors", "1") == 0
    assert capsys.readouterr().out.splitlines() == ["line 4: name: is empty"]

    assert run("import", "customers", str(customers), "--all-or-nothing") == 2
    assert "1 wrong line: nothing was written" in capsys.readouterr().err
    assert run("import", "contracts", str(customers)) == 2
    assert "line 1: must name the columns" in capsys.readouterr().err
    assert run("import", "customers", str(customers.with_name("none.csv"))) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.usefixtures("url")
def test_standard_input_is_a_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CUSTOMERS.encode())))
    assert run("import", "customers", "-") == 0
    assert capsys.readouterr().out == "standard input: 2 added, 0 changed, 0 unchanged, 0 wrong.\n"


def test_only_a_file_that_was_interrupted_is_gone_on_with(
    url: str, customers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("import", "customers", str(customers), "--resume") == 2
    assert "no import of this very file was interrupted" in capsys.readouterr().err
    digest, size = digest_of(customers)

    async def interrupted(session: Any) -> None:
        kind, now = ImportKind.CUSTOMERS, system_clock()
        job = await imports.create(session, kind, name="c", digest=digest, size=size, actor="command", now=now)
        job = await imports.take(session, job.id, "elsewhere:1", now)
        await imports.advance(session, job, 2, 20, {}, [], now)

    in_it(url, interrupted)
    assert run("import", "customers", str(customers), "--resume") == 0
    assert capsys.readouterr().out == "customers.csv: 1 added, 0 changed, 0 unchanged, 0 wrong.\n"


def test_an_import_that_was_killed_goes_on_and_does_nothing_twice(
    url: str, customers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = 20_000
    customers.write_text("number,name\n" + "".join(f"K{n},Client\n" for n in range(lines)), encoding="utf-8")
    command = [sys.executable, "-m", "bot", "import", "customers", str(customers)]
    with subprocess.Popen(command, env={**os.environ, "RELEVE_DATABASE_URL": url}) as process:
        while process.poll() is None and not reached(url):
            time.sleep(0.01)
        process.kill()
    begun = reached(url)
    assert 0 < begun < lines

    assert run("import", "customers", str(customers), "--resume") == 0
    assert capsys.readouterr().out == f"customers.csv: {lines} added, 0 changed, 0 unchanged, 0 wrong.\n"


def reached(url: str) -> int:
    """The line that the first import has come to."""
    connection = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))
    row = connection.execute("SELECT line FROM import_job").fetchone()
    connection.close()
    return 0 if row is None else int(row[0])


def test_a_consumer_takes_readings_batch_by_batch(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def one_reading(session: Any) -> None:
        for table in ("customer", "contract", "meter", "register", "conversation", "message"):
            await session.execute(statement(table, ROWS[table]))
        session.add(Reading(**ROWS["reading"]))

    in_it(url, one_reading)
    for _ in range(2):
        assert run("export", "readings", "--consumer", "billing") == 0
        told = capsys.readouterr()
        assert told.out.splitlines()[1].startswith("R-4821370568,10000001,410000001,total,48213,kWh,2026-01-15,")
        assert told.err == "batch 1\n"
    assert run("export", "ack", "readings", "billing", "7") == 2
    assert run("export", "ack", "readings", "billing", "1") == 0
    capsys.readouterr()
    assert run("export", "readings", "--consumer", "billing") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert run("export", "readings", "--since", "0", "--format", "json") == 0
    assert '"position": 1' in capsys.readouterr().out
    assert run("export", "ack", "messages", "billing", "1") == 2


@pytest.mark.usefixtures("url")
def test_a_webhook_is_added_listed_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    add = ("webhooks", "add", "crm", "https://crm.example.ma/releve", "--event", "request.created")
    assert run(*add) == 0
    assert capsys.readouterr().out.startswith("whsec_")
    assert run(*add) == 2
    assert run("webhooks", "add", "in", "https://10.0.0.7/", "--event", "request.created") == 2
    assert "RELEVE_WEBHOOK_PRIVATE_HOSTS" in capsys.readouterr().err
    for verb in ("disable", "enable", "dead", "redeliver", "remove"):
        assert run("webhooks", verb, "crm") == 0
    assert run("webhooks", "remove", "crm") == 2
    assert "no webhook named 'crm'" in capsys.readouterr().err


@pytest.mark.usefixtures("url")
def test_a_key_is_made_rotated_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("key", "add", "billing", "--scope", "readings:read", "--days", "30") == 0
    first = capsys.readouterr().out
    assert run("key", "rotate", "billing") == 0
    assert capsys.readouterr().out not in ("", first)
    assert run("key", "list") == 0
    assert "billing\treadings:read" in capsys.readouterr().out
    assert run("key", "rotate", "none") == 2
