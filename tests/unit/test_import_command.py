"""`releve import`: what is wrong with a file is told line by line, and the exit code is 2."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from bot.commands.imports import app as importing
from bot.faults import EXIT_CODE, reported
from bot.import_rows import LISTINGS
from bot.settings import PROJECT
from store.database import Database
from store.schema import upgrade

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(importing, name="import")


@pytest.fixture
async def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings point to an empty database."""
    url = f"sqlite+aiosqlite:///{tmp_path}/import.db"
    monkeypatch.setenv("RELEVE_DATABASE_URL", url)
    database = Database(url)
    await upgrade(database)
    await database.close()


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped, reported():
        app(["import", *arguments])
    return int(stopped.value.code or 0)


def rounds(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "rounds.csv"
    path.write_text("\n".join(("commune,place,starts_at,ends_at", *lines)), encoding="utf-8")
    return str(path)


@pytest.mark.usefixtures("ready")
def test_what_was_done_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rounds(tmp_path, "Azilal,Souk,2026-11-26 09:00,2026-11-26 12:00")
    assert run("rounds", path, "--dry-run") == 0
    assert capsys.readouterr().out == ("rounds.csv: 1 added, 0 changed, 0 unchanged. Dry run: nothing was stored.\n")
    assert run("rounds", path) == 0
    assert capsys.readouterr().out == "rounds.csv: 1 added, 0 changed, 0 unchanged.\n"
    assert run("rounds", path) == 0
    assert capsys.readouterr().out == "rounds.csv: 0 added, 0 changed, 1 unchanged.\n"


@pytest.mark.usefixtures("ready")
def test_each_wrong_line_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rounds(tmp_path, "Atlantis,Souk,2026-11-26 09:00,2026-11-26 12:00", "Azilal,Souk,soon,later")
    assert run("rounds", path) == EXIT_CODE
    assert capsys.readouterr().err.splitlines() == [
        "rounds.csv, line 2: commune: 'Atlantis' is not in data/communes.yml",
        "rounds.csv, line 3: ends_at: 'later' is not a day and a time such as 2026-11-24 09:00",
        "rounds.csv, line 3: starts_at: 'soon' is not a day and a time such as 2026-11-24 09:00",
        f"releve: {path}: 2 wrong lines, nothing was imported",
    ]


@pytest.mark.usefixtures("ready")
def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("agencies", str(tmp_path / "nowhere.csv")) == EXIT_CODE
    assert capsys.readouterr().err.splitlines() == [
        f"releve: cannot read {tmp_path}/nowhere.csv: No such file or directory"
    ]


def test_the_columns_of_every_list_are_documented() -> None:
    page = (PROJECT / "docs" / "operators.md").read_text(encoding="utf-8")
    for listing in LISTINGS.values():
        assert f"    {','.join(listing.columns)}\n" in page, listing.name
