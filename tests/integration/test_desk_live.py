"""What is live at the desk: who hears of which change, how soon, and what nobody has to remember."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from desk_room import Person, Room
from serving import serving
from sqlalchemy import delete, update

from bot.channels.carrier import Channel, DeliveryState, StatusUpdate
from bot.desk import live
from bot.desk.access import COOKIE
from bot.desk.live import Live
from bot.desk.subscriber import Subscriber
from bot.inbox import Inbox
from bot.wake import Listener
from store.changes import NOTICE, changed
from store.database import Database
from store.desk_models import HandOver, Role, User, UserSession
from store.models import Conversation, Message
from store.queue import Counts

SOON = 4.0
"""Seconds within which a page must have heard, on a machine that is busy."""
NOBODY = Counts({}, {}, 0)


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look around and count more often than anybody needs."""
    monkeypatch.setattr(live, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(live, "LEAST_SECONDS", 0.02)


class Page:
    """What an open page was told."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._stream = subscriber.events(heartbeat=60)
        self._told: list[tuple[str, Any]] = []

    async def told(self) -> tuple[str, Any]:
        """The next event."""
        async with asyncio.timeout(SOON):
            while not self._told:
                found = re.findall(r"event: (.*)\ndata: (.*)\n", await anext(self._stream))
                self._told += [(name, json.loads(data)) for name, data in found]
        return self._told.pop(0)

    async def until(self, *wanted: tuple[str, Any]) -> None:
        """Wait for all of these events, in any order."""
        missing = list(wanted)
        while missing:
            told = await self.told()
            if told in missing:
                missing.remove(told)


@asynccontextmanager
async def opened(room: Room, person: Person, *conversations: int, team_ids: frozenset[int] = frozenset()) -> AsyncIterator[Page]:  # fmt: skip  # noqa: E501
    subscriber = Subscriber(person.id, 1, team_ids, frozenset(conversations))
    await room.desk.live.subscribe(subscriber)
    try:
        yield Page(subscriber)
    finally:
        room.desk.live.unsubscribe(subscriber)


async def test_a_page_begins_with_the_numbers(room: Room) -> None:
    amina, samir = await room.person(), await room.person("Samir")
    north, south = await room.team("Nord"), await room.team("Sud")
    for team_id in (north, south, None):
        await room.handed_over(team_id=team_id)
    await room.handed_over(user_id=amina.id)
    async with opened(room, amina) as everywhere, opened(room, samir, team_ids=frozenset({north})) as in_the_north:
        assert await everywhere.told() == ("queue", {"waiting": 3, "mine": 1})
        assert await in_the_north.told() == ("queue", {"waiting": 2, "mine": 0})


async def test_a_committed_change_reaches_open_pages(room: Room) -> None:
    amina = await room.person()
    watched, other = await room.handed_over(), await room.handed_over()
    async with room.live(), opened(room, amina, watched) as page:
        await page.until(("queue", {"waiting": 2, "mine": 0}))
        await room.listening()
        async with room.database.writing() as session:
            hand_over = update(HandOver).where(HandOver.conversation_id == watched)
            await session.execute(hand_over.values(user_id=amina.id))
            await changed(session, watched)
            await changed(session, other)
        await page.until(("conversation", watched), ("queue", {"waiting": 1, "mine": 1}))


async def test_other_processes_are_told(room: Room, database_url: str) -> None:
    """On PostgreSQL at once, by NOTIFY; on SQLite by looking around."""
    amina, watched = await room.person(), await room.handed_over()
    elsewhere = Database(database_url)
    async with room.live(), opened(room, amina, watched) as page:
        await page.until(("queue", {"waiting": 1, "mine": 0}))
        await room.listening()
        if room.database.is_sqlite:
            await room.desk.live._look_around()
        async with elsewhere.writing() as session:
            await session.execute(update(HandOver).values(user_id=amina.id))
            await changed(session, watched)
        if room.database.is_sqlite:
            await room.desk.live._look_around()
            await page.until(("queue", {"waiting": 0, "mine": 1}))
        else:
            await page.until(("conversation", watched), ("queue", {"waiting": 0, "mine": 1}))
    await elsewhere.close()


async def test_what_is_rolled_back_is_not_told(room: Room) -> None:
    version = room.desk.live.version

    async def fails() -> None:
        async with room.database.writing() as session:
            await changed(session, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert room.desk.live.version == version


async def test_a_message_that_no_notice_told_of_is_found(room: Room, quick: None) -> None:
    amina, watched = await room.person(), await room.handed_over()
    async with room.live(), opened(room, amina, watched) as page:
        await page.until(("queue", {"waiting": 1, "mine": 0}))
        await asyncio.sleep(0.3)  # looked around once
        async with room.database.writing() as session:
            conversation = await session.get_one(Conversation, watched)
            session.add(room.message(conversation, "encore moi", room.now))
        await page.until(("conversation", watched))


async def test_a_lost_listener_makes_every_page_look_again(room: Room) -> None:
    amina, watched = await room.person(), await room.handed_over()
    async with opened(room, amina, watched) as page:
        await page.told()
        room.desk.live.changed_somewhere()
        assert await page.told() == ("conversation", watched)


async def test_a_change_is_counted_once_for_all_pages(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [await room.person() for _ in range(2)]
    counted = 0
    count: Callable[[Live], Awaitable[Counts]] = Live.counts

    async def counting(self: Live) -> Counts:
        nonlocal counted
        counted += 1
        return await count(self)

    monkeypatch.setattr(Live, "counts", counting)
    async with room.live(), opened(room, people[0]) as one, opened(room, people[1]) as two:
        await asyncio.gather(one.told(), two.told())
        await room.listening()
        await asyncio.sleep(live.LEAST_SECONDS + 0.1)
        counted = 0
        for conversation_id in range(1, 101):
            room.desk.live.changed(conversation_id)
        await asyncio.gather(one.told(), two.told())
        assert counted == 1


async def test_a_page_that_reads_slowly_keeps_only_the_latest() -> None:
    subscriber = Subscriber(1, 1, frozenset(), frozenset({7}))
    for number in range(1000):
        subscriber.conversation_changed(7)
        subscriber.queue_changed(Counts({(None, "fr"): number}, {}, number))
    page = Page(subscriber)
    assert [await page.told(), await page.told()] == [("conversation", 7), ("queue", {"waiting": 999, "mine": 0})]
    assert not subscriber._conversations


async def test_a_silent_stream_says_that_it_is_alive() -> None:
    events = Subscriber(1, 1, frozenset()).events(heartbeat=0.01)
    assert (await anext(events)).startswith("retry: ")
    assert await anext(events) == "event: alive\ndata: -\n\n"


@pytest.mark.parametrize("over", ["signed out", "idle", "disabled"])
async def test_a_stream_ends_with_its_session(room: Room, quick: None, over: str) -> None:
    amina, samir = await room.person(), await room.person("Samir")
    async with room.database.reading() as session:
        found = await session.get_one(UserSession, 1)
        assert found.user_id == amina.id
    ended, lasting = Subscriber(amina.id, 1, frozenset()), Subscriber(samir.id, 2, frozenset())
    async with room.live() as live_desk, room.database.writing() as session:
        await live_desk.subscribe(ended)
        await live_desk.subscribe(lasting)
        match over:
            case "signed out":
                await session.execute(delete(UserSession).where(UserSession.id == 1))
            case "idle":
                long_ago = room.now - timedelta(hours=3)
                await session.execute(update(UserSession).where(UserSession.id == 1).values(used_at=long_ago))
            case "disabled":
                await session.execute(update(User).where(User.id == amina.id).values(disabled_at=room.now))
        await session.commit()
        async with asyncio.timeout(SOON):
            async for _ in ended.events():
                pass  # until it is over
        assert not lasting._ended


async def test_a_browser_has_so_many_streams_and_the_oldest_makes_room(room: Room) -> None:
    amina = await room.person()
    streams = [Subscriber(amina.id, 1, frozenset()) for _ in range(live.MOST_STREAMS + 1)]
    others = Subscriber(amina.id, 2, frozenset())
    async with asyncio.timeout(SOON):
        for each in (others, *streams):
            await room.desk.live.subscribe(each)
        async for _ in streams[0].events():
            pass  # until it is over
    assert not any(each._ended for each in (others, *streams[1:]))


async def test_streams_go_over_a_socket_and_end_with_the_server(room: Room) -> None:
    amina = await room.person()
    watched = await room.handed_over()
    async with (
        room.live(),
        serving(room.app) as base,
        httpx.AsyncClient(base_url=base, cookies={COOKIE: amina.token}, timeout=SOON) as browser,
        browser.stream("GET", f"/desk/events?conversation={watched}") as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        lines = stream.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        assert [await anext(lines) for _ in range(3)] == ["", "event: queue", 'data: {"waiting": 1, "mine": 0}']
        room.desk.live.changed(watched)
        assert [await anext(lines) for _ in range(3)] == ["", "event: conversation", f"data: {watched}"]
        await room.desk.live.stop()
        assert len([line async for line in lines]) < 10  # the server has ended it
    assert not room.desk.live._subscribers


async def test_nobody_listens_without_a_session(room: Room) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=room.app), base_url="http://desk.test") as browser:
        assert (await browser.get("/desk/events", headers={"Accept": "text/event-stream"})).status_code == 401
        assert (await browser.get("/desk/counts", headers={"HX-Request": "true"})).status_code == 401
    administrator = await room.person(role=Role.ADMINISTRATOR)
    assert (await administrator.get("/desk/events")).status_code == 403
    assert (await administrator.get("/desk/counts")).status_code == 403


async def test_the_numbers_alone_for_a_page_without_its_stream(room: Room) -> None:
    amina = await room.person()
    await room.handed_over()
    await room.handed_over(user_id=amina.id)
    assert (await amina.get("/desk/counts")).json() == {"waiting": 1, "mine": 1}


@pytest.mark.parametrize("conversation", ["0", "-1", "9223372036854775808", "x"])
async def test_only_conversations_that_could_be_are_listened_to(room: Room, conversation: str) -> None:
    assert (await (await room.person()).get(f"/desk/events?conversation={conversation}")).status_code == 422


@pytest.mark.parametrize(("of_an_agent", "told"), [(True, 1), (False, 0)])
async def test_how_an_agents_message_fares_is_told(room: Room, of_an_agent: bool, told: int) -> None:
    """The assistant's own are many, and nobody waits for word of them."""
    amina, conversation_id = await room.person(), await room.handed_over(text=None)
    async with room.database.writing() as session:
        session.add(
            Message(
                conversation_id=conversation_id,
                channel="sms",
                direction="out",
                carrier_id="SM1",
                state="sent",
                body="Bonjour",
                user_id=amina.id if of_an_agent else None,
                due_at=room.now,
                created_at=room.now,
            )
        )
    async with _hearing(room.database) as heard:
        await Inbox(room.database, lambda _: None).advance(StatusUpdate(Channel.SMS, "SM1", DeliveryState.DELIVERED))
        await asyncio.sleep(0.2)
    assert heard == [conversation_id] * told


@asynccontextmanager
async def _hearing(database: Database) -> AsyncIterator[list[int]]:
    """The conversations that anybody is told of."""
    heard: list[int] = []
    connected = asyncio.Event()
    database.on_change(heard.append)
    listener = Listener(database, heard.append, NOTICE, connected.set)
    listener.start()
    if not database.is_sqlite:
        await connected.wait()
    yield heard
    await listener.stop()
