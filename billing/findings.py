"""What a check of a reading may find, and what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from billing.registers import IndexPoint


class Severity(StrEnum):
    """What to do with a reading: take it, ask the customer once more, or not take it."""

    ACCEPT = "accept"
    CONFIRM = "confirm"
    REFUSE = "refuse"


class Code(StrEnum):
    """What was found."""

    NEGATIVE = "negative"
    TOO_MANY_DIGITS = "too_many_digits"  # `Finding.bound` is how many digits the dial has
    FUTURE = "future"  # taken after today
    BEFORE_INSTALLED = "before_installed"
    BEFORE_LAST = "before_last"  # taken before the last real reading
    IMPOSSIBLE = "impossible"  # `bound` is the most that can pass the meter, kWh or m3

    CONTRACT_NUMBER = "contract_number"  # sent instead of the index
    METER_NUMBER = "meter_number"  # the same

    SAME_DAY = "same_day"  # another index stands for that day: `bound`
    DUPLICATE = "duplicate"  # this very index stands for that day
    ZERO_INDEX = "zero_index"  # 0 on a register never read before
    ZERO_USAGE = "zero_usage"  # the same index as last time
    SAME_AS_ESTIMATE = "same_as_estimate"  # the index that we estimated, as printed on the bill
    LOWER_THAN_LAST = "lower_than_last"  # `bound` is the last real index
    HIGH = "high"  # `bound` is the most expected, kWh or m3
    LOW = "low"  # `bound` is the least expected, kWh or m3

    DECIMAL_INCLUDED = "decimal_included"  # the red digits were sent along
    SWAPPED_DIGITS = "swapped_digits"
    EXTRA_DIGIT = "extra_digit"
    MISSING_DIGIT = "missing_digit"  # `repair` is None when several digits would do
    WRONG_DIGIT = "wrong_digit"
    OTHER_REGISTER = "other_register"  # `Finding.register` is whose index it looks like

    ROLLOVER = "rollover"  # the dial went through zero
    BELOW_ESTIMATE = "below_estimate"  # we had estimated more: `bound` is the estimated index


REFUSED = frozenset(
    {
        Code.NEGATIVE,
        Code.TOO_MANY_DIGITS,
        Code.FUTURE,
        Code.BEFORE_INSTALLED,
        Code.BEFORE_LAST,
        Code.IMPOSSIBLE,
        Code.CONTRACT_NUMBER,
        Code.METER_NUMBER,
    }
)
"""Cannot be insisted on: the customer is told why and asked again."""
ACCEPTED = frozenset({Code.ROLLOVER, Code.BELOW_ESTIMATE})
"""Worth a word in the answer, not a question. What is in neither set is to be confirmed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `repair` is an index to offer to the customer, never to store unasked."""

    code: Code
    repair: int | None = None
    bound: int | None = None
    register: str | None = None

    @property
    def severity(self) -> Severity:
        """What the code comes with, always the same."""
        if self.code in REFUSED:
            return Severity.REFUSE
        return Severity.ACCEPT if self.code in ACCEPTED else Severity.CONFIRM


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that was found about one reading, with the numbers that an answer needs.

    `usage` is in kWh or m3 (multiplier applied) over `days` since `previous`, the real index that it is held
    against; None when the index went back or cannot be compared. `usual_month` is the use to expect in 30
    days at this time of the year, None for a new meter. `Code.X in verdict` asks for a finding.
    """

    value: int
    taken_on: date
    previous: IndexPoint | None
    days: int | None
    usage: int | None
    usual_month: int | None
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        """The worst of the findings."""
        found = {finding.severity for finding in self.findings}
        return next((s for s in (Severity.REFUSE, Severity.CONFIRM) if s in found), Severity.ACCEPT)

    @property
    def repair(self) -> int | None:
        """The index to ask about ("did you mean 48213?"): of the likeliest slip that explains the reading."""
        return next((finding.repair for finding in self.findings if finding.repair is not None), None)

    @property
    def rollover(self) -> bool:
        """Whether the dial went through zero since the previous reading."""
        return Code.ROLLOVER in self

    def __contains__(self, code: object) -> bool:
        return any(finding.code == code for finding in self.findings)
