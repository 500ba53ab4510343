"""The carrier emulators against the carriers' own SDKs, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
import telegram
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter
from telegram.request import HTTPXRequest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList

from bot.channels.carrier import Channel
from bot.tryit import EmulatorConfig, demo_customers, tryit_app
from bot.tryit.customer import CustomerAction, chat_id_for
from bot.tryit.faults import AbortingProtocol
from bot.tryit.ledger import Ledger
from bot.tryit.phone import PhoneKey, Phones
from bot.tryit.sms_parts import count_parts

SID = "AC" + "1" * 32
AUTH_TOKEN = "test-auth-token"
BOT_TOKEN = "1000000001:test-token"
SECRET = "test-secret"
OUR_SMS = "+212500000000"
OUR_WHATSAPP = "+212500000001"
CUSTOMER = "+212600000001"
CHAT = chat_id_for(CUSTOMER)


class House:
    """Stands for us: keeps every webhook it gets, answers `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[SimpleNamespace] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        form = dict((await request.form()).items()) if b"=" in body and body[:1] != b"{" else {}
        self.requests.append(
            SimpleNamespace(path=request.url.path, headers=request.headers, body=body, form=form)
        )
        return Response(status_code=self.status)

    def paths(self, path: str) -> list[SimpleNamespace]:
        return [request for request in self.requests if request.path == path]


class RedirectedTwilio(AsyncTwilioHttpClient):
    """The SDK's client, sending to the emulator what is meant for Twilio."""

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._base = base

    async def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        for host in ("https://api.twilio.com", "https://content.twilio.com"):
            url = url.replace(host, self._base)
        if (kwargs.get("headers") or {}).get("Content-Type") == "application/json":
            kwargs["data"] = json.dumps(kwargs["data"])  # the SDK's async client would send a form
        return await super().request(method, url, *args, **kwargs)


@asynccontextmanager
async def serving(app: Starlette, **config: Any) -> AsyncIterator[str]:
    """Serve on a free port of this machine; gives the address."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="critical", ws="none", timeout_graceful_shutdown=1, **config)
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
        if task.done():
            task.result()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
