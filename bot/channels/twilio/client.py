"""The HTTP client under Twilio's SDK.

The SDK's own `AsyncTwilioHttpClient` (9.13) waits for ever, form-encodes JSON bodies (twilio-python issue
932, so the Content API cannot be used with it) and drops the headers of an error, Retry-After among them.
"""

from __future__ import annotations

import json
import logging
import math
from typing import Any
from urllib.parse import urlencode

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from yarl import URL

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0


class NotStarted(Exception):
    """The client is closed: nothing was sent."""


class Unavailable(Exception):
    """Twilio answered 429 or 5xx. `retry_after` is in seconds, when the answer said so."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.retry_after = retry_after


class TwilioHttp(AsyncHttpClient):
    """One connection pool for all calls, opened by `open` and closed by `close`.

    `api_url` replaces the scheme and host of every address of Twilio's; paths stay as they are.
    """

    def __init__(self, api_url: str | None = None) -> None:
        # The SDK logs each URL at INFO, which names the account and, in lists, the customer's number.
        logger = logging.getLogger("twilio.async_http_client")
        logger.setLevel(logging.WARNING)
        super().__init__(logger, is_async=True, timeout=TOTAL_SECONDS)
        self._api_url = URL(api_url) if api_url else None
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Must be called in the event loop that will send."""
        timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS)
        # Without a cookie jar, which is looked through at each request: Twilio's API sets none.
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        session, self._session = self._session, None
        if session:
            await session.close()

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  (the SDK's signature; the session's timeouts hold)
        allow_redirects: bool = False,
    ) -> Response:
        """The SDK's one way out. Raises `Unavailable`, `NotStarted`, and aiohttp's errors."""
        if self._session is None:
            raise NotStarted
        headers = dict(headers or {})
        is_json = headers.get("Content-Type") == "application/json"
        if auth:
            headers["Authorization"] = aiohttp.encode_basic_auth(*auth)
        async with self._session.request(
            method,
            self._address(uri),
            params=params,
            data=_body(data, is_json=is_json),
            headers=headers,
            allow_redirects=allow_redirects,
        ) as answer:
            if answer.status == 429 or answer.status >= 500:
                raise Unavailable(answer.status, _seconds(answer.headers.get("Retry-After")))
            return Response(answer.status, await answer.text(), answer.headers)

    def _address(self, uri: str) -> URL:
        url = URL(uri)
        if self._api_url is None:
            return url
        return self._api_url.with_path(self._api_url.path.rstrip("/") + url.path).with_query(url.query)


def _body(data: dict[str, Any] | None, *, is_json: bool) -> str | bytes | None:
    """As the SDK's `Content-Type` says. Encoded here: aiohttp builds a multi-dictionary of a form first."""
    if is_json:
        return json.dumps(data)
    return urlencode(data, doseq=True).encode() if data else None


def _seconds(retry_after: str | None) -> float | None:
    try:
        seconds = float(retry_after or "")
    except ValueError:  # an HTTP date, which Twilio does not send
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
