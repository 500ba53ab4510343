"""HTTP over plain sockets, as lean as it goes: where load and servers share cores, the load must cost little.

Nothing here is for production: no TLS, no redirects, no chunked requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools

Handler = Callable[[bytes], bytes]
"""From a request's body to the JSON of the answer, 201."""


class WireError(Exception):
    """The connection was refused or lost before the answer was whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class Poster:
    """Posts to one address over connections that stay open, as many as there are posts at the same time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._path = parts.path
        self._free: list[_Connection] = []

    def request(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The bytes of a request; made ahead, they cost nothing while measuring."""
        lines = [f"POST {self._path} HTTP/1.1", f"Host: {self._host}:{self._port}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() not in _OURS]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def post(self, request: bytes) -> Answer:
        """Raises `WireError`."""
        while self._free:
            connection = self._free.pop()
            try:
                answer = await connection.exchange(request)
                break
            except WireError:  # closed for having been idle, perhaps just now
                continue
        else:
            connection = await self._open()
            answer = await connection.exchange(request)
        if connection.is_open:
            self._free.append(connection)
        return answer

    def close(self) -> None:
        for connection in self._free:
            connection.close()
        self._free.clear()

    async def _open(self) -> _Connection:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(_Connection, self._host, self._port)
        except OSError as error:
            raise WireError(f"no connection to port {self._port}: {error}") from error
        return connection


_OURS = ("host", "content-length")


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._parts: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def exchange(self, request: bytes) -> asyncio.Future[Answer]:
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            self._answer.set_exception(WireError("the server closed the connection"))
        else:
            self._transport.write(request)
        return self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WireError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), b"".join(self._parts))
        self._parts.clear()
        if not self._parser.should_keep_alive():
            self.close()
        self._parser = httptools.HttpResponseParser(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)


async def listen(handler: Handler) -> tuple[asyncio.Server, int]:
    """Answer every request on a free loopback port with `handler`; returns the server and its port."""
    server = await asyncio.get_running_loop().create_server(lambda: _Served(handler), "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    return server, port


class _Served(asyncio.Protocol):
    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self._parts.clear()

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        answer = self._handler(b"".join(self._parts))
        if self._transport is not None:
            head = f"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
            self._transport.write(head.encode() + answer)
