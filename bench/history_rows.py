"""Years of conversations in a database, written by the database itself: ten million messages in minutes.

Pairs of a question and its answer, those of a conversation scattered over the year as in life. Each customer has a
contract, a meter and a phone. Some questions brought a reading, some went to people, some made a request.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from store.database import Database

YEAR = timedelta(days=365)
STRIDE = 7919
"""A prime: neighbours in time are of different conversations."""
READING_EVERY, HAND_OVER_EVERY, REQUEST_EVERY, NOTICE_EVERY = 4, 100, 200, 20
DIALOGUE_SHARE = 0.25
"""Of the questions, the latest: dialogue events are kept for a quarter of the time (`retention`)."""
EVENTS = json.dumps([{"event": "slot", "name": "reading", "value": None, "timestamp": 1.0}] * 12)
UNDERSTOOD = json.dumps(
    {
        "intent": "submit_reading",
        "certainty": "sure",
        "language": "fr",
        "confidence": 0.97,
        "ranking": [["submit_reading", 0.97], ["correct_reading", 0.02]],
        "entities": [{"entity": "reading", "value": 48213}],
    }
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is: customers with a conversation each, and messages in all of them."""

    customers: int
    messages: int

    @property
    def pairs(self) -> int:
        return self.messages // 2


def phone_of(number: int) -> str:
    """Of customer `number`, from 1."""
    return f"+2126{10_000_000 + number}"


async def fill(database: Database, size: Size) -> None:
    """Write it all into an empty, migrated database; its indexes are made anew at the end."""
    async with database.engine.connect() as connection:
        await connection.run_sync(_fill, size)
        await connection.commit()
    if not database.is_sqlite:
        async with database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM ANALYZE"))
    else:
        async with database.engine.connect() as connection:
            await connection.execute(text("ANALYZE"))
            await connection.commit()


def _fill(connection: Connection, size: Size) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        connection.exec_driver_sql("COMMIT")
        for pragma in ("foreign_keys=OFF", "synchronous=OFF", "journal_mode=MEMORY", "cache_size=-400000"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    else:
        connection.execute(text("SET session_replication_role = replica"))  # its keys are right as they are
        connection.execute(text("SET maintenance_work_mem = '256MB'"))
        query = """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix_%'"""
    indexes = [(name, sql) for name, sql in connection.execute(text(query)) if name.startswith("ix_")]
    for name, _ in indexes:
        connection.execute(text(f"DROP INDEX {name}"))
    for statement in _statements(size, is_sqlite=is_sqlite):
        connection.exec_driver_sql(statement)
    for _, sql in indexes:
        connection.exec_driver_sql(sql)
    if not is_sqlite:
        for table in ("message", "reading", "conversation", "customer", "contract", "meter", "register", "hand_over"):
            _count_on(connection, table)
        for table in ("request", "audit", "notice"):
            _count_on(connection, table)


def _count_on(connection: Connection, table: str) -> None:
    """PostgreSQL counts ids in sequences, which know nothing of ids that were given."""
    highest = f"(SELECT coalesce(max(id), 1) FROM {table})"
    connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {highest})"))


def _statements(size: Size, *, is_sqlite: bool) -> Iterator[str]:
    """The inserts, in order of their references; `i` counts customers, `p` pairs of messages."""
    begins = int((datetime.now(UTC) - YEAR).timestamp())
    step = YEAR.total_seconds() / max(size.pairs, 1)
    customers, pairs = size.customers, size.pairs

    def at(seconds: str) -> str:
        if is_sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%S.000000', {seconds}, 'unixepoch')"
        return f"to_timestamp({seconds})"

    def each(name: str, count: int, first: int = 1) -> str:
        if is_sqlite:
            return (
                f"(WITH RECURSIVE n({name}) AS (SELECT {first} UNION ALL SELECT {name} + 1 FROM n "
                f"WHERE {name} < {count}) SELECT {name} FROM n WHERE {name} <= {count}) AS series"
            )
        return f"generate_series({first}, {count}) AS series({name})"

    who = f"((p * {STRIDE}) % {customers} + 1)" if is_sqlite else f"((p::bigint * {STRIDE}) % {customers} + 1)"
    asked = f"({begins} + p * {step!r})"
    now = at(str(begins))
    yield f"""INSERT INTO customer (id, name, language, modest_income)
        SELECT i, 'Client ' || i, 'fr', false FROM {each("i", customers)}"""
    yield f"""INSERT INTO contract (id, number, customer_id, utility, billing, tariff, address, commune, route,
            opened_on)
        SELECT i, CAST(20000000 + i AS VARCHAR), i, 'electricity', 'postpaid', 'residential', 'rue ' || i,
            'Ifrane', 'IFR-' || (i % 500), '2020-01-01' FROM {each("i", customers)}"""
    yield f"""INSERT INTO registered_phone (contract_id, number)
        SELECT i, '+2126' || (10000000 + i) FROM {each("i", customers)}"""
    yield f"""INSERT INTO meter (id, contract_id, number, digits, multiplier, subscribed_watts, installed_on)
        SELECT i, i, 'H' || i, 5, 1, 6600, '2020-01-01' FROM {each("i", customers)}"""
    yield f"""INSERT INTO register (id, meter_id, code, unit) SELECT i, i, 'total', 'kWh'
        FROM {each("i", customers)}"""
    yield f"""INSERT INTO reading (id, reference, register_id, value, taken_on, received_at, source, state, findings)
        SELECT i, 'F-' || i, i, 47000, '2025-01-15', {now}, 'field', 'accepted', '[]' FROM {each("i", customers)}"""
    if not pairs:
        return
    yield f"""INSERT INTO conversation (id, channel, address, language, holder, last_inbound_at, informed_at,
            dialogue, created_at)
        SELECT i, 'sms', '+2126' || (10000000 + i), 'fr', 'assistant', {now}, {now}, '{{"slots":{{}}}}', {now}
        FROM {each("i", customers)}"""
    yield f"""INSERT INTO message (id, conversation_id, channel, direction, carrier_id, state, body, language,
            understood, due_at, created_at, settled_at)
        SELECT 2 * p - 1, {who}, 'sms', 'in', 'HI' || (100000000000 + p), 'handled',
            'bonjour, mon index est 48213 depuis hier', 'fr', '{UNDERSTOOD}', {at(asked)}, {at(asked)}, {at(asked)}
        FROM {each("p", pairs)}"""
    yield f"""INSERT INTO message (id, conversation_id, channel, direction, carrier_id, state, body, language,
            answers_id, due_at, delivery, parts, created_at, settled_at)
        SELECT 2 * p, {who}, 'sms', 'out', 'HO' || (100000000000 + p), 'sent',
            'Merci. Index 48213 kWh enregistré sous la référence R-4821370568, soit 110 kWh en 30 jours.', 'fr',
            2 * p - 1, {at(asked)}, 'delivered', 1, {at(asked)}, {at(asked)}
        FROM {each("p", pairs)}"""
    recent = max(int(pairs * (1 - DIALOGUE_SHARE)), 1)
    yield f"""INSERT INTO dialogue_turn (message_id, conversation_id, events)
        SELECT 2 * p - 1, {who}, '{EVENTS}' FROM {each("p", pairs, recent)}"""
    yield f"""INSERT INTO reading (id, reference, register_id, value, taken_on, received_at, source, channel, state,
            findings, message_id)
        SELECT {customers} + p, 'R-' || p, {who}, 48000, '2025-06-15', {at(asked)}, 'customer', 'sms', 'accepted',
            '[]', 2 * p - 1
        FROM {each("p", pairs)} WHERE p % {READING_EVERY} = 0"""
    yield f"""INSERT INTO audit (at, actor, action, subject, details)
        SELECT {at(asked)}, 'conversation:' || {who}, 'reading.recorded', 'reading:R-' || p, '{{"value":48000}}'
        FROM {each("p", pairs)} WHERE p % {READING_EVERY} = 0"""
    yield f"""INSERT INTO hand_over (conversation_id, reason, priority, language, opened_at, claimed_at,
            first_reply_at, ended_at, outcome)
        SELECT {who}, 'asked', 'normal', 'fr', {at(asked)}, {at(asked)}, {at(asked)}, {at(asked)}, 'solved'
        FROM {each("p", pairs)} WHERE p % {HAND_OVER_EVERY} = 0"""
    yield f"""INSERT INTO request (reference, kind, state, contract_id, conversation_id, message_id, details,
            created_at, changed_at)
        SELECT 'C-' || p, 'complaint', 'granted', {who}, {who}, 2 * p - 1, '{{}}', {at(asked)}, {at(asked)}
        FROM {each("p", pairs)} WHERE p % {REQUEST_EVERY} = 0"""
    yield f"""INSERT INTO notice (key, conversation_id, response, params, state, not_before, created_at)
        SELECT 'h:' || p, {who}, 'utter_campaign_reading', '{{}}', 'written', {at(asked)}, {at(asked)}
        FROM {each("p", pairs)} WHERE p % {NOTICE_EVERY} = 0"""
