"""The database: whether it answers, is up to date, keeps what it was given, and has its indexes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.doctor.finding import Finding, look, off, ok, wrong
from bot.readiness import LEAST_FREE_BYTES
from bot.service import NotReady, require_current_schema
from bot.settings import Settings
from store.apart import Apart
from store.backlog import Queue, backlog
from store.database import Database
from store.models import Base
from store.upkeep_models import PurgeProgress

SKEW = timedelta(seconds=2)
GIB = 2**30
LITTLE_ROOM = 5 * GIB
LATE = timedelta(minutes=2)
PURGED_WITHIN = timedelta(days=3)
OLDEST_POSTGRESQL = 13


async def check(settings: Settings) -> AsyncIterator[Finding]:
    database = Database(settings.database_url)
    try:
        try:
            await require_current_schema(database)
        except NotReady as error:
            yield wrong("DATABASE_URL", str(error))
            return
        yield ok("DATABASE_URL", database.address)
        async for found in _engine(database):
            yield found
        yield await _indexes(database)
        yield await _waiting(database)
        yield await _purge(database)
    finally:
        await database.close()


async def _engine(database: Database) -> AsyncIterator[Finding]:
    async with database.reading() as session:
        if database.is_sqlite:
            async for found in _sqlite(database, session):
                yield found
        else:
            async for found in _postgresql(session):
                yield found


async def _sqlite(database: Database, session: AsyncSession) -> AsyncIterator[Finding]:
    version = await session.scalar(text("SELECT sqlite_version()"))
    mode = await session.scalar(text("PRAGMA journal_mode"))
    if mode == "wal":
        yield ok("engine", f"SQLite {version}, for one machine")
    else:
        yield wrong("engine", f"SQLite {version} without its write-ahead log ({mode}): is it on a network's disk?")
    size, free, folder = _room(database)
    room = f"{size / GIB:.1f} GiB, {free / GIB:.1f} GiB free at {folder}"
    if free < LEAST_FREE_BYTES:
        yield wrong("disk", f"{room}: the service is not ready with so little; make room")
    elif free < max(LITTLE_ROOM, size):
        yield look("disk", f"{room}: a backup needs as much as the database; make room")
    else:
        yield ok("disk", room)


def _room(database: Database) -> tuple[int, int, Path]:
    """Bytes of the database, bytes free beside it, and where that is."""
    file = Path(str(database.url.database)).absolute()
    return file.stat().st_size, shutil.disk_usage(file.parent).free, file.parent


async def _postgresql(session: AsyncSession) -> AsyncIterator[Finding]:
    number = int(await session.scalar(text("SHOW server_version_num")) or 0)
    version = await session.scalar(text("SHOW server_version"))
    if number // 10_000 < OLDEST_POSTGRESQL:
        yield look("engine", f"PostgreSQL {version}: tried from {OLDEST_POSTGRESQL} on; upgrade it")
    else:
        yield ok("engine", f"PostgreSQL {version}")
    unsafe = [name for name in ("fsync", "full_page_writes") if await session.scalar(text(f"SHOW {name}")) == "off"]
    if unsafe:
        yield wrong("durability", f"{', '.join(unsafe)} off: messages are lost when the machine fails; switch it on")
    elif await session.scalar(text("SHOW synchronous_commit")) == "off":
        yield wrong("durability", "synchronous_commit is off: answered messages may be lost; switch it on")
    else:
        yield ok("durability", "what is committed is on the disk")
    theirs = await session.scalar(text("SELECT clock_timestamp()"))
    skew = abs(datetime.now(UTC) - theirs) if isinstance(theirs, datetime) else timedelta(0)
    if skew > SKEW:
        yield look(
            "clock", f"{skew.total_seconds():.0f} s between this machine and the database: run an NTP service on both"
        )
    else:
        yield ok("clock", "the same as the database's")
    most = int(await session.scalar(text("SHOW max_connections")) or 0)
    used = await session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
    yield (look if used and used > 0.8 * most else ok)(
        "connections", f"{used} of {most} in use; a process takes up to 17 (docs/sizing.md)"
    )
    half_built = await session.scalar(text("SELECT count(*) FROM pg_index WHERE NOT indisvalid"))
    if half_built:
        yield wrong("half-built indexes", f"{half_built}: run `releve db upgrade` again, or REINDEX them")


async def _indexes(database: Database) -> Finding:
    async with database.engine.connect() as connection:
        await connection.execution_options(reading=True)
        missing = await connection.run_sync(_missing_indexes)
    if missing:
        return wrong(
            "indexes", f"missing: {', '.join(missing)}; every message may read whole tables. Make them again"
        )
    return ok("indexes", "all there")


def _missing_indexes(connection: Connection) -> list[str]:
    there = inspect(connection)
    missing = []
    for table in Base.metadata.sorted_tables:
        if not there.has_table(table.name):
            continue
        names = {each["name"] for each in there.get_indexes(table.name)}
        missing += [str(index.name) for index in table.indexes if index.name not in names]
    return sorted(missing)


async def _waiting(database: Database) -> Finding:
    now = datetime.now(UTC)
    found = await Apart(database).look(lambda session: backlog(session, now, now.date()))
    turns, replies = found.queues[Queue.TURNS], found.queues[Queue.REPLIES]
    said = f"{turns.number} messages to handle, {replies.number} to send"
    oldest = min((each.since for each in (turns, replies) if each.since), default=None)
    if oldest is not None and now - oldest > LATE:
        age = int((now - oldest).total_seconds() // 60)
        return look("queue", f"{said}, the oldest for {age} minutes: does a worker run? docs/troubleshooting.md")
    return ok("queue", said)


async def _purge(database: Database) -> Finding:
    async with database.reading() as session:
        last = await session.scalar(select(func.max(PurgeProgress.finished_at)))
    if last is None:
        return off("purge", "has never run: it does at night, in a process that works (`retention` of the operator)")
    if datetime.now(UTC) - last > PURGED_WITHIN:
        return look("purge", f"ran last on {last:%Y-%m-%d}: personal data is kept longer than it may be; see the log")
    return ok("purge", f"ran on {last:%Y-%m-%d}")
