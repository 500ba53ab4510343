"""Tells workers, here and in other processes, that a conversation has something to do.

On PostgreSQL by NOTIFY, which leaves with the transaction it belongs to. A lost notice only costs time: workers
also look around on their own every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import asyncpg
import structlog
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession

from store.database import CONNECT_SECONDS, Database

log = structlog.get_logger()

NOTICE = "releve_conversation"
RECONNECT_SECONDS = 2.0
STILL_THERE_SECONDS = 30.0


async def announce(session: AsyncSession, conversation_id: int) -> None:
    """Let other processes know, when this transaction commits; SQLite has nobody to tell."""
    await session.run_sync(lambda within: announce_in(within.connection(), conversation_id))


def announce_in(connection: Connection, conversation_id: int) -> None:
    """As `announce`, where there is no session."""
    if connection.dialect.name == "postgresql":
        notice = {"notice": NOTICE, "conversation": str(conversation_id)}
        connection.execute(text("SELECT pg_notify(:notice, :conversation)"), notice)


class Listener:
    """Hears announcements of conversations and passes them to `wake`; reconnects for as long as it runs.

    `notice` is the channel that they are announced on; `connected` is called when it listens, again after each loss.
    On SQLite it does nothing.
    """

    def __init__(
        self,
        database: Database,
        wake: Callable[[int], None],
        notice: str = NOTICE,
        connected: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._wake = wake
        self._notice = notice
        self._connected = connected
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if not self._database.is_sqlite:
            self._task = asyncio.create_task(self._listen(), name="listener")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        options = self._database.connect_options()
        while True:
            try:
                connection = await asyncpg.connect(**options)
                try:
                    lost = asyncio.get_running_loop().create_future()
                    connection.add_termination_listener(lambda _, lost=lost: lost.done() or lost.set_result(None))
                    await connection.add_listener(self._notice, self._heard)
                    self._connected()
                    while not lost.done():
                        await asyncio.wait({lost}, timeout=STILL_THERE_SECONDS)
                        # A server that is gone without a word would be listened to for ever.
                        await connection.execute("SELECT 1", timeout=CONNECT_SECONDS)
                finally:
                    await connection.close(timeout=1)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("listener.lost", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._wake(int(str(payload)))
