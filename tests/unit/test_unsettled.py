"""What every process looks for every two seconds is found by an index that holds only that."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from bot.outgoing import BULK_AHEAD, NEXT_REPLY
from store.models import Base, Message, Notice
from store.unsettled import RECEIVED, TO_SEND, is_waiting, unsettled

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LOOKS: dict[str, tuple[Any, str]] = {
    "messages to handle": (select(Message.conversation_id).where(unsettled(RECEIVED)), "ix_message_unsettled"),
    "replies to send": (select(Message.conversation_id).where(unsettled(TO_SEND)), "ix_message_unsettled"),
    "the next reply": (NEXT_REPLY, "ix_message_unsettled"),
    "messages of campaigns": (BULK_AHEAD, "ix_message_bulk"),
    "notices": (select(Notice.id).where(is_waiting(), Notice.not_before <= NOW), "ix_notice_waiting"),
}


@pytest.fixture(scope="module")
def empty() -> sqlite3.Connection:
    engine = create_engine("sqlite://")
    connection = engine.raw_connection()
    for table in Base.metadata.sorted_tables:
        connection.cursor().execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
        for index in table.indexes:
            connection.cursor().execute(str(CreateIndex(index).compile(dialect=sqlite.dialect())))
    assert isinstance(connection.driver_connection, sqlite3.Connection)
    return connection.driver_connection


@pytest.mark.parametrize("look", LOOKS)
def test_it_is_found_by_its_own_index(empty: sqlite3.Connection, look: str) -> None:
    query, index = LOOKS[look]
    filled = query.params(conversation_id=1, channel="sms", now=NOW)
    compiled = filled.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})
    values = [None for _ in compiled.positiontup or ()]

    plan = " ".join(str(row[3]) for row in empty.execute(f"EXPLAIN QUERY PLAN {compiled}", values))

    assert index in plan
