"""Agents who keep a page open, look at others, and follow what happens on theirs; customers who write meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from time import perf_counter

import aiohttp
from twilio.request_validator import RequestValidator

from bench.desk_rows import Agent
from bot.channels.carrier import Channel
from bot.tryit.customer import CustomerAction
from bot.tryit.twilio_webhook import TwilioAccount, incoming_form, signed

COOKIE = "releve_desk"
"""`bot.desk.access.COOKIE`; that module would bring Rasa into the load's process."""
PATIENCE_SECONDS = 20.0
LIST_SECONDS = 2.0
"""A browser that shows the queue asks for the list this often at most (desk.js)."""


@dataclass(slots=True)
class Seen:
    """Seconds, by what was measured; `missed` counts what did not come in time or was refused."""

    times: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    missed: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


class Floor:
    """All agents of one desk, in one process and on one clock with the customers."""

    def __init__(self, base: str, account: TwilioAccount, agents: Sequence[Agent]) -> None:
        self._base = base
        self._account = account
        self._agents = agents
        self._webhook = f"{base}/webhooks/twilio"
        self._validator = RequestValidator(account.auth_token)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._streams: list[asyncio.Task[None]] = []
        self._heard: dict[int, asyncio.Event] = {}
        self._waiting = [-1] * len(agents)
        self._counted = asyncio.Condition()
        self._numbers = iter(range(1, 10_000_000))
        self.seen = Seen()

    async def close(self) -> None:
        for stream in self._streams:
            stream.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)
        await self._session.close()

    # --- pages

    async def look(self, name: str, agent: Agent, path: str, **headers: str) -> str:
        """Fetch a page as `agent`, and note under `name` how long it took."""
        started = perf_counter()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                async with self._session.get(f"{self._base}{path}", headers=_headers(agent) | headers) as answer:
                    text = await answer.text()
        except (TimeoutError, aiohttp.ClientError):
            self.seen.missed[name] += 1
            return ""
        if answer.status != 200:
            self.seen.missed[name] += 1
            return ""
        self.seen.times[name].append(perf_counter() - started)
        return text

    async def look_around(self, per_second: float, seconds: float) -> None:
        """Open pages at a steady rate, however long each takes: the queue, a conversation, in turn."""
        kinds: Iterator[Callable[[Agent], tuple[str, str]]] = cycle(
            (
                lambda agent: ("queue page", "/desk/queue"),
                lambda agent: ("conversation page", f"/desk/conversations/{agent.conversation_id}"),
            )
        )
        agents = cycle(self._agents)
        async with asyncio.TaskGroup() as group:
            for _ in range(int(per_second * seconds)):
                agent = next(agents)
                name, path = next(kinds)(agent)
                group.create_task(self.look(name, agent, path))
                await asyncio.sleep(1 / per_second)

    # --- what is live

    async def listen(self) -> None:
        """Open every agent's stream, and return once all have heard the first count."""
        self._streams = [
            asyncio.create_task(self._stream(number, agent)) for number, agent in enumerate(self._agents)
        ]
        async with self._counted, asyncio.timeout(60):
            await self._counted.wait_for(lambda: all(number >= 0 for number in self._waiting))

    async def _stream(self, number: int, agent: Agent) -> None:
        url = f"{self._base}/desk/events?conversation={agent.conversation_id}"
        event = ""
        async with self._session.get(url, headers=_headers(agent) | {"Accept": "text/event-stream"}) as answer:
            async for line in answer.content:
                word, _, value = line.decode().rstrip("\n").partition(": ")
                if word == "event":
                    event = value
                elif word == "data" and event == "conversation":
                    self._heard.setdefault(int(value), asyncio.Event()).set()
                elif word == "data" and event == "queue":
                    async with self._counted:
                        self._waiting[number] = json.loads(value)["waiting"]
                        self._counted.notify_all()

    async def follow_the_list(self, lookers: int, seconds: float) -> None:
        """Browsers that show the queue ask for its list as often as they may."""

        async def looker(agent: Agent) -> None:
            await asyncio.sleep(Random(agent.token).random() * LIST_SECONDS)
            while perf_counter() < until:
                began = perf_counter()
                await self.look("queue list", agent, "/desk/queue", **{"HX-Request": "true"})
                await asyncio.sleep(max(0.0, LIST_SECONDS - (perf_counter() - began)))

        until = perf_counter() + seconds
        await asyncio.gather(*(looker(agent) for agent in self._agents[:lookers]))

    # --- customers

    async def customers_write(self, per_second: float, seconds: float) -> None:
        """Customers of conversations that agents look at write at a steady rate."""
        agents = cycle(self._agents)
        async with asyncio.TaskGroup() as group:
            for number in range(int(per_second * seconds)):
                group.create_task(self._message(next(agents), f"Toujours en attente, message numero {number}"))
                await asyncio.sleep(1 / per_second)

    async def _message(self, agent: Agent, text: str) -> None:
        """From the webhook leaving to the event, and to the words on the agent's page."""
        heard = self._heard.setdefault(agent.conversation_id, asyncio.Event())
        heard.clear()
        started = perf_counter()
        await self._write(agent.phone, text)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await heard.wait()
                self.seen.times["message to event"].append(perf_counter() - started)
                path = f"/desk/conversations/{agent.conversation_id}/transcript"
                if text in await self.look("transcript", agent, path, **{"HX-Request": "true"}):
                    self.seen.times["message on the page"].append(perf_counter() - started)
                else:
                    self.seen.missed["message on the page"] += 1
        except TimeoutError:
            self.seen.missed["message to event"] += 1

    async def customers_ask_for_people(self, phones: Sequence[str], every: float) -> None:
        """New customers hand themselves over, one after the other: every agent's count must rise."""
        for phone in phones:
            base = max(self._waiting)
            started = perf_counter()
            pending = set(range(len(self._agents)))
            await self._write(phone, "je veux parler a un conseiller")
            with suppress(TimeoutError):
                async with self._counted, asyncio.timeout(PATIENCE_SECONDS):
                    while pending:
                        told = {number for number in pending if self._waiting[number] > base}
                        self.seen.times["new in the queue, at each agent"] += [perf_counter() - started] * len(told)
                        pending -= told
                        if pending:
                            await self._counted.wait()
            self.seen.missed["new in the queue, at each agent"] += len(pending)
            await asyncio.sleep(max(0.0, every - (perf_counter() - started)))

    async def _write(self, phone: str, text: str) -> None:
        sid = f"SM{next(self._numbers):032x}"
        form = incoming_form(self._account, Channel.SMS, sid, CustomerAction(sender=phone, text=text), "", None)
        body, headers = signed(self._validator, self._webhook, form)
        async with self._session.post(self._webhook, data=body, headers=headers) as answer:
            if answer.status >= 300:
                self.seen.missed["webhook"] += 1


def _headers(agent: Agent) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={agent.token}"}
