"""The customers' side over HTTP: play a phone, read its screen, make the carriers fail, read their books.

Used by the page's script, by the tests and by the measurements.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.channels.carrier import Channel
from bot.tryit.customer import CustomerAction, chat_id_for
from bot.tryit.faults import Fault, can_abort
from bot.tryit.ledger import Ledger
from bot.tryit.phone import Event, PhoneKey, PhoneMessage, Phones
from bot.tryit.received import ReceivedFiles
from bot.tryit.telegram_emulator import TelegramEmulator
from bot.tryit.twilio_emulator import TwilioEmulator

PHONE_CHANNELS = (Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM)
MAX_WAIT_SECONDS = 60.0
HEARTBEAT_SECONDS = 15.0
MAX_STREAMED_PHONES = 20


class FaultOrder(BaseModel):
    """Body of `POST /faults`. What is left out stays as it is; `clear` comes first."""

    model_config = ConfigDict(extra="forbid")

    carrier: Literal["twilio", "telegram"]
    clear: bool = False
    latency: Annotated[float, Field(ge=0)] | None = None
    hold: bool | None = None
    queue: list[Fault] = []


class CustomerApi:
    """The routes; see each handler for what it takes and answers."""

    def __init__(
        self,
        phones: Phones,
        files: ReceivedFiles,
        ledger: Ledger,
        twilio: TwilioEmulator,
        telegram: TelegramEmulator,
    ) -> None:
        self._phones = phones
        self._files = files
        self._ledger = ledger
        self._twilio = twilio
        self._telegram = telegram
        self.routes = [
            Route("/customer/events", self._events, methods=["GET"]),
            Route("/customer/files/{id}/{name}", self._file, methods=["GET"]),
            Route("/customer/{channel}", self._act, methods=["POST"]),
            Route("/customer/{channel}/{address}/messages", self._messages, methods=["GET"]),
            Route("/faults", self._show_faults, methods=["GET"]),
            Route("/faults", self._set_faults, methods=["POST"]),
            Route("/ledger", self._show_ledger, methods=["GET"]),
        ]

    async def _act(self, request: Request) -> Response:
        """A `CustomerAction` as JSON; answers `{"id", "status", "statuses"}` once the webhook has answered.

        `statuses` has one webhook status per post, null for no answer; `status` is the first.
        """
        channel = _channel(request.path_params["channel"])
        if channel is None:
            return _error(404, "the phones have sms, whatsapp and telegram")
        if not request.headers.get("content-type", "").startswith("application/json"):
            return _error(415, "send JSON")  # which no other site can make a browser send
        try:
            action = CustomerAction.model_validate_json(await request.body())
            if channel is Channel.TELEGRAM:
                carrier_id, statuses = await self._telegram.customer_does(action)
            else:
                carrier_id, statuses = await self._twilio.customer_does(channel, action)
        except ValueError as error:  # pydantic's errors too
            return _error(422, str(error))
        first = statuses[0] if statuses else None
        return JSONResponse({"id": carrier_id, "status": first, "statuses": statuses})

    async def _messages(self, request: Request) -> Response:
        """What is on a phone's screen, oldest first: `{"messages": [...]}`.

        `after` leaves out messages up to that number. `wait` (seconds, at most 60) waits for a message from
        the house when none is there yet.
        """
        channel = _channel(request.path_params["channel"])
        if channel is None:
            return _error(404, "the phones have sms, whatsapp and telegram")
        phone = _phone(channel, request.path_params["address"])
        try:
            after = int(request.query_params.get("after", 0))
            wait = min(float(request.query_params.get("wait", 0)), MAX_WAIT_SECONDS)
        except ValueError:
            return _error(422, "after and wait are numbers")
        with self._phones.watch([phone]) as watcher:
            messages = self._phones.messages(phone, after)
            deadline = asyncio.get_running_loop().time() + wait
            while all(message.mine for message in messages):
                left = deadline - asyncio.get_running_loop().time()
                try:
                    await asyncio.wait_for(watcher.get(), max(left, 0))
                except TimeoutError:
                    break
                messages = self._phones.messages(phone, after)
        return JSONResponse({"messages": [message.as_json() for message in messages]})

    async def _events(self, request: Request) -> Response:
        """Server-sent events of the phones named by `phone=channel:address` (repeated).

        First everything on their screens, then what happens: `message` (new or changed, same `id`) and
        `notice`. Each is JSON.
        """
        phones = []
        for name in request.query_params.getlist("phone"):
            channel = _channel(name.partition(":")[0])
            if channel is None:
                return _error(422, f"no such phone: {name}")
            phones.append(_phone(channel, name.partition(":")[2]))
        if not 1 <= len(phones) <= MAX_STREAMED_PHONES:
            return _error(422, f"name 1 to {MAX_STREAMED_PHONES} phones")
        return StreamingResponse(
            self._stream(phones), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _stream(self, phones: list[PhoneKey]) -> AsyncIterator[str]:
        with self._phones.watch(phones) as watcher:
            for phone in phones:
                for message in self._phones.messages(phone):
                    yield _sse(message)
            yield "event: ready\ndata: {}\n\n"
            while True:
                try:
                    event = await asyncio.wait_for(watcher.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if event is None:  # events were lost: the browser opens the stream again and gets everything
                    return
                yield _sse(event)

    async def _file(self, request: Request) -> Response:
        """A picture or document that a phone received, as the carrier got it."""
        file = self._files.get(request.path_params["id"])
        if file is None or file.name != request.path_params["name"]:
            return _error(404, "no such file, or no longer")
        headers = {
            "Cache-Control": "private, max-age=3600, immutable",
            "Content-Disposition": "inline",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(file.content, media_type=file.content_type, headers=headers)

    async def _show_faults(self, _request: Request) -> Response:
        return JSONResponse({"twilio": self._twilio.faults.as_json(), "telegram": self._telegram.faults.as_json()})

    async def _set_faults(self, request: Request) -> Response:
        """A `FaultOrder` as JSON; answers as `GET /faults`. 409 when this server cannot cut connections."""
        try:
            order = FaultOrder.model_validate_json(await request.body())
        except ValidationError as error:
            return _error(422, str(error))
        if any(fault.cuts for fault in order.queue) and not can_abort(request):
            return _error(409, "only the stand-alone emulator can cut connections: python -m bot.tryit")
        faults = (self._twilio if order.carrier == "twilio" else self._telegram).faults
        if order.clear:
            faults.clear()
        if order.latency is not None:
            faults.latency = order.latency
        if order.hold is not None:
            faults.hold(order.hold)
        for fault in order.queue:
            faults.add(fault)
        return await self._show_faults(request)

    async def _show_ledger(self, request: Request) -> Response:
        """JSON lines, oldest first; `after` leaves out lines up to that number."""
        try:
            after = int(request.query_params.get("after", 0))
        except ValueError:
            return _error(422, "after is a number")
        lines = "".join(f"{line}\n" for line in self._ledger.lines(after))
        return Response(lines, media_type="application/jsonl")


def _channel(name: str) -> Channel | None:
    return Channel(name) if name in PHONE_CHANNELS else None


def _phone(channel: Channel, address: str) -> PhoneKey:
    """The phone of an address; on Telegram a number stands for its chat."""
    if channel is Channel.TELEGRAM and address.startswith("+"):
        address = chat_id_for(address)
    return PhoneKey(channel, address)


def _sse(event: Event) -> str:
    if isinstance(event, PhoneMessage):
        name, data = "message", event.as_json()
    else:
        name, data = (
            "notice",
            {"channel": event.phone.channel, "address": event.phone.address, "text": event.text},
        )
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _error(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status_code=status)
