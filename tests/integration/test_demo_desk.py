"""The demo's desk: people who can sign in, work that waits, a past that adds up."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from conftest import Databases
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from billing.calendar import local_day
from billing.working_days import WorkingDays
from bot.commands.demo import demo_settings
from store import passwords
from store.database import Database
from store.demo import AlreadyLoaded, NotEmpty, load
from store.demo.desk import load_desk
from store.demo.staff import AGENT, PASSWORD, STAFF
from store.demo.talks import DAYS
from store.desk_models import CannedAnswer, HandOver, Role, User
from store.models import (
    Base,
    Conversation,
    Direction,
    Holder,
    Message,
    MessageState,
    Reading,
    ReadingState,
    Request,
    RequestState,
)

NOW = datetime(2026, 1, 15, 11, 0, tzinfo=UTC)
HASH = "not a hash of anything"
LANGUAGES = {"fr", "ar", "ary", "ary-Latn", "en"}


pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def furnished(databases: Databases) -> AsyncIterator[Database]:
    """A database with the demo's customers and desk."""
    database = Database(await databases.migrated())
    await furnish(database)
    yield database
    await database.close()


async def furnish(database: Database) -> None:
    async with database.writing() as session:
        await load(session, local_day(NOW))
        await load_desk(session, NOW, HASH)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(furnished: Database) -> AsyncIterator[AsyncSession]:
    async with furnished.reading() as session:
        yield session


async def test_each_role_has_somebody_who_need_not_change_the_password(desk: AsyncSession) -> None:
    people = list(await desk.scalars(select(User).options(selectinload(User.teams))))
    assert {each.role for each in people} == set(Role)
    assert AGENT in {each.email for each in people}
    assert not any(each.must_change_password for each in people)
    assert all(each.teams for each in people if each.role is not Role.ADMINISTRATOR)


async def test_the_password_that_is_printed_is_one_that_the_desk_would_take() -> None:
    for person in STAFF:
        passwords.check(PASSWORD, [person.email, person.name])


async def test_every_canned_answer_is_there_in_every_language(desk: AsyncSession) -> None:
    answers = list(await desk.scalars(select(CannedAnswer)))
    names = {answer.name for answer in answers}
    assert len(names) == 10
    assert {(answer.name, answer.language) for answer in answers} == {
        (name, language) for name in names for language in LANGUAGES
    }


async def test_some_wait_for_an_agent_and_one_is_in_hand(desk: AsyncSession) -> None:
    open_now = list(await desk.scalars(select(HandOver).where(HandOver.ended_at.is_(None))))
    assert len([each for each in open_now if each.user_id is None]) == 4
    assert len([each for each in open_now if each.user_id is not None]) == 1
    assert all(NOW - each.opened_at < timedelta(hours=1) for each in open_now)
    held = set(await desk.scalars(select(Conversation.id).where(Conversation.holder == Holder.AGENT)))
    assert held == {each.conversation_id for each in open_now}


async def test_the_past_month_of_hand_overs_adds_up(desk: AsyncSession) -> None:
    ended = list(await desk.scalars(select(HandOver).where(HandOver.ended_at.is_not(None))))
    assert len(ended) > 40
    for each in ended:
        moments = [each.opened_at, each.claimed_at, each.first_reply_at, each.ended_at]
        assert moments == sorted(moments)
        assert NOW - timedelta(days=DAYS + 1) < each.opened_at < NOW
    assert {each.reason for each in ended} >= {"asked", "lost", "anger"}
    assert any(each.score for each in ended)
    assert any(each.score is None for each in ended)


async def test_nothing_of_it_is_left_to_handle_or_to_send(desk: AsyncSession) -> None:
    latest = await desk.scalar(select(func.max(Message.created_at)))
    assert latest is not None
    assert latest <= NOW
    states = set(await desk.scalars(select(Message.state).distinct()))
    assert states == {MessageState.HANDLED, MessageState.SENT}


async def test_messages_are_numbered_in_the_order_in_which_they_were_written(desk: AsyncSession) -> None:
    moments = list(await desk.scalars(select(Message.created_at).order_by(Message.id)))
    assert moments == sorted(moments)


async def test_a_conversation_was_last_written_to_by_its_customer_when_it_says(desk: AsyncSession) -> None:
    query = (
        select(Conversation.last_inbound_at, func.max(Message.created_at))
        .join(Message, Message.conversation_id == Conversation.id)
        .where(Message.direction == Direction.IN)
        .group_by(Conversation.id)
    )
    rows = list(await desk.execute(query))
    assert rows
    assert all(said == written for said, written in rows)


async def test_proposed_payments_sum_to_what_was_open_and_fall_on_working_days(desk: AsyncSession) -> None:
    query = select(Request).options(selectinload(Request.schedule), selectinload(Request.bills))
    requests = [each for each in await desk.scalars(query) if each.bills]
    assert {each.state for each in requests} >= {RequestState.RECEIVED, RequestState.GRANTED, RequestState.REFUSED}
    for request in requests:
        open_then = sum((bill.amount for bill in request.bills), Decimal(0))
        assert sum((part.amount for part in request.schedule), Decimal(0)) == open_then
        assert all(part.due_on in WorkingDays() for part in request.schedule)


async def test_readings_wait_for_somebody_to_look_at_them(desk: AsyncSession) -> None:
    query = select(Reading).where(Reading.state == ReadingState.TO_REVIEW)
    readings = list(await desk.scalars(query))
    assert len(readings) == 4
    assert all(each.findings and each.value > 0 for each in readings)


async def test_the_customers_of_the_documentation_have_written_nothing_yet(desk: AsyncSession) -> None:
    theirs = select(func.count()).select_from(Conversation).where(Conversation.address <= "+212600000099")
    assert await desk.scalar(theirs) == 0


async def test_a_second_time_changes_nothing(desk: AsyncSession) -> None:
    with pytest.raises(AlreadyLoaded):
        await load_desk(desk, NOW, HASH)


async def test_the_demos_people_do_not_go_among_real_ones(session: AsyncSession) -> None:
    session.add(User(email="a@one.example", name="A", role=Role.AGENT, speaks=[], created_at=NOW))
    await session.flush()
    with pytest.raises(NotEmpty, match="people work at this desk already"):
        await load_desk(session, NOW, HASH)


async def test_the_same_moment_gives_the_same_rows(furnished: Database, databases: Databases) -> None:
    again = Database(await databases.migrated())
    await furnish(again)
    assert await everything(again) == await everything(furnished)
    await again.close()


async def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    async with database.reading() as session:
        return {
            table.name: [tuple(row) for row in await session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


async def test_the_demos_secret_survives_a_restart_and_is_for_its_owner_only(tmp_path: Path) -> None:
    data = tmp_path / "demo.db"
    first, second = (demo_settings("127.0.0.1", 8000, data).secret_key for _ in range(2))
    assert first is not None
    assert first == second
    assert len(first.get_secret_value()) >= 32
    assert stat.S_IMODE(data.with_suffix(".key").stat().st_mode) == 0o600
