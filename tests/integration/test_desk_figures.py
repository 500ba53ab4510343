"""Supervisors' figures on both engines: by day in Morocco, exact, and with gaps where nothing is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession

from bot.desk.supervision.desk_board import desk_board
from bot.desk.supervision.figures import percentile
from bot.desk.supervision.talk_board import talk_board
from store import desk_figures, desk_now, message_figures
from store.desk_figures import Scope
from store.desk_models import HandOver, Outcome, Priority, Team, User, UserSession
from store.message_figures import Contacts, Refusal, Understood
from store.models import Audit, Conversation, Direction, Message, MessageState, Request, RequestKind, RequestState
from store.periods import DAY, Period

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
JANUARY = Period(date(2026, 1, 1), date(2026, 1, 31))
_numbers = count(1)


@pytest_asyncio.fixture(loop_scope="session")
async def rows(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    """An empty database with two conversations."""
    session.add_all(
        Conversation(id=number, channel="sms", address=f"+21260000000{number}", created_at=NOW) for number in (1, 2)
    )
    session.add(Team(id=1, name="Facturation"))
    await session.flush()
    yield session


def message(at: datetime = NOW, conversation: int = 1, **values: Any) -> Message:
    direction = values.get("direction", Direction.IN)
    state = MessageState.HANDLED if direction is Direction.IN else MessageState.SENT
    given = {"channel": "sms", "direction": direction, "state": state, "body": "texte", "language": "fr"} | values
    return Message(conversation_id=conversation, carrier_id=f"F{next(_numbers)}", due_at=at, created_at=at, **given)


def stay(opened_at: datetime = NOW, conversation: int = 1, **values: Any) -> HandOver:
    """A hand-over; times are seconds after its opening."""
    moments = {
        name: opened_at + timedelta(seconds=values.pop(name))
        for name in ("claimed_at", "first_reply_at", "ended_at", "asked_at")
        if name in values
    }
    given = {"reason": "asked", "priority": Priority.NORMAL, "language": "fr"} | values | moments
    if "ended_at" in given:
        given.setdefault("outcome", Outcome.SOLVED)
    return HandOver(conversation_id=conversation, opened_at=opened_at, **given)


async def write(session: AsyncSession, *these: Any) -> AsyncSession:
    session.add_all(these)
    await session.flush()
    return session


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 1, 14, 22, 59, tzinfo=UTC), "2026-01-14"),
        (datetime(2026, 1, 14, 23, 0, tzinfo=UTC), "2026-01-15"),  # midnight in Morocco, an hour ahead
        (datetime(2026, 2, 15, 1, 59, tzinfo=UTC), "2026-02-15"),
        (datetime(2026, 2, 20, 23, 30, tzinfo=UTC), "2026-02-20"),  # Ramadan: no longer ahead
        (datetime(2026, 4, 10, 23, 30, tzinfo=UTC), "2026-04-11"),
    ],
)
async def test_a_message_counts_on_its_day_in_morocco(rows: AsyncSession, moment: datetime, day: str) -> None:
    await write(rows, message(moment))
    (found,) = await message_figures.traffic(rows, Scope(Period(date(2026, 1, 1), date(2026, 4, 30))))
    assert found.day.isoformat() == day


async def test_the_day_in_sql_is_that_of_the_calendar_at_every_hour(rows: AsyncSession) -> None:
    from sqlalchemy import select

    from billing.calendar import local_day

    period = Period(date(2026, 2, 10), date(2026, 3, 25))  # both changes of Ramadan 2026
    moments = [period.begins + timedelta(hours=each) for each in range(44 * 24)]
    await write(rows, *(message(each) for each in moments))
    query = select(Message.created_at, period.day_of(Message.created_at).label(DAY)).order_by(Message.created_at)
    assert [tuple(row) for row in await rows.execute(query)] == [
        (each, local_day(each).isoformat()) for each in moments if each < period.ends
    ][: len(moments)]


async def test_conversations_count_once_a_day_and_as_the_assistants_own_without_a_hand_over(
    rows: AsyncSession,
) -> None:
    day = timedelta(days=1)
    await write(
        rows,
        message(NOW),
        message(NOW + timedelta(minutes=1)),
        message(NOW, conversation=2),
        message(NOW + day),
        message(NOW + 3 * day),
        message(NOW + day, conversation=2, direction=Direction.OUT),
        stay(NOW, ended_at=26 * 3600),  # this day and the next
    )
    assert await message_figures.contacts(rows, Scope(JANUARY)) == [
        Contacts(date(2026, 1, 15), 2, 1),
        Contacts(date(2026, 1, 16), 1, 1),
        Contacts(date(2026, 1, 18), 1, 0),
    ]


async def test_an_open_hand_over_counts_on_every_day_since(rows: AsyncSession) -> None:
    await write(rows, stay(NOW - timedelta(days=40)), message(NOW))
    (found,) = await message_figures.contacts(rows, Scope(JANUARY))
    assert (found.all, found.with_people) == (1, 1)


async def test_a_day_without_conversations_is_a_gap_and_not_zero(rows: AsyncSession) -> None:
    await write(rows, message(NOW))
    scope = Scope(JANUARY)
    board = talk_board(await message_figures.contacts(rows, scope), [], [], [], JANUARY)
    values = board.charts[0].series[0].values
    assert values[14] == 1.0
    assert [value for at, value in enumerate(values) if at != 14] == [None] * 30
    assert board.tiles[0].behind == 1


async def test_messages_that_did_not_arrive_are_counted_with_what_the_carrier_said(rows: AsyncSession) -> None:
    out: dict[str, Any] = {"direction": Direction.OUT}
    await write(
        rows,
        message(**out, parts=2),
        message(**out, parts=3),
        message(**out, state=MessageState.REFUSED, error="21610 unsubscribed"),
        message(**out, state=MessageState.DEAD, error="21610 unsubscribed"),
        message(**out, delivery="failed", error="30003 unreachable"),
        message(**out, delivery="delivered", error=None),
    )
    (found,) = await message_figures.traffic(rows, Scope(JANUARY))
    assert (found.messages, found.parts, found.refused) == (6, 5, 3)
    assert await message_figures.refusals(rows, Scope(JANUARY)) == [
        Refusal("sms", "21610 unsubscribed", 2),
        Refusal("sms", "30003 unreachable", 1),
    ]


async def test_what_was_understood_is_counted_by_language_intent_and_certainty(rows: AsyncSession) -> None:
    await write(
        rows,
        message(understood={"intent": "explain_bill", "meant": None, "certainty": "sure"}),
        message(understood={"intent": "explain_bill", "certainty": "sure"}),
        message(understood={"intent": "nlu_fallback", "meant": "complain", "certainty": "unsure"}, language="ary"),
        message(understood=None),
    )
    found = await message_figures.understood(rows, Scope(JANUARY))
    assert sorted(found, key=lambda each: each.messages) == [
        Understood("ary", "complain", "unsure", 1),
        Understood("fr", "explain_bill", "sure", 2),
    ]


async def test_waiting_times_come_from_hand_overs_that_somebody_claimed(rows: AsyncSession) -> None:
    await write(
        rows,
        stay(claimed_at=60, first_reply_at=90, ended_at=600, asked_at=600, score=5),
        stay(conversation=2, claimed_at=300, ended_at=900, asked_at=900),
        stay(NOW + timedelta(days=1), ended_at=3600, outcome=Outcome.EXPIRED, reason="lost"),
    )
    board = desk_board(await desk_figures.stays(rows, Scope(JANUARY)), JANUARY)
    tiles = {tile.title: (tile.value, tile.behind) for tile in board.tiles}
    assert tiles["Attente médiane"] == (180, 2)
    assert tiles["Attente de 9 sur 10"] == (pytest.approx(276), 2)
    assert tiles["Première réponse, médiane"] == (90, 1)
    assert tiles["Jamais pris en charge"] == (pytest.approx(1 / 3), 3)
    assert tiles["Satisfaction moyenne"] == (5, 1)
    assert tiles["Ont répondu à la question"] == (0.5, 2)
    waiting = next(chart for chart in board.charts if chart.key == "waiting")
    assert (waiting.series[0].values[14], waiting.series[0].values[15]) == (180, None)


async def test_hand_overs_are_narrowed_to_a_team_and_a_language(rows: AsyncSession) -> None:
    await write(
        rows, stay(team_id=1, ended_at=9), stay(language="ar", ended_at=9), stay(NOW - timedelta(days=99), ended_at=9)
    )
    assert len(await desk_figures.stays(rows, Scope(JANUARY))) == 2
    assert len(await desk_figures.stays(rows, Scope(JANUARY, team_id=1))) == 1
    assert len(await desk_figures.stays(rows, Scope(JANUARY, language="ar"))) == 1


async def test_decisions_are_timed_by_the_first_one_in_the_audit(rows: AsyncSession) -> None:
    def noted(action: str, hours: int) -> Audit:
        return Audit(
            at=NOW + timedelta(hours=hours), actor="user:1", action=action, subject="request:D-1", details={}
        )

    request = Request(
        reference="D-1", kind=RequestKind.DEFERRAL, state=RequestState.BEING_PAID, details={}, created_at=NOW
    )
    await write(
        rows, request, noted("request.under_review", 1), noted("request.granted", 2), noted("request.refused", 9)
    )
    (found,) = await desk_figures.decisions(rows, Scope(JANUARY))
    assert found.decided_at - found.asked_at == timedelta(hours=2)
    assert [each.requests for each in await desk_figures.requested(rows, Scope(JANUARY))] == [1]


async def test_the_page_of_now_says_who_waits_and_who_is_there(rows: AsyncSession) -> None:
    people = [
        User(id=number, email=f"{number}@exemple.ma", name=name, role="agent", created_at=NOW)
        for number, name in ((1, "Amina"), (2, "Brahim"), (3, "Chaimae"))
    ]
    await write(rows, *people)
    await write(
        rows,
        UserSession(
            token_hash="a" * 64,
            user_id=1,
            csrf="c",
            is_complete=True,
            created_at=NOW,
            used_at=NOW - timedelta(minutes=2),
            expires_at=NOW + timedelta(hours=1),
        ),
        stay(NOW - timedelta(minutes=20), team_id=1),
        stay(NOW, conversation=2, user_id=2, claimed_at=0),
    )
    assert [(each.name, each.waiting, each.unanswered, each.answered) for each in await desk_now.by_team(rows)] in (
        [("Facturation", 1, 0, 0), (None, 0, 1, 0)],
        [(None, 0, 1, 0), ("Facturation", 1, 0, 0)],  # engines differ on where NULL stands
    )
    assert [(each.conversation_id, each.team) for each in await desk_now.longest_waiting(rows)] == [
        (1, "Facturation")
    ]
    assert [(each.name, each.is_active, each.open) for each in await desk_now.colleagues(rows, NOW)] == [
        ("Amina", True, 0),
        ("Brahim", False, 1),
    ]


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [((), 0.5, None), ((7,), 0.9, 7), ((1, 2), 0.5, 1.5), ((4, 1, 3, 2), 0.5, 2.5), (range(11), 0.9, 9)],
)
async def test_percentiles_lie_between_neighbours(values: Any, share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected
