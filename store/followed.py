"""Readings and requests, followed from outside: each state they come to is written down with it.

Here rather than in whatever changes a reading or a request, for that is many places and one would be forgotten. What
is changed by a bulk statement past the ORM is not seen; nothing of ours does so.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, event, insert, inspect
from sqlalchemy.orm import Mapper

from store.exchange_models import ExportLine, Stream
from store.models import Reading, ReadingSource, ReadingState, Request
from store.webhooks import Event, publication

GIVEN = (ReadingSource.CUSTOMER, ReadingSource.AGENT)
"""Sources of the readings that the operator does not have already."""
READING_EVENTS = {
    ReadingState.ACCEPTED: Event.READING_ACCEPTED,
    ReadingState.TO_REVIEW: Event.READING_TO_REVIEW,
    ReadingState.REPLACED: Event.READING_REPLACED,
    ReadingState.REJECTED: Event.READING_REJECTED,
}

_ADD_LINE = insert(ExportLine)


@event.listens_for(Reading, "after_insert")
def _reading_came(_mapper: Mapper[Any], connection: Connection, reading: Reading) -> None:
    if reading.source in GIVEN:
        _tell_of_reading(connection, reading)


@event.listens_for(Reading, "after_update")
def _reading_changed(_mapper: Mapper[Any], connection: Connection, reading: Reading) -> None:
    if reading.source in GIVEN and _changed(reading, "state"):
        _tell_of_reading(connection, reading)


@event.listens_for(Request, "after_insert")
def _request_came(_mapper: Mapper[Any], connection: Connection, request: Request) -> None:
    _tell_of_request(connection, request, Event.REQUEST_CREATED)


@event.listens_for(Request, "after_update")
def _request_changed(_mapper: Mapper[Any], connection: Connection, request: Request) -> None:
    if _changed(request, "state", "changed_at"):
        _tell_of_request(connection, request, Event.REQUEST_CHANGED)


def _changed(row: Any, *names: str) -> bool:
    attributes = inspect(row).attrs
    return any(attributes[name].history.has_changes() for name in names)


def _tell_of_reading(connection: Connection, reading: Reading) -> None:
    state = ReadingState(reading.state)
    line = {"stream": Stream.READINGS, "reading_id": reading.id, "state": state.value}
    connection.execute(_ADD_LINE, line)
    data = {"reference": reading.reference, "state": state.value, "taken_on": reading.taken_on.isoformat()}
    _publish(connection, READING_EVENTS[state], data, f"reading:{reading.reference}")


def _tell_of_request(connection: Connection, request: Request, event: Event) -> None:
    line = {"stream": Stream.REQUESTS, "request_id": request.id, "state": str(request.state)}
    connection.execute(_ADD_LINE, line)
    data = {"reference": request.reference, "kind": str(request.kind), "state": str(request.state)}
    _publish(connection, event, data, f"request:{request.reference}")


def _publish(connection: Connection, event: Event, data: dict[str, Any], subject: str) -> None:
    connection.execute(*publication(event, data, datetime.now(UTC), subject))
