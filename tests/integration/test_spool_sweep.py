"""A file that came over HTTP and that no import has is removed after a day: a process ended before it was noted."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from bot.clock import system_clock
from bot.imports.routine import GONE_AFTER, SWEEP_EVERY, Imports
from store import imports
from store.database import Database
from store.exchange_models import ImportKind


async def test_only_files_that_no_import_has_are_removed_and_only_after_a_day(
    database: Database, tmp_path: Path
) -> None:
    now = system_clock()
    spool = tmp_path / "spool"
    spool.mkdir()
    old, young, waited_for, foreign = (spool / name for name in ("a.import", "b.import", "c.import", "d.csv"))
    for path in (old, young, waited_for, foreign):
        path.write_text("number,name\nK1,Client Un\n", encoding="utf-8")
    long_ago = (now - GONE_AFTER - timedelta(minutes=1)).timestamp()
    for path in (old, waited_for, foreign):
        os.utime(path, (long_ago, long_ago))
    async with database.writing() as session:
        job = await imports.create(
            session,
            ImportKind.CUSTOMERS,
            name="c",
            digest="0" * 64,
            size=25,
            path=str(waited_for),
            actor="test",
            now=now,
            dry_run=False,
            whole=False,
        )
        await imports.take(session, job.id, "elsewhere:1", now)  # in somebody's hand: not to be begun here
    moment = [now]
    routine = Imports(database, spool, clock=lambda: moment[0])

    await routine.look()
    assert sorted(each.name for each in spool.iterdir()) == ["b.import", "c.import", "d.csv"]

    moment[0] = now + SWEEP_EVERY / 2
    os.utime(young, (long_ago, long_ago))
    await routine.look()
    assert young.exists()

    moment[0] = now + SWEEP_EVERY
    await routine.look()
    assert sorted(each.name for each in spool.iterdir()) == ["c.import", "d.csv"]


async def test_a_folder_that_is_not_there_yet_is_no_fault(database: Database, tmp_path: Path) -> None:
    await Imports(database, tmp_path / "spool").look()
