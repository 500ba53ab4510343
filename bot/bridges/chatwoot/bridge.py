"""The bridge itself: looks at each open hand-over, tells Chatwoot what is new, and hears what was written there.

Chatwoot's webhooks only say that there is something to hear (`bot.bridges.chatwoot.webhook`): what it is, is read
from its API in order, so that a webhook that is lost, late or repeated changes nothing. What was told and heard is
kept with the messages, so that either side may be away for as long as it likes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime

import structlog

from bot.bridges.chatwoot.api import SOURCE, ChatwootApi, ChatwootFault
from bot.bridges.chatwoot.hearing import Hearing
from bot.bridges.chatwoot.telling import Telling
from bot.channels.carrier import Channel
from bot.clock import Clock, system_clock
from bot.outside_desk import OutsideDesk
from bot.parting import Parting
from bot.received_files import ReceivedFiles
from bot.routine import Routine
from bot.settings import Settings
from store import helpdesk_stays
from store.database import Database
from store.helpdesk_models import HelpdeskStay
from store.helpdesk_stays import LEASE

log = structlog.get_logger()

LOOK_SECONDS = 1.0
HTTP_NOT_FOUND = 404


class ChatwootBridge(Routine):
    """Any number of processes may run one: each stay is looked at by one of them at a time."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        parting: Parting,
        files: ReceivedFiles,
        channels: Collection[Channel],
        send: Callable[[int], None],
        *,
        every: float = LOOK_SECONDS,
        clock: Clock = system_clock,
    ) -> None:
        super().__init__("chatwoot", every)
        self._database = database
        self._clock = clock
        self._api = ChatwootApi(settings)
        desk = OutsideDesk(SOURCE, channels)
        self._telling = Telling(self._api, database, files, settings.public_url, clock)
        self._hearing = Hearing(self._api, database, desk, parting, settings.keyring, send, clock)

    async def look(self) -> None:
        """Bring every stay up to date that has something new."""
        async with self._database.writing() as session:
            await helpdesk_stays.begin(session, self._clock())
        while taken := await self._take():
            await asyncio.gather(*(self._look_at(each) for each in taken))

    async def stop(self) -> None:
        """What was begun is done again, or goes on, in another process."""
        await super().stop()
        await self._api.close()

    async def _take(self) -> list[int]:
        async with self._database.writing() as session:
            return await helpdesk_stays.take(session, self._clock())

    async def _look_at(self, hand_over_id: int) -> None:
        try:
            async with asyncio.timeout(LEASE.total_seconds() * 2 / 3):
                ended_at = await self._bring_up_to_date(hand_over_id)
        except (ChatwootFault, TimeoutError) as error:
            if await self._is_gone(error, hand_over_id):
                return
            async with self._database.writing() as session:
                failures = await helpdesk_stays.put_off(session, hand_over_id, self._clock())
            reason = str(error) or "it took too long"
            log.warning("chatwoot.put_off", hand_over=hand_over_id, failures=failures, reason=reason)
        else:
            async with self._database.writing() as session:
                await helpdesk_stays.done(session, hand_over_id, ended_at=ended_at)

    async def _bring_up_to_date(self, hand_over_id: int) -> datetime | None:
        """When the stay was found to be over on both sides; None while it is not."""
        await self._telling.tell(hand_over_id)
        await self._hearing.hear(hand_over_id)
        stay = await self._stay(hand_over_id)
        if stay.hand_over.ended_at is None:
            return None
        await self._telling.tell_ended(hand_over_id)
        return self._clock()

    async def _is_gone(self, error: Exception, hand_over_id: int) -> bool:
        """Whether the conversation was deleted in Chatwoot: our own desk has it still, and goes on alone."""
        if not isinstance(error, ChatwootFault) or error.status != HTTP_NOT_FOUND:
            return False
        stay = await self._stay(hand_over_id)
        if stay.ticket is None or not await self._api.is_gone(stay.ticket):
            return False
        log.error("chatwoot.conversation_gone", hand_over=hand_over_id)
        async with self._database.writing() as session:
            await helpdesk_stays.done(session, hand_over_id, ended_at=self._clock())
        return True

    async def _stay(self, hand_over_id: int) -> HelpdeskStay:
        async with self._database.reading() as session:
            return await helpdesk_stays.get(session, hand_over_id)
