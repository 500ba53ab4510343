"""Stays of conversations with people: who has them, one at a time, and what is written of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from actions.operator import load_operator
from bot.service import OPERATORS
from store import hand_overs
from store.database import Database
from store.desk_models import HandOver, Note, Outcome, Priority, Role, Team, User
from store.hand_over_queue import Place, place
from store.hand_overs import NoSuchTarget, NotOpen, Taken
from store.models import Audit, Conversation, Holder

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
OPERATOR = load_operator(OPERATORS, "onee")


@dataclass
class House:
    """Two agents, an administrator, three teams, and a conversation that nobody has."""

    database: Database
    amina: int
    brahim: int
    administrator: int
    arabic: int
    both: int
    everybody: int
    conversation: int

    async def do(self, work: Callable[[AsyncSession, HandOver], Awaitable[object]]) -> None:
        """Something with the open hand-over, in a transaction of its own."""
        async with self.database.writing() as session:
            hand_over = await hand_overs.current(session, self.conversation)
            assert hand_over is not None
            await work(session, hand_over)

    async def open(self, reason: str = "asked", language: str = "fr", now: datetime = NOW) -> int:
        async with self.database.writing() as session:
            conversation = await session.get_one(Conversation, self.conversation)
            made = await hand_overs.open_hand_over(
                session, conversation, reason, now, actor="conversation:1", language=language
            )
            return made.id

    async def last(self) -> HandOver:
        async with self.database.reading() as session:
            found = await session.scalar(select(HandOver).order_by(HandOver.id.desc()).limit(1))
            assert found is not None
            return found

    async def holder(self) -> Holder:
        async with self.database.reading() as session:
            return (await session.get_one(Conversation, self.conversation)).holder

    async def audited(self) -> list[tuple[str, str]]:
        async with self.database.reading() as session:
            rows = await session.scalars(select(Audit).order_by(Audit.id))
            return [(row.actor, row.action) for row in rows]


@pytest_asyncio.fixture
async def house(database: Database) -> AsyncIterator[House]:
    def user(name: str, role: Role = Role.AGENT) -> User:
        return User(email=f"{name}@example.ma", name=name.title(), role=role, created_at=NOW)

    people = [user("amina"), user("brahim"), user("chafik", Role.ADMINISTRATOR)]
    teams = [
        Team(name="Arabe", languages=["ar"]),
        Team(name="Arabe et darija", languages=["ar", "ary"]),
        Team(name="Tous", languages=[]),
    ]
    conversation = Conversation(channel="sms", address="+212600000001", created_at=NOW)
    async with database.writing() as session:
        session.add_all([*people, *teams, conversation])
        await session.flush()
        ids = [each.id for each in (*people, *teams, conversation)]
    yield House(database, *ids)


async def test_a_hand_over_is_opened_once(house: House) -> None:
    first = await house.open("asked")
    assert await house.open("danger") == first
    assert (await house.last()).reason == "asked"
    assert await house.holder() is Holder.AGENT
    assert await house.audited() == [("conversation:1", "conversation.handed_over")]


@pytest.mark.parametrize(
    ("reason", "priority"),
    [("danger", Priority.URGENT), ("anger", Priority.HIGH), ("poisoned", Priority.HIGH), ("lost", Priority.NORMAL)],
)
async def test_the_reason_gives_the_priority(house: House, reason: str, priority: Priority) -> None:
    await house.open(reason)
    assert (await house.last()).priority is priority


@pytest.mark.parametrize(("language", "team"), [("ar", "arabic"), ("ary", "both"), ("fr", None), ("en", None)])
async def test_the_language_chooses_the_team_with_the_fewest(house: House, language: str, team: str | None) -> None:
    await house.open(language=language)
    assert (await house.last()).team_id == (None if team is None else getattr(house, team))


async def test_claiming_twice_is_once_and_another_is_told_who_has_it(house: House) -> None:
    await house.open()
    later = NOW + timedelta(minutes=4)
    await house.do(lambda session, it: hand_overs.claim(session, it, house.amina, later))
    await house.do(lambda session, it: hand_overs.claim(session, it, house.amina, later + timedelta(minutes=1)))
    for refused in (hand_overs.claim, hand_overs.release):
        with pytest.raises(Taken, match="Amina") as taken:
            await house.do(lambda session, it, act=refused: act(session, it, house.brahim, later))
        assert taken.value.by == "Amina"
    with pytest.raises(Taken):
        await house.do(lambda session, it: hand_overs.close(session, it, house.brahim, later, Outcome.SOLVED, None))
    last = await house.last()
    assert (last.user_id, last.claimed_at) == (house.amina, later)
    assert [action for _, action in await house.audited()].count("conversation.claimed") == 1


async def test_of_two_who_claim_at_once_one_has_it(house: House) -> None:
    await house.open()

    async def claim(user_id: int) -> str:
        try:
            await house.do(lambda session, it: hand_overs.claim(session, it, user_id, NOW))
        except Taken as taken:
            return taken.by
        return "won"

    ends = await asyncio.gather(*(claim(user) for user in (house.amina, house.brahim) for _ in range(3)))
    winner = (await house.last()).user_id
    name = "Amina" if winner == house.amina else "Brahim"
    assert sorted(ends) == sorted(["won"] * 3 + [name] * 3)


async def test_of_two_who_write_first_at_once_one_has_it(house: House) -> None:
    async def write(user_id: int) -> str:
        try:
            async with house.database.writing() as session:
                conversation = await session.get_one(Conversation, house.conversation)
                await hand_overs.take_by_reply(session, conversation, user_id, NOW)
        except Taken as taken:
            return taken.by
        return "won"

    ends = await asyncio.gather(write(house.amina), write(house.brahim))
    assert sorted(ends) in (["Amina", "won"], ["Brahim", "won"])
    assert (await house.last()).first_reply_at == NOW


async def test_an_agents_message_takes_what_the_assistant_had(house: House) -> None:
    async with house.database.writing() as session:
        conversation = await session.get_one(Conversation, house.conversation)
        conversation.offered = {"message": 1, "buttons": [["Oui", "/affirm"]]}
        taken = await hand_overs.take_by_reply(session, conversation, house.amina, NOW)
        assert taken.user is not None
        assert (taken.reason, taken.user.name, conversation.offered) == ("agent", "Amina", None)
    assert await house.holder() is Holder.AGENT


async def test_transferred_to_a_team_it_waits_again_and_to_a_person_it_is_theirs(house: House) -> None:
    await house.open()
    await house.do(lambda session, it: hand_overs.claim(session, it, house.amina, NOW))
    await house.do(
        lambda session, it: hand_overs.transfer(
            session, it, house.amina, NOW, to_team_id=house.arabic, note="parle arabe"
        )
    )
    last = await house.last()
    assert (last.team_id, last.user_id, last.claimed_at) == (house.arabic, None, NOW)
    await house.do(lambda session, it: hand_overs.transfer(session, it, house.amina, NOW, to_user_id=house.brahim))
    assert (await house.last()).user_id == house.brahim
    async with house.database.reading() as session:
        (note,) = await session.scalars(select(Note))
    assert (note.body, note.user_id) == ("parle arabe", house.amina)


async def test_nothing_is_transferred_to_nobody(house: House) -> None:
    await house.open()
    async with house.database.writing() as session:
        (await session.get_one(User, house.brahim)).disabled_at = NOW
    for target in ({}, {"to_user_id": house.brahim}, {"to_user_id": house.administrator}, {"to_user_id": 999}):
        with pytest.raises(NoSuchTarget):
            await house.do(lambda session, it, to=target: hand_overs.transfer(session, it, house.amina, NOW, **to))
    with pytest.raises(NoSuchTarget):
        await house.do(lambda session, it: hand_overs.transfer(session, it, house.amina, NOW, to_team_id=999))


async def test_released_and_reopened(house: House) -> None:
    await house.open()
    await house.do(lambda session, it: hand_overs.claim(session, it, house.amina, NOW))
    await house.do(lambda session, it: hand_overs.release(session, it, house.amina, NOW))
    assert (await house.last()).outcome is Outcome.RELEASED
    assert await house.holder() is Holder.ASSISTANT
    async with house.database.writing() as session:
        conversation = await session.get_one(Conversation, house.conversation)
        again = await hand_overs.reopen(session, conversation, house.brahim, NOW)
        assert (again.reason, again.user_id) == ("reopened", house.brahim)
    assert [action for _, action in await house.audited()] == [
        "conversation.handed_over",
        "conversation.claimed",
        "conversation.released",
        "conversation.handed_over",
    ]


async def test_closed_with_an_outcome_and_a_summary(house: House) -> None:
    await house.open()
    await house.do(
        lambda session, it: hand_overs.close(session, it, house.amina, NOW, Outcome.SOLVED, "  index repris  ")
    )
    last = await house.last()
    assert (last.outcome, last.summary, last.ended_by_id, last.asked_at) == (
        Outcome.SOLVED,
        "index repris",
        house.amina,
        NOW,
    )
    assert await house.holder() is Holder.ASSISTANT


async def test_what_is_over_stays_over(house: House) -> None:
    await house.open()
    async with house.database.reading() as session:
        stale = await hand_overs.current(session, house.conversation)
    assert stale is not None
    await house.do(lambda session, it: hand_overs.release(session, it, house.amina, NOW))
    async with house.database.writing() as session:
        mine = await session.get_one(HandOver, stale.id)
        for act in (hand_overs.claim, hand_overs.release):
            with pytest.raises(NotOpen):
                await act(session, mine, house.amina, NOW)
    await house.open()
    with pytest.raises(ValueError, match="customer_left"):
        await house.do(
            lambda session, it: hand_overs.close(session, it, house.amina, NOW, Outcome.CUSTOMER_LEFT, None)
        )


# --- the queue ----------------------------------------------------------------------------------------------


async def _queue(house: House, *waiting: tuple[str, int | None, int], taken_after: tuple[int, ...] = ()) -> None:
    """Hand-overs of other conversations: reason, team and minutes ago; and some that were taken after minutes."""
    async with house.database.writing() as session:
        for number, (reason, team, minutes) in enumerate(waiting):
            await _other(session, number, reason, team, NOW - timedelta(minutes=minutes))
        for number, minutes in enumerate(taken_after, start=100):
            made = await _other(session, number, "asked", None, NOW - timedelta(minutes=minutes + 5))
            made.user_id, made.claimed_at = house.amina, NOW - timedelta(minutes=5)


async def _other(session: AsyncSession, number: int, reason: str, team: int | None, at: datetime) -> HandOver:
    conversation = Conversation(channel="sms", address=f"+2126111{number:05}", created_at=NOW)
    session.add(conversation)
    await session.flush()
    return await hand_overs.open_hand_over(session, conversation, reason, at, actor="test", team_id=team)


async def _place(house: House, now: datetime = NOW) -> Place:
    async with house.database.writing() as session:
        hand_over = await hand_overs.current(session, house.conversation)
        assert hand_over is not None
        return await place(session, hand_over, OPERATOR, now)


async def test_the_place_counts_those_before_in_the_same_queue(house: House) -> None:
    await _queue(house, ("asked", None, 9), ("danger", None, 8), ("asked", house.arabic, 7))
    await house.open("asked")
    await _queue_after(house)
    place = await _place(house)
    assert (place.position, place.waiting, place.expected_wait, place.opens_at) == (4, 5, None, None)


async def _queue_after(house: House) -> None:
    async with house.database.writing() as session:
        await _other(session, 50, "anger", None, NOW)
        await _other(session, 51, "asked", None, NOW)


@pytest.mark.parametrize(
    ("taken_after", "minutes"), [((), None), ((4, 6), None), ((4, 6, 50), 6), ((2, 4, 6, 8), 5), ((0, 0, 0, 9), None)]
)
async def test_the_expected_wait_is_what_people_waited_lately(
    house: House, taken_after: tuple[int, ...], minutes: int | None
) -> None:
    await _queue(house, taken_after=taken_after)
    await house.open()
    wait = (await _place(house)).expected_wait
    assert wait == (None if minutes is None else timedelta(minutes=minutes))


async def test_a_night_does_not_count_as_waiting_and_the_opening_is_told(house: House) -> None:
    morning = datetime(2026, 11, 24, 7, 45, tzinfo=UTC)  # 08:45 in Casablanca
    async with house.database.writing() as session:
        for number in range(3):
            made = await _other(session, number, "asked", None, NOW + timedelta(hours=9))
            made.user_id, made.claimed_at = house.amina, morning - timedelta(minutes=5)
    await house.open(now=NOW + timedelta(hours=9))
    assert (await _place(house, morning)).expected_wait == timedelta(minutes=10)
    assert (await _place(house, NOW + timedelta(hours=9))).opens_at == datetime(2026, 11, 24, 7, 30, tzinfo=UTC)


async def test_a_conversation_that_went_back_meanwhile_is_taken_all_the_same(house: House) -> None:
    await house.open()
    async with house.database.writing() as session:
        loaded_before = await session.get_one(Conversation, house.conversation)
        unseen = {"synchronize_session": False}
        await session.execute(
            update(HandOver).values(ended_at=NOW, outcome=Outcome.CUSTOMER_LEFT), execution_options=unseen
        )
        await session.execute(update(Conversation).values(holder=Holder.ASSISTANT), execution_options=unseen)
        await hand_overs.take_by_reply(session, loaded_before, house.amina, NOW)
    assert await house.holder() == Holder.AGENT


async def test_the_place_is_right_among_five_hundred(house: House) -> None:
    async with house.database.writing() as session:
        conversations = [
            Conversation(channel="sms", address=f"+2126222{n:05}", created_at=NOW, holder=Holder.AGENT)
            for n in range(500)
        ]
        session.add_all(conversations)
        await session.flush()
        session.add_all(
            HandOver(conversation_id=each.id, reason="asked", priority=Priority.NORMAL, opened_at=NOW)
            for each in conversations
        )
    await house.open()
    assert (await _place(house)).position == 501
