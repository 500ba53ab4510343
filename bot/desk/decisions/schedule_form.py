"""The payments of a schedule as rows of a form: read as people type them, checked, summed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from billing.schedule_policy import in_centimes
from billing.schedule_review import Fault, Flaw
from bot.desk.wording import N_
from bot.engine.texts import shown
from store.requests import Payable

MOST_ROWS = 36
"""As many payments as the API takes; no policy allows more."""
LARGEST = Decimal(10_000_000)
LONGEST = 20
"""Characters of a date or an amount that are looked at."""
_ARABIC_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩٫", "0123456789.")

BAD_DAY = N_("Donnez un jour, par exemple 15/12/2026.")
BAD_AMOUNT = N_("Donnez un montant en dirhams, par exemple 250,00.")
SENTENCES: Mapping[Fault, str] = {
    Fault.EMPTY: N_("Il n’y a aucun paiement."),
    Fault.SUM_NOT_DEBT: N_("Il manque %(amount)s pour couvrir ce qui est dû."),
    Fault.AMOUNT_NOT_PAYABLE: N_("Le montant doit être positif, en centimes entiers."),
    Fault.NOT_IN_ORDER: N_("Ce jour doit venir après celui du paiement d’avant."),
    Fault.DATE_PAST: N_("Ce jour est passé ; le premier possible est le %(day)s."),
    Fault.NOT_WORKING_DAY: N_("Ce n’est pas un jour ouvrable ; le suivant est le %(day)s."),
    Fault.TOO_MANY_PARTS: N_("La règle permet %(parts)s paiements au plus."),
    Fault.TOO_FEW_PARTS: N_("La règle demande %(parts)s paiements au moins."),
    Fault.DEBT_TOO_SMALL: N_("La règle donne du temps à partir de %(amount)s."),
    Fault.FIRST_TOO_SMALL: N_("La règle demande %(amount)s au moins pour le premier paiement."),
    Fault.PART_TOO_SMALL: N_("La règle demande %(amount)s au moins par paiement."),
    Fault.DATE_TOO_FAR: N_("La règle permet le %(day)s au plus tard."),
}
TOO_MUCH = N_("C’est %(amount)s de plus que ce qui est dû.")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: a French sentence, to be translated, and what goes into its places."""

    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    beyond_policy: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A payment as it was typed; `payment` is what it says, None while that cannot be read."""

    day: str
    amount: str
    problems: tuple[Problem, ...] = ()
    payment: Payable | None = None


@dataclass(frozen=True, slots=True)
class ScheduleForm:
    """The rows and what is wrong with them as a whole. `debt` is what is owed now, in dirhams."""

    rows: tuple[Row, ...]
    debt: Decimal
    problems: tuple[Problem, ...] = ()

    @property
    def payments(self) -> list[Payable]:
        """The payments of the rows that can be read."""
        return [row.payment for row in self.rows if row.payment is not None]

    @property
    def is_read(self) -> bool:
        return all(row.payment is not None for row in self.rows)

    @property
    def total(self) -> Decimal:
        return sum((amount for _, amount in self.payments), Decimal(0))

    @property
    def missing(self) -> Decimal:
        """Dirhams that the rows leave open; below zero when they ask for too much."""
        return self.debt - self.total

    @property
    def all_problems(self) -> list[Problem]:
        return [*self.problems, *(problem for row in self.rows for problem in row.problems)]

    @property
    def is_beyond_policy(self) -> bool:
        """Whether it could be granted by somebody who may go beyond the policy, and only so."""
        found = self.all_problems
        return bool(found) and all(problem.beyond_policy for problem in found)


def rows_of(payments: Sequence[Payable]) -> list[Row]:
    """The rows that show `payments`."""
    return [
        Row(due_on.isoformat(), f"{amount:.2f}".replace(".", ","), (), (due_on, amount))
        for due_on, amount in payments
    ]


def read_rows(days: Sequence[str], amounts: Sequence[str]) -> list[Row]:
    """The rows as typed, `MOST_ROWS` at most."""
    return [_read(day.strip(), amount.strip()) for day, amount in zip(days, amounts, strict=False)][:MOST_ROWS]


def checked(rows: Sequence[Row], debt: Decimal, flaws: Sequence[Flaw], language: str) -> ScheduleForm:
    """The rows with what `flaws` say of each and of the whole; those count the payments that can be read."""
    readable = [place for place, row in enumerate(rows) if row.payment is not None]
    by_row: dict[int | None, list[Problem]] = {}
    for flaw in flaws:
        place = None if flaw.position is None else readable[flaw.position - 1]
        by_row.setdefault(place, []).append(_problem(flaw, language))
    shown_rows = tuple(
        Row(row.day, row.amount, (*row.problems, *by_row.get(place, ())), row.payment)
        for place, row in enumerate(rows)
    )
    return ScheduleForm(shown_rows, debt, tuple(by_row.get(None, ())))


def _read(day: str, amount: str) -> Row:
    due_on, dirhams = _day(day[:LONGEST]), _dirhams(amount[:LONGEST])
    problems = [Problem(BAD_DAY)] if due_on is None else []
    if dirhams is None:
        problems.append(Problem(BAD_AMOUNT))
    payment = None if due_on is None or dirhams is None else (due_on, dirhams)
    return Row(day[:LONGEST], amount[:LONGEST], tuple(problems), payment)


def _day(text: str) -> date | None:
    """A day as browsers send it, or as people write it: 2026-12-15, 15/12/2026."""
    parts = text.translate(_ARABIC_DIGITS).replace("/", "-").split("-")
    if len(parts) == 3 and len(parts[2]) == 4:
        parts.reverse()
    try:
        year, month, day = map(int, parts)
        return date(year, month, day)
    except ValueError:
        return None


def _dirhams(text: str) -> Decimal | None:
    """An amount as people write it: 1 250,50 or 1250.50."""
    plain = "".join(text.translate(_ARABIC_DIGITS).split()).replace(",", ".")
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 < amount <= LARGEST or not in_centimes(amount):
        return None
    return amount.quantize(Decimal("0.01"))


def _problem(flaw: Flaw, language: str) -> Problem:
    text, amount = SENTENCES[flaw.fault], flaw.amount
    if flaw.fault is Fault.SUM_NOT_DEBT and amount is not None and amount < 0:
        text, amount = TOO_MUCH, -amount
    values = {"day": flaw.day, "parts": flaw.parts, "amount": amount}
    written = {name: shown(value, language) for name, value in values.items() if value is not None}
    return Problem(text, written, flaw.beyond_policy)
