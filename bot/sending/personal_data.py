"""The copy of personal data that goes with a reply: looked up when it is sent or fetched, never kept."""

from __future__ import annotations

import json
from typing import Any

from bot.clock import Clock, system_clock
from store.database import Database
from store.models import Message
from store.personal_data import export


class PersonalData:
    """Gathers all that is kept about whoever gets a message (`bot.sending.attachments.Source`)."""

    def __init__(self, database: Database, clock: Clock = system_clock) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self, message_id: int) -> bytes:
        async with self._database.reading() as session:
            message = await session.get_one(Message, message_id)
            return readable(await export(session, message.conversation_id, self._clock())).encode()


def readable(found: dict[str, Any]) -> str:
    """JSON that a person can read, letters as they are."""
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"
