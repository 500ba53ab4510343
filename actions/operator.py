"""The operator's bundle: what differs from one utility to the next, as data (`operators/NAME.yml`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from actions.opening_hours import OpeningHours
from billing.calendar import CASABLANCA
from billing.kwh_advance import AdvancePolicy
from billing.schedule_policy import DeferralPolicy, InstalmentPolicy
from billing.working_days import WorkingDays


class BadOperator(ValueError):
    """The operator's file is missing or wrong; the message is one line saying where."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Privacy(_Section):
    """`answer_days`: days within which a wish to correct or erase personal data is answered."""

    controller: str
    declaration: str | None = None
    answer_days: int = Field(ge=1)


class Identification(_Section):
    """How an unknown sender proves a contract. Attempts are per day."""

    second_factor: Literal["last_bill_amount", "sms_code"]
    attempts_per_conversation: int
    attempts_per_contract: int
    code_minutes: int


class Keywords(_Section):
    """Messages that are one of these words, whatever their case, accents and punctuation.

    Those `answered_by_carrier` on SMS are confirmed by the carrier, not by us.
    """

    stop: tuple[str, ...]
    start: tuple[str, ...]
    answered_by_carrier: tuple[str, ...] = ()


class Conversation(_Section):
    resume_hours: int
    forget_days: int
    remind_hours: int
    agent_hours: int
    release_words: tuple[str, ...]
    keywords: Keywords


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


class Schedules(_Section):
    """Payments of a granted schedule: reminded of and missed, in days before and after the one they are due on."""

    remind_days: int = Field(ge=0)
    grace_days: int = Field(ge=0)


Connection = Literal["new", "takeover", "temporary"]
Premises = Literal["home", "business", "farm"]
Document = Literal["identity", "occupancy", "permit", "last_bill", "trade_register", "well_permit"]


class Subscriptions(_Section):
    """Working days until an agent has called, and what to show at the agency, by kind of connection.

    Who settles in a business or on a farm shows more: `premises_documents`.
    """

    call_days: int
    documents: Mapping[Connection, tuple[Document, ...]]
    premises_documents: Mapping[Premises, tuple[Document, ...]]

    def to_show(self, connection: Connection, premises: Premises) -> list[Document]:
        """The documents for both, each once."""
        named = (*self.documents.get(connection, ()), *self.premises_documents.get(premises, ()))
        return list(dict.fromkeys(named))


class Outages(_Section):
    """`same_hours`: within which a report of the same cut is not a new one."""

    same_hours: int


class Complaints(_Section):
    """`answer_days`: working days until a complaint is answered, told to the customer; None tells no day."""

    answer_days: int | None = None


class Pause(_Section):
    """Hours of one day of the week, Monday being 0, in which nobody is written to first."""

    weekday: int = Field(ge=0, le=6)
    begins: time
    ends: time


class WhatsAppTemplate(_Section):
    """An approved text by its id at Twilio; `variables` are our parameters in the order of its places."""

    sid: str = Field(pattern=r"^HX[0-9a-f]{32}$")
    variables: tuple[str, ...] = ()


class Notices(_Section):
    """When customers are written to who have not just written, and in what outside WhatsApp's 24 hours.

    `whatsapp_templates` are by response of `domain.yml`, then by language; the text of each must be the response's.
    """

    begins: time
    ends: time
    pauses: tuple[Pause, ...] = ()
    days_off: frozenset[int] = frozenset()
    """Days of the week, Monday being 0."""
    whatsapp_templates: Mapping[str, Mapping[str, WhatsAppTemplate]] = Field(default_factory=dict)

    def may_write(self, moment: datetime) -> bool:
        """Whether customers may be written to at an aware moment, by the clock of Casablanca."""
        local = moment.astimezone(CASABLANCA)
        if local.weekday() in self.days_off or not self.begins <= local.time() < self.ends:
            return False
        return not any(
            each.weekday == local.weekday() and each.begins <= local.time() < each.ends for each in self.pauses
        )


class Retention(_Section):
    """For how many days each category is kept (`store.retention`), counted from when it was made or settled.

    A message's number is what tells a carrier's repeated webhook, so that it is kept for weeks at least.
    """

    files: int = Field(default=180, ge=1)
    photos: int = Field(default=365, ge=1)
    dialogue: int = Field(default=90, ge=1)
    labels: int = Field(default=365, ge=1)
    messages: int = Field(default=365, ge=30)
    notices: int = Field(default=400, ge=90)
    notes: int = Field(default=365, ge=1)
    hand_overs: int = Field(default=730, ge=1)
    requests: int = Field(default=1827, ge=365)
    readings: int = Field(default=3653, ge=730)
    deliveries: int = Field(default=90, ge=7)
    imports: int = Field(default=365, ge=1)
    sign_ins: int = Field(default=30, ge=1)
    proofs: int = Field(default=30, ge=1)
    audit: int = Field(default=3653, ge=365)

    @model_validator(mode="after")
    def _audit_is_kept_longest(self) -> Self:
        longest = max(days for name, days in self if name != "audit")
        if self.audit < longest:
            raise ValueError(f"audit is kept the longest: at least {longest} days, as what it tells of")
        return self

    def cutoffs(self, now: datetime) -> dict[str, datetime]:
        """The moment by category before which nothing is kept that is settled."""
        return {name: now - timedelta(days=days) for name, days in self}


class Purge(_Section):
    """When old data is removed, by the clock of Casablanca: an hour at which few people write."""

    begins: time = time(2)
    ends: time = time(5)

    def is_time(self, moment: datetime) -> bool:
        """Whether it is the hour at an aware moment."""
        local = moment.astimezone(CASABLANCA).time()
        if self.begins <= self.ends:
            return self.begins <= local < self.ends
        return local >= self.begins or local < self.ends


class Desk(_Section):
    """The call centre: `hours` are when its people answer; a score after closing counts for `score_hours`."""

    hours: OpeningHours
    score_hours: int = Field(ge=1)


class Operator(_Section):
    """`tariffs` names the folder of `billing/tariffs/` that its bills are computed from."""

    name: str
    customer_relations_phone: str
    emergency_phone: str
    rescue_phone: str
    """Fire brigade and ambulance."""
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
    schedules: Schedules
    prepaid: Prepaid
    subscriptions: Subscriptions
    outages: Outages
    complaints: Complaints
    notices: Notices
    desk: Desk
    retention: Retention = Retention()
    purge: Purge = Purge()

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

    def opens_at(self, moment: datetime) -> datetime | None:
        """When people answer again after an aware moment; None when they do now, or not for a long time."""
        return self.desk.hours.opens_at(moment, self.working_days)

    def open_time(self, start: datetime, end: datetime) -> timedelta:
        """How much opening time there is between two aware moments."""
        return self.desk.hours.between(start, end, self.working_days)


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
