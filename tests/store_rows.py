"""Valid rows of every table, in the order in which they can be inserted, to be spoilt one value at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Insert, String, insert, literal
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Base

DAY = date(2026, 1, 15)
DEMO_DAY = date(2026, 1, 15)
"""When the demo customers of the `demo` fixture were loaded."""
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)

ROWS: dict[str, dict[str, Any]] = {
    "customer": {"id": 1, "name": "Amina El Fanouss", "modest_income": False},
    "contract": {
        "id": 1,
        "number": "10000001",
        "customer_id": 1,
        "utility": "electricity",
        "billing": "postpaid",
        "tariff": "residential",
        "address": "1, rue des Exemples",
        "commune": "Ifrane",
        "route": "IFR-2M",
        "opened_on": DAY,
    },
    "registered_phone": {"contract_id": 1, "number": "+212600000001"},
    "meter": {
        "id": 1,
        "contract_id": 1,
        "number": "410000001",
        "digits": 5,
        "multiplier": 1,
        "subscribed_watts": 6600,
        "installed_on": DAY,
    },
    "register": {"id": 1, "meter_id": 1, "code": "total", "unit": "kWh"},
    "conversation": {"id": 1, "channel": "sms", "address": "+212600000001", "created_at": NOW},
    "message": {
        "id": 1,
        "conversation_id": 1,
        "channel": "sms",
        "direction": "in",
        "carrier_id": "SM1",
        "state": "handled",
        "body": "48213",
        "due_at": NOW,
        "created_at": NOW,
    },
    "identity": {"conversation_id": 1, "contract_id": 1, "verification": "code", "verified_at": NOW},
    "identity_attempt": {"id": 1, "conversation_id": 1, "contract_number": "10000001", "at": NOW},
    "one_time_code": {
        "conversation_id": 1,
        "contract_number": "10000001",
        "code_hash": "5d41",
        "expires_at": NOW,
    },
    "dialogue_turn": {"message_id": 1, "conversation_id": 1, "events": []},
    "reading": {
        "id": 1,
        "reference": "R-4821370568",
        "register_id": 1,
        "value": 48213,
        "taken_on": DAY,
        "received_at": NOW,
        "source": "customer",
        "channel": "sms",
        "state": "accepted",
        "findings": [],
        "message_id": 1,
    },
    "bill": {
        "id": 1,
        "number": "10000001-001",
        "contract_id": 1,
        "period_start": DAY,
        "period_end": DAY,
        "issued_on": DAY,
        "due_on": DAY,
        "basis": "read",
        "usage": 113,
        "total": Decimal("123.71"),
        "paid": Decimal("0.00"),
    },
    "request": {
        "id": 1,
        "reference": "D-4821370568",
        "kind": "deferral",
        "state": "received",
        "contract_id": 1,
        "conversation_id": 1,
        "message_id": 1,
        "details": {},
        "created_at": NOW,
    },
    "request_bill": {"request_id": 1, "bill_id": 1, "amount": Decimal("123.71")},
    "instalment": {"request_id": 1, "position": 1, "due_on": DAY, "amount": Decimal("123.71"), "paid": Decimal(0)},
    "payment": {
        "id": 1,
        "reference": "PAY-1",
        "contract_id": 1,
        "amount": Decimal("100.00"),
        "unused": Decimal("0.00"),
        "paid_at": NOW,
        "reported_at": NOW,
    },
    "ledger_entry": {
        "id": 1,
        "contract_id": 1,
        "at": NOW,
        "kind": "advance",
        "kwh": Decimal("20.00"),
        "reference": "K-4821370568",
    },
    "place": {
        "id": 1,
        "kind": "agency",
        "commune": "Ifrane",
        "name": "Agence Exemple",
        "address": "place Fictive",
    },
    "round": {"id": 1, "commune": "Ifrane", "place": "souk", "starts_at": NOW, "ends_at": NOW + timedelta(hours=3)},
    "known_outage": {
        "id": 1,
        "number": "CUT-1",
        "commune": "Ifrane",
        "utility": "electricity",
        "planned": False,
        "starts_at": NOW,
    },
    "campaign": {
        "id": 1,
        "name": "relevés de janvier",
        "kind": "reading_reminder",
        "state": "draft",
        "selection": {},
        "created_at": NOW,
        "created_by": "test",
    },
    "notice": {
        "id": 1,
        "key": "campaign:1:1",
        "conversation_id": 1,
        "campaign_id": 1,
        "contract_id": 1,
        "response": "utter_campaign_reading",
        "params": {},
        "state": "waiting",
        "not_before": NOW,
        "message_id": 1,
        "created_at": NOW,
    },
    "api_key": {"id": 1, "name": "till", "key_hash": "5d41", "scopes": ["payments"], "created_at": NOW},
    "user_account": {
        "id": 1,
        "email": "amina@example.ma",
        "name": "Amina El Misbah",
        "role": "agent",
        "language": "fr",
        "speaks": ["fr"],
        "must_change_password": False,
        "oidc_subject": "amina",
        "failed_logins": 0,
        "created_at": NOW,
    },
    "user_session": {
        "id": 1,
        "token_hash": "5d41",
        "user_id": 1,
        "csrf": "402a",
        "is_complete": True,
        "created_at": NOW,
        "used_at": NOW,
        "expires_at": NOW,
    },
    "team": {"id": 1, "name": "Français", "languages": ["fr"]},
    "team_member": {"team_id": 1, "user_id": 1},
    "hand_over": {
        "id": 1,
        "conversation_id": 1,
        "reason": "asked",
        "priority": "normal",
        "team_id": 1,
        "user_id": 1,
        "opened_at": NOW,
        "ended_at": NOW,
        "ended_by_id": 1,
        "outcome": "solved",
        "score": 4,
    },
    "note": {"id": 1, "conversation_id": 1, "user_id": 1, "body": "rappeler", "created_at": NOW},
    "draft": {"conversation_id": 1, "user_id": 1, "body": "Bonj", "changed_at": NOW},
    "canned_answer": {"id": 1, "name": "merci", "language": "fr", "body": "Merci.", "changed_at": NOW},
    "upload": {
        "id": 1,
        "message_id": 1,
        "user_id": 1,
        "name": "plan.pdf",
        "content_type": "application/pdf",
        "content": b"%PDF",
        "created_at": NOW,
    },
    "labelled_example": {
        "message_id": 1,
        "text": "je veux payer demain",
        "language": "fr",
        "intent": "request_deferral",
        "user_id": 1,
        "labelled_at": NOW,
    },
    "audit": {"id": 1, "at": NOW, "actor": "test", "action": "looked", "subject": "reading:1", "details": {}},
}


def another(table: str, **changes: Any) -> dict[str, Any]:
    """A second valid row of `table`, sharing nothing unique with the first, then changed."""
    row = dict(ROWS[table])
    if "id" in row:
        row["id"] = 2
    fresh = {
        "contract": {"number": "10000002"},
        "registered_phone": {"number": "+212600000002"},
        "meter": {"number": "410000002"},
        "register": {"code": "peak"},
        "conversation": {"address": "+212600000002"},
        "message": {"carrier_id": "SM2"},
        "identity": {"conversation_id": 2},
        "one_time_code": {"conversation_id": 2},
        "dialogue_turn": {"message_id": 2},
        "reading": {"reference": "R-1234567890", "message_id": 2},
        "bill": {"number": "10000001-002"},
        "request": {"reference": "D-1234567890"},
        "request_bill": {"bill_id": 2},
        "instalment": {"position": 2},
        "payment": {"reference": "PAY-2"},
        "ledger_entry": {"reference": "K-1234567890"},
        "place": {"name": "Agence Modèle"},
        "round": {"place": "mosquée"},
        "known_outage": {"number": "CUT-2"},
        "campaign": {"name": "relevés de mars"},
        "notice": {"key": "campaign:1:2"},
        "api_key": {"name": "crm", "key_hash": "7d79"},
        "user_account": {"email": "samir@example.ma", "oidc_subject": "samir"},
        "user_session": {"token_hash": "7d79"},
        "team": {"name": "Arabe"},
        "team_member": {"team_id": 2},
        "draft": {"user_id": 2},
        "canned_answer": {"name": "bonjour"},
        "labelled_example": {"message_id": 2},
    }
    return row | fresh.get(table, {}) | changes


def statement(table: str, row: dict[str, Any]) -> Insert:
    """An INSERT that reaches the database as it is: the closed lists of our column types do not look at it."""
    plain = {column: literal(value, String()) if isinstance(value, str) else value for column, value in row.items()}
    return insert(Base.metadata.tables[table]).values(plain)


async def insert_all(session: AsyncSession) -> None:
    """One valid row in every table."""
    for table, row in ROWS.items():
        await session.execute(statement(table, row))
