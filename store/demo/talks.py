"""The demo's past month of conversations, and those that wait for an agent now. Nobody wrote any of them.

The same moment gives the same talks. What was said is in `talks.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import yaml

from billing.calendar import CASABLANCA, local_day
from store.demo.cast import crowd
from store.demo.households import Household
from store.demo.staff import AGENTS_OF, team_for
from store.desk_models import Outcome, Priority
from store.models import Direction

T = TypeVar("T")

TALKS = Path(__file__).with_name("talks.yml")
DAYS = 30
A_DAY = (10, 5)
"""Talks of a working day, and of a day of the weekend."""
HANDED_OVER, UNSURE = 0.22, 0.03
"""Shares of the talks: those that people took over, and messages that were not sure."""
FIRST_HOUR, LAST_HOUR = 9, 17
REASONS = {"asked": 10, "lost": 5, "anger": 3, "identification": 2, "danger": 1}
"""Why people took over, by weight."""
PRIORITIES = {"danger": Priority.URGENT, "anger": Priority.HIGH}
INTENTS = {
    "asked": "talk_to_agent",
    "lost": "nlu_fallback",
    "anger": "complain",
    "identification": "identify",
    "danger": "report_outage",
}
"""What the message that led to the hand-over was understood as."""
OUTCOMES = {Outcome.SOLVED: 12, Outcome.REQUEST_MADE: 4, Outcome.NOT_SOLVED: 2, Outcome.NO_ANSWER: 1}
SCORES = {5: 8, 4: 6, 3: 3, 2: 1, 1: 1}
ANSWERED = 0.6
"""Share of those asked who say how it was."""
CHANNELS = {"whatsapp": 5, "sms": 3}


@dataclass(frozen=True, slots=True)
class Line:
    """One message. `by` is the address of the agent who wrote it, None for the customer and the assistant."""

    at: datetime
    direction: Direction
    text: str
    by: str | None = None
    understood: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """A hand-over of a talk. `agent` is who took it, None while it waits; open without `ended_at`."""

    reason: str
    opened_at: datetime
    agent: str | None = None
    claimed_at: datetime | None = None
    first_reply_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    score: int | None = None

    @property
    def priority(self) -> Priority:
        return PRIORITIES.get(self.reason, Priority.NORMAL)


@dataclass(frozen=True, slots=True)
class Talk:
    """What was said in one go between a household and the house."""

    household: Household
    channel: str
    lines: tuple[Line, ...]
    stay: Stay | None = None

    @property
    def address(self) -> tuple[str, str]:
        return self.channel, self.household.phone


def past(now: datetime) -> list[Talk]:
    """The talks of the last `DAYS` days, the earliest first."""
    talks = [talk for days_ago in range(DAYS, 0, -1) for talk in _day(local_day(now) - timedelta(days=days_ago))]
    return sorted(talks, key=lambda talk: talk.lines[0].at)


def _day(day: date) -> Iterator[Talk]:
    rng = Random(f"talks of {day}")
    households = crowd()
    for _ in range(A_DAY[day.isoweekday() > 5] + rng.randrange(5)):
        household = rng.choice(households)
        channel = _drawn(rng, CHANNELS)
        minute = rng.randrange((LAST_HOUR - FIRST_HOUR) * 60)
        begins = datetime.combine(day, time(FIRST_HOUR), CASABLANCA) + timedelta(minutes=minute)
        share = rng.random()
        if share < HANDED_OVER:
            yield _taken_over(household, channel, begins, rng)
        elif share < HANDED_OVER + UNSURE:
            yield _unsure(household, channel, begins, rng)
        else:
            yield _finished_alone(household, channel, begins, rng)


def waiting(now: datetime) -> Iterator[Talk]:
    """Who waits for an agent at the moment of loading, and one conversation that an agent has in hand."""
    households = {each.language: each for each in reversed(crowd())}
    for language, reason, channel, minutes in (
        ("ary", "danger", "whatsapp", 2),
        ("fr", "anger", "sms", 9),
        ("ar", "asked", "whatsapp", 17),
        ("en", "identification", "whatsapp", 26),
    ):
        begins = now - timedelta(minutes=minutes)
        household = households[language]
        yield Talk(household, channel, tuple(_call_for_help(language, reason, begins)), Stay(reason, begins))
    begins = now - timedelta(minutes=41)
    household, agent = households["ary-Latn"], AGENTS_OF[team_for("ary-Latn")][-1]
    answered = begins + timedelta(minutes=6)
    [_, _, reply, _] = _said()["people"]["lost"][household.language]
    lines = (*_call_for_help(household.language, "lost", begins), Line(answered, Direction.OUT, reply, agent))
    yield Talk(household, "sms", lines, Stay("lost", begins, agent, begins + timedelta(minutes=4), answered))


def understood(intent: str, language: str, *, entities: list[list[str]] | None = None) -> dict[str, Any]:
    """What is kept of a message that was sure (`bot.turns.turn`)."""
    return {
        "intent": intent,
        "confidence": 0.97,
        "meant": None,
        "certainty": "sure",
        "language": language,
        "ranking": [[intent, 0.97]],
        "entities": entities or [],
        "also": [],
    }


def reading_noted(language: str, reference: str) -> str:
    """The assistant's answer to a reading."""
    return str(_said()["readings"][language]).format(reference=reference)


def _finished_alone(household: Household, channel: str, begins: datetime, rng: Random) -> Talk:
    intent = rng.choice(sorted(_said()["assistant"]))
    text, answer = _said()["assistant"][intent][household.language]
    lines = (
        Line(begins, Direction.IN, text, understood=understood(intent, household.language)),
        Line(begins + timedelta(seconds=2), Direction.OUT, answer),
    )
    return Talk(household, channel, lines)


def _unsure(household: Household, channel: str, begins: datetime, rng: Random) -> Talk:
    """A message that was asked back about, and one that was sure."""
    wanted = rng.choice([each for each in _said()["unsure"] if each["language"] == household.language])
    likeliest = [wanted["meant"], *wanted["also"]]
    doubt = understood("nlu_fallback", household.language) | {
        "confidence": 0.41,
        "meant": wanted["meant"],
        "certainty": "unsure",
        "ranking": [[intent, round(0.41 - 0.13 * place, 3)] for place, intent in enumerate(likeliest)],
    }
    sure = _finished_alone(household, channel, begins + timedelta(minutes=1), rng)
    return Talk(household, channel, (Line(begins, Direction.IN, wanted["text"], understood=doubt), *sure.lines))


def _taken_over(household: Household, channel: str, begins: datetime, rng: Random) -> Talk:
    reason = _drawn(rng, REASONS)
    agent = rng.choice(AGENTS_OF[team_for(household.language)])
    patience = 3 if reason in PRIORITIES else 12
    claimed = begins + timedelta(minutes=1 + rng.expovariate(1 / patience))
    replied = claimed + timedelta(seconds=rng.randrange(40, 240))
    thanked = replied + timedelta(minutes=rng.randrange(1, 9))
    ended = thanked + timedelta(minutes=rng.randrange(1, 6))
    [_, _, reply, thanks] = _said()["people"][reason][household.language]
    score = _drawn(rng, SCORES) if rng.random() < ANSWERED else None
    lines = (
        *_call_for_help(household.language, reason, begins),
        Line(replied, Direction.OUT, reply, agent),
        Line(thanked, Direction.IN, thanks),
    )
    stay = Stay(reason, begins, agent, claimed, replied, ended, _drawn(rng, OUTCOMES), score)
    return Talk(household, channel, lines, stay)


def _call_for_help(language: str, reason: str, begins: datetime) -> Iterator[Line]:
    text, answer, _, _ = _said()["people"][reason][language]
    yield Line(begins, Direction.IN, text, understood=understood(INTENTS[reason], language))
    yield Line(begins + timedelta(seconds=2), Direction.OUT, answer)


def _drawn(rng: Random, weights: dict[T, int]) -> T:
    return rng.choices(list(weights), weights=list(weights.values()))[0]


@cache
def _said() -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load(TALKS.read_text(encoding="utf-8"))
    return said
