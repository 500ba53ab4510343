"""Processes of ours as an operator starts them, with the emulators in a process of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from accounts import BOT_TOKEN, SECRET, SID, SMS_FROM, TOKEN, WHATSAPP_FROM

START_SECONDS = 180
STOP_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(database_url: str, base: str, carriers: str, model: Path, **more: str) -> dict[str, str]:
    """Settings of a process, with both carriers at `carriers`; `more` without the prefix."""
    settings = {
        "DATABASE_URL": database_url,
        "PUBLIC_URL": base,
        "MODEL_DIR": str(model),
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_SMS_FROM": SMS_FROM,
        "TWILIO_WHATSAPP_FROM": WHATSAPP_FROM,
        "TWILIO_SMS_PER_SECOND": "200",
        "TWILIO_API_URL": f"{carriers}/carriers/twilio",
        "TELEGRAM_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": f"{carriers}/carriers/telegram",
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "LOG_FORMAT": "json",
        **more,
    }
    return {f"RELEVE_{name}": value for name, value in settings.items()}


@dataclass
class Releve:
    """One `releve serve` or `releve worker`. Its log is appended to `log`."""

    settings: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    arguments: tuple[str, ...] = ("serve",)
    process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", *self.arguments, "--port", str(self.port)),
                env=os.environ | self.settings | {"PYTHONFAULTHANDLER": "1"},
                stdout=log,
                stderr=log,
            )
        async with httpx.AsyncClient() as client:
            for _ in range(START_SECONDS * 10):
                assert self.process.returncode is None, self.log.read_text(encoding="utf-8")
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{self.address}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.1)
        raise TimeoutError(f"not ready: {self.log.read_text(encoding='utf-8')}")

    def tell(self, number: signal.Signals = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> int:
        """The exit code. A process that does not end says where it stands before it is ended."""
        assert self.process is not None
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.tell(signal.SIGABRT)
            await self.process.wait()
            raise AssertionError(self.log.read_text(encoding="utf-8")[-8000:]) from None

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@contextlib.asynccontextmanager
async def emulators(base: str, ledger: Path, *, receipts: bool = False) -> AsyncIterator[str]:
    """The carriers' emulators, which bring messages to `base`; gives their address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.tryit", "--webhook-base", base, "--ledger", str(ledger)),
        *("--twilio-account-sid", SID, "--twilio-auth-token", TOKEN, "--telegram-token", BOT_TOKEN),
        *("--telegram-secret", SECRET, "--sms-from", SMS_FROM, "--whatsapp-from", WHATSAPP_FROM),
        *("--retries", "1000", *(() if receipts else ("--receipts", "off"))),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
    finally:
        process.terminate()
        await process.wait()
