"""Long looks at the database, kept away from everything else that a process does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from store.database import Database

T = TypeVar("T")
AT_ONCE = 2
"""Looks of one process at a time; others wait their turn."""


class Apart:
    """Runs looks in a thread with a connection of their own.

    SQLite is called where it stands (`store.sqlite_driver`), and figures are worked out in Python: either would hold
    up every message and page of the process for as long as it takes.
    """

    def __init__(self, database: Database) -> None:
        self._url = database.url.render_as_string(hide_password=False)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def look(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """What `await work(session)` gives; `session` reads only. Raises what `work` raises."""

        async def looking() -> T:
            database = Database(self._url, pool_size=1)
            try:
                async with database.reading() as session:
                    return await work(session)
            finally:
                await database.close()

        async with self._turns:
            return await asyncio.to_thread(lambda: asyncio.run(looking()))
