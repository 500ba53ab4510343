"""One customer message, one transaction: read it, answer it, mark it handled, or leave everything as it was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

import structlog
from sqlalchemy import bindparam, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from actions.handover import hand_over
from actions.operator import Operator
from actions.turn import Turn, opened
from bot import first_contact, parking
from bot.clock import Clock, system_clock
from bot.engine.assistant import Assistant, Utterance, open_form
from bot.hearing import ARABIC_LETTERS, Heard, Unreadable, hear
from bot.keywords import Keyword, keyword, obey
from bot.outgoing import Claimed, has_open, outbound, take
from nlu.language import DEFAULT
from store.database import Database
from store.models import Conversation, Direction, Holder, Message, MessageState
from store.opt_outs import inherit
from store.supplies import registered_language

log = structlog.get_logger()

MAX_ATTEMPTS = 3
RETRY_WAIT = timedelta(seconds=5)
LIKELIEST = 5
"""Intents of a message's ranking that are kept with it."""
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
                waiting = await _oldest_waiting(session, conversation_id)
                if waiting is None:
                    return Handled(Outcome.NOTHING)
                message, conversation = waiting
                now = self._clock()
                if message.due_at > now:
                    return Handled(Outcome.LATER, due_at=message.due_at)
                message_id = message.id
                return await self._handle(session, conversation, message, now)
        except Exception as error:
            if message_id is None or _is_about_the_database(error):
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
        with opened(turn):
            if wanted is None:
                utterances = await self._answer(turn, message)
            else:
                utterances = await self._obey(turn, message, wanted)
            utterances = first_contact.informed(self._assistant, turn, utterances)
        conversation.last_inbound_at = now
        message.state = MessageState.HANDLED
        message.settled_at = now
        message.language = turn.language
        claimed = await self._queue(turn, utterances)
        if wanted is not None:
            conversation.offered = offered  # a keyword is no answer to the question that is open
        notified = await self._notify_others(turn)
        return Handled(Outcome.HANDLED, tuple(claimed), queued=bool(utterances), notified=tuple(notified))

    async def _answer(self, turn: Turn, message: Message) -> list[Utterance]:
        assistant, conversation = self._assistant, turn.conversation
        if conversation.holder == Holder.AGENT:
            if not self._is_released(turn, message):
                return []
            conversation.holder = Holder.ASSISTANT
            conversation.handed_over_at = None
            return [assistant.say(turn, "utter_released")]
        utterances = self._welcome_back(turn)
        heard = hear(assistant, turn, message)
        match heard:
            case Unreadable(response):
                utterances.append(assistant.say(turn, response))
                utterances += await assistant.ask_again(turn)
            case Heard(parses, notice):
                message.understood = _summary(parses)
                for parse in parses:
                    utterances += await assistant.reply(turn, str(parse["text"]), parse)
                    if turn.is_handed_over:
                        break
                if notice is not None:
                    utterances.insert(0, assistant.say(turn, notice))
        return utterances + parking.offer(assistant, turn, utterances)

    async def _obey(self, turn: Turn, message: Message, wanted: Keyword) -> list[Utterance]:
        if ARABIC_LETTERS.search(message.body) and turn.language not in ("ar", "ary"):
            turn.language = "ar"
        response = await obey(turn, message, wanted)
        return [] if response is None else [self._assistant.say(turn, response)]

    def _is_released(self, turn: Turn, message: Message) -> bool:
        """Whether a conversation in the agents' queue goes back: the customer says so, or nobody came."""
        rules = self._operator.conversation
        if message.body.strip(" .,!?\"'«»").casefold() in rules.release_words:
            return True
        since = turn.conversation.handed_over_at
        return since is not None and turn.now - since > timedelta(hours=rules.agent_hours)

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

    async def _queue(self, turn: Turn, utterances: list[Utterance]) -> list[Claimed]:
        """Put the reply in the outbox: one message, since each costs; held by this process when it may go now."""
        if not utterances:
            return []
        session, conversation = turn.session, turn.conversation
        must_wait = await has_open(session, conversation.id)
        reply = _reply(turn, utterances, self._assistant.say(turn, "utter_menu").text)
        session.add(reply)
        if not must_wait:
            take(reply, turn.now)
        await session.flush()
        buttons = (reply.payload or {}).get("buttons")
        conversation.offered = {"message": reply.id, "buttons": buttons} if buttons else None
        if must_wait:
            return []
        return [Claimed(outbound(reply, conversation.address), reply.attempts, 0, doubtful=False)]

    async def _notify_others(self, turn: Turn) -> list[int]:
        notified = []
        for notice in turn.notices:
            said = self._assistant.texts.render(notice.response, turn.language, notice.channel, notice.params)
            query = select(Conversation).where(
                Conversation.channel == notice.channel, Conversation.address == notice.address
            )
            other = await turn.session.scalar(query)
            if other is None:
                other = Conversation(channel=notice.channel, address=notice.address, created_at=turn.now)
                turn.session.add(other)
                await turn.session.flush()
            turn.session.add(
                Message(
                    conversation_id=other.id,
                    channel=notice.channel,
                    direction=Direction.OUT,
                    state=MessageState.QUEUED,
                    body=said["text"],
                    language=turn.language,
                    due_at=turn.now,
                    created_at=turn.now,
                )
            )
            notified.append(other.id)
        return notified

    async def _failed(self, conversation_id: int, message_id: int, error: BaseException) -> Handled:
        """Count the failure; the third time set the message aside, apologise, and call a person."""
        async with self._database.writing() as session:
            conversation = await session.get_one(Conversation, conversation_id)
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
            with opened(turn):
                hand_over(turn, "poisoned")
            log.error("turn.set_aside", message=message_id, conversation=conversation_id)
            claimed = await self._queue(turn, [self._assistant.say(turn, "utter_poisoned")])
            return Handled(Outcome.FAILED, tuple(claimed), queued=True)


async def _first_language(session: AsyncSession, conversation: Conversation) -> str:
    """What to answer in until the customer's words tell: what they used before, or what the utility knows."""
    if conversation.language is not None:
        return conversation.language
    return await registered_language(session, conversation.address) or DEFAULT


# Statements of every turn are built once: building one costs SQLAlchemy more than SQLite takes to run it.
_OLDEST_WAITING = (
    select(Message, Conversation)
    .join(Conversation, Conversation.id == Message.conversation_id)
    .where(Message.conversation_id == bindparam("conversation_id"), Message.state == MessageState.RECEIVED)
    .order_by(Message.id)
    .limit(1)
    # Both rows: a look taken just before another worker's commit would otherwise see its message as waiting.
    .with_for_update(of=(Conversation, Message), skip_locked=True, key_share=True)
)


async def _oldest_waiting(session: AsyncSession, conversation_id: int) -> tuple[Message, Conversation] | None:
    """The next message and its conversation, held until the transaction ends; None also when another worker
    holds it, who will look for more before it leaves.

    Held without touching keys, so that accepting a new message, which refers to the row, is never kept waiting.
    """
    row = (await session.execute(_OLDEST_WAITING, {"conversation_id": conversation_id})).one_or_none()
    return None if row is None else (row[0], row[1])


@dataclass(frozen=True, slots=True)
class Waiting:
    """Conversations with something due, the longest waiting first."""

    to_handle: tuple[int, ...]
    to_send: tuple[int, ...]


async def waiting_conversations(session: AsyncSession, now: datetime, limit: int = 500) -> Waiting:
    """Conversations with a message to handle, or a reply to send, by `now`."""

    async def due(*states: MessageState) -> tuple[int, ...]:
        query = (
            select(Message.conversation_id)
            # Campaigns have lanes of their own.
            .where(Message.state.in_(states), Message.due_at <= now, Message.bulk == false())
            .group_by(Message.conversation_id)
            .order_by(func.min(Message.id))
            .limit(limit)
        )
        return tuple(await session.scalars(query))

    return Waiting(await due(MessageState.RECEIVED), await due(MessageState.QUEUED, MessageState.SENDING))


def _reply(turn: Turn, utterances: list[Utterance], menu: str) -> Message:
    # Only the question asked last: a number typed in answer must not press a button of something said before it.
    buttons = [list(button) for button in utterances[-1].buttons]
    payload: dict[str, Any] = {"buttons": buttons, "menu": menu} if buttons else {}
    attachments = [utterance.attachment for utterance in utterances if utterance.attachment]
    if attachments:
        payload["attachment"] = attachments[-1]
    if len(attachments) > 1:  # a message carries one, and a reply is one message
        log.warning("turn.attachments_left_out", message=turn.message_id, count=len(attachments) - 1)
    return Message(
        conversation_id=turn.conversation.id,
        channel=turn.conversation.channel,
        direction=Direction.OUT,
        state=MessageState.QUEUED,
        body="\n".join(utterance.text for utterance in utterances),
        payload=payload or None,
        language=turn.language,
        answers_id=turn.message_id,
        attempts=0,
        doubts=0,
        due_at=turn.now,
        created_at=turn.now,
    )


def _summary(parses: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """What the desk and the designers see of the understanding, and choose from when they review unsure messages.

    `language` is the one identified; the message's own is what was answered in.
    """
    first = parses[0]
    intent = first.get("intent") or {}
    return {
        "intent": intent.get("name"),
        "confidence": round(float(intent.get("confidence") or 0), 3),
        "meant": first.get("meant"),
        "certainty": first.get("certainty"),
        "language": first.get("language"),
        "ranking": [
            [each["name"], round(each["confidence"], 3)] for each in first.get("intent_ranking", ())[:LIKELIEST]
        ],
        "entities": [[each["entity"], each.get("value")] for parse in parses for each in parse["entities"]],
        "also": [(parse.get("intent") or {}).get("name") for parse in parses[1:]],
    }


def _is_about_the_database(error: BaseException) -> bool:
    """Whether it failed because the database could not be reached or was too busy: no fault of the message."""
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return True
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return True  # no connection; a turn that hung is a TimeoutError, which is an OSError too, and counts
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _traced(error: BaseException) -> bool:
    """A traceback goes to the log only for mistakes of ours, not for an expected time-out."""
    return not isinstance(error, TimeoutError)


__all__ = ["Handled", "Outcome", "Turns", "waiting_conversations"]
