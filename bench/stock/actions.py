"""The custom actions of the stock side, as a Rasa project usually has them: synchronous SQLAlchemy 1.4 on SQLite.

They run in `rasa run actions` under the stock environment. What they check is less than what Relève checks, which
is in the stock side's favour.
"""

from __future__ import annotations

import os
import secrets
from datetime import date, datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import ActiveLoop, EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy import Column, Date, DateTime, ForeignKey, Integer, String, create_engine, select
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

HIGH = 2.5
"""Times the usual daily use above which the customer is asked again."""

CASABLANCA = ZoneInfo("Africa/Casablanca")

FORM_SLOTS = ("reading_value", "reading_confirmed", "doubt", "usage", "days", "usual", "last_value", "replaces")

Base = declarative_base()
engine = create_engine(os.environ["STOCK_DATABASE_URL"], future=True)
open_session = sessionmaker(engine, future=True, expire_on_commit=False)


class Contract(Base):
    __tablename__ = "contract"

    id = Column(Integer, primary_key=True)
    number = Column(String(24), unique=True, nullable=False)
    phone = Column(String(16), index=True, nullable=False)
    digits = Column(Integer, nullable=False)

    readings = relationship("Reading", order_by="Reading.taken_on, Reading.id", back_populates="contract")


class Reading(Base):
    """`state` is accepted, to_review or replaced."""

    __tablename__ = "reading"

    id = Column(Integer, primary_key=True)
    reference = Column(String(16), unique=True, nullable=False)
    contract_id = Column(ForeignKey("contract.id"), index=True, nullable=False)
    value = Column(Integer, nullable=False)
    taken_on = Column(Date, nullable=False)
    received_at = Column(DateTime(timezone=True), nullable=False)
    source = Column(String(12), nullable=False)
    state = Column(String(12), nullable=False)

    contract = relationship("Contract", back_populates="readings")


def today() -> date:
    return datetime.now(CASABLANCA).date()


def contract_of(session: Session, phone: str) -> Contract | None:
    return session.scalars(select(Contract).where(Contract.phone == phone)).first()


def standing(contract: Contract, replaced: str | None = None) -> list[Reading]:
    """The readings that count, oldest first, without the one being corrected."""
    return [each for each in contract.readings if each.state != "replaced" and each.reference != replaced]


class ValidateReadingForm(FormValidationAction):
    """Checks the index against the meter and the customer's usual use."""

    def name(self) -> str:
        return "validate_reading_form"

    def validate_reading_value(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        with open_session() as session:
            contract = contract_of(session, tracker.sender_id)
            if contract is None:
                dispatcher.utter_message(response="utter_phone_unknown")
                return {"reading_value": None, "requested_slot": None}
            number = int(value)
            if number >= 10**contract.digits:
                dispatcher.utter_message(response="utter_reading_too_many_digits", digits=contract.digits)
                return {"reading_value": None}
            readings = standing(contract, tracker.get_slot("replaces"))
        if not readings:
            return {"reading_value": number, "reading_confirmed": True, "doubt": None}
        first, last = readings[0], readings[-1]
        days = max(1, (today() - last.taken_on).days)
        usage = number - last.value
        usual = None
        doubt = None
        if last.taken_on > first.taken_on:
            daily = (last.value - first.value) / (last.taken_on - first.taken_on).days
            usual = round(daily * 30)
            if usage > HIGH * daily * days:
                doubt = "high"
        if usage < 0:
            doubt = "lower"
        return {
            "reading_value": number,
            "reading_confirmed": None if doubt else True,
            "doubt": doubt,
            "usage": usage,
            "days": days,
            "usual": usual,
            "last_value": last.value,
        }

    def validate_reading_confirmed(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        if value is False:
            return {"reading_value": None, "reading_confirmed": None, "doubt": None}
        return {"reading_confirmed": value}


class RecordReading(Action):
    """Stores the index under a reference and tells the customer what was used since the last one."""

    def name(self) -> str:
        return "action_record_reading"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        value = tracker.get_slot("reading_value")
        if value is None:
            return [SlotSet(name, None) for name in FORM_SLOTS]
        doubt = tracker.get_slot("doubt")
        replaces = tracker.get_slot("replaces")
        reference = f"R-{secrets.token_hex(4).upper()}"
        with open_session.begin() as session:
            contract = contract_of(session, tracker.sender_id)
            assert contract is not None
            readings = standing(contract, replaces)
            for replaced in contract.readings:
                if replaced.reference == replaces:
                    replaced.state = "replaced"
            last = readings[-1] if readings else None
            session.add(
                Reading(
                    reference=reference,
                    contract=contract,
                    value=value,
                    taken_on=today(),
                    received_at=datetime.now(timezone.utc),  # noqa: UP017 - Python 3.10
                    source="customer",
                    state="to_review" if doubt else "accepted",
                )
            )
        dispatcher.utter_message(
            response="utter_reading_corrected" if replaces else "utter_reading_recorded",
            value=value,
            taken_on=today().strftime("%d/%m/%Y"),
            usage=value - last.value if last else 0,
            unit="kWh",
            last_on=(last.taken_on if last else today()).strftime("%d/%m/%Y"),
            days=(today() - last.taken_on).days if last else 0,
            reference=reference,
        )
        if doubt:
            dispatcher.utter_message(response="utter_reading_to_review")
        return [SlotSet(name, None) for name in FORM_SLOTS]


class CorrectReading(Action):
    """Remembers which reading the next one replaces; the form then takes it."""

    def name(self) -> str:
        return "action_correct_reading"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        with open_session() as session:
            contract = contract_of(session, tracker.sender_id)
            sent = [each for each in standing(contract) if each.source == "customer"] if contract else []
        if not sent:
            dispatcher.utter_message(response="utter_nothing_to_correct")
            return []
        return [SlotSet("replaces", sent[-1].reference)]


class Cancel(Action):
    """Leaves the form and forgets what it gathered."""

    def name(self) -> str:
        return "action_cancel"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        inside = bool(tracker.active_loop.get("name"))
        dispatcher.utter_message(response="utter_cancelled" if inside else "utter_nothing_to_cancel")
        return [ActiveLoop(None), SlotSet("requested_slot", None), *(SlotSet(name, None) for name in FORM_SLOTS)]
