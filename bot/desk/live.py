"""Brings changes to the browsers that show them, as server-sent events."""

from __future__ import annotations

from store.database import Database


class Live:
    """Hears what changed, in this process and in others, and passes it on to open pages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def changed(self, conversation_id: int) -> None:
        """A conversation looks different."""
