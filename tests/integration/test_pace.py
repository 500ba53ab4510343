"""A sender who writes faster than anybody means to: told once, heard always, answered again when there is calm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import Stage

from bot.turns.pace import CALM, Pace, Tempo
from bot.turns.turn import Turns
from store.models import Conversation, MessageState

PACE = Pace(burst=3, per_hour=120)
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
QUESTION = "combien je dois ?"


@pytest.fixture
def hurried(stage: Stage) -> Stage:
    stage.turns = Turns(stage.database, stage.assistant, stage.operator, stage.clock, pace=PACE)
    return stage


async def flood(stage: Stage, count: int = 8) -> list[str]:
    return [await stage.write(QUESTION) for _ in range(count)]


async def test_a_flood_is_answered_once_and_kept_whole(hurried: Stage) -> None:
    replies = await flood(hurried)

    assert all("120" in reply for reply in replies[:3])
    assert "Trop de messages" in replies[3]
    assert replies[4:] == [""] * 4
    kept = await hurried.messages()
    assert len(kept) == 8
    assert {message.state for message in kept} == {MessageState.HANDLED}
    assert {message.understood["intent"] for message in kept if message.understood} == {"check_balance"}


async def test_after_a_minute_of_calm_there_is_an_answer_again(hurried: Stage) -> None:
    await flood(hurried)
    hurried.later(seconds=CALM.total_seconds())
    assert "120" in await hurried.write(QUESTION)


@pytest.mark.parametrize(
    "text", ["il y a le feu dans mon compteur", "je veux parler à un conseiller", "bande de voleurs, honte !"]
)
async def test_what_cannot_wait_gets_through(hurried: Stage, text: str) -> None:
    await flood(hurried)
    assert await hurried.write(text)


async def test_whoever_wants_no_more_messages_is_heard(hurried: Stage) -> None:
    await flood(hurried)
    await hurried.write("STOP")
    assert (await hurried.conversation()).opted_out_at is not None


async def test_a_flood_of_one_is_no_business_of_others(hurried: Stage) -> None:
    await flood(hurried)
    assert "Trop de messages" not in await hurried.write(QUESTION, phone="+212600000099")


async def test_all_processes_count_as_one(hurried: Stage) -> None:
    for _ in range(3):
        hurried.turns = Turns(hurried.database, hurried.assistant, hurried.operator, hurried.clock, pace=PACE)
        await hurried.write(QUESTION)
    assert "Trop de messages" in await hurried.write(QUESTION)


@dataclass
class Sender:
    conversation: Conversation
    pace: Pace
    at: datetime = NOW

    def writes(self, after: float) -> Tempo:
        self.at += timedelta(seconds=after)
        return self.pace.tempo(self.conversation, self.at)


GAPS = st.lists(st.floats(0, 300, allow_nan=False), max_size=80)


@given(GAPS)
def test_nobody_who_keeps_within_the_pace_is_ever_too_fast(gaps: list[float]) -> None:
    sender = Sender(Conversation(), Pace(burst=5, per_hour=120))
    assert all(sender.writes(30 + gap) is Tempo.STEADY for gap in gaps)


@given(GAPS)
def test_whoever_was_calm_for_a_minute_is_answered(gaps: list[float]) -> None:
    sender = Sender(Conversation(), Pace(burst=5, per_hour=120))
    for gap in gaps:
        sender.writes(gap)
    assert sender.writes(CALM.total_seconds()) is Tempo.STEADY


@given(st.lists(st.floats(0, 20, allow_nan=False), min_size=1, max_size=120))
def test_answers_stay_within_burst_and_rate(gaps: list[float]) -> None:
    sender = Sender(Conversation(), Pace(burst=5, per_hour=120))
    answered = sum(sender.writes(gap) is Tempo.STEADY for gap in gaps)
    assert answered <= 5 + sum(gaps) / 30 + 1
