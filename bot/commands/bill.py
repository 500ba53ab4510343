"""`releve bill`: what the tariffs make of a use, why a bill is what it is, and what the next one would be.

For operators and testers. All options are read here as texts, so that a slip is told in one line and never half
understood.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from actions.operator import load_operator
from billing.bill import Bill, BillError, Period, Use, compute
from billing.calendar import local_day
from billing.expected_use import NotForeseeable
from billing.explanation import NothingToCompare
from billing.findings import Code, Severity
from billing.forecast import simulate
from billing.lines import Line
from billing.parameter import NoTariff
from billing.readings import check
from billing.tariff import TARIFFS, Tariff, TariffError, load
from bot.bill_explanation import Against, explanation, plain, show
from bot.clock import system_clock
from bot.faults import Fault, load_settings
from bot.settings import PROJECT

if TYPE_CHECKING:
    from actions.coming_bill import ComingBill

app = typer.Typer(help="Bills: `releve bill compute`, `explain`, `simulate`.", no_args_is_help=True)

ONE_REGISTER = "total"
UNIT_OPTIONS = {"kWh": "--kwh", "m3": "--m3"}
UNIT_LABELS = {"kWh": "kWh", "m3": "m³", "month": "mois", "": ""}
_QUANTITY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")
_MONEY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
_DAYS = re.compile(r"[0-9]{1,4}")
_INDEX = re.compile(r"[0-9]{1,9}")
_PERCENT = re.compile(r"[+-]?[0-9]{1,3}")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


@app.command("compute", epilog="Example: [bold]releve bill compute --tariff residential --kwh 320 --on 2026-03-31[/]")
def compute_bill(
    tariff: Annotated[str, typer.Option(help="Name of the tariff: residential, professional…")] = "residential",
    kwh: Annotated[str | None, typer.Option(help="Use of a one-register electricity meter, kWh.")] = None,
    m3: Annotated[str | None, typer.Option(help="Use of a water meter, m3.")] = None,
    register: Annotated[
        list[str] | None, typer.Option(help="Use of one register, as peak=120; once for each register.")
    ] = None,
    days: Annotated[str, typer.Option(help="Days from one index to the next.")] = "30",
    on: Annotated[
        str | None,
        typer.Option(help="Day of the new index, as 2026-03-31; the last day billed.", show_default="today"),
    ] = None,
    advances: Annotated[str, typer.Option(help="What estimated bills of the same days asked for, dirhams.")] = "0",
    arrears: Annotated[str, typer.Option(help="Left unpaid from older bills, dirhams.")] = "0",
    credit: Annotated[str, typer.Option(help="Owed to the customer, dirhams.")] = "0",
    cash: Annotated[bool, typer.Option("--cash", help="Paid in cash: adds the stamp.")] = False,
    operator: Annotated[
        str | None, typer.Option(help="Whose tariffs.", show_default="the setting RELEVE_OPERATOR")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object; amounts in dirhams.")] = False,
) -> None:
    """What a use comes to: each line of the bill, and the total."""
    with _faults():
        chosen = _tariff(operator or load_settings().operator, tariff)
        found = compute(
            chosen,
            _period(days, on),
            _uses(chosen, {"--kwh": kwh, "--m3": m3}, register or []),
            advances=_money("--advances", advances),
            arrears=_money("--arrears", arrears),
            credit=_money("--credit", credit),
            cash=cash,
        )
    if as_json:
        typer.echo(json.dumps(_plain(found), ensure_ascii=False))
    else:
        _print(chosen, found)


@app.command("explain", epilog="Example: [bold]releve bill explain 10000001 --period 2026-03 --against year[/]")
def explain_bill(
    contract: Annotated[str, typer.Argument(help="Number of the contract.")],
    period: Annotated[
        str | None, typer.Option(help="Month in which the bill ends, as 2026-03.", show_default="the latest bill")
    ] = None,
    against: Annotated[
        Against, typer.Option(help="The bill before it, or that of the same time a year earlier.")
    ] = Against.PREVIOUS,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object; amounts in dirhams.")] = False,
) -> None:
    """Why a bill is not what another one was: what each cause added or took off."""
    from bot.commands.contract_record import record

    if period is not None and not _MONTH.fullmatch(period):
        raise Fault(f"--period is a month such as 2026-03, not {period!r}")
    with _faults(), _refusals():
        settings = load_settings()
        bills = record(settings, contract).until(period)
        found = explanation(bills, _tariffs_of(settings.operator), against)
    if as_json:
        typer.echo(json.dumps(plain(contract, bills[-1], found), ensure_ascii=False))
    else:
        show(contract, bills[-1], found)


@app.command("simulate", epilog="Example: [bold]releve bill simulate 10000001 --index 48213[/]")
def simulate_bill(
    contract: Annotated[str, typer.Argument(help="Number of the contract.")],
    index: Annotated[str | None, typer.Option(help="What a one-register meter shows.")] = None,
    register: Annotated[
        list[str] | None, typer.Option(help="What one register shows, as peak=15420; once for each register.")
    ] = None,
    percent: Annotated[
        str | None, typer.Option(help="So much more or less than usual, as -10, in the days that no bill is for yet.")
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(help="Last day billed, as 2026-03-31.", show_default="today, or with --percent where bills end"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object; amounts in dirhams.")] = False,
) -> None:
    """What the next bill of a contract would be: by what its meter shows, or by a change of the usual use."""
    from actions.coming_bill import coming_bill
    from bot.commands.contract_record import record

    today = local_day(system_clock())
    end = None if on is None else _day("--on", on)
    by_index = index is not None or bool(register)
    if by_index == (percent is not None):
        raise Fault("say what the meter shows (--index N, --register peak=N) or a change (--percent -10)")
    with _faults(), _refusals():
        settings = load_settings()
        known = record(settings, contract)
        if known.supply is None:
            raise Fault(f"contract {contract} has no meter in place")
        coming = coming_bill(known.supply, known.bills, _tariffs_of(settings.operator), end or today)
        if percent is not None:
            found = _at_pace(coming, percent, end or coming.until)
        else:
            found = _at_indexes(coming, _indexes(coming, index, register or []), end or today, today)
    if as_json:
        typer.echo(json.dumps(_plain_simulation(found), ensure_ascii=False))
    else:
        _print(coming.tariff, found)


@contextmanager
def _faults() -> Iterator[None]:
    """What the rules refuse is for the operator to put right: one line."""
    try:
        yield
    except (BillError, NoTariff, TariffError) as error:
        raise Fault(str(error)) from error


@contextmanager
def _refusals() -> Iterator[None]:
    """What the history of a contract does not carry is for the operator to know: one line."""
    from actions.billed import NotRecomputable

    try:
        yield
    except (NotRecomputable, NothingToCompare, NotForeseeable) as error:
        raise Fault(str(error)) from error


def _tariffs_of(operator: str) -> str:
    return load_operator(PROJECT / "operators", operator).tariffs


def _at_pace(coming: ComingBill, percent: str, until: date) -> Bill:
    """The bill of the days not billed yet, so much more or less than usual being used in them."""
    if not _PERCENT.fullmatch(percent):
        raise Fault(f"--percent is a whole number such as -10, not {percent!r}")
    power = coming.registers[0].facts.subscribed_kw
    pace = coming.usual_pace().changed(int(percent))
    return simulate(coming.tariff, Period(coming.billed_to, until), pace, subscribed_kw=power)


def _at_indexes(coming: ComingBill, indexes: Mapping[str, int], on: date, today: date) -> Bill:
    """The bill that a reading of these indexes on that day would make."""
    for metered in coming.registers:
        index = indexes[metered.facts.code]
        verdict = check(index, on, max(on, today), metered.facts)
        last = verdict.previous or metered.start
        if Code.LOWER_THAN_LAST in verdict:
            raise Fault(f"index {index} is below the last one, {last.value} on {last.taken_on}")
        refused = [finding.code for finding in verdict.findings if finding.severity is Severity.REFUSE]
        if refused:
            reason = refused[0].replace("_", " ")
            raise Fault(f"index {index} is refused: {reason}; the last one was {last.value} on {last.taken_on}")
    return coming.bill(coming.uses(indexes, on), on)


def _indexes(coming: ComingBill, index: str | None, registers: Iterable[str]) -> dict[str, int]:
    """The index of every register of the meter."""
    codes = [metered.facts.code for metered in coming.registers]
    given = [] if index is None else [("--index", ONE_REGISTER, index)]
    for each in registers:
        name, _, text = each.partition("=")
        given.append((f"--register {name}", name, text))
    found: dict[str, int] = {}
    for option, name, text in given:
        if name not in codes or name in found:
            raise Fault(f"{option} {text}: the meter needs one index of {' and '.join(codes)}")
        if not _INDEX.fullmatch(text):
            raise Fault(f"{option} is the whole number that the meter shows, not {text!r}")
        found[name] = int(text)
    if missing := [code for code in codes if code not in found]:
        raise Fault(f"what does register {missing[0]} show? --register {missing[0]}=N")
    return found


def _tariff(operator: str, name: str) -> Tariff:
    operators = sorted(path.name for path in TARIFFS.iterdir() if path.is_dir())
    if operator not in operators:
        raise Fault(f"no tariffs of operator {operator!r}: there are those of {', '.join(operators)}")
    tariffs = load(TARIFFS / operator)
    if name not in tariffs:
        raise Fault(f"no tariff {name!r} of {operator}: there are {', '.join(sorted(tariffs))}")
    return tariffs[name]


def _period(days: str, on: str | None) -> Period:
    if not _DAYS.fullmatch(days) or int(days) == 0:
        raise Fault(f"--days is a whole number of days from 1 to 9999, not {days!r}")
    end = _day("--on", on) if on is not None else local_day(system_clock())
    try:
        return Period(end - timedelta(days=int(days)), end)
    except OverflowError:
        raise Fault(f"--days {days} before {end} is before any calendar") from None


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Fault(f"{option} is a day such as 2026-03-31, not {text!r}") from None


def _uses(tariff: Tariff, totals: Mapping[str, str | None], registers: Iterable[str]) -> list[Use]:
    """The uses asked for, each in the unit of the tariff."""
    ways = [
        f"{UNIT_OPTIONS[tariff.unit]} N" if name == ONE_REGISTER else f"--register {name}=N"
        for name in tariff.registers
    ]
    needs = f"tariff {tariff.name} needs {' '.join(ways)}"
    uses: list[Use] = []
    for option, text in totals.items():
        if text is not None and f"{option} N" not in ways:
            raise Fault(f"{option} {text}: {needs}")
        if text is not None:
            uses.append(Use(ONE_REGISTER, _quantity(option, text)))
    for given in registers:
        name, _, text = given.partition("=")
        uses.append(Use(name, _quantity(f"--register {name}", text)))
    if not uses:
        raise Fault(f"how much was used? {needs}")
    repeated = {use.register for use in uses if sum(use.register == other.register for other in uses) > 1}
    if repeated:
        raise Fault(f"register {min(repeated)} is given twice")
    return uses


def _quantity(option: str, text: str) -> Decimal:
    return _number(option, text, _QUANTITY, "320 or 320.5")


def _money(option: str, text: str) -> Decimal:
    return _number(option, text, _MONEY, "120 or 120.50")


def _number(option: str, text: str, shape: re.Pattern[str], examples: str) -> Decimal:
    if shape.fullmatch(text):
        return Decimal(text)
    if text.startswith("-") and shape.fullmatch(text[1:]):
        raise Fault(f"{option} cannot be below zero: {text}")
    raise Fault(f"{option} is a number such as {examples}, not {text!r}")


def _plain(found: Bill) -> dict[str, Any]:
    return {"lines": [_plain_line(line) for line in found.lines], "total": str(found.total)}


def _plain_line(line: Line) -> dict[str, str | None]:
    return {
        "code": line.code,
        "label": line.label.fr,
        "quantity": None if line.quantity is None else str(line.quantity),
        "unit_price": None if line.unit_price is None else str(line.unit_price),
        "vat_rate": f"{line.vat_rate:.2f}",
        "amount_ht": str(line.amount_ht),
        "amount_vat": str(line.amount_vat),
        "amount": str(line.amount),
    }


def _plain_simulation(found: Bill) -> dict[str, Any]:
    usage = sum((use.quantity for use in found.uses), Decimal(0))
    period = {"start": found.period.start.isoformat(), "end": found.period.end.isoformat()}
    return {**_plain(found), "usage": str(usage), "days": found.period.days, "period": period}


def _print(tariff: Tariff, found: Bill) -> None:
    """A table in French, as on the paper bill; the amounts, in dirhams, have all taxes in."""
    first, last = found.period.billed.first, found.period.billed.last
    period = f"du {first:%d/%m/%Y} au {last:%d/%m/%Y} ({found.period.days} jours)"
    table = Table(title=f"{tariff.label.fr}\n{period}", box=SIMPLE_HEAD)
    table.add_column("Désignation")
    for heading in ("Quantité", "PU HT", "TVA", "Montant DH"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in found.lines:
        quantity = "" if line.quantity is None else f"{line.quantity} {UNIT_LABELS[line.unit]}"
        rate = f"{line.vat_rate * 100:.0f} %" if line.vat_rate else ""
        cells = (quantity, line.unit_price or "", rate, line.amount)
        table.add_row(line.label.fr, *(str(cell).replace(".", ",") for cell in cells))
    table.add_section()
    table.add_row("Total à payer", "", "", "", str(found.total).replace(".", ","), style="bold")
    Console().print(table)
