"""`releve demo` as a newcomer meets it: one command, phones to write from, a desk to answer at, in a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest_asyncio
from browser import open_browser
from playwright.async_api import expect


@dataclass(frozen=True, slots=True)
class Demo:
    """Where a demo listens, and the file with what it prints."""

    address: str
    printed: Path


@pytest_asyncio.fixture
async def demo(model: Path, tmp_path: Path) -> AsyncIterator[Demo]:
    """A demo of its own process and database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    printed = tmp_path / "printed"
    with printed.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "demo", "--port", str(port), "--data", str(tmp_path / "demo.db")),
            env=os.environ | {"RELEVE_MODEL_DIR": str(model), "COLUMNS": "200"},
            stderr=file,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(600):
                assert process.returncode is None, "the demo ended by itself"
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{address}/readyz")).status_code == 200:
                        break
                await asyncio.sleep(0.1)
        yield Demo(address, printed)
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def test_a_newcomer_texts_a_reading_on_each_phone(demo: Demo) -> None:
    async with open_browser() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        await page.goto(f"{demo.address}/try/")
        await page.wait_for_selector("body[data-ready=true]")
        for phone in ("sms", "whatsapp", "telegram"):
            box = page.locator(f"#{phone} textarea, #{phone} input[type=text]").first
            await box.fill("48213")
            await box.press("Enter")
            await expect(page.locator(f"#{phone} .theirs").first).to_be_visible(timeout=20_000)
        await expect(page.locator("#sms .theirs").first).to_contain_text("R-")
        await page.locator("#telegram .keyboard button").first.click()
        await expect(page.locator("#telegram .theirs").last).to_contain_text("R-", timeout=20_000)
        if picture := os.environ.get("RELEVE_PICTURE"):
            await page.screenshot(path=picture)


async def test_a_newcomer_signs_in_at_the_desk_as_the_demo_says(demo: Demo) -> None:
    printed = demo.printed.read_text(encoding="utf-8")
    [address] = re.findall(r"The desk\s+(\S+)", printed)
    [(email, password)] = re.findall(r"Sign in as\s+(\S+)\s+password (\S+)", printed)
    async with open_browser() as browser:
        page = await browser.new_page()
        await page.goto(address)
        await page.locator("input[name=email]").fill(email)
        await page.locator("input[name=password]").fill(password)
        await page.locator("main button[type=submit]").first.click()
        await page.wait_for_url(f"{demo.address}/desk/queue")
        await expect(page.locator(".row")).to_have_count(4)  # people who wait already
