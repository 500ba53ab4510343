"""Pictures between their arrival and their turn: the looking processes, their limits, and their deaths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import psutil
import pytest
from sqlalchemy import select

from bot.channels.carrier import Carrier, Channel, Inbound, Kind, Media, MediaType, NotFetched
from bot.inbox import Inbox
from bot.photos import looker
from bot.photos.arrivals import MOST_IN_HAND, Photos, picture_in
from bot.photos.looker import Looker, NotSeen
from store.database import Database
from store.models import Message
from store.photo_models import Photo, PhotoState
from store.sealing import Keyring


@pytest.fixture
async def eyes() -> AsyncIterator[Looker]:
    eyes = Looker(module="tiny_looker")
    yield eyes
    eyes.close()


async def test_a_picture_is_looked_at_in_another_process(eyes: Looker) -> None:
    seen = await eyes.look(b"48213\n2011")
    assert [line["text"] for line in seen.lines] == ["48213", "2011"]
    assert seen.content == b"48213\n2011"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"crash", "BrokenProcessPool"), (b"greed", "MemoryError"), (b"\xff\xd8", "UnicodeDecodeError")],
)
async def test_what_goes_wrong_over_one_picture_leaves_the_next_alone(
    eyes: Looker, content: bytes, reason: str
) -> None:
    with pytest.raises(NotSeen, match=reason):
        await eyes.look(content)
    assert (await eyes.look(b"48213")).lines[0]["text"] == "48213"


async def test_a_look_that_hangs_is_ended_with_its_process() -> None:
    eyes = Looker(module="tiny_looker", seconds=2.0)
    with pytest.raises(NotSeen, match="TimeoutError"):
        await eyes.look(b"hang")
    eyes.close()


async def test_a_process_with_nothing_to_do_gives_its_memory_back(
    eyes: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looker, "IDLE_SECONDS", 0.0)
    before = set(psutil.Process().children())
    await eyes.look(b"48213")
    started = [each for each in psutil.Process().children() if each not in before]
    await asyncio.sleep(0)  # the clock that ends it
    gone, alive = await asyncio.to_thread(psutil.wait_procs, started, timeout=10)
    assert started
    assert not alive, gone


async def test_a_process_that_has_seen_enough_is_replaced(eyes: Looker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looker, "PICTURES", 1)
    for _ in range(2):
        assert (await eyes.look(b"48213")).lines


# --- from the carrier to the store --------------------------------------------------------------------------


@dataclass
class Shelf:
    """Where a carrier keeps what customers sent."""

    files: dict[str, bytes] = field(default_factory=dict)

    async def fetch(self, media: Media) -> bytes:
        if media.reference not in self.files:
            raise NotFetched("HTTP 404", is_gone=True)
        return self.files[media.reference]


class Arrivals:
    """Pictures that arrive at a store and are looked at, without turns."""

    def __init__(self, database: Database, eyes: Looker) -> None:
        self.database = database
        self.shelf = Shelf()
        self.woken: list[int] = []
        self.inbox = Inbox(database, lambda conversation_id: None)
        carrier = cast("Carrier", self.shelf)
        self.photos = Photos(database, {Channel.WHATSAPP: carrier}, eyes, Keyring(), self.now, seconds=10)

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

    async def arrives(self, content: bytes | None, number: int = 1) -> Any:
        """A message with a picture, taken in hand; what is to be looked at."""
        reference = f"picture {number}"
        if content is not None:
            self.shelf.files[reference] = content
        media = (Media(MediaType.IMAGE, reference, "image/jpeg"),)
        await self.inbox.accept([Inbound(Channel.WHATSAPP, f"MM{number}", "+212600000001", Kind.MEDIA, media=media)])
        async with self.database.writing() as session:
            query = select(Message).order_by(Message.id.desc()).limit(1)
            return await self.photos.take(session, (await session.scalars(query)).one(), self.now())

    async def looked_at(self, picture: Any) -> Photo:
        self.photos.begin(picture, self.woken.append)
        await asyncio.wait(list(self.photos.in_hand))
        return await self.row(picture.message_id)

    async def row(self, message_id: int) -> Photo:
        async with self.database.reading() as session:
            return await session.get_one(Photo, message_id)


@pytest.fixture
def arrivals(database: Database, eyes: Looker) -> Arrivals:
    return Arrivals(database, eyes)


@pytest.mark.parametrize(
    ("content", "state", "error"),
    [
        (b"48213", PhotoState.SEEN, None),
        (b"crash", PhotoState.FAILED, "BrokenProcessPool"),
        (b"\xff\xd8", PhotoState.FAILED, "UnicodeDecodeError"),
        (None, PhotoState.FAILED, "HTTP 404"),
    ],
    ids=["seen", "crash", "spoilt", "gone"],
)
async def test_the_turn_goes_on_whatever_became_of_the_picture(
    arrivals: Arrivals, content: bytes | None, state: PhotoState, error: str | None
) -> None:
    photo = await arrivals.looked_at(await arrivals.arrives(content))
    assert (photo.state, photo.error) == (state, error)
    assert len(arrivals.woken) == 1
    async with arrivals.database.reading() as session:
        assert (await session.get_one(Message, photo.message_id)).due_at == arrivals.now()


async def test_a_process_that_stops_puts_back_what_it_has_in_hand(arrivals: Arrivals) -> None:
    picture = await arrivals.arrives(b"hang")
    arrivals.photos.begin(picture, arrivals.woken.append)
    await asyncio.sleep(0.01)
    await arrivals.photos.stop()
    photo = await arrivals.row(picture.message_id)
    assert (photo.state, photo.attempts, photo.until) == (PhotoState.LOOKING, 0, arrivals.now())
    assert arrivals.woken == []


async def test_more_pictures_than_can_be_looked_at_in_time_do_not_wait(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.photos.arrivals.MOST_IN_HAND", 1)
    assert MOST_IN_HAND > 1
    arrivals.photos.begin(await arrivals.arrives(b"hang"), arrivals.woken.append)
    assert await arrivals.arrives(b"48213", number=2) is None
    await arrivals.photos.stop()


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (None, None),
        ({"media": [{"type": "audio", "reference": "a", "content_type": "audio/ogg"}]}, None),
        ({"media": [{"type": "document", "reference": "d", "content_type": "application/pdf"}]}, None),
        ({"media": [{"type": "document", "reference": "d", "content_type": "image/png"}]}, "d"),
        ({"media": [{"type": "image", "reference": "i"}, {"type": "image", "reference": "j"}]}, "i"),
        ({"media": [{"type": "sticker", "reference": "s", "content_type": "image/webp"}]}, None),
    ],
)
def test_which_picture_of_a_message_is_looked_at(payload: dict[str, Any] | None, found: str | None) -> None:
    media = picture_in(Message(payload=payload))
    assert (None if media is None else media.reference) == found
