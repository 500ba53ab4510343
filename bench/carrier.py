"""The local carrier: answers `POST …/Messages.json` as Twilio does, at once, and notes when each call came in."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import parse_qs

import orjson

from bench.wire import listen


@dataclass(frozen=True, slots=True)
class Reply:
    """One message that a side asked the carrier to send; `at` is on the clock of `perf_counter`."""

    at: float
    text: str


class Carrier:
    """Runs in the bench's own process and event loop, so that all times are on one clock."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._replies: defaultdict[str, list[Reply]] = defaultdict(list)
        self._arrivals: dict[str, asyncio.Event] = {}
        self._server: asyncio.Server | None = None
        self._count = 0

    async def start(self) -> str:
        """Listen on a free loopback port; returns the address to use in place of https://api.twilio.com."""
        self._server, port = await listen(self._send)
        return f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        if self._server:
            self._server.close()

    def replies(self, phone: str) -> list[Reply]:
        """What was sent to `phone` until now, oldest first."""
        return self._replies[phone]

    async def wait(self, phone: str, count: int) -> None:
        """Until `count` messages in all were sent to `phone`."""
        arrival = self._arrivals.setdefault(phone, asyncio.Event())
        while len(self._replies[phone]) < count:
            arrival.clear()
            await arrival.wait()

    async def settled(self, phone: str, quiet: float) -> int:
        """Once nothing came for `phone` in `quiet` seconds: how many messages were sent to it in all."""
        while True:
            count = len(self._replies[phone])
            try:
                async with asyncio.timeout(quiet):
                    await self.wait(phone, count + 1)
            except TimeoutError:
                return count

    def _send(self, body: bytes) -> bytes:
        at = perf_counter()
        if not body:  # a question for what customers sent: nothing that did not reach us
            return orjson.dumps({"messages": [], "page": 0, "page_size": 1000, "next_page_uri": None})
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        to, text = form["To"], form.get("Body", "")
        self._replies[to].append(Reply(at, text))
        if arrival := self._arrivals.get(to):
            arrival.set()
        self._count += 1
        return orjson.dumps(self._message(f"SM{self._count:032x}", form, text))

    def _message(self, sid: str, form: dict[str, str], body: str) -> dict[str, object]:
        """A Message resource as Twilio answers it on creation."""
        uri = f"/2010-04-01/Accounts/{self._account}/Messages/{sid}"
        return {
            "account_sid": self._account,
            "api_version": "2010-04-01",
            "body": body,
            "date_created": "Mon, 05 Jan 2026 10:00:00 +0000",
            "date_sent": None,
            "date_updated": "Mon, 05 Jan 2026 10:00:00 +0000",
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": form.get("From"),
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": sid,
            "status": "queued",
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": form["To"],
            "uri": f"{uri}.json",
        }
