"""Pictures of meters between their arrival and their turn: fetched, looked at, kept.

No turn waits for a picture inside its transaction. The turn that finds a picture nobody has looked at takes it in
hand and leaves; the messages after it wait too, so that the order stays. When the picture has been looked at, or
could not be in time, the conversation is woken and the turn goes on with what there is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from billing.photographed import SeenLine
from bot.channels.carrier import Carrier, Channel, Media, MediaType, NotFetched
from bot.clock import Clock, system_clock
from bot.photos.looker import SECONDS, Looker, NotSeen, Seen
from bot.wake import announce
from nlu import danger
from nlu.normalise import fold
from store import photos
from store.database import Database
from store.models import Message
from store.sealing import Keyring

log = structlog.get_logger()

MARGIN: Final = timedelta(seconds=5)
"""How much longer than a look may take the message waits; then the process that has it in hand counts as dead."""
MOST_IN_HAND: Final = 20
"""Pictures that this process has in hand; those that come beyond are not looked at, but asked for in digits."""
DOCUMENTS: Final = frozenset({"image/jpeg", "image/png", "image/webp"})
"""Pictures that were sent as a file, in full quality."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture of a message: at which carrier it is, and what the carrier calls it."""

    message_id: int
    channel: Channel
    media: Media


class Photos:
    """Looks at customers' pictures, with `looker`, and keeps them, sealed with `keyring`."""

    def __init__(
        self,
        database: Database,
        carriers: Mapping[Channel, Carrier],
        looker: Looker,
        keyring: Keyring,
        clock: Clock = system_clock,
        seconds: float = SECONDS,
    ) -> None:
        """`seconds` are what a picture may take from being taken in hand to the turn that goes on without it."""
        self._database = database
        self._carriers = carriers
        self._looker = looker
        self._keyring = keyring
        self._clock = clock
        self._seconds = seconds
        self._in_hand: dict[int, asyncio.Task[None]] = {}

    @property
    def hold(self) -> timedelta:
        """How long a message waits for its picture at most."""
        return timedelta(seconds=self._seconds) + MARGIN

    @property
    def in_hand(self) -> Sequence[asyncio.Task[None]]:
        """What looks at pictures now."""
        return list(self._in_hand.values())

    async def take(self, session: AsyncSession, message: Message, now: datetime) -> Picture | None:
        """The picture that this message must wait for, which is to be looked at (`begin`) after the commit.

        None when there is none, or nothing is left to do. A caption that tells of danger waits for nothing.
        """
        media, channel = picture_in(message), Channel(message.channel)
        if media is None or channel not in self._carriers:
            return None
        if len(self._in_hand) >= MOST_IN_HAND or danger.find_in(fold(message.body)):
            return None
        taken = await photos.take_in_hand(session, message, now, now + self.hold)
        return Picture(message.id, channel, media) if taken else None

    async def lines(self, session: AsyncSession, message: Message) -> Sequence[SeenLine] | None:
        """What the picture of a message shows, nothing where it could not be seen; None for one without picture."""
        if picture_in(message) is None:
            return None
        return [SeenLine.of(line) for line in await photos.lines_of(session, message.id) or ()]

    def begin(self, picture: Picture, wake: Callable[[int], None]) -> None:
        """Look at a picture that `take` gave, in the background; `wake` is told its conversation afterwards."""
        number = picture.message_id
        self._in_hand[number] = asyncio.create_task(self._see(picture, wake), name=f"photo {number}")
        self._in_hand[number].add_done_callback(lambda _: self._in_hand.pop(number, None))

    async def stop(self) -> None:
        """Put back what is in hand, for the next start or another process, and end the looking processes."""
        in_hand = dict(self._in_hand)
        for task in in_hand.values():
            task.cancel()
        await asyncio.gather(*in_hand.values(), return_exceptions=True)
        self._looker.close()
        if in_hand:
            async with self._database.writing() as session:
                await photos.put_back(session, in_hand, self._clock())

    async def _see(self, picture: Picture, wake: Callable[[int], None]) -> None:
        began, message_id = time.monotonic(), picture.message_id
        try:
            async with asyncio.timeout(self._seconds):
                content = await self._carriers[picture.channel].fetch(picture.media)
                seen = await self._looker.look(content)
        except (NotFetched, NotSeen, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            log.warning("photo.not_seen", message=message_id, reason=reason)
            await self._settle(wake, lambda session, now: photos.failed(session, message_id, reason, now))
            return
        log.info("photo.seen", message=message_id, lines=len(seen.lines), seconds=round(time.monotonic() - began, 2))
        await self._settle(wake, lambda session, now: self._keep(session, message_id, seen, now))

    async def _keep(self, session: AsyncSession, message_id: int, seen: Seen, now: datetime) -> int | None:
        return await photos.seen(session, self._keyring, message_id, seen.lines, seen.content, now)

    async def _settle(self, wake: Callable[[int], None], work: Callable[[AsyncSession, datetime], Any]) -> None:
        try:
            async with self._database.writing() as session:
                conversation_id = await work(session, self._clock())
                if conversation_id is not None:
                    await announce(session, conversation_id)
        except Exception as error:
            # Nothing is lost: the message comes up again when its time in hand is over.
            log.error("photo.not_settled", error=type(error).__name__)
            return
        if conversation_id is not None:
            wake(conversation_id)


def picture_in(message: Message) -> Media | None:
    """The picture of a message that is looked at: its first, also one that was sent as a file."""
    place = place_of_picture(message)
    if place is None:
        return None
    media = (message.payload or {})["media"][place]
    return Media(MediaType(media["type"]), media["reference"], media.get("content_type"))


def place_of_picture(message: Message) -> int | None:
    """Its place among what came with the message."""
    for place, media in enumerate((message.payload or {}).get("media", ())):
        is_file = media["type"] == MediaType.DOCUMENT and media.get("content_type") in DOCUMENTS
        if media["type"] == MediaType.IMAGE or is_file:
            return place
    return None
