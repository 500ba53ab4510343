"""The sixteen traps of running Rasa in one process, each closed by a test that fails without its fix.

Numbers are those of the list that the project keeps of what was seen to go wrong.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import typing
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import rasa.core.actions.action as rasa_actions
import rasa.core.actions.forms as rasa_forms
import rasa.core.jobs
import rasa.engine.runner.dask
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa_sdk.events import ReminderScheduled
from rasa_sdk.interfaces import ActionExecutionRejection
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from stage import Stage

from actions.turn import TurnClosed, current_turn
from bot.channels.carrier import Kind, Media, MediaType
from bot.engine.assistant import Assistant, NoModel
from bot.engine.dialogue_state import DialogueStateStore
from bot.engine.graph import SequentialGraphRunner
from bot.engine.local_action import LocalAction
from bot.service import LOCALES
from bot.settings import PROJECT
from bot.turns.handled import Outcome
from store.database import Database
from store.models import Audit, Conversation, DialogueTurn, Direction, Holder, MessageState


@contextmanager
def acting(name: str, behaviour: object) -> Iterator[None]:
    """Let action `name` do something else for a while; a real action, registered as any other."""
    before = LocalAction.executor.actions[name]
    LocalAction.executor.actions[name] = behaviour
    try:
        yield
    finally:
        LocalAction.executor.actions[name] = before


async def test_1_the_tracker_store_lets_database_errors_through(stage: Stage) -> None:
    store = stage.assistant._processor.tracker_store
    assert isinstance(store, DialogueStateStore)
    assert not isinstance(store, FailSafeTrackerStore)

    async def writes_nonsense(*_: object) -> list[object]:
        await current_turn().session.execute(text("INSERT INTO no_such_table VALUES (1)"))
        return []

    with acting("action_greet", writes_nonsense):
        await stage.receive("bonjour")
        conversation = await stage.conversation()
        with suppress(OperationalError):  # SQLite's name for a missing table; no fault of the message then
            await stage.turns.handle_next(conversation.id)
    assert [message.state for message in await stage.messages()] == [MessageState.RECEIVED]
    assert await stage.messages(Direction.OUT) == []


async def test_2_an_action_that_raises_fails_the_whole_turn(stage: Stage) -> None:
    async def raises_after_writing(*_: object) -> list[object]:
        turn = current_turn()
        turn.session.add(Audit(at=turn.now, actor="x", action="half.done", subject="x"))
        await turn.session.flush()
        raise RuntimeError("in the middle")

    with acting("action_greet", raises_after_writing):
        await stage.receive("bonjour")
        conversation = await stage.conversation()
        handled = await stage.turns.handle_next(conversation.id)
    assert handled.outcome is Outcome.FAILED
    (message,) = await stage.messages()
    assert (message.state, message.attempts, message.error) == (MessageState.RECEIVED, 1, "RuntimeError")
    async with stage.database.reading() as session:
        assert await session.scalar(select(func.count()).where(Audit.action == "half.done")) == 0
        assert await session.scalar(select(func.count()).select_from(DialogueTurn)) == 0
    stage.later(minutes=1)
    assert (await stage.turns.handle_next(conversation.id)).outcome is Outcome.HANDLED


async def test_2_an_action_that_rejects_fails_the_turn_too(stage: Stage) -> None:
    async def rejects(*_: object) -> list[object]:
        raise ActionExecutionRejection("action_greet", "not now")

    with acting("action_greet", rejects):
        await stage.receive("bonjour")
        handled = await stage.turns.handle_next((await stage.conversation()).id)
    assert handled.outcome is Outcome.FAILED


async def test_2_a_poisoned_message_is_set_aside_and_a_person_called(stage: Stage) -> None:
    async def raises(*_: object) -> list[object]:
        raise RuntimeError("always")

    with acting("action_greet", raises):
        await stage.receive("bonjour")
        conversation = await stage.conversation()
        for _ in range(3):
            await stage.turns.handle_next(conversation.id)
            stage.later(minutes=1)
    (message,) = await stage.messages()
    (apology,) = await stage.messages(Direction.OUT)
    conversation = await stage.conversation()
    assert message.state is MessageState.SET_ASIDE
    assert "Désolé" in apology.body
    assert (conversation.holder, (await stage.hand_over()).reason) == (Holder.AGENT, "poisoned")


async def test_3_many_writers_side_by_side_wait_for_each_other(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.writing() as session:
            await session.scalar(select(func.count()).select_from(Conversation))  # reads first, then writes
            session.add(Conversation(channel="sms", address=f"+21260000{number:04}", created_at=_now()))

    await asyncio.gather(*(write(number) for number in range(40)))
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Conversation)) == 40


async def test_3_a_savepoint_undoes_only_its_own_writes(database: Database) -> None:
    async with database.writing() as session:
        session.add(Conversation(channel="sms", address="+212600000010", created_at=_now()))
        await session.flush()
        with suppress(RuntimeError):
            async with session.begin_nested():
                session.add(Conversation(channel="sms", address="+212600000011", created_at=_now()))
                await session.flush()
                raise RuntimeError
    async with database.reading() as session:
        assert list(await session.scalars(select(Conversation.address))) == ["+212600000010"]


async def test_3_another_process_writing_is_waited_for(stage: Stage) -> None:
    other = Database(stage.database.url.render_as_string(hide_password=False))
    try:
        async with other.writing() as session:
            await session.execute(select(func.count()).select_from(Conversation))
            task = asyncio.create_task(stage.write("bonjour"))
            await asyncio.sleep(0.3)
        assert "Bonjour" in await task
    finally:
        await other.close()


async def test_4_events_are_appended_once(stage: Stage) -> None:
    await stage.write("bonjour")
    await stage.write("merci")
    async with stage.database.reading() as session:
        turns = list(await session.scalars(select(DialogueTurn).order_by(DialogueTurn.message_id)))
    uttered = [[event["event"] for event in turn.events].count("user") for turn in turns]
    assert uttered == [1, 1]
    assert sum(event["event"] == "session_started" for turn in turns for event in turn.events) == 1


async def test_5_a_task_that_outlives_its_turn_fails_loudly(stage: Stage) -> None:
    late: list[asyncio.Task[object]] = []

    async def starts_a_task(*_: object) -> list[object]:
        async def afterwards() -> None:
            await asyncio.sleep(0.05)
            current_turn()

        late.append(asyncio.create_task(afterwards()))
        return []

    with acting("action_greet", starts_a_task):
        await stage.write("bonjour")
    with pytest.raises(TurnClosed, match="the turn is over"):
        await late[0]


async def test_6_a_reminder_of_rasas_is_refused(stage: Stage) -> None:
    async def reminds(*_: object) -> list[object]:
        return [ReminderScheduled("greet", stage.now, name="x")]

    with acting("action_greet", reminds):
        await stage.receive("bonjour")
        handled = await stage.turns.handle_next((await stage.conversation()).id)
    assert handled.outcome is Outcome.FAILED
    assert rasa.core.jobs.__scheduler is None


async def test_7_two_workers_on_one_conversation_keep_the_order(stage: Stage) -> None:
    for number in range(12):
        await stage.receive("bonjour" if number % 2 else "merci")
    conversation = await stage.conversation()

    async def work() -> int:
        done = 0
        for _ in range(40):
            if (await stage.turns.handle_next(conversation.id)).outcome is Outcome.HANDLED:
                done += 1
            await asyncio.sleep(0)
        return done

    assert sum(await asyncio.gather(work(), work(), work())) == 12
    replies = await stage.messages(Direction.OUT)
    assert [reply.answers_id for reply in replies] == [message.id for message in await stage.messages()]


async def test_8_rasas_costly_parts_are_replaced(stage: Stage) -> None:
    assert rasa_actions.RemoteAction is LocalAction
    assert rasa_forms.RemoteAction is LocalAction
    assert rasa.engine.runner.dask.DaskGraphRunner is SequentialGraphRunner
    processor = stage.assistant._processor
    assert isinstance(processor.graph_runner, SequentialGraphRunner)
    assert processor.domain.as_dict() is processor.domain.as_dict()
    action = rasa_actions.action_for_name_or_text("action_greet", processor.domain, None)
    assert type(action) is LocalAction


def test_9_nothing_a_customer_wrote_is_printed(model: Path) -> None:
    secret = "zzsecretzz 48213"
    run = subprocess.run(
        [sys.executable, "-m", "bot", "parse", secret],
        capture_output=True,
        text=True,
        env=os.environ | {"RELEVE_MODEL_DIR": str(model)},
        timeout=60,
        check=True,
    )
    assert secret not in run.stdout + run.stderr
    assert run.stdout.count("\n") == 1


NOTHING_TO_UNDERSTAND = [
    ("empty", "", {}),
    ("blank", " \n\t ", {}),
    ("invisible characters", "\u200f\u200b\u2060", {}),
    ("a heart", "❤️", {}),
    ("a smile", "🙂🙂", {}),
    ("sticker", "", {"kind": Kind.MEDIA, "media": (Media(MediaType.STICKER, "f"),)}),
    ("photo", "", {"kind": Kind.MEDIA, "media": (Media(MediaType.IMAGE, "f"),)}),
    ("voice", "", {"kind": Kind.MEDIA, "media": (Media(MediaType.AUDIO, "f"),)}),
    ("location", "", {"kind": Kind.LOCATION, "latitude": 33.5, "longitude": -7.6}),
    ("poll", "", {"kind": Kind.UNSUPPORTED}),
    ("dots", "...", {}),
]


@pytest.mark.parametrize(
    ("text", "extra"), [row[1:] for row in NOTHING_TO_UNDERSTAND], ids=[r[0] for r in NOTHING_TO_UNDERSTAND]
)
async def test_10_a_message_without_words_never_confirms(
    stage: Stage, text: str, extra: dict[str, typing.Any]
) -> None:
    question = await stage.write("49100")
    assert "49100" in question
    reply = await stage.write(text, **extra)
    assert reply, "the customer is told what to send"
    assert await stage.readings() == []
    await stage.write("oui")
    assert len(await stage.readings()) == 1


TYPED_COMMANDS = [
    "/restart",
    "/session_start",
    "/greet",
    "/affirm",
    '/submit_reading{"reading": 99999}',
    "//affirm",
    "/slot{}",
]


@pytest.mark.parametrize("typed", TYPED_COMMANDS)
async def test_11_a_typed_command_is_only_text(stage: Stage, typed: str) -> None:
    await stage.write("parlez-moi en arabe")
    await stage.write("49100")
    await stage.write(typed)
    dialogue = (await stage.conversation()).dialogue
    assert dialogue is not None
    assert dialogue["slots"]["pinned_language"] == "ar", "nothing was restarted"
    assert 99999 not in [reading.value for reading in await stage.readings()]
    async with stage.database.reading() as session:
        turn = (await session.scalars(select(DialogueTurn).order_by(DialogueTurn.message_id.desc()))).first()
    assert turn is not None
    assert not {"restart", "session_started"} & {event["event"] for event in turn.events}
    (said,) = [event for event in turn.events if event["event"] == "user"]
    assert not said["text"].startswith("/")


async def test_12_a_turn_starts_from_the_same_state_however_long_the_conversation(stage: Stage) -> None:
    """What a turn reads and replays is constant; so is then its time (bench/flat.py measures 2,000 messages)."""
    seen: list[tuple[int, int]] = []
    store = stage.assistant._processor.tracker_store
    retrieve = store.retrieve

    async def counting(sender_id: str) -> object:
        tracker = await retrieve(sender_id)
        if tracker is not None:
            seen.append((len(tracker.events), len(str(current_turn().conversation.dialogue))))
        return tracker

    store.retrieve = counting
    try:
        repeats = 200 if stage.database.is_sqlite else 60
        for _ in range(repeats // 4):
            for each in ("bonjour", "49100", "annuler", "merci"):
                await stage.write(each)
    finally:
        del store.retrieve
    assert len(seen) >= repeats - 1
    assert seen[-4:] == seen[7:11]
    assert max(events for events, _ in seen) < 20


async def test_13_an_open_form_is_found_again_after_a_day(stage: Stage) -> None:
    await stage.write("49100")
    stage.later(days=1)
    reply = await stage.write("oui")
    assert "ANNULER" in reply
    assert [reading.value for reading in await stage.readings()] == [49100]


async def test_13_an_open_form_is_forgotten_after_a_week(stage: Stage) -> None:
    await stage.write("49100")
    stage.later(days=7)
    await stage.write("oui")
    assert await stage.readings() == []
    assert (await stage.conversation()).dialogue["loop"] is None


async def test_14_strange_texts_leave_nothing_in_memory(stage: Stage) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for number in range(30):
            await stage.write(f"/x{number}unknown{{}}")
    assert [str(each.message) for each in caught if "unknown" in str(each.message)] == []
    import rasa.shared.utils.io as rasa_io

    registry = getattr(rasa_io, "__warningregistry__", {})
    assert not [key for key in registry if "unknown" in str(key)]


def test_15_only_a_model_of_ours_is_loaded_and_nobody_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="no model in"):
        Assistant.load(tmp_path, LOCALES)
    (tmp_path / "broken.tar.gz").write_bytes(b"not an archive")
    with pytest.raises(NoModel, match="cannot be loaded"):
        Assistant.load(tmp_path, LOCALES)
    import rasa.telemetry

    assert os.environ["RASA_TELEMETRY_ENABLED"] == "false"
    assert not rasa.telemetry.is_telemetry_enabled()


def test_16_every_component_says_what_it_takes() -> None:
    import yaml
    from rasa.shared.utils.common import class_from_module_path

    pipeline = yaml.safe_load((PROJECT / "config.yml").read_text(encoding="utf-8"))["pipeline"]
    assert len(pipeline) >= 2
    for each in pipeline:
        component = class_from_module_path(each["name"])
        for method in ("train", "process"):
            if method in vars(component):
                hints = typing.get_type_hints(getattr(component, method))
                assert hints, f"{each['name']}.{method}"
                assert "return" in hints, f"{each['name']}.{method}"


def _now() -> typing.Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)
