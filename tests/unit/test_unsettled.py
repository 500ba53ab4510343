"""What every process looks for every two seconds is found by an index that holds only that."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import sqlite

from bot.sending.outgoing import BULK_AHEAD, NEXT_REPLY
from store import schema
from store.database import Database
from store.models import Message, Notice
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
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """As migrations make it: of two indexes that look alike SQLite takes the younger one."""
    file = tmp_path_factory.mktemp("unsettled") / "empty.db"
    asyncio.run(_upgraded(f"sqlite+aiosqlite:///{file}"))
    with closing(sqlite3.connect(file)) as connection:
        yield connection


async def _upgraded(url: str) -> None:
    database = Database(url)
    await schema.upgrade(database)
    await database.close()


@pytest.mark.parametrize("look", LOOKS)
def test_it_is_found_by_its_own_index(empty: sqlite3.Connection, look: str) -> None:
    query, index = LOOKS[look]
    filled = query.params(conversation_id=1, channel="sms", now=NOW)
    compiled = filled.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})
    values = [None for _ in compiled.positiontup or ()]

    plan = " ".join(str(row[3]) for row in empty.execute(f"EXPLAIN QUERY PLAN {compiled}", values))

    assert index in plan
