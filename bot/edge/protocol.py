"""HTTP with an end: how long a request's head may be, and how slowly a request may come.

uvicorn waits for ever for a head that has begun, keeps all of it, and waits for ever for a body. Behind a proxy that
reads requests whole this is never met; without one, a few thousand idle connections would be all it takes.
"""

from __future__ import annotations

from asyncio import TimerHandle
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = structlog.get_logger()

MOST_HEAD_BYTES = 32 * 1024
MOST_HEADERS = 100
HEAD_SECONDS = 10.0
LOOK_SECONDS = 10.0
"""How often a body is looked at that is on its way."""
LEAST_BYTES = 1024 * LOOK_SECONDS
"""What of a body must have come between two looks, unless it was this service that did not read on."""


class BoundedProtocol(HttpToolsProtocol):
    """431 for a head that is too long, 408 and the end of the connection for one that is too slow."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: TimerHandle | None = None
        self._in_head = False
        self._in_request = False
        self._head_bytes = 0
        self._body_bytes = 0.0
        self._refusal: tuple[int, bytes] | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(431, b"the head of the request is too long")
        else:
            self._body_bytes += len(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_request = True
        self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS:
            self._refusal = (431, b"too many headers")
            raise ValueError("too many headers")

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()
        self._body_bytes = LEAST_BYTES
        self._timer = self.loop.call_later(LOOK_SECONDS, self._look_at_body)

    def on_message_complete(self) -> None:
        self._in_request = False
        self._stop_waiting()
        super().on_message_complete()
        if self.cycle.response_complete:  # answered before it was read to its end
            self._expect_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_request and not self.transport.is_closing():
            self._expect_head()  # beside uvicorn's own wait, which an empty line would end for ever

    def send_400_response(self, msg: str) -> None:
        if self._refusal is not None:
            self._refuse(*self._refusal)
        else:
            super().send_400_response(msg)

    def _expect_head(self) -> None:
        self._stop_waiting()
        self._in_head, self._head_bytes = True, 0
        self._timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _head_is_late(self) -> None:
        if self._head_bytes:
            self._refuse(408, b"the request took too long")
        else:
            self.transport.close()  # nothing was ever asked

    def _look_at_body(self) -> None:
        if self._body_bytes < LEAST_BYTES and not self.flow.read_paused:
            self._refuse(408, b"the request took too long")
            return
        self._body_bytes = 0.0
        self._timer = self.loop.call_later(LOOK_SECONDS, self._look_at_body)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int, reason: bytes) -> None:
        """Say why and hang up; if an answer has begun, only hang up."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        log.warning("http.refused", status=status, reason=reason.decode())
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(
                b"HTTP/1.1 %d \r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
                % (status, len(reason), reason)
            )
        self.transport.close()
