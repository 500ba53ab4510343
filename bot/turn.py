"""One customer message, one transaction: read it, answer it, mark it handled, or leave everything as it was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from actions.handover import hand_over
from actions.operator import Operator
from actions.turn import Turn, opened
from bot import first_contact, parking
from bot.clock import Clock, system_clock
from bot.engine.assistant import Assistant, Utterance, open_form
from bot.hearing import ARABIC_LETTERS, Heard, Unreadable, hear, takes_any_words
from bot.keywords import Keyword, keyword, obey
from bot.outgoing import Claimed
from bot.replying import notify_others, queue
from bot.scoring import scored
from bot.with_people import overhear, summary, way_back
from nlu import anger
from nlu.language import DEFAULT
from store.changes import changed
from store.database import Database, is_of_the_database
from store.desk_models import Outcome as DeskOutcome
from store.hand_overs import NotOpen, current, end_without_agent
from store.models import Conversation, Message, MessageState
from store.opt_outs import inherit
from store.supplies import registered_language
from store.waiting import oldest_waiting

log = structlog.get_logger()

MAX_ATTEMPTS = 3
RETRY_WAIT = timedelta(seconds=5)
TURN_SECONDS = 30
"""A turn that takes longer has hung: it is undone and tried again."""


class Outcome(Enum):
    NOTHING = auto()  # nothing is waiting, or another worker has this conversation
    LATER = auto()  # the oldest message waits for its next try
    HANDLED = auto()
    FAILED = auto()  # undone; it will be tried again or was set aside


@dataclass(frozen=True, slots=True)
class Handled:
    outcome: Outcome
    claimed: tuple[Claimed, ...] = ()
    """Replies that this process already holds and must send now."""
    queued: bool = False
    """Whether a reply waits to be sent, held or not."""
    due_at: datetime | None = None
    notified: tuple[int, ...] = ()
    """Other conversations that were written to in this turn."""


class Turns:
    """Handles the oldest waiting message of a conversation."""

    def __init__(
        self, database: Database, assistant: Assistant, operator: Operator, clock: Clock = system_clock
    ) -> None:
        self._database = database
        self._assistant = assistant
        self._operator = operator
        self._clock = clock

    async def handle_next(self, conversation_id: int) -> Handled:
        """Handle one message. Raises only what the database raises when it cannot be reached."""
        message_id: int | None = None
        try:
            async with asyncio.timeout(TURN_SECONDS), self._database.writing() as session:
                waiting = await oldest_waiting(session, conversation_id)
                if waiting is None:
                    return Handled(Outcome.NOTHING)
                message, conversation = waiting
                now = self._clock()
                if message.due_at > now:
                    return Handled(Outcome.LATER, due_at=message.due_at)
                message_id = message.id
                return await self._handle(session, conversation, message, now)
        except Exception as error:
            if message_id is None or is_of_the_database(error):
                raise
            # The customer's words stay out of the log: the message is in the store under its number.
            log.error("turn.failed", message=message_id, error=type(error).__name__, exc_info=_traced(error))
            return await self._failed(conversation_id, message_id, error)

    async def _handle(
        self, session: AsyncSession, conversation: Conversation, message: Message, now: datetime
    ) -> Handled:
        turn = Turn(
            session=session,
            conversation=conversation,
            message_id=message.id,
            now=now,
            operator=self._operator,
            language=await _first_language(session, conversation),
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
                utterances = first_contact.informed(self._assistant, turn, utterances)
        conversation.last_inbound_at = now
        message.state = MessageState.HANDLED
        message.settled_at = now
        message.language = turn.language
        claimed = await queue(self._assistant, turn, utterances)
        if wanted is not None:
            conversation.offered = offered  # a keyword is no answer to the question that is open
        notified = await notify_others(self._assistant.texts, turn)
        if with_people:
            await changed(session, conversation.id)
        return Handled(Outcome.HANDLED, tuple(claimed), queued=bool(utterances), notified=tuple(notified))

    async def _answer(self, turn: Turn, message: Message) -> list[Utterance]:
        assistant, conversation = self._assistant, turn.conversation
        if await scored(self._operator, turn, message):
            return [assistant.say(turn, "utter_score_thanks")]
        utterances = self._welcome_back(turn)
        before = conversation.dialogue
        in_own_words = takes_any_words(turn)
        heard = hear(assistant, turn, message)
        match heard:
            case Unreadable(response):
                utterances.append(assistant.say(turn, response))
                utterances += await assistant.ask_again(turn)
            case Heard(parses, notice):
                message.understood = summary(parses)
                if not in_own_words and _is_angry(parses):
                    utterances = await self._bring_a_person(turn, "danger" if _tells(parses, "danger") else "anger")
                else:
                    for parse in parses:
                        utterances += await assistant.reply(turn, str(parse["text"]), parse)
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

    async def _bring_a_person(self, turn: Turn, reason: str) -> list[Utterance]:
        return [self._assistant.say(turn, line.response, **line.params) for line in await hand_over(turn, reason)]

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

    async def _failed(self, conversation_id: int, message_id: int, error: BaseException) -> Handled:
        """Count the failure; the third time set the message aside, apologise, and call a person.

        Where people have the conversation already they see the message, and nothing is said.
        """
        async with self._database.writing() as session:
            held = {"key_share": True}  # an agent may be taking the conversation
            conversation = await session.get_one(Conversation, conversation_id, with_for_update=held)
            message = await session.get_one(Message, message_id)
            message.attempts += 1
            message.error = type(error).__name__
            now = self._clock()
            if message.attempts < MAX_ATTEMPTS:
                message.due_at = now + RETRY_WAIT * message.attempts
                return Handled(Outcome.FAILED, due_at=message.due_at)
            message.state = MessageState.SET_ASIDE
            message.settled_at = now
            turn = Turn(
                session=session,
                conversation=conversation,
                message_id=message_id,
                now=now,
                operator=self._operator,
                language=conversation.language or "fr",
            )
            log.error("turn.set_aside", message=message_id, conversation=conversation_id)
            if turn.is_handed_over:
                await changed(session, conversation_id)
                return Handled(Outcome.FAILED)
            with opened(turn):
                parking.leave_form(conversation, now, self._operator.conversation)
                claimed = await queue(self._assistant, turn, await self._bring_a_person(turn, "poisoned"))
            return Handled(Outcome.FAILED, tuple(claimed), queued=True)


async def _first_language(session: AsyncSession, conversation: Conversation) -> str:
    """What to answer in until the customer's words tell: what they used before, or what the utility knows."""
    if conversation.language is not None:
        return conversation.language
    return await registered_language(session, conversation.address) or DEFAULT


def _tells(parses: tuple[dict[str, Any], ...], entity: str) -> bool:
    return any(each["entity"] == entity for parse in parses for each in parse["entities"])


def _is_angry(parses: tuple[dict[str, Any], ...]) -> bool:
    """Whoever has had enough of our messages gets no more of them, which is what they want."""
    return _tells(parses, anger.NAME) and parses[0]["intent"]["name"] != "opt_out"


def _traced(error: BaseException) -> bool:
    """A traceback goes to the log only for mistakes of ours, not for an expected time-out."""
    return not isinstance(error, TimeoutError)
