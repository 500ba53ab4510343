"""Every table, in the order in which the story is told: who, what is measured, what is owed, what is said.

Rules that must never break are constraints of the database, not only code. Readings are whole units of the
meter's register, money is `Decimal` dirhams, moments are aware.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, MetaData, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from store.types import Energy, Id, Instant, Json, Money, Word, one_of

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


# --- who ----------------------------------------------------------------------------------------------------


class Utility(StrEnum):
    ELECTRICITY = "electricity"
    WATER = "water"


class Billing(StrEnum):
    POSTPAID = "postpaid"
    PREPAID = "prepaid"


class Customer(Base):
    """A holder of contracts. `number` is the operator's for them, where it gives one; `language` is what they asked
    to be written in, BCP 47.
    """

    __tablename__ = "customer"
    __table_args__ = (Index(None, "number", unique=True),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[str | None] = mapped_column(String(24))
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str | None] = mapped_column(String(12))
    modest_income: Mapped[bool] = mapped_column(default=False)

    contracts: Mapped[list[Contract]] = relationship(back_populates="customer")


class Contract(Base):
    """A supply at one place. `number` is what the customer sees on a bill."""

    __tablename__ = "contract"
    __table_args__ = (one_of("utility", Utility), one_of("billing", Billing), Index(None, "customer_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    utility: Mapped[Utility] = mapped_column(Word(Utility))
    billing: Mapped[Billing] = mapped_column(Word(Billing))
    tariff: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(300))
    commune: Mapped[str] = mapped_column(String(100))
    route: Mapped[str] = mapped_column(String(24))
    opened_on: Mapped[date]
    closed_on: Mapped[date | None]

    customer: Mapped[Customer] = relationship(back_populates="contracts")
    meters: Mapped[list[Meter]] = relationship(back_populates="contract", order_by="Meter.installed_on")


class RegisteredPhone(Base):
    """A phone that the utility knows for a contract; writing from it identifies the sender for readings."""

    __tablename__ = "registered_phone"
    __table_args__ = (CheckConstraint("number LIKE '+%'", name="e164"), Index(None, "number"))

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[str] = mapped_column(String(16), primary_key=True)


# --- what is measured ---------------------------------------------------------------------------------------


class Meter(Base):
    """A meter in place from `installed_on` until `removed_on`. `subscribed_watts` bounds what can flow."""

    __tablename__ = "meter"
    __table_args__ = (
        CheckConstraint("digits BETWEEN 3 AND 9", name="digits"),
        CheckConstraint("multiplier >= 1", name="multiplier"),
        CheckConstraint("removed_on IS NULL OR removed_on >= installed_on", name="removed_after_installed"),
        Index(None, "contract_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    number: Mapped[str] = mapped_column(String(24), unique=True)
    digits: Mapped[int]
    multiplier: Mapped[int] = mapped_column(default=1)
    subscribed_watts: Mapped[int | None]
    installed_on: Mapped[date]
    removed_on: Mapped[date | None]

    contract: Mapped[Contract] = relationship(back_populates="meters")
    registers: Mapped[list[Register]] = relationship(back_populates="meter", order_by="Register.id")


class RegisterCode(StrEnum):
    TOTAL = "total"
    PEAK = "peak"
    OFF_PEAK = "off_peak"


class Unit(StrEnum):
    KWH = "kWh"
    CUBIC_METRE = "m3"


class Register(Base):
    """One counter of a meter: a two-period meter has two."""

    __tablename__ = "register"
    __table_args__ = (
        UniqueConstraint("meter_id", "code"),
        one_of("code", RegisterCode),
        one_of("unit", Unit),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    code: Mapped[RegisterCode] = mapped_column(Word(RegisterCode))
    unit: Mapped[Unit] = mapped_column(Word(Unit))

    meter: Mapped[Meter] = relationship(back_populates="registers")


class ReadingSource(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    FIELD = "field"
    ESTIMATE = "estimate"


class ReadingState(StrEnum):
    ACCEPTED = "accepted"
    TO_REVIEW = "to_review"
    REPLACED = "replaced"
    REJECTED = "rejected"


class Reading(Base):
    """An index read (or estimated) on a register. It is never changed: a correction replaces it.

    `findings` are the codes of the checks that it did not pass when it was given; `message_id` is the
    customer's message it came in, and with the register it is unique: a message handled twice could not store
    it twice. `photo_id` is the message whose picture of the meter came with it, kept when that is purged: it says
    how the reading was given.
    """

    __tablename__ = "reading"
    __table_args__ = (
        one_of("source", ReadingSource),
        one_of("state", ReadingState),
        CheckConstraint("value >= 0", name="value_not_negative"),
        CheckConstraint("(state = 'replaced') = (replaced_by_id IS NOT NULL)", name="replaced_names_its_successor"),
        UniqueConstraint("message_id", "register_id"),
        Index(None, "register_id", "taken_on"),
        Index(None, "received_at"),
        Index(
            "ix_reading_to_review",
            "id",
            postgresql_where=text("state = 'to_review'"),
            sqlite_where=text("state = 'to_review'"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("register.id"))
    value: Mapped[int]
    taken_on: Mapped[date]
    received_at: Mapped[datetime] = mapped_column(Instant)
    source: Mapped[ReadingSource] = mapped_column(Word(ReadingSource))
    channel: Mapped[str | None] = mapped_column(String(12))
    state: Mapped[ReadingState] = mapped_column(Word(ReadingState))
    findings: Mapped[list[str]] = mapped_column(Json, default=list)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("reading.id"), index=True)
    photo_id: Mapped[int | None] = mapped_column(Id)

    register: Mapped[Register] = relationship()


# --- what is owed and asked ---------------------------------------------------------------------------------


class BillBasis(StrEnum):
    READ = "read"
    ESTIMATED = "estimated"


class Bill(Base):
    """A bill as issued. `total` and `paid` in dirhams, tax included; `usage` in the register's unit.

    What it was computed from, where the operator gives it: `uses` are the registers' indexes (`store.bills.Use`)
    from `billed_from` to `period_end`, `advances` what estimated bills since `billed_from` had asked for already,
    `arrears` and `credit` what older bills brought. Without `uses` a bill can be shown but not explained.
    """

    __tablename__ = "bill"
    __table_args__ = (
        one_of("basis", BillBasis),
        CheckConstraint("period_end >= period_start", name="period"),
        # A credit (a total below zero) is settled downwards.
        CheckConstraint("paid BETWEEN 0 AND total OR paid BETWEEN total AND 0", name="paid"),
        Index(None, "contract_id", "period_end"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    period_start: Mapped[date]
    period_end: Mapped[date]
    issued_on: Mapped[date]
    due_on: Mapped[date]
    basis: Mapped[BillBasis] = mapped_column(Word(BillBasis))
    usage: Mapped[int]
    tariff: Mapped[str | None] = mapped_column(String(40))
    billed_from: Mapped[date | None]
    uses: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)
    advances: Mapped[Decimal] = mapped_column(Money, default=Decimal(0), server_default="0")
    arrears: Mapped[Decimal] = mapped_column(Money, default=Decimal(0), server_default="0")
    credit: Mapped[Decimal] = mapped_column(Money, default=Decimal(0), server_default="0")
    total: Mapped[Decimal] = mapped_column(Money)
    paid: Mapped[Decimal] = mapped_column(Money)


class RequestKind(StrEnum):
    DEFERRAL = "deferral"
    INSTALMENTS = "instalments"
    SUBSCRIPTION = "subscription"
    COMPLAINT = "complaint"
    KWH_ADVANCE = "kwh_advance"
    RECHARGE_VISIT = "recharge_visit"  # that the mobile recharge team comes
    OUTAGE = "outage"
    RECTIFICATION = "rectification"  # of personal data, law 09-08
    ERASURE = "erasure"


class RequestState(StrEnum):
    RECEIVED = "received"
    UNDER_REVIEW = "under_review"
    GRANTED = "granted"
    REFUSED = "refused"
    BEING_PAID = "being_paid"
    KEPT = "kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"


class Request(Base):
    """Something a person must decide or do. `details` holds what the customer said, by kind.

    `language` is what its customer is told in, `due_on` the day by which the law or the operator wants it decided,
    `reason` what the person who decided said of it, as the customer may read it.
    """

    __tablename__ = "request"
    __table_args__ = (
        one_of("kind", RequestKind),
        one_of("state", RequestState),
        Index(None, "contract_id"),
        Index(None, "conversation_id"),
        Index(None, "state", "kind"),
        Index(None, "created_at"),
        Index(
            "ix_request_message_id",
            "message_id",
            postgresql_where=text("message_id IS NOT NULL"),
            sqlite_where=text("message_id IS NOT NULL"),
        ),
        Index(
            "ix_request_undecided",
            "due_on",
            "id",
            postgresql_where=text("state IN ('received', 'under_review')"),
            sqlite_where=text("state IN ('received', 'under_review')"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    kind: Mapped[RequestKind] = mapped_column(Word(RequestKind))
    state: Mapped[RequestState] = mapped_column(Word(RequestState))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    reason: Mapped[str | None] = mapped_column(String(300))
    due_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime | None] = mapped_column(Instant)

    contract: Mapped[Contract | None] = relationship()
    bills: Mapped[list[RequestBill]] = relationship(order_by="RequestBill.bill_id", cascade="all, delete-orphan")
    schedule: Mapped[list[Instalment]] = relationship(
        order_by="Instalment.position", cascade="all, delete-orphan", back_populates="request"
    )


class RequestBill(Base):
    """A bill that a request for time is about, and what was open on it then, in dirhams."""

    __tablename__ = "request_bill"

    request_id: Mapped[int] = mapped_column(ForeignKey("request.id", ondelete="CASCADE"), primary_key=True)
    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"), primary_key=True, index=True)
    amount: Mapped[Decimal] = mapped_column(Money)

    bill: Mapped[Bill] = relationship()


class Instalment(Base):
    """One payment of a schedule, proposed or granted. A deferral has one. Amounts in dirhams."""

    __tablename__ = "instalment"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("paid BETWEEN 0 AND amount", name="paid"),
        Index(None, "due_on"),
    )

    request_id: Mapped[int] = mapped_column(ForeignKey("request.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    due_on: Mapped[date]
    amount: Mapped[Decimal] = mapped_column(Money)
    paid: Mapped[Decimal] = mapped_column(Money, default=Decimal(0), server_default="0")

    request: Mapped[Request] = relationship(back_populates="schedule")


class Payment(Base):
    """A payment that the operator's system reported, once for each `reference` of theirs. In dirhams.

    `unused` is what was left when every open bill of the contract was settled.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("unused BETWEEN 0 AND amount", name="unused"),
        Index(None, "contract_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(64), unique=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    amount: Mapped[Decimal] = mapped_column(Money)
    unused: Mapped[Decimal] = mapped_column(Money, default=Decimal(0), server_default="0")
    paid_at: Mapped[datetime] = mapped_column(Instant)
    method: Mapped[str | None] = mapped_column(String(40))
    reported_at: Mapped[datetime] = mapped_column(Instant)


# --- prepaid ------------------------------------------------------------------------------------------------


class LedgerKind(StrEnum):
    ADVANCE = "advance"  # granted: the customer owes more kWh
    RECOVERY = "recovery"  # taken from a recharge
    CORRECTION = "correction"


class LedgerEntry(Base):
    """One line of a prepaid contract's account of advanced kWh. `kwh` is above zero when it adds to what is owed.

    `reference` is the request of an advance, or the operator's number of the recharge that paid some back; a
    recharge reported twice changes nothing.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        one_of("kind", LedgerKind),
        CheckConstraint("(kind <> 'advance' OR kwh > 0) AND (kind <> 'recovery' OR kwh <= 0)", name="sign"),
        UniqueConstraint("contract_id", "kind", "reference"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    kind: Mapped[LedgerKind] = mapped_column(Word(LedgerKind))
    kwh: Mapped[Decimal] = mapped_column(Energy)
    bought: Mapped[Decimal | None] = mapped_column(Energy)
    reference: Mapped[str] = mapped_column(String(64))


class PlaceKind(StrEnum):
    AGENCY = "agency"
    RECHARGE_POINT = "recharge_point"


class Place(Base):
    """Where customers can go: an agency or a recharge point. `hours` as customers read them."""

    __tablename__ = "place"
    __table_args__ = (one_of("kind", PlaceKind), UniqueConstraint("kind", "commune", "name"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[PlaceKind] = mapped_column(Word(PlaceKind))
    commune: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(24))
    hours: Mapped[str | None] = mapped_column(String(120))


class Round(Base):
    """The mobile recharge team at a place of a commune, from `starts_at` to `ends_at`."""

    __tablename__ = "round"
    __table_args__ = (
        UniqueConstraint("commune", "place", "starts_at"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    commune: Mapped[str] = mapped_column(String(100))
    place: Mapped[str] = mapped_column(String(200))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)


class KnownOutage(Base):
    """A cut that the operator knows of, planned or not, in a commune or a part of it."""

    __tablename__ = "known_outage"
    __table_args__ = (one_of("utility", Utility), UniqueConstraint("number"), Index(None, "commune"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[str] = mapped_column(String(40))
    commune: Mapped[str] = mapped_column(String(100))
    area: Mapped[str | None] = mapped_column(String(200))
    utility: Mapped[Utility] = mapped_column(Word(Utility))
    planned: Mapped[bool] = mapped_column(default=False)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    expected_until: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


# --- what is said -------------------------------------------------------------------------------------------


class Holder(StrEnum):
    """Who answers the conversation."""

    ASSISTANT = "assistant"
    AGENT = "agent"  # handed over: the assistant is silent until released


class Conversation(Base):
    """One sender on one channel. Its row is the lock of its turns.

    `dialogue` is the compact state that the next turn starts from (slots and the active form), so that a turn
    costs the same after two thousand messages as after two; the full history is in `dialogue_turn`. `offered` are
    the buttons of the last reply and the message they came in: only those may still be pressed. `informed_at` is
    when the sender was told who keeps what they write (law 09-08), `delay_told_at` when they were last told that an
    answer takes long. `unhurried_at` is when what the sender has written will have run off, by the pace that senders
    are held to.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("channel", "address"),
        one_of("holder", Holder),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(String(12))
    address: Mapped[str] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(12))
    holder: Mapped[Holder] = mapped_column(Word(Holder), default=Holder.ASSISTANT, server_default="assistant")
    last_inbound_at: Mapped[datetime | None] = mapped_column(Instant)
    opted_out_at: Mapped[datetime | None] = mapped_column(Instant)
    informed_at: Mapped[datetime | None] = mapped_column(Instant)
    delay_told_at: Mapped[datetime | None] = mapped_column(Instant)
    unhurried_at: Mapped[datetime | None] = mapped_column(Instant)
    dialogue: Mapped[dict[str, Any] | None] = mapped_column(Json)
    offered: Mapped[dict[str, Any] | None] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Instant)


class Verification(StrEnum):
    """How a sender showed that a contract is theirs."""

    SHARED_PHONE = "shared_phone"
    BILL_AMOUNT = "bill_amount"
    CODE = "code"


class Identity(Base):
    """A conversation that may act on a contract although its address is not a registered phone."""

    __tablename__ = "identity"
    __table_args__ = (one_of("verification", Verification),)

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="CASCADE"), primary_key=True)
    verification: Mapped[Verification] = mapped_column(Word(Verification))
    verified_at: Mapped[datetime] = mapped_column(Instant)


class IdentityAttempt(Base):
    """A failed try at proving a contract, kept to limit guessing per conversation and per contract number."""

    __tablename__ = "identity_attempt"
    __table_args__ = (Index(None, "conversation_id", "at"), Index(None, "contract_number", "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    contract_number: Mapped[str] = mapped_column(String(24))
    at: Mapped[datetime] = mapped_column(Instant)


class OneTimeCode(Base):
    """The code sent to a contract's registered phone for one conversation; only its hash is kept."""

    __tablename__ = "one_time_code"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True)
    contract_number: Mapped[str] = mapped_column(String(24))
    code_hash: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime] = mapped_column(Instant)


class Direction(StrEnum):
    IN = "in"
    OUT = "out"


class MessageState(StrEnum):
    RECEIVED = "received"  # in: waits for its turn
    HANDLED = "handled"  # in: its turn is committed
    SET_ASIDE = "set_aside"  # in: poisoned, a person looks at it
    QUEUED = "queued"  # out: waits to be sent
    SENDING = "sending"  # out: a process has it in hand until `due_at`; past that it is in doubt
    SENT = "sent"  # out: the carrier took it
    REFUSED = "refused"  # out: the carrier refused it for good
    DEAD = "dead"  # out: given up after too many tries


class Message(Base):
    """One message in either direction. The transcript is the queue: `state` and `due_at` say what is left.

    `carrier_id` is unique per channel and direction, which is what makes a repeated webhook harmless.
    `payload` keeps what is not text: the kind, media references, a button's token, the buttons offered.
    A `bulk` message is one of a campaign: replies go before it, and in doubt it is not sent again. `user_id` is the
    agent who wrote it.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("channel", "direction", "carrier_id"),
        one_of("direction", Direction),
        one_of("state", MessageState),
        CheckConstraint(
            "(direction = 'in') = (state IN ('received', 'handled', 'set_aside'))", name="state_of_direction"
        ),
        CheckConstraint("direction = 'out' OR carrier_id IS NOT NULL", name="inbound_has_carrier_id"),
        Index("ix_message_conversation", "conversation_id", "id"),
        Index(None, "created_at"),
        Index(
            "ix_message_answers_id",
            "answers_id",
            postgresql_where=text("answers_id IS NOT NULL"),
            sqlite_where=text("answers_id IS NOT NULL"),
        ),
        Index(
            "ix_message_unsettled",
            "conversation_id",
            postgresql_where=text("state IN ('received', 'queued', 'sending')"),
            sqlite_where=text("state IN ('received', 'queued', 'sending')"),
        ),
        Index(
            "ix_message_bulk",
            "channel",
            "id",
            postgresql_where=text("bulk AND state IN ('queued', 'sending')"),
            sqlite_where=text("bulk = 1 AND state IN ('queued', 'sending')"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    channel: Mapped[str] = mapped_column(String(12))
    direction: Mapped[Direction] = mapped_column(Word(Direction))
    carrier_id: Mapped[str | None] = mapped_column(String(128))
    state: Mapped[MessageState] = mapped_column(Word(MessageState))
    body: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any] | None] = mapped_column(Json)
    language: Mapped[str | None] = mapped_column(String(12))
    understood: Mapped[dict[str, Any] | None] = mapped_column(Json)
    answers_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime] = mapped_column(Instant)
    doubts: Mapped[int] = mapped_column(default=0, server_default="0")
    delivery: Mapped[str | None] = mapped_column(String(12))
    error: Mapped[str | None] = mapped_column(String(300))
    parts: Mapped[int | None]
    bulk: Mapped[bool] = mapped_column(default=False, server_default=false())
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)


class CampaignKind(StrEnum):
    READING_REMINDER = "reading_reminder"
    DUE_REMINDER = "due_reminder"
    RECHARGE_ROUND = "recharge_round"


class CampaignState(StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class Campaign(Base):
    """Proactive messages of one kind to many customers. `selection` says whom, by kind (route, commune, days…)."""

    __tablename__ = "campaign"
    __table_args__ = (one_of("kind", CampaignKind), one_of("state", CampaignState))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[CampaignKind] = mapped_column(Word(CampaignKind))
    state: Mapped[CampaignState] = mapped_column(Word(CampaignState))
    selection: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(64))
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class NoticeState(StrEnum):
    WAITING = "waiting"
    WRITTEN = "written"  # its message is in the outbox
    SKIPPED = "skipped"


class Notice(Base):
    """Something to tell a customer who has not just written. It becomes a message once, when the rules allow it.

    `key` is what it is about: written a second time under the same key it changes nothing. `skipped` says why it
    was not sent: opted out, no longer true, no way to reach them. With `doubts` it may have been sent by a store that
    was lost.
    """

    __tablename__ = "notice"
    __table_args__ = (
        one_of("state", NoticeState),
        Index(
            "ix_notice_waiting",
            "not_before",
            "id",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
        Index(None, "campaign_id", "state"),
        Index(
            "ix_notice_message_id",
            "message_id",
            postgresql_where=text("message_id IS NOT NULL"),
            sqlite_where=text("message_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id"))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    response: Mapped[str] = mapped_column(String(60))
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    language: Mapped[str | None] = mapped_column(String(12))
    state: Mapped[NoticeState] = mapped_column(Word(NoticeState))
    skipped: Mapped[str | None] = mapped_column(String(40))
    not_before: Mapped[datetime] = mapped_column(Instant)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    doubts: Mapped[int] = mapped_column(default=0, server_default="0")


class ApiKey(Base):
    """A caller of the operator's API. Only the key's hash is kept; `scopes` says what it may do.

    While a key is being replaced the one before it, `previous_hash`, works too, until `previous_until`. `used_at` is
    exact to the hour.
    """

    __tablename__ = "api_key"
    __table_args__ = (Index(None, "previous_hash"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    previous_hash: Mapped[str | None] = mapped_column(String(64))
    previous_until: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class DialogueTurn(Base):
    """Rasa's events of one turn, as Rasa writes them; append-only."""

    __tablename__ = "dialogue_turn"

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    events: Mapped[list[dict[str, Any]]] = mapped_column(Json)


class Audit(Base):
    """Who did what to what, and why. Append-only."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "subject", "at"), Index(None, "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
