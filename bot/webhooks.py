"""Events sent to the operator's systems, signed by the Standard Webhooks scheme (standardwebhooks.com).

What waits is in the store (`store.webhooks`): a process that dies in the middle costs a repetition under the same
`webhook-id`, never a loss. Endpoints are sent to side by side, so that a slow one holds up no other.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from base64 import b64encode
from collections.abc import Collection
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp.resolver import ThreadedResolver
from standardwebhooks import Webhook

from billing.calendar import CASABLANCA
from bot.channels.media import PrivateAddress, PublicAddresses, is_public
from bot.clock import Clock, system_clock
from bot.routine import Routine
from store import webhooks
from store.database import Database
from store.exchange_models import WebhookDelivery
from store.sealing import Keyring, NoKey, Unreadable

log = structlog.get_logger()

EVERY_SECONDS = 1.0
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
GONE = 410
PREFIX = "whsec_"


class BadAddress(ValueError):
    """An address that no webhook may have; the message is one line."""


def new_secret() -> str:
    """A signing secret as the scheme writes it; shown once."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def checked(url: str, private_hosts: Collection[str]) -> str:
    """An address to send to: https, or a host that the operator has named as one of its own. Raises `BadAddress`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadAddress("not an address") from error
    if not host or parts.username or parts.password or port == 0 or not _is_plain(url):
        raise BadAddress("not an address such as https://crm.example.ma/releve")
    own = host in private_hosts
    if parts.scheme != "https" and not (own and parts.scheme == "http"):
        raise BadAddress("must begin with https://")
    if not own and _is_number(host) and not is_public(host):
        raise BadAddress(f"{host} is not a public address: name it in RELEVE_WEBHOOK_PRIVATE_HOSTS if it is yours")
    return url


class Webhooks(Routine):
    """Sends what is due."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        private_hosts: Collection[str] = (),
        clock: Clock = system_clock,
        every: float = EVERY_SECONDS,
    ) -> None:
        super().__init__("webhooks", every)
        self._database = database
        self._keyring = keyring
        self._private_hosts = frozenset(private_hosts)
        self._clock = clock
        self._outside: aiohttp.ClientSession | None = None
        self._inside: aiohttp.ClientSession | None = None

    async def look(self) -> None:
        async with self._database.reading() as session:
            due = await webhooks.endpoints_due(session, self._clock())
        if due:
            await asyncio.gather(*(self._send_to(endpoint_id) for endpoint_id in due))

    async def stop(self) -> None:
        await super().stop()
        for session in (self._outside, self._inside):
            if session is not None:
                await session.close()
        self._outside = self._inside = None

    async def _send_to(self, endpoint_id: int) -> None:
        """Until nothing is due there."""
        while True:
            async with self._database.writing() as session:
                taken = await webhooks.take(session, endpoint_id, self._clock())
            if not taken:
                return
            results = await asyncio.gather(*(self._send(delivery) for delivery in taken))
            if not all(results):
                return

    async def _send(self, delivery: WebhookDelivery) -> bool:
        """Whether the endpoint took it."""
        status, answer = await self._answer(delivery)
        now = self._clock()
        async with self._database.writing() as session:
            if 200 <= status < 300:
                await webhooks.delivered(session, delivery.id, now)
            else:
                await webhooks.failed(session, delivery.id, answer, now, gone=status == GONE)
        if not 200 <= status < 300:
            log.warning("webhook.failed", endpoint=delivery.endpoint.name, id=delivery.id, answer=answer)
        return 200 <= status < 300

    async def _answer(self, delivery: WebhookDelivery) -> tuple[int, str]:
        """The status, 0 when there was no answer, and what to say of it."""
        try:
            url = checked(delivery.endpoint.url, self._private_hosts)
            secret = self._keyring.open_secret(delivery.endpoint.secret, webhooks.PURPOSE)
            body = body_of(delivery)
            headers = signed(secret, f"msg_{delivery.id}", self._clock(), body)
            session = self._session(urlsplit(url).hostname or "")
            async with session.post(url, data=body.encode(), headers=headers, allow_redirects=False) as response:
                return response.status, f"answered {response.status}"
        except TimeoutError:
            return 0, "did not answer in time"
        except PrivateAddress:
            return 0, "its name stands for an address that is not public"
        except (BadAddress, Unreadable, NoKey) as error:
            return 0, str(error)
        except aiohttp.ClientConnectorError as error:
            private = isinstance(error.os_error, PrivateAddress)
            return 0, "its name stands for an address that is not public" if private else "could not be reached"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return 0, f"could not be called: {type(error).__name__}"

    def _session(self, host: str) -> aiohttp.ClientSession:
        if host in self._private_hosts:
            if self._inside is None:
                self._inside = _client(ThreadedResolver())
            return self._inside
        if self._outside is None:
            self._outside = _client(PublicAddresses())
        return self._outside


def body_of(delivery: WebhookDelivery) -> str:
    """What is sent: the event, when it happened, and its data."""
    at = delivery.created_at.astimezone(CASABLANCA).isoformat(timespec="seconds")
    return json.dumps({"type": delivery.event, "timestamp": at, "data": delivery.data}, ensure_ascii=False)


def signed(secret: str, message_id: str, now: datetime, body: str) -> dict[str, str]:
    """The headers of the scheme."""
    moment = now.astimezone(UTC)
    return {
        "content-type": "application/json",
        "user-agent": "Releve",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, moment, body),
    }


def _client(resolver: aiohttp.abc.AbstractResolver) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(resolver=resolver, limit_per_host=webhooks.AT_ONCE)
    return aiohttp.ClientSession(
        connector=connector, timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )


def _is_plain(url: str) -> bool:
    """Of letters that an address is made of; a browser would write others as %…."""
    return url.isascii() and url.isprintable() and " " not in url


def _is_number(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
