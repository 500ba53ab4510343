"""The operator's bundle: what differs from one utility to the next, as data (`operators/NAME.yml`)."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from billing.kwh_advance import AdvancePolicy
from billing.schedule_policy import DeferralPolicy, InstalmentPolicy
from billing.working_days import WorkingDays


class BadOperator(ValueError):
    """The operator's file is missing or wrong; the message is one line saying where."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Privacy(_Section):
    controller: str
    declaration: str | None = None


class Identification(_Section):
    """How an unknown sender proves a contract. Attempts are per day."""

    second_factor: Literal["last_bill_amount", "sms_code"]
    attempts_per_conversation: int
    attempts_per_contract: int
    code_minutes: int


class Conversation(_Section):
    resume_hours: int
    remind_hours: int
    agent_hours: int
    release_words: tuple[str, ...]


class Readings(_Section):
    correction_days: int
    tries: int


class Holidays(_Section):
    """Days that the calendar of public holidays lacks, and days it has that are none (a feast that moved)."""

    added: frozenset[date] = frozenset()
    dropped: frozenset[date] = frozenset()


class Prepaid(_Section):
    """Prepaid meters. `visit_days` are working days until a request for the recharge team is answered."""

    visit_days: int
    kwh_advance: AdvancePolicy


class Operator(_Section):
    """`tariffs` names the folder of `billing/tariffs/` that its bills are computed from."""

    name: str
    customer_relations_phone: str
    emergency_phone: str
    country: str
    payment_page: str
    payment_channels: tuple[Literal["online", "bank_app", "cash_point", "agency"], ...]
    payment_link: str | None = None
    """Template of the page's address, with `{contract}`, `{amount}`, `{reference}` and perhaps `{signature}`."""
    payment_secret: SecretStr | None = Field(default=None, exclude=True)
    """Shared with the payment page; from the environment, never from the file."""
    tariffs: str
    privacy: Privacy
    identification: Identification
    conversation: Conversation
    readings: Readings
    holidays: Holidays
    decision_days: int
    """Working days within which a person decides on a request for time to pay."""
    deferral: DeferralPolicy
    instalments: InstalmentPolicy
    prepaid: Prepaid

    @field_validator("payment_link")
    @classmethod
    def _fillable(cls, link: str | None) -> str | None:
        if link is not None:
            fields = {name for _, name, _, _ in Formatter().parse(link) if name is not None}
            if unknown := fields - {"contract", "amount", "reference", "signature"}:
                raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        return link

    @cached_property
    def working_days(self) -> WorkingDays:
        return WorkingDays(self.holidays.added, self.holidays.dropped)


def load_operator(directory: Path, name: str) -> Operator:
    """Read `directory/name.yml`. Raises `BadOperator`."""
    path = directory / f"{name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in directory.glob("*.yml"))) or "none"
        raise BadOperator(f"no operator '{name}' in {directory.name}/ (there: {known})")
    try:
        return Operator.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise BadOperator(f"{path.name}: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BadOperator(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
