"""`/api/v1/imports`: files of customers, contracts, meters, bills, schedules and readings, and how far they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from bot.api.access import allowed
from bot.api.answers import answers
from bot.clock import Clock, system_clock
from bot.imports.spool import Spooled, spool
from store import imports
from store.api_keys import Scope
from store.database import Database
from store.exchange_models import Import, ImportKind, ImportState

LARGEST_ID = 2**53
Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
NAME = "over HTTP"

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A file: CSV whose first line names the columns, a JSON object a line, or a JSON array.",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "number,name,language\nC-1001,Client Fictif,fr\n",
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    }
}


class Progress(BaseModel):
    """How far an import is. `line` is the last one dealt with; `wrong` lines were left out, the others are in.

    `is_checking`: nothing is written before all lines were found right.
    """

    id: int
    kind: ImportKind
    state: ImportState
    dry_run: bool
    all_or_nothing: bool
    is_checking: bool
    line: int
    bytes: int = Field(description="Of the file.")
    bytes_read: int
    added: int
    changed: int
    unchanged: int
    wrong: int
    reason: str | None = Field(description="Why it failed.")
    created_at: datetime
    finished_at: datetime | None


class WrongLine(BaseModel):
    """What is wrong with a line; in a JSON array the first object is line 1."""

    id: int
    line: int
    field: str | None
    reason: str


def imports_router(database: Database, directory: FilePath, limit: int, clock: Clock = system_clock) -> APIRouter:
    """Files wait in `directory`; each has at most `limit` bytes."""
    router = APIRouter(prefix="/api/v1/imports", tags=["imports"])
    permitted = allowed(database, Scope.IMPORTS, clock=clock)

    @router.post(
        "/{kind}",
        operation_id="start_import",
        status_code=202,
        responses=answers(),
        openapi_extra=BODY,
        max_body_size=limit,
    )
    async def start(
        kind: ImportKind,
        request: Request,
        response: Response,
        dry_run: Annotated[bool, Query(description="Check all lines and say what would change.")] = False,
        all_or_nothing: Annotated[bool, Query(description="Write only if all lines are right.")] = False,
        actor: str = permitted,
    ) -> Progress:
        """Take a file in. It is imported after the answer; `Location` says where to ask how far it is.

        Lines are added or changed by their number or reference: sending a file twice changes nothing, and sending it
        again while it is on its way is answered with the import that there is.
        """
        try:
            file = await spool(_body(request), directory)
        except ClientDisconnect as error:
            raise HTTPException(400, "the body did not come to its end") from error
        if file.size == 0:
            file.path.unlink(missing_ok=True)
            raise HTTPException(422, "the body is empty: it is the file to import")
        job = await _noted(file, kind, actor, dry_run=dry_run, whole=all_or_nothing)
        response.headers["Location"] = f"/api/v1/imports/{job.id}"
        return _shown(job)

    async def _noted(file: Spooled, kind: ImportKind, actor: str, *, dry_run: bool, whole: bool) -> Import:
        """The import of a file: the one that is on its way already, or a new one."""
        async with database.writing() as session:
            job = await imports.interrupted(session, kind, file.digest)
            if job is not None and job.path is not None and (job.dry_run, job.whole) == (dry_run, whole):
                file.path.unlink(missing_ok=True)
                return job
            return await imports.create(
                session,
                kind,
                name=NAME,
                digest=file.digest,
                size=file.size,
                path=str(file.path),
                actor=actor,
                now=clock(),
                dry_run=dry_run,
                whole=whole,
            )

    @router.get("", operation_id="list_imports", responses=answers())
    async def list_imports(
        before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        _actor: str = permitted,
    ) -> list[Progress]:
        """Imports, the latest first; those before an import's number, to page on."""
        async with database.reading() as session:
            return [_shown(job) for job in await imports.latest(session, before, limit)]

    @router.get("/{import_id}", operation_id="show_import", responses=answers(404))
    async def show(import_id: Id, _actor: str = permitted) -> Progress:
        """How far an import is."""
        return _shown(await _known(import_id))

    @router.get("/{import_id}/errors", operation_id="list_import_errors", responses=answers(404))
    async def errors(
        import_id: Id,
        after: Annotated[int, Query(ge=0, le=LARGEST_ID, description="The `id` of the last error read.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        _actor: str = permitted,
    ) -> list[WrongLine]:
        """What is wrong with lines, in the order of the file; the first ten thousand are kept."""
        await _known(import_id)
        async with database.reading() as session:
            found = await imports.wrong_lines(session, import_id, after, limit)
        return [WrongLine(id=each.id, line=each.line, field=each.field, reason=each.reason) for each in found]

    async def _known(import_id: int) -> Import:
        async with database.reading() as session:
            job = await session.get(Import, import_id)
        if job is None:
            raise HTTPException(404, f"there is no import {import_id}")
        return job

    return router


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        yield chunk


def _shown(job: Import) -> Progress:
    return Progress(
        id=job.id,
        kind=job.kind,
        state=job.state,
        dry_run=job.dry_run,
        all_or_nothing=job.whole,
        is_checking=job.is_checking,
        line=job.line,
        bytes=job.size,
        bytes_read=job.bytes_read,
        added=job.added,
        changed=job.changed,
        unchanged=job.unchanged,
        wrong=job.wrong,
        reason=job.reason,
        created_at=job.created_at,
        finished_at=job.finished_at,
    )
