"""The load: customers who write, wait for the answer, and write again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter

from twilio.request_validator import RequestValidator

from bench.carrier import Carrier
from bench.conversations import Conversation
from bench.wire import Poster, WireError
from bot.channels.carrier import Channel
from bot.tryit.customer import CustomerAction
from bot.tryit.twilio_webhook import TwilioAccount, incoming_form, signed

PATIENCE_SECONDS = 60.0
"""After this a turn is counted as lost and its conversation given up."""
QUIET_SECONDS = 0.5
"""In the rehearsal a turn is over when nothing more was sent for this long."""


class TurnLost(Exception):
    """The webhook was refused, or the answer did not come."""


@dataclass(frozen=True, slots=True)
class Script:
    """A conversation with its webhooks signed beforehand, so that signing costs nothing while measuring."""

    conversation: Conversation
    webhooks: tuple[bytes, ...]
    """Requests, ready to post."""


@dataclass(frozen=True, slots=True)
class TurnTime:
    """From the webhook leaving to the last of the turn's calls of the carrier's API, on `perf_counter`."""

    started: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.started


@dataclass(slots=True)
class Played:
    """What one phase saw."""

    turns: list[TurnTime] = field(default_factory=list)
    finished: list[Conversation] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class Load:
    """Posts to one side's webhook, which it signs for, and waits at the carrier.

    `addresses` are where the side's processes listen: they are posted to in turn, as a balancer would.
    """

    def __init__(self, carrier: Carrier, account: TwilioAccount, url: str, addresses: Sequence[str]) -> None:
        self._carrier = carrier
        self._account = account
        self._url = url
        self._expected: dict[str, tuple[int, ...]] = {}
        self._posters = [Poster(address) for address in addresses]
        self._turn_of = cycle(self._posters)

    def close(self) -> None:
        for poster in self._posters:
            poster.close()

    def sign(self, conversations: Iterable[Conversation]) -> list[Script]:
        """Twilio's webhooks for every text."""
        validator = RequestValidator(self._account.auth_token)
        scripts = []
        for conversation in conversations:
            webhooks = []
            for number, text in enumerate(conversation.texts):
                sid = f"SM{conversation.phone.removeprefix('+'):0>24}{number:08x}"
                action = CustomerAction(sender=conversation.phone, text=text)
                form = incoming_form(self._account, Channel.SMS, sid, action, "", None)
                webhooks.append(self._posters[0].request(*signed(validator, self._url, form)))
            scripts.append(Script(conversation, tuple(webhooks)))
        return scripts

    async def rehearse(self, script: Script) -> list[tuple[str, list[str]]]:
        """Play one conversation alone and learn how many messages answer each of its texts.

        Returns the texts with their answers. Raises `TurnLost`.
        """
        phone = script.conversation.phone
        transcript = []
        counts = []
        for text, webhook in zip(script.conversation.texts, script.webhooks, strict=True):
            before = len(self._carrier.replies(phone))
            await self._turn(phone, webhook, before + 1)
            seen = await self._carrier.settled(phone, QUIET_SECONDS)
            transcript.append((text, [reply.text for reply in self._carrier.replies(phone)[before:]]))
            counts.append(seen - before)
        self._expected[script.conversation.kind] = tuple(counts)
        return transcript

    async def first(self, script: Script) -> None:
        """Only the first text of a conversation, until it is answered. Raises `TurnLost`."""
        await self._turn(script.conversation.phone, script.webhooks[0], 1)

    async def play(self, scripts: Iterable[Script], *, abreast: int, seconds: float | None = None) -> Played:
        """Play conversations, `abreast` at a time; after `seconds` no new one begins."""
        played = Played()
        waiting = iter(scripts)
        until = None if seconds is None else perf_counter() + seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(abreast):
                group.create_task(self._customer_after_customer(waiting, until, played))
        return played

    async def _customer_after_customer(self, waiting: Iterator[Script], until: float | None, played: Played) -> None:
        for script in waiting:
            try:
                await self._conversation(script, played)
            except TurnLost as lost:
                played.lost.append(f"{script.conversation.kind}: {lost}")
            else:
                played.finished.append(script.conversation)
            if until is not None and perf_counter() >= until:
                return

    async def _conversation(self, script: Script, played: Played) -> None:
        async for turn in self.turns(script):
            played.turns.append(turn)

    async def turns(self, script: Script) -> AsyncIterator[TurnTime]:
        """Play a conversation; each text is written once whoever iterates asks for it. Raises `TurnLost`."""
        phone = script.conversation.phone
        due = 0
        for webhook, answers in zip(script.webhooks, self._expected[script.conversation.kind], strict=True):
            due += answers
            yield await self._turn(phone, webhook, due)

    async def _turn(self, phone: str, webhook: bytes, due: int) -> TurnTime:
        """Post, then wait until the webhook is answered and `due` messages in all were sent to `phone`.

        Both, because Rasa answers the webhook after it has replied and saved: a customer who wrote in between
        would meet its lock, which looks only once a second.
        """
        started = perf_counter()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await next(self._turn_of).post(webhook)
                if answer.status >= 300:
                    raise TurnLost(f"the webhook was answered {answer.status}")
                await self._carrier.wait(phone, due)
        except TimeoutError as late:
            raise TurnLost(f"not answered within {PATIENCE_SECONDS:.0f} s") from late
        except WireError as error:
            raise TurnLost(f"the webhook failed: {error}") from error
        return TurnTime(started, self._carrier.replies(phone)[due - 1].at)
