"""Between a hand-over and its end the assistant says nothing, whatever customers, agents, clocks and faults do.

Conversations are thrown together at random from a seed that a failure names. The clock moves with every look at it,
and both turns and agents look at it once they hold the conversation: what the rows say of their moments is the order
in which things happened, also where two happened at once.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
import structlog
from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from stage import Stage

from actions.operator import Operator
from bot.announcer import Announcer
from bot.channels.carrier import Channel, Inbound, Kind, Media, MediaType
from bot.inbox import Inbox
from bot.parting import Parting
from bot.turns.handled import Outcome as Turned
from bot.turns.keywords import plain
from bot.turns.turn import Turns
from store import hand_overs
from store.database import Database
from store.desk_models import HandOver, Note, Outcome, Role, Team, User
from store.models import Conversation, Direction, Holder, Message, Notice, NoticeState

CONVERSATIONS = int(os.environ.get("RELEVE_SILENT_CONVERSATIONS", "1000"))
ON_POSTGRESQL = 5
"""One of so many is played on PostgreSQL too, where turns and agents really go on side by side."""
SEED = os.environ.get("RELEVE_SILENT_SEED", "6")
BEGINNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TABLE = Path(__file__).parents[1] / "understanding" / "messages.tsv"
SPOKEN = [
    row.rstrip("\n").split("\t")[2]
    for row in TABLE.read_text(encoding="utf-8").splitlines()
    if row.count("\t") == 2 and not row.startswith("#")
]
"""What people write in five languages."""
BRINGING = (
    "je veux parler à un conseiller",
    "بغيت نهضر مع شي واحد",
    "an agent please",
    "j'en ai marre, vous êtes des voleurs",
    "حشومة عليكم",
    "le poteau a pris feu",
    "qsdlkfj mlkqsdf",
)
SAID = (
    "48213",
    "٤٨٢١٣",
    "oui",
    "non",
    "1",
    "5",
    "4/5",
    "10000001",
    "3,20",
    "je veux payer en 2 fois",
    "je veux envoyer un relevé",
    "mes données",
    "ASSISTANT",
    "المساعد",
    "annuler",
    "zzz qqq xxx",
    "",
    "   ",
    "😀😀",
    "/restart",
    "azul fellawen",
    "aa" * 3_000,
)
KEYWORDS = ("STOP", "arrêt", "REPRENDRE", "توقف")


class Flaky:
    """The assistant, which fails in the middle of a turn when it is told to."""

    def __init__(self, assistant: Any) -> None:
        self._assistant = assistant
        self.fails = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._assistant, name)

    async def reply(self, *given: Any) -> Any:
        if self.fails:
            raise RuntimeError("in the middle of a turn")
        return await self._assistant.reply(*given)


@dataclass
class Time:
    """One clock for all conversations; it never goes back."""

    now: datetime = BEGINNING

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass
class Play:
    """One conversation, and everybody who has to do with it."""

    database: Database
    clock: Time
    assistant: Flaky
    operator: Operator
    agents: Sequence[int]
    team: int
    dice: random.Random
    number: int
    conversation: int = 0

    def __post_init__(self) -> None:
        self.channel = self.dice.choice([Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM])
        self.address = f"+2126{self.number:08}" if self.channel is not Channel.TELEGRAM else str(self.number + 1)
        self.inbox = Inbox(self.database, lambda _: None, self.clock)
        self.turns = Turns(self.database, self.assistant, self.operator, self.clock)  # type: ignore[arg-type]
        self.parting = Parting(self.assistant.texts, self.operator)
        self.announcer = Announcer(
            self.database, self.assistant.texts, self.operator, list(Channel), lambda _: None, self.clock
        )
        self.carrier_ids = 0

    async def act(self) -> None:
        happenings: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (9, self.customer_writes),
            (3, self.customer_asks_for_a_person),
            (1, self.customer_says_a_keyword),
            (2, self.customer_sends_something_else),
            (1, self.turns_fail),
            (4, self.agent_writes),
            (3, self.agent_claims),
            (1, self.agent_transfers),
            (1, self.agent_notes),
            (2, self.agent_releases),
            (2, self.agent_closes),
            (1, self.agent_reopens),
            (2, self.customer_and_agent_at_once),
            (2, self.notice_falls_due),
            (2, self.time_passes),
        )
        weights, acts = zip(*happenings, strict=True)
        (act,) = self.dice.choices(acts, weights)
        await act()

    # the customer

    async def customer_writes(self) -> None:
        await self._receive(self.dice.choice(SPOKEN if self.dice.random() < 0.6 else SAID))
        await self._handle()

    async def customer_asks_for_a_person(self) -> None:
        await self._receive(self.dice.choice(BRINGING))
        await self._handle()

    async def customer_says_a_keyword(self) -> None:
        await self._receive(self.dice.choice(KEYWORDS))
        await self._handle()

    async def customer_sends_something_else(self) -> None:
        match self.dice.randrange(4):
            case 0:
                await self._receive("", kind=Kind.MEDIA, media=(Media(MediaType.STICKER, "x"),))
            case 1:
                await self._receive("", kind=Kind.BUTTON, button=await self._some_button())
            case 2:
                await self._receive(self.dice.choice(SAID), edited=True)
            case 3:
                text = self.dice.choice(SAID)
                await self._receive(text)
                await self._receive(text, again=True)
        await self._handle()

    async def turns_fail(self) -> None:
        """Once, which is tried again, or until the message is set aside."""
        await self._receive(self.dice.choice(SPOKEN))
        self.assistant.fails = True
        for _ in range(self.dice.choice((1, 3))):
            await self.turns.handle_next(self.conversation)
            self.clock.now += timedelta(seconds=30)
        self.assistant.fails = False
        await self._handle()

    # agents

    async def agent_writes(self) -> None:
        async with self.database.writing() as session:
            await self._write(session)

    async def _write(self, session: AsyncSession) -> None:
        conversation = await session.get(Conversation, self.conversation)
        if conversation is None:
            return
        await hand_overs.current(session, conversation.id, hold=True)
        now, agent = self.clock(), self.dice.choice(self.agents)
        with suppress(hand_overs.Taken):
            await hand_overs.take_by_reply(session, conversation, agent, now)
            session.add(
                Message(
                    conversation_id=conversation.id,
                    channel=conversation.channel,
                    direction=Direction.OUT,
                    state="queued",
                    body="Bonjour, Amina à votre service.",
                    due_at=now,
                    created_at=now,
                    user_id=agent,
                )
            )

    async def agent_claims(self) -> None:
        await self._with_open(lambda session, it: hand_overs.claim(session, it, self._agent(), self.clock()))

    async def agent_transfers(self) -> None:
        to: dict[str, int] = self.dice.choice([{"to_team_id": self.team}, {"to_user_id": self._agent()}])
        await self._with_open(lambda session, it: hand_overs.transfer(session, it, self._agent(), self.clock(), **to))

    async def agent_notes(self) -> None:
        async def note(session: AsyncSession, hand_over: HandOver) -> None:
            session.add(
                Note(
                    conversation_id=self.conversation, user_id=self._agent(), body="rappeler", created_at=self.clock()
                )
            )

        await self._with_open(note)

    async def agent_releases(self) -> None:
        await self._with_open(
            lambda session, it: self.parting.release(session, it, it.user_id or self._agent(), self.clock())
        )

    async def agent_closes(self) -> None:
        outcome = self.dice.choice([Outcome.SOLVED, Outcome.NOT_SOLVED, Outcome.REQUEST_MADE, Outcome.NO_ANSWER])
        ask = self.dice.random() < 0.8
        await self._with_open(
            lambda session, it: self.parting.close(
                session, it, it.user_id or self._agent(), self.clock(), outcome, None, ask=ask
            )
        )

    async def agent_reopens(self) -> None:
        async with self.database.writing() as session:
            conversation = await session.get(Conversation, self.conversation)
            if conversation is not None:
                await hand_overs.current(session, conversation.id, hold=True)
                with suppress(hand_overs.Taken):
                    await hand_overs.reopen(session, conversation, self._agent(), self.clock())

    async def customer_and_agent_at_once(self) -> None:
        await self._receive(self.dice.choice((*SAID, *BRINGING)))
        await asyncio.gather(self._handle(), self.agent_writes(), self.agent_claims())
        await self._handle()

    # the rest of the world

    async def notice_falls_due(self) -> None:
        if not self.conversation:
            return
        async with self.database.writing() as session:
            session.add(
                Notice(
                    key=f"{self.number}:{self.dice.random()}",
                    conversation_id=self.conversation,
                    response="utter_what_next",
                    state=NoticeState.WAITING,
                    not_before=self.clock(),
                    created_at=self.clock(),
                )
            )
        await self.announcer.look()

    async def time_passes(self) -> None:
        self.clock.now += self.dice.choice(
            [timedelta(minutes=3), timedelta(minutes=11), timedelta(hours=7), timedelta(hours=25), timedelta(days=4)]
        )
        await self.announcer.look()

    async def end(self) -> None:
        """What still waits to be told would keep the announcer of later conversations busy."""
        async with self.database.writing() as session:
            await session.execute(
                delete(Notice).where(Notice.conversation_id == self.conversation, Notice.state == NoticeState.WAITING)
            )

    # how

    def _agent(self) -> int:
        return self.dice.choice(self.agents)

    async def _with_open(self, act: Callable[[AsyncSession, HandOver], Awaitable[object]]) -> None:
        async with self.database.writing() as session:
            hand_over = await hand_overs.current(session, self.conversation, hold=True)
            if hand_over is not None:
                with suppress(hand_overs.Taken):
                    await act(session, hand_over)

    async def _receive(self, text: str, *, again: bool = False, kind: Kind = Kind.TEXT, **extra: Any) -> None:
        self.carrier_ids += 0 if again else 1
        message = Inbound(self.channel, f"P{self.number}-{self.carrier_ids}", self.address, kind, text, **extra)
        await self.inbox.accept([message])
        if not self.conversation:
            async with self.database.reading() as session:
                query = select(Conversation.id).where(
                    Conversation.address == self.address, Conversation.channel == self.channel.value
                )
                self.conversation = (await session.scalars(query)).one()

    async def _handle(self) -> None:
        while (await self.turns.handle_next(self.conversation)).outcome not in (Turned.NOTHING, Turned.LATER):
            pass

    async def _some_button(self) -> str:
        async with self.database.reading() as session:
            conversation = await session.get(Conversation, self.conversation)
        offered = (conversation.offered if conversation else None) or {}
        return f"{offered.get('message', 1)}:{self.dice.randrange(3)}"


@pytest.fixture
def unlogged() -> Iterator[None]:
    """Turns fail here by the hundred, and to draw their tracebacks takes longer than all else."""

    def dropped(*_: object) -> NoReturn:
        raise structlog.DropEvent

    configured = structlog.get_config()["processors"]
    structlog.configure(processors=[dropped])
    yield
    structlog.configure(processors=configured)


@pytest.mark.usefixtures("unlogged")
async def test_no_word_of_the_assistants_between_hand_over_and_release(database: Database, assistant: Any) -> None:
    stage = Stage(database, assistant)
    await stage.furnish()
    agents = [
        User(email=f"agent{n}@example.ma", name=f"Agent {n}", role=Role.AGENT, created_at=BEGINNING) for n in "ab"
    ]
    team = Team(name="Arabe", languages=["ar", "ary"])
    async with database.writing() as session:
        session.add_all([*agents, team])
        await session.flush()
    flaky, clock = Flaky(assistant), Time()
    count = CONVERSATIONS if database.is_sqlite else max(CONVERSATIONS // ON_POSTGRESQL, 1)
    for number in range(count):
        dice = random.Random(f"{SEED}:{number}")
        play = Play(database, clock, flaky, stage.operator, [agent.id for agent in agents], team.id, dice, number)
        await play._receive(dice.choice(BRINGING) if dice.random() < 0.5 else dice.choice(SPOKEN))
        await play._handle()
        for _ in range(dice.randint(4, 12)):
            await play.act()
        await play.end()

    async with database.reading() as session:
        words = await _between(session, stage.operator)
        stays = list(await session.scalars(select(HandOver)))
        open_now = {stay.conversation_id for stay in stays if stay.ended_at is None}
        held = set(await session.scalars(select(Conversation.id).where(Conversation.holder == Holder.AGENT)))
    assert [f"seed {SEED}: conversation {word.conversation_id}: {word.body}" for word in words] == []
    assert held == open_now
    assert len(stays) >= count / 2, "too few hand-overs to prove anything"
    reasons = {stay.reason for stay in stays}
    assert reasons >= {"asked", "anger", "danger", "agent", "poisoned"} or count < 100
    outcomes = {stay.outcome for stay in stays if stay.outcome}
    assert len(outcomes) >= 6 or count < 100


async def _between(session: AsyncSession, operator: Operator) -> list[Message]:
    """What the assistant said within a stay with people, but for confirming a keyword, which the law asks for.

    The reply that hands over has the moment of its beginning, the question or sentence that ends it that of its end.
    """
    query = (
        select(Message)
        .join(HandOver, HandOver.conversation_id == Message.conversation_id)
        .where(
            Message.direction == Direction.OUT,
            Message.user_id.is_(None),
            Message.created_at > HandOver.opened_at,
            or_(HandOver.ended_at.is_(None), Message.created_at < HandOver.ended_at),
        )
    )
    known = operator.conversation.keywords
    keywords = {plain(word) for word in (*known.stop, *known.start)}
    words = []
    for message in await session.scalars(query):
        answered = None if message.answers_id is None else await session.get(Message, message.answers_id)
        if answered is None or plain(answered.body) not in keywords:
            words.append(message)
    return words
