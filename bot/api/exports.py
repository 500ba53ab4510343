"""`/api/v1/exports/{stream}`: readings and requests, each line once, in the order in which they came to be."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from bot.api.access import allowed
from bot.api.answers import answers
from bot.clock import Clock, system_clock
from bot.exporting import plain
from store import exports
from store.api_keys import Scope
from store.database import Database
from store.exchange_models import Stream
from store.exports import MOST, Batch, WrongBatch
from store.readings import EXPORT_HEADER

CSV = "text/csv"
FARTHEST = 2**53
"""Positions fit what any JSON reader takes for a whole number."""
REQUEST_HEADER = (
    "reference",
    "kind",
    "state",
    "contract",
    "created_at",
    "changed_at",
    "due_on",
    "reason",
    "details",
    "payments",
)
COLUMNS: Mapping[Stream, tuple[str, ...]] = {Stream.READINGS: EXPORT_HEADER, Stream.REQUESTS: REQUEST_HEADER}

Consumer = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["billing"])]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Lines of a batch.")]
Accept = Annotated[str | None, Header(include_in_schema=False)]


class ReadingLine(BaseModel):
    """A reading as it came to be in `state`; a later line of the same `reference` takes its place."""

    position: int
    reference: str = Field(examples=["R-4821370568"])
    contract: str
    meter: str
    register_: str = Field(alias="register", examples=["total"])
    value: int
    unit: str = Field(examples=["kWh"])
    taken_on: date
    received_at: datetime
    source: str
    channel: str | None
    state: str = Field(examples=["accepted"])


class PaymentLine(BaseModel):
    """A payment of a schedule, in dirhams."""

    due_on: date
    amount: Decimal
    paid: Decimal


class RequestLine(BaseModel):
    """A request as it came to be in `state`; the rest is as it is now."""

    position: int
    reference: str = Field(examples=["D-4821370568"])
    kind: str
    state: str
    contract: str | None
    created_at: datetime
    changed_at: datetime | None
    due_on: date | None
    reason: str | None
    details: dict[str, Any]
    payments: list[PaymentLine]


class BatchOfLines(BaseModel):
    """`batch` is what acknowledges these lines, and what `since` goes on from; nothing follows when `is_last`."""

    batch: int
    is_last: bool


class Readings(BatchOfLines):
    lines: list[ReadingLine]


class Requests(BatchOfLines):
    lines: list[RequestLine]


class Acknowledgement(BaseModel):
    """Which batch was taken in."""

    batch: Annotated[int, Field(ge=0, le=FARTHEST)]


BOTH: dict[str, Any] = {
    "content": {CSV: {"schema": {"type": "string"}}},
    "headers": {
        "X-Batch": {"description": "What acknowledges a CSV answer.", "schema": {"type": "integer"}},
        "X-Is-Last": {"description": "Of a CSV answer: nothing follows.", "schema": {"type": "boolean"}},
    },
}


def exports_router(database: Database, clock: Clock = system_clock) -> APIRouter:
    router = APIRouter(prefix="/api/v1/exports", tags=["exports"])
    scopes = {
        Stream.READINGS: (Scope.READINGS_READ,),
        Stream.REQUESTS: (Scope.REQUESTS_READ, Scope.REQUESTS),
    }
    shapes: dict[Stream, Any] = {Stream.READINGS: Readings, Stream.REQUESTS: Requests}

    def add(stream: Stream) -> None:
        """The three routes of a stream: each has a scope of its own."""
        permitted = allowed(database, *scopes[stream], clock=clock)
        shape = shapes[stream]
        replies = answers() | {200: BOTH}

        @router.get(f"/{stream}", operation_id=f"read_{stream}", response_model=shape, responses=replies)
        async def read(
            since: Annotated[int, Query(ge=0, le=FARTHEST, description="The last batch that was taken in.")] = 0,
            limit: Limit = 1000,
            accept: Accept = None,
            _actor: str = permitted,
        ) -> Any:
            """The lines after a batch, for a system that keeps its own place. Readings that the operator brought in
            itself are left out.
            """
            async with database.writing() as session:
                batch = await exports.since(session, stream, since, limit)
            return _answer(stream, batch, shape, accept)

        @router.get(
            f"/{stream}/consumers/{{consumer}}",
            operation_id=f"next_{stream}",
            response_model=shape,
            responses=replies,
        )
        async def following(
            consumer: Consumer, limit: Limit = 1000, accept: Accept = None, _actor: str = permitted
        ) -> Any:
            """The next batch for a consumer, the same one until it is acknowledged. An unknown consumer begins with
            the first line.
            """
            async with database.writing() as session:
                batch = await exports.offered(session, stream, consumer, limit, clock())
            return _answer(stream, batch, shape, accept)

        @router.post(
            f"/{stream}/consumers/{{consumer}}/acknowledgement",
            operation_id=f"acknowledge_{stream}",
            status_code=204,
            responses=answers(_409="Not the batch that the consumer was offered"),
        )
        async def acknowledge(consumer: Consumer, acknowledgement: Acknowledgement, _actor: str = permitted) -> None:
            """The consumer has taken in the batch; repeated, it changes nothing."""
            try:
                async with database.writing() as session:
                    await exports.acknowledge(session, stream, consumer, acknowledgement.batch, clock())
            except WrongBatch as error:
                raise HTTPException(409, str(error)) from error

    for stream in Stream:
        add(stream)
    return router


def _answer(stream: Stream, batch: Batch, shape: type[BaseModel], accept: str | None) -> Any:
    if accept is None or CSV not in accept:
        lines = [{name: plain(value) for name, value in line.items()} for line in batch.lines]
        return shape.model_validate({"batch": batch.position, "is_last": batch.is_last, "lines": lines})
    headers = {"X-Batch": str(batch.position), "X-Is-Last": str(batch.is_last).lower()}
    return Response(as_csv(stream, batch.lines), media_type=CSV, headers=headers)


def as_csv(stream: Stream, lines: list[dict[str, Any]]) -> str:
    """With a header; what has parts is JSON in its cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS[stream], lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for line in lines:
        writer.writerow({name: _cell(value) for name, value in line.items()})
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=lambda part: plain(part))
    return plain(value)
