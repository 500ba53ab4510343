"""What the processes and the desk look at again and again, and whether a database finds it without reading all."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.sending.outgoing import BULK_AHEAD, NEXT_REPLY
from store import audit_log, decision_lists, queue, transcript
from store.backlog import backlog
from store.conversation_search import Wanted, search
from store.database import Database
from store.desk_figures import Scope, decisions, readings, stays
from store.labels import unsure
from store.message_figures import contacts, traffic, understood
from store.models import Direction, Message, Notice
from store.periods import Period
from store.unsettled import is_waiting
from store.waiting import oldest_waiting, waiting_conversations

Look = Callable[[AsyncSession], Awaitable[Any]]
NOW = datetime.now(UTC)
MONTH, DAY = Period.until(NOW.date(), 30), Period.until(NOW.date(), 1)
SOME = 4711
"""A conversation among the many."""
LARGE_TABLES = frozenset(
    {"message", "dialogue_turn", "reading", "audit", "conversation", "notice", "registered_phone"}
)


async def _newest_inbound(session: AsyncSession) -> Any:
    """As the look at the carriers' own lists begins (`bot.catching_up`)."""
    query = select(Message.created_at).where(Message.direction == Direction.IN, Message.channel.in_(["sms"]))
    return await session.scalar(query.order_by(Message.created_at.desc()).limit(1))


async def _due_notices(session: AsyncSession) -> Any:
    query = select(Notice.id).where(is_waiting(), Notice.not_before <= NOW)
    return (await session.scalars(query.order_by(Notice.not_before, Notice.id).limit(25))).all()


LOOKS: dict[str, Look] = {
    "the sweep, every 2 s": lambda session: waiting_conversations(session, NOW),
    "the next message of a conversation": lambda session: oldest_waiting(session, SOME),
    "the next reply of a conversation": lambda session: session.execute(NEXT_REPLY, {"conversation_id": SOME}),
    "messages of campaigns that may go": lambda session: session.execute(BULK_AHEAD, {"channel": "sms", "now": NOW}),
    "notices that are due": _due_notices,
    "the newest message of a carrier": _newest_inbound,
    "what waits, for the metrics": lambda session: backlog(session, NOW, NOW.date()),
    "desk: how many wait": queue.counts,
    "desk: the queue": lambda session: queue.listed(session, queue.Filters(queue.State.WAITING), NOW),
    "desk: closed in the last days": lambda session: queue.listed(session, queue.Filters(queue.State.CLOSED), NOW),
    "desk: a transcript": lambda session: transcript.newest(session, SOME),
    "desk: requests": lambda session: decision_lists.requests_listed(session, decision_lists.Wanted()),
    "desk: what waits for a decision": lambda session: decision_lists.waiting(session, NOW.date()),
    "supervision: the audit of a day": lambda session: audit_log.page_of(session, audit_log.Sought(DAY), 1),
    "supervision: contacts of a month": lambda session: contacts(session, Scope(MONTH)),
    "supervision: traffic of a month": lambda session: traffic(session, Scope(MONTH)),
    "supervision: what was understood": lambda session: understood(session, Scope(MONTH)),
    "supervision: stays of a month": lambda session: stays(session, Scope(MONTH)),
    "supervision: readings of a month": lambda session: readings(session, Scope(MONTH)),
    "supervision: decisions of a month": lambda session: decisions(session, Scope(MONTH)),
    "supervision: messages to label": lambda session: unsure(session, DAY),
    "search: a phone, within a month": lambda session: search(session, Wanted("+212610004711", MONTH), 1),
    "search: a word, within a day": lambda session: search(session, Wanted("index", DAY), 1),
}


async def plans_that_scan(database: Database, look: Look) -> list[str]:
    """The large tables that a look reads from end to end, as the database plans its statements."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_rest: Any) -> None:
        statements.append((sql, values))

    sync = database.engine.sync_engine
    event.listen(sync, "before_cursor_execute", note)
    async with database.reading() as session:
        await look(session)
    event.remove(sync, "before_cursor_execute", note)
    found: set[str] = set()
    async with database.engine.connect() as connection:
        await connection.execution_options(reading=True)
        for sql, values in statements:
            if not sql.lstrip().upper().startswith(("SELECT", "WITH")):
                continue
            explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN (FORMAT JSON)"
            rows = (await connection.exec_driver_sql(f"{explain} {sql}", values)).all()
            found |= _scanned_by_sqlite(rows) if database.is_sqlite else _scanned_by_postgresql(rows)
    return sorted(found & LARGE_TABLES)


def _scanned_by_sqlite(rows: Any) -> set[str]:
    """SQLite says `SCAN message`; with an index's name it reads that, which is all of it too unless partial."""
    return {row[3].split()[1] for row in rows if row[3].startswith("SCAN ") and "USING" not in row[3]}


def _scanned_by_postgresql(rows: Any) -> set[str]:
    found: set[str] = set()

    def walk(node: dict[str, Any]) -> None:
        if node["Node Type"] in ("Seq Scan", "Parallel Seq Scan"):
            found.add(node["Relation Name"])
        for each in node.get("Plans", ()):
            walk(each)

    plan = rows[0][0]
    walk((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
    return found
