"""What is older than it may be kept goes, and nothing else: nothing young, nothing open, nothing others need."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import UniqueConstraint, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from store_rows import ROWS, statement

from actions.operator import Purge, Retention, load_operator
from bot.channels.carrier import Channel, Inbound, Kind
from bot.commands.purge import counted, removed
from bot.inbox import Inbox
from bot.purging import Purging
from bot.service import OPERATORS
from store.database import Database
from store.desk_models import HandOver, LabelledExample, Note, Upload
from store.models import Audit, Base, Conversation, DialogueTurn, Message, MessageState, Notice, Reading, Request
from store.purge import LEASE, Run
from store.retention import CATEGORIES
from store.traces import GO_ALONG, referrers
from store.upkeep_models import PurgeProgress

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
KEPT = Retention()
CUTOFFS = KEPT.cutoffs(NOW)
ANCIENT = NOW - timedelta(days=5000)
YOUNG = NOW - timedelta(days=1)
ONEE = load_operator(OPERATORS, "onee").model_copy(
    update={"retention": KEPT, "purge": Purge(begins="02:00", ends="05:00")}
)
SETTINGS = ("schema_mark", "purge_progress")


async def put(session: AsyncSession, table: str, **changes: Any) -> None:
    await session.execute(statement(table, ROWS[table] | changes))


async def furnish(session: AsyncSession) -> None:
    """A contract with a register, and somebody at the desk."""
    for table in ("customer", "contract", "meter", "register", "user_account", "team"):
        await put(session, table)


async def talk(session: AsyncSession, number: int, at: datetime, **changes: Any) -> None:
    """A conversation with a question and its answer, handled at a moment."""
    row = {"address": f"+2126{number:08}", "created_at": at, "last_inbound_at": at, "dialogue": {"slots": {}}}
    await put(session, "conversation", **row | {"id": number} | changes)
    for id, direction, state in ((2 * number - 1, "in", "handled"), (2 * number, "out", "sent")):
        await put(
            session,
            "message",
            id=id,
            conversation_id=number,
            direction=direction,
            state=state,
            carrier_id=f"SM{id}",
            payload={"attachment": {"make": "waterfall"}},
            understood={"intent": "explain_bill"},
            answers_id=None if direction == "in" else id - 1,
            due_at=at,
            created_at=at,
        )
    await put(session, "dialogue_turn", message_id=2 * number - 1, conversation_id=number, events=[{"event": "bot"}])


async def purge(database: Database, batch: int = 3, at: datetime = NOW) -> dict[str, int]:
    """All categories, with small batches; how many rows of each went."""
    gone = {}
    for category in CATEGORIES:
        run = Run(database, category, KEPT.cutoffs(at)[category.name], "test", batch)
        while await run.step(at):
            pass
        gone[category.name] = run.removed
    return {name: rows for name, rows in gone.items() if rows}


async def ids(database: Database, column: Any, *where: Any) -> set[Any]:
    async with database.reading() as session:
        return set(await session.scalars(select(column).where(*where)))


async def test_an_old_conversation_leaves_nothing(database: Database) -> None:
    async with database.writing() as session:
        await furnish(session)
        await talk(session, 1, ANCIENT)
        await put(session, "identity", verified_at=ANCIENT)
        await put(session, "one_time_code", expires_at=ANCIENT)
        await put(session, "hand_over", opened_at=ANCIENT, ended_at=ANCIENT)
        await put(session, "note", created_at=ANCIENT)
        await put(session, "notice", state="written", created_at=ANCIENT, campaign_id=None)
        await put(session, "upload", created_at=ANCIENT)
        await put(session, "labelled_example", labelled_at=ANCIENT)

    await purge(database)

    for model in (Conversation, Message, DialogueTurn, HandOver, Note, Notice, Upload, LabelledExample):
        async with database.reading() as session:
            assert await session.scalar(select(func.count()).select_from(model)) == 0, model


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("hand_over", {"ended_at": None, "outcome": None, "opened_at": ANCIENT, "score": None, "ended_by_id": None}),
        ("request", {"state": "received", "created_at": ANCIENT}),
        ("request", {"state": "under_review", "created_at": ANCIENT}),
    ],
    ids=["it is with people", "a request waits", "a request is looked at"],
)
async def test_a_conversation_stays_whole_while(database: Database, table: str, changes: dict[str, Any]) -> None:
    async with database.writing() as session:
        await furnish(session)
        await talk(session, 1, ANCIENT)
        await put(session, "note", created_at=ANCIENT)
        await put(session, table, **changes)

    assert await purge(database) == {}

    async with database.writing() as session:  # decided or ended at last: the next run looks at it again
        model: Any = HandOver if table == "hand_over" else Request
        await session.execute(delete(model))
    assert await purge(database, at=NOW + timedelta(days=1)) == {"messages": 2, "notes": 1, "dialogue": 1}


@pytest.mark.parametrize(
    ("direction", "state"), [("in", "received"), ("out", "queued"), ("out", "sending")], ids=lambda value: value
)
async def test_a_message_that_waits_never_goes(database: Database, direction: str, state: str) -> None:
    async with database.writing() as session:
        await talk(session, 1, ANCIENT)
        await put(session, "message", id=9, direction=direction, state=state, carrier_id="SM9", created_at=ANCIENT)

    await purge(database)

    assert await ids(database, Message.id) == {9}
    assert await ids(database, Message.body) == {"48213"}


async def test_a_reading_keeps_the_bare_row_of_its_message_and_both_go_in_their_time(database: Database) -> None:
    last_year = NOW - timedelta(days=500)
    async with database.writing() as session:
        await furnish(session)
        await talk(session, 1, last_year)
        await put(session, "reading", received_at=last_year, taken_on=last_year.date())
        await put(session, "reading", id=2, reference="R-2", message_id=None, taken_on=NOW.date())

    await purge(database)
    async with database.reading() as session:
        (message,) = await session.scalars(select(Message))
    assert (message.id, message.body, message.payload, message.understood) == (1, "", None, None)

    await purge(database, at=NOW + timedelta(days=KEPT.readings))
    assert await ids(database, Reading.id) == {2}, "what the next reading is checked against stays"
    assert await ids(database, Message.id) == set()
    assert await ids(database, Conversation.id) == set()


async def test_readings_that_a_system_has_not_taken_out_stay(database: Database) -> None:
    async with database.writing() as session:
        await furnish(session)
        for number, taken in ((1, 30), (2, 20), (3, 10)):
            day = ANCIENT - timedelta(days=taken)
            changes = {"id": number, "reference": f"R-{number}", "taken_on": day.date(), "message_id": None}
            await put(session, "reading", received_at=day, **changes)
        for number in (1, 2):
            line = {"id": number, "reading_id": number, "position": number, "state": "accepted"}
            await session.execute(statement("export_line", {"stream": "readings", **line}))
        consumer = {"stream": "readings", "name": "billing", "created_at": NOW, "changed_at": NOW}
        await session.execute(statement("export_consumer", consumer | {"acknowledged": 1}))

    await purge(database)

    assert await ids(database, Reading.id) == {2, 3}


async def test_who_opted_out_stays_known(database: Database) -> None:
    async with database.writing() as session:
        await talk(session, 1, ANCIENT, opted_out_at=ANCIENT)

    await purge(database)

    async with database.reading() as session:
        (left,) = await session.scalars(select(Conversation))
    assert left.opted_out_at == ANCIENT
    assert left.dialogue is None


async def test_somebody_who_writes_again_after_being_forgotten_is_somebody_new(database: Database) -> None:
    inbox = Inbox(database, lambda _: None, lambda: ANCIENT)
    write: Any = {"channel": Channel.SMS, "address": "+212600000001", "kind": Kind.TEXT, "text": "bonjour"}
    for number in (1, 2):  # the second time this process knows the conversation by its number
        await inbox.accept([Inbound(carrier_id=f"SM{number}", **write)])
    async with database.writing() as session:
        for message in await session.scalars(select(Message)):
            message.state = MessageState.HANDLED
    await purge(database)
    assert await ids(database, Conversation.id) == set()

    await inbox.accept([Inbound(carrier_id="SM3", **write)])

    assert await ids(database, Message.carrier_id) == {"SM3"}
    assert len(await ids(database, Conversation.id)) == 1


async def test_nothing_young_and_nothing_open_goes_and_all_else_does(database: Database) -> None:
    """Two hundred conversations by chance, against a rule of thumb written another way."""
    chance = random.Random(7)
    expected, with_words = set(), set()
    async with database.writing() as session:
        await furnish(session)
        ages = sorted((chance.randrange(1, 800) for _ in range(200)), reverse=True)
        for number, age in enumerate(ages, 1):
            at = NOW - timedelta(days=age)
            await talk(session, number, at)
            fate = chance.choice(["nothing", "people", "request", "decided", "reading", "notice"])
            about = {"id": number, "conversation_id": number, "message_id": 2 * number - 1}
            if fate == "people":
                del about["message_id"]
                ended = {"ended_at": None, "outcome": None, "score": None, "ended_by_id": None}
                await put(session, "hand_over", opened_at=at, **about | ended)
            elif fate in ("request", "decided"):
                state = "received" if fate == "request" else "granted"
                await put(session, "request", reference=f"C-{number}", state=state, created_at=at, **about)
            elif fate == "reading":
                del about["conversation_id"]
                await put(session, "reading", reference=f"R-{number}", received_at=at, **about)
            elif fate == "notice":
                key = {"key": f"k{number}", "campaign_id": None, "state": "written"}
                await put(session, "notice", created_at=at, **about | key)
            is_whole = age <= KEPT.messages or fate in ("people", "request")
            if is_whole:
                with_words |= {2 * number - 1, 2 * number}
            elif fate in ("decided", "reading") or (fate == "notice" and age <= KEPT.notices):
                expected.add(2 * number - 1)

    await purge(database, batch=7)

    assert await ids(database, Message.id) == with_words | expected
    assert await ids(database, Message.id, Message.body != "") == with_words
    assert await counted(database, CUTOFFS) == dict.fromkeys(CUTOFFS, 0)


async def test_a_purge_that_is_interrupted_goes_on_and_is_written_down_once(database: Database) -> None:
    async with database.writing() as session:
        for number in range(1, 11):
            await talk(session, number, ANCIENT)
    messages = next(each for each in CATEGORIES if each.name == "messages")
    interrupted = Run(database, messages, CUTOFFS["messages"], "first", 4)
    assert await interrupted.step(NOW)

    assert not await Run(database, messages, CUTOFFS["messages"], "second", 4).step(NOW), "the first may be at it"
    later = Run(database, messages, CUTOFFS["messages"], "second", 4)
    while await later.step(NOW + LEASE):
        pass

    assert (interrupted.removed, later.removed) == (4, 16)
    assert await ids(database, Message.id) == set()
    async with database.reading() as session:
        (line,) = await session.scalars(select(Audit))
    assert (line.actor, line.action, line.subject) == ("purge", "data.purged", "data:messages")
    assert line.details["rows"] == 20


async def test_a_run_begins_where_the_last_one_had_nothing_left_to_do(database: Database) -> None:
    async with database.writing() as session:
        for number in range(1, 6):
            await talk(session, number, ANCIENT)
        await talk(session, 6, YOUNG)
    await purge(database)

    assert await ids(database, PurgeProgress.reached, PurgeProgress.category == "messages") == {10}
    assert await purge(database) == {}
    assert await ids(database, Message.id) == {11, 12}


async def test_the_routine_purges_once_a_night_at_the_hour_and_stops_when_it_is_over(database: Database) -> None:
    async with database.writing() as session:
        for number in range(1, 4):
            await talk(session, number, ANCIENT)
    moments = {"now": NOW.replace(hour=12)}
    routine = Purging(database, ONEE, lambda: moments["now"], batch=2)
    await routine.look()
    assert len(await ids(database, Message.id)) == 6, "it is noon"

    moments["now"] = NOW
    await routine.look()
    assert await ids(database, Message.id) == set()

    async with database.writing() as session:
        await talk(session, 4, ANCIENT)
    await routine.look()
    assert len(await ids(database, Message.id)) == 2, "it was done tonight"
    moments["now"] += timedelta(days=1)
    await routine.look()
    assert await ids(database, Message.id) == set()


async def test_the_command_says_what_would_go_and_removes_it(database: Database) -> None:
    async with database.writing() as session:
        await talk(session, 1, ANCIENT)
        await talk(session, 2, NOW)
        session.add(Audit(at=ANCIENT, actor="test", action="looked", subject="reading:1"))

    told = await counted(database, CUTOFFS)
    assert told["messages"] == 2
    assert json.dumps(told)
    assert await ids(database, Message.id) == {1, 2, 3, 4}

    assert await removed(database, CUTOFFS) == told
    assert await ids(database, Message.id) == {3, 4}


def test_every_category_has_its_days_and_every_setting_its_category() -> None:
    assert {each.name for each in CATEGORIES} == set(Retention.model_fields)


@pytest.mark.parametrize("model", [Message, Conversation], ids=lambda model: model.__name__)
def test_what_refers_to_a_message_or_a_conversation_goes_some_day(model: type[Base]) -> None:
    """A new table that refers to them keeps them: say how long it is kept itself, or that it goes along."""
    kept = {each.key.class_.__tablename__ for each in CATEGORIES} | GO_ALONG
    assert {column.table.name for column in referrers(model)} <= kept


@pytest.mark.parametrize("model", [Message, Conversation], ids=lambda model: model.__name__)
def test_what_refers_to_a_message_or_a_conversation_is_found_by_an_index(model: type[Base]) -> None:
    """Removing a row looks in every table that may refer to it."""
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table is model.__table__:
                first = [index.columns[0] for index in table.indexes] + [table.primary_key.columns[0]]
                unique = (each for each in table.constraints if isinstance(each, UniqueConstraint))
                first += [each.columns[0] for each in unique]
                assert key.parent in first, f"{table.name}.{key.parent.name}"


def test_the_audit_is_kept_longest() -> None:
    with pytest.raises(ValueError, match="at least 3653 days"):
        Retention(audit=365)
