"""What can go wrong at a carrier, on demand: slow answers, refusals, connections cut at the worst moment."""

from __future__ import annotations

import asyncio
from collections import deque
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT = "releve.abort"
"""Name of the ASGI extension that cuts the connection of a request; `AbortingProtocol` provides it."""


class FaultKind(StrEnum):
    REFUSE = "refuse"  # answers `status`; nothing is accepted
    DROP = "drop"  # cuts the connection; nothing is accepted
    ACCEPT_THEN_DROP = "accept_then_drop"  # accepts, then cuts the connection: a send in doubt
    ACCEPT_THEN_HOLD = "accept_then_hold"  # accepts, answers after `seconds`: the client gives up first


class Fault(BaseModel):
    """A fault for the next `times` sends, or for the next `times` sends to the address `to`."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    times: Annotated[int, Field(ge=1)] = 1
    to: str | None = None
    status: Annotated[int, Field(ge=400, le=599)] = 500
    retry_after: Annotated[int, Field(ge=1)] = 1
    """Seconds; told by Telegram's 429, which is the only one that has it."""
    seconds: Annotated[float, Field(ge=0)] = 60.0

    @property
    def cuts(self) -> bool:
        return self.kind in (FaultKind.DROP, FaultKind.ACCEPT_THEN_DROP)

    @property
    def accepts(self) -> bool:
        return self.kind in (FaultKind.ACCEPT_THEN_DROP, FaultKind.ACCEPT_THEN_HOLD)


class Faults:
    """The faults of one carrier. They concern sends only: other requests are answered as usual."""

    def __init__(self) -> None:
        self.latency = 0.0
        """Seconds that every send waits before it is looked at."""
        self._open = asyncio.Event()
        self._open.set()
        self._queue: deque[Fault] = deque()

    def add(self, fault: Fault) -> None:
        self._queue.append(fault.model_copy())

    def hold(self, held: bool) -> None:
        """Keep all sends waiting at the door, or let them in."""
        if held:
            self._open.clear()
        else:
            self._open.set()

    def clear(self) -> None:
        self.latency = 0.0
        self._queue.clear()
        self._open.set()

    async def meet(self, to: str) -> Fault | None:
        """Wait as long as sends wait now, then tell which fault this one meets."""
        if self.latency:
            await asyncio.sleep(self.latency)
        if not self._open.is_set():
            await self._open.wait()
        for fault in self._queue:
            if fault.to in (None, to):
                fault.times -= 1
                if not fault.times:
                    self._queue.remove(fault)
                return fault
        return None

    def as_json(self) -> dict[str, Any]:
        return {
            "latency": self.latency,
            "hold": not self._open.is_set(),
            "queue": [fault.model_dump(mode="json") for fault in self._queue],
        }


class AbortingProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with the extension `ABORT`, without which no server can drop a connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {ABORT: self.transport.abort}
        self.scope["extensions"] = extensions


def can_abort(request: Request) -> bool:
    """Whether the server running us lets a request cut its connection."""
    return ABORT in request.scope.get("extensions", {})


async def abort(request: Request) -> Response:
    """Cut the connection. The response is only there because a handler returns one: nobody receives it."""
    request.scope["extensions"][ABORT]()
    await asyncio.sleep(0)  # lets the server notice, so that it does not log a broken answer
    return Response(status_code=499)
