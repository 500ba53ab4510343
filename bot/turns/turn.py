"""One customer message, one transaction: read it, answer it, mark it handled, or leave everything as it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from actions.operator import Operator
from actions.turn import Turn, opened
from billing.calendar import local_day
from bot.clock import Clock, system_clock
from bot.engine.assistant import Assistant, Utterance, open_form
from bot.photos.arrivals import Photos
from bot.sending.replying import notify_others, queue
from bot.telemetry.messages import TurnWatch
from bot.telemetry.metrics import RATE_LIMITED, child
from bot.turns import first_contact, parking
from bot.turns.attempts import Attempts
from bot.turns.handled import Handled, Outcome
from bot.turns.hearing import ARABIC_LETTERS, Heard, Unreadable, hear, takes_any_words
from bot.turns.keywords import Keyword, keyword, obey
from bot.turns.lateness import Lateness
from bot.turns.pace import Pace, Tempo
from bot.turns.scoring import scored
from bot.turns.with_people import call_a_person, overhear, summary, way_back
from nlu import anger
from nlu.language import DEFAULT
from store.changes import changed
from store.database import Database, is_of_the_database
from store.desk_models import Outcome as DeskOutcome
from store.hand_over_events import tell_message
from store.hand_overs import NotOpen, current, end_without_agent
from store.models import Conversation, Message
from store.opt_outs import inherit
from store.supplies import registered_language
from store.turn_record import end_turn
from store.waiting import LONGEST_HOLD, Oldest, is_due, oldest_waiting, waits

log = structlog.get_logger()

LONGEST_TURN = timedelta(seconds=30)
"""A turn that takes longer has hung: it is undone and tried again."""


class Turns:
    """Handles the oldest waiting message of a conversation."""

    def __init__(
        self,
        database: Database,
        assistant: Assistant,
        operator: Operator,
        clock: Clock = system_clock,
        longest_turn: timedelta = LONGEST_TURN,
        lateness: Lateness | None = None,
        pace: Pace | None = None,
        photos: Photos | None = None,
    ) -> None:
        """Without a `pace` that senders are held to, each message is answered."""
        self._database = database
        self._assistant = assistant
        self._operator = operator
        self._clock = clock
        self._longest_turn = longest_turn.total_seconds()
        self._lateness = lateness
        self._pace = pace
        self._photos = photos
        self._attempts = Attempts(database, assistant, operator, longest_turn, clock)

    async def handle_next(self, conversation_id: int, *, found: bool = False) -> Handled:
        """Handle one message; the try is counted first when the message was `found` waiting (`bot.turns.attempts`).

        Raises only what the database raises when it cannot be reached.
        """
        with TurnWatch() as watch:
            return watch.ended(await self._handle_next(conversation_id, found, watch))

    async def _handle_next(self, conversation_id: int, found: bool, watch: TurnWatch) -> Handled:
        begun: int | None = None
        if found:
            begin = await self._attempts.begin(conversation_id)
            if isinstance(begin, Handled):
                return begin
            begun = begin
        message_id: int | None = None
        try:
            async with asyncio.timeout(self._longest_turn), self._database.writing() as session:
                waiting = await oldest_waiting(session, conversation_id)
                if waiting is None:
                    is_held = not self._database.is_sqlite and await waits(session, conversation_id)
                    return Handled(Outcome.HELD if is_held else Outcome.NOTHING)
                message, conversation = waiting.message, waiting.conversation
                now = self._clock()
                if message.id != begun and not is_due(message.due_at, now, LONGEST_HOLD):
                    return Handled(Outcome.LATER, due_at=message.due_at)
                message_id = message.id
                watch.begins(message, conversation, now)
                if self._photos is not None and (picture := await self._photos.take(session, message, now)):
                    message.attempts -= message.id == begun
                    return Handled(Outcome.LATER, due_at=message.due_at, picture=picture)
                return await self._handle(session, waiting, now)
        except Exception as error:
            if message_id is None or is_of_the_database(error):
                if begun is not None:
                    await self._attempts.spare(begun)
                raise
            # The customer's words stay out of the log: the message is in the store under its number.
            log.error("turn.failed", message=message_id, error=type(error).__name__, exc_info=_traced(error))
            return await self._attempts.failed(conversation_id, message_id, error, counted=message_id == begun)

    async def _handle(self, session: AsyncSession, waiting: Oldest, now: datetime) -> Handled:
        message, conversation = waiting.message, waiting.conversation
        turn = Turn(
            session=session,
            conversation=conversation,
            message_id=message.id,
            now=now,
            operator=self._operator,
            language=await _first_language(session, conversation),
            written_on=_written_on(message, now),
            photo=None if self._photos is None else await self._photos.lines(session, message),
        )
        if conversation.last_inbound_at is None:
            await inherit(session, conversation)
        offered, wanted = conversation.offered, keyword(turn, message)
        with_people = turn.is_handed_over
        with opened(turn):
            if wanted is not None:
                utterances = await self._obey(turn, message, wanted)
            elif with_people:
                utterances = await self._listen(turn, message)
            else:
                utterances = await self._answer(turn, message)
            if not (with_people and turn.is_handed_over):
                utterances = self._excused(turn, message, utterances)
                utterances = first_contact.informed(self._assistant, turn, utterances)
        conversation.last_inbound_at = _latest(conversation.last_inbound_at, _written_at(message, now))
        claimed = [
            replace(each, asked_at=message.created_at)
            for each in await queue(self._assistant, turn, utterances, must_wait=waiting.unsent)
        ]
        if wanted is not None:
            conversation.offered = offered  # a keyword is no answer to the question that is open
        notified = await notify_others(self._assistant.texts, turn)
        await end_turn(
            session,
            message,
            conversation,
            now,
            language=turn.language,
            understood=turn.understood,
            events=turn.events,
        )
        if with_people:
            await changed(session, conversation.id)
            await tell_message(session, conversation, message, now)
        return Handled(
            Outcome.HANDLED,
            tuple(claimed),
            queued=bool(utterances),
            more=waiting.more,
            notified=tuple(notified),
            language=turn.language,
            understood=turn.understood,
        )

    async def _answer(self, turn: Turn, message: Message) -> list[Utterance]:
        assistant, conversation = self._assistant, turn.conversation
        if await scored(self._operator, turn, message):
            return [assistant.say(turn, "utter_score_thanks")]
        tempo = self._pace.tempo(conversation, _written_at(message, turn.now)) if self._pace else Tempo.STEADY
        utterances = self._welcome_back(turn)
        before = conversation.dialogue
        in_own_words = takes_any_words(turn)
        heard = hear(assistant, turn, message)
        if tempo is not Tempo.STEADY and not _cannot_wait(heard):
            child(RATE_LIMITED, "sender").inc()
            turn.understood = summary(heard.parses) if isinstance(heard, Heard) else None
            return [assistant.say(turn, "utter_too_fast")] if tempo is Tempo.TOO_FAST else []
        match heard:
            case Unreadable(response):
                utterances.append(assistant.say(turn, response))
                utterances += await assistant.ask_again(turn)
            case Heard(parses, notice):
                turn.understood = summary(parses)
                if not in_own_words and _is_angry(parses):
                    utterances = await call_a_person(
                        self._assistant, turn, "danger" if _tells(parses, "danger") else "anger"
                    )
                else:
                    for parse in parses:
                        said = await assistant.reply(turn, str(parse["text"]), parse)
                        utterances += [each for each in said if each not in utterances]  # two wishes, one answer
                        if turn.is_handed_over:
                            break
                if notice is not None:
                    utterances.insert(0, assistant.say(turn, notice))
        if turn.is_handed_over:
            conversation.dialogue = before  # the form is left as it was, and its request kept
            parking.leave_form(conversation, turn.now, self._operator.conversation)
        return utterances + parking.offer(assistant, turn, utterances)

    async def _listen(self, turn: Turn, message: Message) -> list[Utterance]:
        """A message to people. Nothing is said, unless it goes back to the assistant with it."""
        assistant, conversation = self._assistant, turn.conversation
        hand_over = await current(turn.session, conversation.id)
        if hand_over is None:
            raise NotOpen("a conversation with people has no hand-over")
        parking.leave_form(conversation, turn.now, self._operator.conversation)
        ended = way_back(self._operator, turn, message, hand_over)
        if ended is None:
            await overhear(assistant, turn, message, hand_over)
            return []
        await end_without_agent(turn.session, hand_over, ended, turn.now, turn.actor)
        if ended is DeskOutcome.EXPIRED:
            return [assistant.say(turn, "utter_nobody_came"), *await self._answer(turn, message)]
        back = [assistant.say(turn, "utter_released")]
        return back + parking.offer(assistant, turn, back)

    def _excused(self, turn: Turn, message: Message, utterances: list[Utterance]) -> list[Utterance]:
        """`utterances`, with an apology in front where the customer waited for long and has not heard one yet."""
        if not utterances or self._lateness is None:
            return utterances
        apology = self._lateness.apology(turn.conversation, message.created_at, turn.now, turn.language)
        return utterances if apology is None else [Utterance(apology), *utterances]

    async def _obey(self, turn: Turn, message: Message, wanted: Keyword) -> list[Utterance]:
        if ARABIC_LETTERS.search(message.body) and turn.language not in ("ar", "ary"):
            turn.language = "ar"
        response = await obey(turn, message, wanted)
        return [] if response is None else [self._assistant.say(turn, response)]

    def _welcome_back(self, turn: Turn) -> list[Utterance]:
        """What a customer finds who comes back to an open form: where we were, or a fresh start (trap 13)."""
        conversation, rules = turn.conversation, self._operator.conversation
        since = conversation.last_inbound_at
        if since is None or conversation.dialogue is None:
            return []
        away = turn.now - since
        if away > timedelta(hours=rules.resume_hours):
            parking.put_aside(conversation, since, turn.now, rules)
            return []
        if open_form(conversation.dialogue) and away > timedelta(hours=rules.remind_hours):
            return [self._assistant.say(turn, "utter_resuming")]
        return []


async def _first_language(session: AsyncSession, conversation: Conversation) -> str:
    """What to answer in until the customer's words tell: what they used before, or what the utility knows."""
    if conversation.language is not None:
        return conversation.language
    return await registered_language(session, conversation.address) or DEFAULT


def _written_at(message: Message, now: datetime) -> datetime:
    """When a message was written: as its carrier says where it was long on the way, else when it came."""
    sent_at = (message.payload or {}).get("sent_at")
    return min(message.created_at if sent_at is None else datetime.fromisoformat(sent_at), now)


def _written_on(message: Message, now: datetime) -> date | None:
    """The day on which it was written, unless that is today."""
    day = local_day(_written_at(message, now))
    return None if day == local_day(now) else day


def _latest(known: datetime | None, moment: datetime) -> datetime:
    return moment if known is None else max(known, moment)


def _cannot_wait(heard: Unreadable | Heard) -> bool:
    """Whether a message is answered however fast its sender writes: danger, anger, the wish for a person."""
    return isinstance(heard, Heard) and (
        _tells(heard.parses, "danger")
        or _tells(heard.parses, anger.NAME)
        or any(parse["intent"]["name"] == "talk_to_agent" for parse in heard.parses)
    )


def _tells(parses: tuple[dict[str, Any], ...], entity: str) -> bool:
    return any(each["entity"] == entity for parse in parses for each in parse["entities"])


def _is_angry(parses: tuple[dict[str, Any], ...]) -> bool:
    """Whoever has had enough of our messages gets no more of them, which is what they want."""
    return _tells(parses, anger.NAME) and parses[0]["intent"]["name"] != "opt_out"


def _traced(error: BaseException) -> bool:
    """A traceback goes to the log only for mistakes of ours, not for an expected time-out."""
    return not isinstance(error, TimeoutError)
