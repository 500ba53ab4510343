"""Imports on their way: who has one in hand, how far it has come, what was wrong.

A process has an import for a while and says so again with every batch, in the batch's own transaction; one that lost
it to another can write nothing more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from store.bulk import Outcome, Row
from store.exchange_models import Import, ImportKind, ImportState, WrongLine
from store.listing import Change
from store.models import Audit
from store.owed_imports import bring_bills, bring_schedules
from store.supply_imports import bring_contracts, bring_customers, bring_meters, bring_readings
from store.webhooks import Event, publish

LEASE = timedelta(minutes=2)
"""How long after its last batch an import counts as left behind."""
MOST_KEPT = 10_000
"""Wrong lines that are kept; all are counted."""
OPEN = (ImportState.WAITING, ImportState.RUNNING)

BRING: Mapping[ImportKind, Callable[..., Awaitable[list[Outcome]]]] = {
    ImportKind.CUSTOMERS: bring_customers,
    ImportKind.CONTRACTS: bring_contracts,
    ImportKind.METERS: bring_meters,
    ImportKind.BILLS: bring_bills,
    ImportKind.SCHEDULES: bring_schedules,
    ImportKind.READINGS: bring_readings,
}


class Lost(RuntimeError):
    """Another process has the import, or it is over."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a line, and with which field of it when it is one."""

    line: int
    field: str | None
    reason: str


async def create(
    session: AsyncSession,
    kind: ImportKind,
    *,
    name: str,
    digest: str,
    size: int,
    actor: str,
    now: datetime,
    path: str | None = None,
    dry_run: bool = False,
    whole: bool = False,
) -> Import:
    """Note a file that is to be imported. `path` is where one lies that nobody waits for at a terminal."""
    job = Import(
        kind=kind,
        name=name[:200],
        digest=digest,
        size=size,
        path=path,
        actor=actor,
        dry_run=dry_run,
        whole=whole,
        is_checking=whole and not dry_run,
        state=ImportState.WAITING,
        line=0,
        bytes_read=0,
        added=0,
        changed=0,
        unchanged=0,
        wrong=0,
        created_at=now,
    )
    session.add(job)
    await session.flush()
    return job


async def interrupted(session: AsyncSession, kind: ImportKind, digest: str) -> Import | None:
    """The latest import of this very file that did not come to its end."""
    query = select(Import).where(Import.kind == kind, Import.digest == digest, Import.state.in_(OPEN))
    return await session.scalar(query.order_by(Import.id.desc()).limit(1))


async def left_behind(session: AsyncSession, now: datetime, limit: int) -> Sequence[Import]:
    """Imports with a file of ours that no process has in hand, the oldest first."""
    query = select(Import).where(
        Import.state.in_(OPEN),
        Import.path.is_not(None),
        or_(Import.leased_until.is_(None), Import.leased_until < now),
    )
    return (await session.scalars(query.order_by(Import.id).limit(limit))).all()


async def files_of_open_ones(session: AsyncSession) -> Sequence[str]:
    """Where the files lie of imports that are not over."""
    query = select(Import.path).where(Import.state.in_(OPEN), Import.path.is_not(None))
    return [path for path in await session.scalars(query) if path is not None]


async def take(session: AsyncSession, import_id: int, runner: str, now: datetime) -> Import:
    """Have an import in hand. Raises `Lost` while another process has it, and when it is over."""
    job = await session.get(Import, import_id, with_for_update=True)
    if job is None or job.state not in OPEN:
        raise Lost(f"there is no import {import_id} to go on with")
    if job.leased_until is not None and job.leased_until >= now and job.runner != runner:
        raise Lost(f"another process has import {import_id}")
    job.state, job.runner, job.leased_until = ImportState.RUNNING, runner, now + LEASE
    await session.flush()
    return job


async def leave(session: AsyncSession, import_id: int) -> None:
    """Let others go on with an import at once: whoever had it was told to stop."""
    open_one = (Import.id == import_id, Import.state.in_(OPEN))
    await session.execute(update(Import).where(*open_one).values(leased_until=None, runner=None))


async def bring(
    session: AsyncSession, job: Import, rows: Sequence[Row], now: datetime
) -> tuple[list[Outcome], dict[Change, int]]:
    """Write a batch of checked rows, or only look when nothing is to be written; what became of each, and counts."""
    write = not (job.dry_run or job.is_checking)
    outcomes = await BRING[job.kind](session, rows, now, write=write) if rows else []
    counts = dict.fromkeys((Change.ADDED, Change.CHANGED, Change.UNCHANGED), 0)
    for outcome in outcomes:
        if isinstance(outcome, Change):
            counts[outcome] += 1
    return outcomes, counts


async def advance(
    session: AsyncSession,
    job: Import,
    line: int,
    bytes_read: int,
    counts: Mapping[Change, int],
    wrong_ones: Sequence[Wrong],
    now: datetime,
) -> None:
    """Note that all lines up to `line` are dealt with, in the transaction that did so. Raises `Lost`."""
    kept = list(wrong_ones[: max(MOST_KEPT - job.wrong, 0)])
    wrong = len({each.line for each in wrong_ones})
    values: dict[str, Any] = {
        "line": line,
        "bytes_read": bytes_read,
        "added": Import.added + counts.get(Change.ADDED, 0),
        "changed": Import.changed + counts.get(Change.CHANGED, 0),
        "unchanged": Import.unchanged + counts.get(Change.UNCHANGED, 0),
        "wrong": Import.wrong + wrong,
        "leased_until": now + LEASE,
    }
    await _settle(session, job, values)
    if kept:
        await session.execute(
            insert(WrongLine),
            [
                {"import_id": job.id, "line": each.line, "field": each.field, "reason": each.reason[:300]}
                for each in kept
            ],
        )


async def begin_writing(session: AsyncSession, job: Import, now: datetime) -> None:
    """All lines of a file that is taken whole or not at all are right: write them, from the first. Raises `Lost`."""
    values = {"is_checking": False, "line": 0, "bytes_read": 0, "added": 0, "changed": 0, "unchanged": 0}
    await _settle(session, job, values | {"leased_until": now + LEASE})


async def finish(session: AsyncSession, job: Import, now: datetime, reason: str | None = None) -> None:
    """Done, or failed for a `reason`; in the audit, and told to those who want to know. Raises `Lost`."""
    state = ImportState.DONE if reason is None else ImportState.FAILED
    values = {"state": state, "reason": reason and reason[:300], "finished_at": now, "leased_until": None}
    await _settle(session, job, values)
    job = await session.get_one(Import, job.id)
    counts = {name: getattr(job, name) for name in ("added", "changed", "unchanged", "wrong")}
    if not job.dry_run:
        session.add(
            Audit(
                at=now,
                actor=job.actor,
                action="list.imported",
                subject=f"list:{job.kind}",
                details={"import": job.id, "state": state.value, **counts},
            )
        )
    data = {"import": job.id, "kind": job.kind.value, "state": state.value, "dry_run": job.dry_run, **counts}
    await publish(session, Event.IMPORT_FINISHED, data, now, subject=f"import:{job.id}")


async def latest(session: AsyncSession, before: int | None, limit: int) -> Sequence[Import]:
    """Imports, the latest first; those older than number `before`."""
    query = select(Import) if before is None else select(Import).where(Import.id < before)
    return (await session.scalars(query.order_by(Import.id.desc()).limit(limit))).all()


async def wrong_lines(session: AsyncSession, import_id: int, after: int, limit: int) -> Sequence[WrongLine]:
    """What is wrong with lines of an import, in order, after the error numbered `after` (0 for all)."""
    query = select(WrongLine).where(WrongLine.import_id == import_id, WrongLine.id > after)
    return (await session.scalars(query.order_by(WrongLine.id).limit(limit))).all()


async def _settle(session: AsyncSession, job: Import, values: Mapping[str, Any]) -> None:
    mine = (Import.id == job.id, Import.runner == job.runner, Import.state == ImportState.RUNNING)
    done = await session.execute(
        update(Import).where(*mine).values(**values).returning(Import.id),
        execution_options={"synchronize_session": False},
    )
    if done.first() is None:
        raise Lost(f"another process has import {job.id}")
