"""What was stored, counted when its transaction is committed, whoever stored it: a turn, an agent, the API.

SQLAlchemy tells of every flush and commit of this process, so that nothing that writes has to count.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session, UOWTransaction

from bot.telemetry.metrics import HAND_OVERS, READINGS, REQUESTS, child
from store.desk_models import HandOver
from store.models import Reading, Request

NEW = "stored rows to count"


def count_what_is_stored() -> None:
    """Listen, once a process."""
    if not event.contains(Session, "after_flush", _flushed):
        event.listen(Session, "after_flush", _flushed)
        event.listen(Session, "after_commit", _committed)


def _flushed(session: Session, _context: UOWTransaction) -> None:
    counters = [found for row in session.new if (found := _counter(row)) is not None]
    if counters:
        session.info.setdefault(NEW, []).extend(counters)


def _counter(row: Any) -> Any:
    match row:
        case Reading():
            return child(READINGS, str(row.source), str(row.state))
        case Request():
            return child(REQUESTS, str(row.kind))
        case HandOver():
            return child(HAND_OVERS, row.reason, str(row.priority))
    return None


def _committed(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a SAVEPOINT is released; what is around it may still be undone
    for counter in session.info.pop(NEW, ()):
        counter.inc()


def connections(engine: AsyncEngine) -> tuple[int, int]:
    """How many connections of the pool are in use, and how many stand by."""
    pool: Any = engine.pool
    return pool.checkedout(), pool.checkedin()
