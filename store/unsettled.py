"""What is not settled, found by the partial indexes that hold nothing else.

A database uses such an index only where it sees from the statement alone that all rows wanted are in it: the states
must be spelled out, and for SQLite in the very words of the index. As parameters they cost a look at every message
that ever was.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, literal_column

from store.models import Message, MessageState, Notice, NoticeState

UNSETTLED = (MessageState.RECEIVED, MessageState.QUEUED, MessageState.SENDING)
"""In the order of the index `ix_message_unsettled`."""
RECEIVED = (MessageState.RECEIVED,)
TO_SEND = (MessageState.QUEUED, MessageState.SENDING)
"""In the order of the index `ix_message_bulk`."""


def spelled(column: Any, states: Sequence[StrEnum]) -> ColumnElement[bool]:
    """`column = …`, or `column IN (…)`, with the states themselves in the statement."""
    # Not parameters that are written into the statement when it is executed: that is done anew each time.
    literals: list[ColumnElement[str]] = [literal_column(f"'{state.value}'") for state in states]
    spelled_out: ColumnElement[bool] = column == literals[0] if len(literals) == 1 else column.in_(literals)
    return spelled_out


def unsettled(states: Sequence[MessageState], model: Any = Message) -> ColumnElement[bool]:
    """That a message (of `model`, or of an alias of it) is in one of `states`, which are not settled ones."""
    return and_(spelled(model.state, UNSETTLED), spelled(model.state, states))


def is_waiting() -> ColumnElement[bool]:
    """That a notice waits to be written."""
    return spelled(Notice.state, (NoticeState.WAITING,))
