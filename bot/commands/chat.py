"""`releve chat`: the terminal as a phone. A message typed here takes the same path as a carrier's."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Mapping

from fastapi import APIRouter
from rich.console import Console

from bot.channels.carrier import Accepted, Channel, Inbound, Intake, Kind, Media, NotFetched, Outbound, RateLimits
from bot.phones import e164
from bot.service import Service
from bot.settings import Settings


class TerminalCarrier:
    """Prints replies; buttons are numbered, as in an SMS, and of a picture or a document there is the name."""

    name = "terminal"
    channels = frozenset({Channel.TERMINAL})

    def __init__(self, console: Console) -> None:
        self._console = console

    @property
    def limits(self) -> Mapping[Channel, RateLimits]:
        return {}

    def router(self, intake: Intake) -> APIRouter:
        return APIRouter()

    async def send(self, message: Outbound) -> Accepted:
        lines = [message.text]
        if message.attachment:
            lines.append(f"  [{message.attachment.name}]")
        lines += (f"  {n}. {button.title}" for n, button in enumerate(message.buttons, 1))
        self._console.print("\n".join(lines), style="green", markup=False, highlight=False)
        return Accepted(str(message.key))

    async def find_sent(self, message: Outbound, known: frozenset[str] = frozenset()) -> Accepted | None:
        """A terminal that was closed has shown nothing: send again."""
        return None

    async def fetch(self, media: Media) -> bytes:
        raise NotFetched("nothing but text comes from a terminal", is_gone=True)

    async def start(self, intake: Intake | None) -> None:
        return None

    async def stop(self) -> None:
        return None


async def run(settings: Settings, phone: str) -> None:
    """Converse until the end of input. Raises `NoModel`, `NotReady`, `Fault` for a phone that is none."""
    address = e164(phone, "MA")
    console = Console()
    service = Service.build(settings, extra_carriers=[TerminalCarrier(console)])
    await service.start()
    try:
        console.print(f"You write as {address}. End with Ctrl-D.", style="dim")
        while line := await asyncio.to_thread(_prompt):
            message = Inbound(Channel.TERMINAL, uuid.uuid4().hex, address, Kind.TEXT, text=line.rstrip("\n"))
            await service.inbox.accept([message])
            await service.worker.idle()
    finally:
        await service.stop()


def _prompt() -> str:
    if sys.stdin.isatty():
        sys.stdout.write("> ")
        sys.stdout.flush()
    return sys.stdin.readline()
