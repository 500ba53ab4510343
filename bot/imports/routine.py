"""Files that came over HTTP are imported one after the other, each in a process of its own.

Reading a million lines is work that turns would wait for. The process that took a file imports it; after a restart,
or a crash, whoever finds it left behind goes on with it, on the machine where the file lies.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot.clock import Clock, system_clock
from bot.imports.runner import runner_name
from bot.imports.spool import sweep
from bot.routine import Routine
from store import imports
from store.database import Database
from store.exchange_models import Import
from store.imports import Lost

log = structlog.get_logger()

EVERY_SECONDS = 2.0
AT_ONCE = 10
"""Imports left behind that one look considers: some may lie on other machines."""
GONE_AFTER = timedelta(days=1)
"""After which a file that no machine has is given up, and one that no import has is removed."""
SWEEP_EVERY = timedelta(hours=1)


class Imports(Routine):
    """Starts what was left behind; one import at a time."""

    def __init__(
        self, database: Database, directory: Path, clock: Clock = system_clock, every: float = EVERY_SECONDS
    ) -> None:
        """`directory` is where files that came over HTTP lie."""
        super().__init__("imports", every)
        self._database = database
        self._directory = directory
        self._clock = clock
        self._swept_at: datetime | None = None

    async def look(self) -> None:
        await self._sweep()
        async with self._database.reading() as session:
            waiting = await imports.left_behind(session, self._clock(), AT_ONCE)
        for job in waiting:
            if _is_here(job):
                await self._import(job)
            elif self._clock() - job.created_at > GONE_AFTER:
                await self._give_up(job)

    async def _sweep(self) -> None:
        now = self._clock()
        if self._swept_at is not None and abs(now - self._swept_at) < SWEEP_EVERY:
            return
        self._swept_at = now
        async with self._database.reading() as session:
            wanted = {Path(path) for path in await imports.files_of_open_ones(session)}
        if swept := await asyncio.to_thread(sweep, self._directory, wanted, now - GONE_AFTER):
            log.warning("imports.swept", removed=swept)

    async def _import(self, job: Import) -> None:
        """Import it, and leave it as it stands when this process is told to stop."""
        url = self._database.url.render_as_string(hide_password=False)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "import", "go-on", str(job.id)),
            env={**os.environ, "RELEVE_DATABASE_URL": url},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this process, which ends the other
        )
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            await self._leave(job.id)
            raise
        log.info("imports.ended", id=job.id, kind=job.kind, status=status)

    async def _leave(self, import_id: int) -> None:
        async with self._database.writing() as session:
            await imports.leave(session, import_id)

    async def _give_up(self, job: Import) -> None:
        now = self._clock()
        with suppress(Lost):
            async with self._database.writing() as session:
                taken = await imports.take(session, job.id, runner_name(), now)
                await imports.finish(session, taken, now, "its file is gone: send it again")


def _is_here(job: Import) -> bool:
    return job.path is not None and Path(job.path).is_file()
