"""`releve bill compute`: one JSON object or a table; what is wrong is one line and exit code 2."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer

from bot.commands.bill import app as bill
from bot.faults import EXIT_CODE, reported

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(bill, name="bill")
LINE_KEYS = ["code", "label", "quantity", "unit_price", "vat_rate", "amount_ht", "amount_vat", "amount"]


def run(arguments: str) -> int:
    """The exit code of `releve bill compute`."""
    with pytest.raises(SystemExit) as stopped, reported():
        app(["bill", "compute", *arguments.split()])
    return int(stopped.value.code or 0)


def computed(capsys: pytest.CaptureFixture[str], arguments: str) -> dict[str, Any]:
    assert run(f"{arguments} --json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_bill_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    found = computed(capsys, "--tariff residential --kwh 320 --days 30 --on 2026-03-31")
    assert list(found) == ["lines", "total"]
    assert found["total"] == "510.80"
    assert [list(line) for line in found["lines"]] == [LINE_KEYS] * 3
    assert found["lines"][0] == {
        "code": "energy_5",
        "label": "Énergie, tranche 5 (311-510 kWh/mois)",
        "quantity": "320",
        "unit_price": "1.151417",
        "vat_rate": "0.20",
        "amount_ht": "368.45",
        "amount_vat": "73.69",
        "amount": "442.14",
    }
    assert (found["lines"][2]["code"], found["lines"][2]["unit_price"]) == ("tppan", None)


@pytest.mark.parametrize(
    ("arguments", "total"),
    [
        ("--kwh 0 --on 2026-03-31", "19.66"),
        ("--kwh 150 --on 2026-03-31", "163.42"),
        ("--kwh 450 --days 90 --on 2026-03-31", "490.26"),
        ("--kwh 100000 --on 2026-03-31", "159699.66"),
        ("--kwh 359 --on 2026-05-08 --cash", "573.92"),
        ("--kwh 120 --on 2026-03-31 --arrears 640", "771.22"),
        ("--kwh 120 --on 2026-03-31 --advances 100.50 --credit 10", "20.72"),
        ("--tariff household_water --m3 10 --on 2026-03-31", "49.78"),
        ("--tariff residential_two_periods --register peak=100 --register off_peak=450 --on 2026-03-31", "894.77"),
        ("--tariff professional --operator onee --kwh 100.5 --on 2026-03-31", "190.54"),
    ],
)
def test_totals(capsys: pytest.CaptureFixture[str], arguments: str, total: str) -> None:
    assert computed(capsys, arguments)["total"] == total


def test_today_is_the_default_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert computed(capsys, "--kwh 10")["total"] == "28.67"


def test_a_person_gets_a_table_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--kwh 320 --days 60 --on 2026-01-31 --cash") == 0
    printed = capsys.readouterr().out
    for text in (
        "du 03/12/2025 au 31/01/2026 (60 jours)",
        "154,667 kWh",
        "18 %",
        "Timbre",
        "Total à payer",
        "383,70",
    ):
        assert text in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--tariff gas --kwh 5", "no tariff 'gas' of onee: there are household_water"),
        ("--operator lydec --kwh 5", "no tariffs of operator 'lydec': there are those of onee"),
        ("--operator ../tariffs/onee --kwh 5", "no tariffs of operator '../tariffs/onee'"),
        ("--kwh 5 --on 2016-12-31", "tariff residential is not known on 2016-12-02: it begins on 2017-01-01"),
        ("--kwh 5 --on 0001-01-02", "--days 30 before 0001-01-02 is before any calendar"),
        ("--kwh -5", "--kwh cannot be below zero: -5"),
        ("--kwh many", "--kwh is a number such as 320 or 320.5, not 'many'"),
        ("--kwh 320,5", "--kwh is a number such as 320 or 320.5, not '320,5'"),
        ("--kwh 1e9", "--kwh is a number"),
        ("--kwh nan", "--kwh is a number"),
        ("--kwh 5 --days 0", "--days is a whole number of days from 1 to 9999, not '0'"),
        ("--kwh 5 --days -3", "--days is a whole number of days"),
        ("--kwh 5 --days 2.5", "--days is a whole number of days"),
        ("--kwh 5 --on 2026-02-30", "--on is a day such as 2026-03-31, not '2026-02-30'"),
        ("--kwh 5 --on yesterday", "--on is a day such as 2026-03-31, not 'yesterday'"),
        ("--kwh 5 --arrears -1", "--arrears cannot be below zero: -1"),
        ("--kwh 5 --arrears 0.005", "--arrears is a number such as 120 or 120.50, not '0.005'"),
        ("--m3 5", "--m3 5: tariff residential needs --kwh N"),
        ("--tariff household_water --kwh 5", "--kwh 5: tariff household_water needs --m3 N"),
        ("--tariff residential_two_periods", "how much was used? tariff residential_two_periods needs --register"),
        ("--tariff residential_two_periods --register peak=5", "register off_peak is missing"),
        ("--kwh 5 --register total=5", "register total is given twice"),
        ("--register night=5", "no register night to bill: tariff residential bills total"),
        ("--register total", "--register total is a number"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: str, message: str
) -> None:
    assert run(arguments) == EXIT_CODE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"releve: {message}")
    assert err.count("\n") == 1


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "releve bill compute --tariff residential --kwh 320" in capsys.readouterr().out
