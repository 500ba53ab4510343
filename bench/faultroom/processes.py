"""Relève and the carriers in processes of their own. Relève is started again whenever it ends, as by a supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from time import monotonic

import httpx

from bot.settings import PROJECT

START_SECONDS = 240.0
STOP_SECONDS = 40.0
RESTART_SECONDS = 0.5

SID, TOKEN = "AC" + "f" * 32, "fault-room-token"
BOT_TOKEN, SECRET = "1000000001:fault-room", "fault-room-secret"
SMS_FROM, WHATSAPP_FROM = "+212520000001", "+212520000002"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Supervised:
    """One `releve serve` that is kept running. `module` is what Python runs; `log` gets what it says."""

    def __init__(self, port: int, environment: Mapping[str, str], log: Path, module: str = "bot") -> None:
        self.port = port
        self.starts = 0
        self.exit_codes: list[int] = []
        self._environment = os.environ | environment
        self._log = log
        self._module = module
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start, and keep running. Returns once it is ready."""
        self._keeper = asyncio.create_task(self._keep())
        await self.ready()

    async def ready(self) -> None:
        """Raises `TimeoutError`."""
        deadline = monotonic() + START_SECONDS
        async with httpx.AsyncClient(timeout=5) as client:
            while monotonic() < deadline:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.1)
        raise TimeoutError(f"not ready after {START_SECONDS:.0f} s: {self._log}")

    async def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that runs now; wait for its end if it is to end."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        if number is signal.SIGKILL:
            await process.wait()

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def _keep(self) -> None:
        while True:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", self._module, "serve", "--port", str(self.port)),
                    cwd=PROJECT,
                    env=self._environment,
                    stdout=log,
                    stderr=log,
                )
            self.starts += 1
            self.exit_codes.append(await self._process.wait())
            await asyncio.sleep(RESTART_SECONDS)


def environment(database_url: str, model: Path, base: str, carriers: str, **settings: str | float) -> dict[str, str]:
    """The settings of a Relève with both carriers; `settings` are more of them, without the prefix."""
    named = {
        "database_url": database_url,
        "public_url": base,
        "model_dir": str(model),
        "twilio_account_sid": SID,
        "twilio_auth_token": TOKEN,
        "twilio_sms_from": SMS_FROM,
        "twilio_whatsapp_from": WHATSAPP_FROM,
        "twilio_sms_per_second": "200",
        "twilio_whatsapp_per_second": "200",
        "twilio_api_url": f"{carriers}/carriers/twilio",
        "telegram_token": BOT_TOKEN,
        "telegram_api_url": f"{carriers}/carriers/telegram",
        "telegram_webhook_secret": SECRET,
        **settings,
    }
    return {f"RELEVE_{name.upper()}": str(value) for name, value in named.items()}


@contextlib.asynccontextmanager
async def carriers(base: str, ledger: Path, receipts: str = "off") -> AsyncIterator[str]:
    """The emulators, which post to `base` and never give up; gives their address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.tryit", "--webhook-base", base, "--ledger", str(ledger)),
        *("--twilio-account-sid", SID, "--twilio-auth-token", TOKEN, "--telegram-token", BOT_TOKEN),
        *("--telegram-secret", SECRET, "--sms-from", SMS_FROM, "--whatsapp-from", WHATSAPP_FROM),
        *("--retries", "1000", "--retry-5xx", "--receipts", receipts),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await asyncio.wait_for(process.stdout.readline(), START_SECONDS)).decode().strip()
    finally:
        process.terminate()
        await process.wait()
